"""The last result of each task of a graph, and what its files looked like: one small file a graph, made from journals.

Nothing rests on that file: one that is missing, damaged or behind is made anew from the runs that are kept. A result
counts as long as a run that is kept tells of it. Knows no key: whether a result still holds is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec import DecodeError, Struct, field
from msgspec.json import decode

from runner.errors import DamagedJournal, RunnerFault
from runner.files import FileMark
from runner.graph.fan_out import template_of
from runner.plain import encode
from runner.record.folder import RunFolder, StateFolder, write_whole
from runner.record.former import Former, former
from runner.schedule.messages import Kept

FORMAT = 1


class LastResult(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The last that happened to a task: `kept` is its success, None where it was none, and then `because` says so.

    `held` is the latest run whose journal tells of it; `parts` are digests of what was asked, by part, to say what has
    changed since: they are only known of a run that looked.
    """

    held: str
    kept: Kept | None = None
    because: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)


class Known(Struct, frozen=True, kw_only=True):
    """What is known of the past of a graph: results by task, files by path, and the runs that were read for it."""

    results: Mapping[str, LastResult] = field(default_factory=dict)
    files: Mapping[str, FileMark] = field(default_factory=dict)
    runs: tuple[str, ...] = ()


class _Written(Struct, frozen=True):
    """The file."""

    format: int
    known: Known


class Results:
    """The last results of the tasks of one graph file that are named in `wanted`; `graph` is where that is found.

    With a fan-out its instances are wanted.
    """

    def __init__(self, state: StateFolder, graph: Path, wanted: Collection[str]) -> None:
        self._graph = graph
        self.file = state.index(graph, ".results")
        self._wanted = frozenset(wanted)

    def read(self, runs: Sequence[RunFolder]) -> Known:
        """Answer what is known; `runs` are those that are kept of the graph, the oldest first."""
        known, names = self._read(), {run.name for run in runs}
        results = {task: each for task, each in known.results.items() if each.held in names}
        for run in runs:
            if run.name not in known.runs:
                results |= self._fold(run, results)
        return Known(results=results, files=known.files, runs=tuple(run.name for run in runs))

    def add(self, known: Known, run: str, left: Former, files: Mapping[str, FileMark]) -> None:
        """Write down what was known before a run, and what that has left."""
        results = {**known.results, **self._left(run, left, known.results)}
        fresh = Known(results=results, files=files, runs=(*known.runs, run))
        with suppress(RunnerFault, OSError):  # a border: the run is over, and its journal holds the same
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(self.file, encode(_Written(format=FORMAT, known=fresh)).decode())

    # -- the helpers -----------------------------------------------------------------------------------------------

    def _read(self) -> Known:
        try:
            written = decode(self.file.read_bytes(), type=_Written)
        except (OSError, DecodeError, RecursionError):  # a border: anybody may have written this file
            return Known()
        return written.known if written.format == FORMAT else Known()

    def _fold(self, run: RunFolder, before: Mapping[str, LastResult]) -> dict[str, LastResult]:
        try:
            left = former(run)
        except (OSError, DamagedJournal):  # a border: a run that cannot be read tells nothing
            return {}
        if left is None or not run.is_of(self._graph, left.opened.file):
            return {}
        return self._left(run.name, left, before)

    def _left(self, run: str, left: Former, before: Mapping[str, LastResult]) -> dict[str, LastResult]:
        found = {
            task: LastResult(held=run, kept=kept, parts=_parts(task, kept, left, before.get(task)))
            for task, kept in left.successes.items()
        }
        found |= {task: LastResult(held=run, because=f"it failed in run {run}") for task in left.failed}
        found |= {
            task: LastResult(held=run, because=f"it was under way when run {run} ended") for task in left.doubtful
        }
        return {task: each for task, each in found.items() if template_of(task) in self._wanted}


def _parts(task: str, kept: Kept, left: Former, before: LastResult | None) -> Mapping[str, str]:
    """Answer what was asked, by part: as this run saw it, or as was known if the result is still the same."""
    if task in left.outdated:
        return left.outdated[task].parts
    if before is None or before.kept is None or (before.kept.run, before.kept.key) != (kept.run, kept.key):
        return {}
    return before.parts
