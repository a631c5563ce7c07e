"""What is known of earlier runs of a graph: from their reports where those are whole, else folded anew.

Only what a comparison needs is read, so fifty runs take no longer than a glance. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from runner.errors import DamagedJournal, GraphError, RunnerFault, UsageError
from runner.graph.check import Loaded
from runner.graph.model import Graph
from runner.plain import decode
from runner.record.folder import RunFolder
from runner.record.folding import fold
from runner.record.journal import read
from runner.record.kept import graph_kept
from runner.record.report import SCHEMA, GraphName, Report
from runner.schedule.messages import RunOpened

READ_AT_ONCE = 32 * 1024 * 1024
"""Bytes of earlier reports that a run reads when it ends; of a graph of 10,000 tasks that are the last two."""


class RememberedCheck(Struct, frozen=True, kw_only=True):
    """One check of a task."""

    name: str
    verdict: str
    expected: Any = None
    observed: Any = None
    message: str = ""
    attempt: int = 0


class RememberedAttempt(Struct, frozen=True, kw_only=True):
    """One attempt of a task."""

    number: int
    seconds: float
    outcome: str
    cause: str | None = None


class RememberedTask(Struct, frozen=True, kw_only=True):
    """One task."""

    id: str
    state: str
    required: bool
    flaky: bool
    key: str
    definition: str
    attempts: tuple[RememberedAttempt, ...]
    checks: tuple[RememberedCheck, ...]

    @property
    def seconds(self) -> float | None:
        """What the attempt that succeeded took, None if none did in that run."""
        last = self.attempts[-1] if self.attempts else None
        return last.seconds if last is not None and last.outcome == "succeeded" else None

    @property
    def counted(self) -> Mapping[str, RememberedCheck]:
        """The checks of the last attempt, by name."""
        last = self.attempts[-1].number if self.attempts else 0
        return {check.name: check for check in self.checks if check.attempt == last}


class Remembered(Struct, frozen=True, kw_only=True):
    """One earlier run."""

    schema: int
    run: str
    graph: GraphName
    verdict: str
    exit_code: int
    started: str
    seconds: float
    params: Mapping[str, Any]
    tasks: tuple[RememberedTask, ...]
    complete: bool = True
    cancelled: str | None = None


def remembered(report: Report) -> Remembered:
    """Answer what is remembered of a run whose report is at hand."""
    return msgspec.convert(report, Remembered, from_attributes=True)


def written(run: RunFolder) -> Remembered | None:
    """Answer what the report.json of a run says, None if there is none, or it is damaged or of another version."""
    try:
        found: Remembered = decode(Remembered, run.report.read_bytes())
    except (OSError, ValueError, RecursionError):  # a border: anybody may have written this file
        return None
    return found if found.schema == SCHEMA and found.run == run.name else None


def recalled(run: RunFolder) -> Remembered:
    """Answer what is known of a run: what its report says, else what its journal does.

    Raises:
        UsageError, DamagedJournal, RunnerFault: neither can be read.

    """
    return written(run) or remembered(refolded(run))


def refolded(run: RunFolder) -> Report:
    """Fold the report of a run from its journal and its graph file.

    Raises:
        UsageError: the run was ended before it began, or its graph file is not that of its events.
        DamagedJournal, RunnerFault: what is kept of it was damaged since.

    """
    try:
        events = read(run.journal).events if run.journal.exists() else ()
    except OSError as error:  # a border: the folder may be half a folder
        raise RunnerFault(f"run `{run.name}`: its journal cannot be read: {error.strerror}") from error
    if not events:
        raise UsageError(f"run `{run.name}` was ended before it began: its journal tells nothing")
    if not isinstance(events[0], RunOpened):
        raise DamagedJournal(str(run.journal), 2, "it does not begin with the start of a run")
    try:
        graph = _as_called(graph_kept(run), events[0].file)
    except (GraphError, UsageError) as error:  # a border: what was a graph when it ran has been damaged since
        first = error.problems[0].message if isinstance(error, GraphError) else str(error)
        raise RunnerFault(f"run `{run.name}`: its copy of the graph file is damaged: {first}") from error
    return fold(graph, events)


def _as_called(loaded: Loaded, file: str) -> Graph:
    """Name a graph without a name of its own after the file it was in, not after the copy that is kept of it."""
    named = isinstance(loaded.document.data, dict) and "name" in loaded.document.data
    return loaded.graph if named or not file else replace(loaded.graph, name=Path(file).stem)


def as_reported(run: RunFolder) -> Report | None:
    """Answer the report that a run wrote itself, None if there is none, or it is damaged or of another version."""
    try:
        found: Report = decode(Report, run.report.read_bytes())
    except (OSError, ValueError, RecursionError):  # a border: anybody may have written this file
        return None
    return found if found.schema == SCHEMA and found.run == run.name else None


def runs_before(runs: Sequence[RunFolder], new: str, file: str) -> Iterator[Remembered]:
    """Answer the runs of the same graph file before a `new` one that have a report, the latest first, up to a size."""
    size = 0
    for run in reversed([run for run in runs if run.name < new]):
        found = written(run)
        if found is not None and found.graph.file == file:
            yield found
            size += run.report.stat().st_size
            if size > READ_AT_ONCE:
                return
