"""What past runs of a graph took, attempt by attempt: one small file a graph in `.runner/history/`.

The file is derived from journals, and nothing rests on it: one that is missing, damaged or behind is made anew from the
runs that are kept (`caught_up`). A run adds itself when it ends; a run that begins reads what is there and no journal.
Knows no plan: what the figures are good for is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from msgspec import DecodeError, Meta, Struct
from msgspec.json import decode, encode

from runner.errors import DamagedJournal, GraphError, RunnerFault, UsageError
from runner.graph.definition import definition_of
from runner.graph.fan_out import opened
from runner.graph.model import Graph
from runner.record.folder import RunFolder, StateFolder, write_whole
from runner.record.journal import read
from runner.record.kept import graph_kept
from runner.schedule.history import Stories, stories_of
from runner.schedule.messages import RunOpened
from runner.task import Succeeded

FORMAT = 1
LARGEST = 50_000
"""How many task runs are kept in all; of a graph of 10,000 tasks that is the last five runs."""
FEWEST = 3
"""How many runs are kept however large they are."""


Seconds = Annotated[float, Meta(ge=0)]


class TaskRun(Struct, frozen=True, array_like=True):
    """What one task took in one run: `seconds` of its success, None if there was none, after `failed` attempts."""

    definition: str
    failed: tuple[Seconds, ...] = ()
    seconds: Seconds | None = None


class RunMeasured(Struct, frozen=True, kw_only=True):
    """What one run took: its tasks by id, and the seconds after which its services were ready."""

    tasks: dict[str, TaskRun] = {}
    services: dict[str, Seconds] = {}


class _Written(Struct, frozen=True):
    """The file."""

    history: int
    runs: dict[str, RunMeasured]


Measured = Mapping[str, RunMeasured]
"""What past runs of one graph took, by run, the oldest first."""


class History:
    """What is kept in a state folder of the past runs of one graph file; `graph` is where that is found."""

    def __init__(self, state: StateFolder, graph: Path) -> None:
        self._graph = graph.resolve()
        self.file = state.index(graph, "")

    def read(self) -> Measured:
        """Answer what is written down, nothing where there is no such file or it was damaged; reads no run."""
        try:
            written = decode(self.file.read_bytes(), type=_Written)
        except (OSError, DecodeError, RecursionError):  # a border: a derived file
            return {}
        return written.runs if written.history == FORMAT else {}

    def caught_up(self, runs: Sequence[RunFolder]) -> Measured:
        """Answer what these runs (the oldest first) took, reading those that are not written down yet."""
        known = self.read()
        found = latest((run.name, known.get(run.name) or self._looked_up(run)) for run in reversed(runs))
        under_way = {run.name for run in runs[-1:] if not run.report.exists()}
        settled = {name: each for name, each in found.items() if name not in under_way}
        if settled != known:
            with suppress(RunnerFault, OSError):  # a border: a state folder that we may only read is slower, not worse
                self._write(settled)
        return found

    def add(self, run: str, stories: Stories, graph: Graph) -> None:
        """Write down what a run took that is over."""
        known = {**self.read(), run: measured_of(graph, stories)}
        with suppress(RunnerFault, OSError):  # a border: the run is over, and its journal holds the same
            self._write(latest(sorted(known.items(), reverse=True)))

    def _looked_up(self, run: RunFolder) -> RunMeasured | None:
        try:
            events = read(run.journal).events
            if not events or not isinstance(events[0], RunOpened):
                return None
            same = run.is_of(self._graph, events[0].file)
            return measured_of(graph_kept(run).graph, stories_of(events)) if same else RunMeasured()
        except (OSError, DamagedJournal, GraphError, UsageError):  # a border: what was damaged tells nothing
            return None

    def _write(self, measured: Measured) -> None:
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self.file, encode(_Written(history=FORMAT, runs=dict(measured))).decode())


def measured_of(graph: Graph, stories: Stories) -> RunMeasured:
    """Answer what the tasks and services of a run took."""
    graph = opened(graph, {name: items for name, items in stories.items.items() if name in graph.tasks})
    tasks: dict[str, TaskRun] = {}
    for name in (name for name in stories.tasks if name in graph.tasks):
        over = [each for each in stories.of(name).attempts if each.started is not None and each.outcome is not None]
        good = [isinstance(each.outcome, Succeeded) for each in over]
        took = [round(each.seconds, 6) for each in over]
        if over:
            tasks[name] = TaskRun(
                definition=definition_of(graph, graph.tasks[name]),
                failed=tuple(seconds for seconds, fine in zip(took, good, strict=True) if not fine),
                seconds=next((seconds for seconds, fine in zip(took, good, strict=True) if fine), None),
            )
    waited = {name: story.waited for name, story in stories.services.items() if story.waited is not None}
    return RunMeasured(tasks=tasks, services={name: round(seconds, 6) for name, seconds in waited.items()})


def latest(newest_first: Iterable[tuple[str, RunMeasured | None]]) -> dict[str, RunMeasured]:
    """Answer as many of the latest runs as are not too large together, the oldest first; None tells nothing."""
    kept: dict[str, RunMeasured] = {}
    size = 0
    for name, run in newest_first:
        if run is None:
            continue
        size += len(run.tasks)
        if size > LARGEST and len(kept) >= FEWEST:
            break
        kept[name] = run
    return dict(reversed(kept.items()))
