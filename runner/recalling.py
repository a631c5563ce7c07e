"""Whether the last result of a task still holds, and if not, what has changed. Looks at files, starts nothing.

It holds if the same is asked (`keeping`), the same is handed to it by what it needs, and the files it made are there as
it made them. A run asks task by task, when all that a task needs has settled; a plan asks for all of them beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path
from time import time_ns
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from runner.files import Digests
from runner.graph.model import Graph
from runner.keeping import Keys, NoKeyError, group_result
from runner.kept import carries_nothing
from runner.record.folder import RunFolder, StateFolder
from runner.record.former import left_by
from runner.record.results import Known, LastResult, Results
from runner.schedule.history import Stories
from runner.schedule.messages import Kept, Outdated
from runner.task import Succeeded

NAMED = 3
"""How many changes are named before the rest is counted."""

FORCED = "the run does everything again (`--force`)"
NEVER = "it has not succeeded before"
UNKNOWN = "what is asked of it has changed: its definition, a parameter, its module or a source"
HANDED = "what its needs hand to it is not what it was"

Carry: TypeAlias = Callable[[Kept], str]
"""Brings the files of a result into the folder of a run; answers the first that is not what it was, "" for none."""


class Memory:
    """What a state folder remembers of one graph: the last results of its tasks, and the files that were looked at.

    `runs` are those of the graph, the oldest first. A graph in which nothing is cached needs no memory, and has none.
    """

    def __init__(self, state: StateFolder, file: Path, graph: Graph, runs: Sequence[RunFolder]) -> None:
        cached = [task for task in graph.tasks.values() if task.caches]
        needed = (need for task in cached for need in task.needs if need in graph.tasks)
        self._results = Results(state, file, {*(task.id for task in cached), *needed}) if cached else None
        self._known = Known() if self._results is None else self._results.read(runs)
        self._size = len(graph.tasks)
        self.digests = Digests(self._known.files, time_ns)

    def recollection(self, graph: Graph, keys: Keys, *, forced: bool = False) -> Recollection:
        """Answer what is remembered for these tasks of the graph."""
        return Recollection(graph=graph, keys=keys, results=self._known.results, forced=forced)

    def add(self, run: RunFolder, stories: Stories) -> None:
        """Write down what a run has left that is over, and how the files look that it asked for."""
        left = None if self._results is None else left_by(run, stories)
        if self._results is None or left is None:
            return
        whole = left.opened.selected is None
        files = self.digests.used if whole else {**self._known.files, **self.digests.used}
        self._results.add(self._known, run.name, left, files)


class Recollection(Struct, frozen=True, kw_only=True):
    """What is remembered of a graph; `forced` says that nothing of it is to be used."""

    graph: Graph
    keys: Keys
    results: Mapping[str, LastResult]
    carry: Carry = carries_nothing
    forced: bool = False

    def __call__(self, task: str, needs: Mapping[str, Kept]) -> Kept | Outdated:
        """Answer the last result of a task if it holds, or why it does not."""
        try:
            key, parts = self.keys.asked(task, needs)
        except NoKeyError as error:
            return Outdated(because=str(error))
        handed, last = self.keys.handed(task, needs), self.results.get(task)
        if last is not None and last.kept is not None and not self.forced:
            because = self._differs(last, key, handed, parts) or self._spoilt(task, last.kept)
            if not because:
                return last.kept
        else:
            because = FORCED if self.forced else NEVER if last is None else last.because
        return Outdated(because=because, parts=parts(), handed=handed)

    def foreseen(self, kept: Mapping[str, Kept]) -> dict[str, Kept | Outdated]:
        """Answer what would be found of all tasks that are cached, if those that run hand on what they last did.

        `kept` are results that the run begins with.
        """
        found: dict[str, Kept | Outdated] = {}
        known = dict(kept)
        with self.keys.one_look():
            for name in TopologicalSorter(self._wanted(kept)).static_order():
                if name in kept:
                    continue
                if self.graph.tasks[name].instances is not None:
                    known[name] = group_result([known[each] for each in self.graph.tasks[name].instances or ()])
                    continue
                if self.graph.tasks[name].caches:
                    found[name] = self(name, known)
                result = found.get(name)
                known[name] = result if isinstance(result, Kept) else self._as_last(name, known)
        return found

    # -- the helpers -----------------------------------------------------------------------------------------------

    def _wanted(self, kept: Mapping[str, Kept]) -> dict[str, list[str]]:
        """Answer the tasks that are cached, and those above them that a run does not begin with, with their needs."""
        tasks = self.graph.tasks
        waiting = [name for name, spec in tasks.items() if spec.caches and name not in kept]
        found: dict[str, list[str]] = {}
        while waiting:
            name = waiting.pop()
            if name not in found:
                found[name] = [need for need in tasks[name].needs if need in tasks and need not in kept]
                waiting += found[name]
        return found

    def _differs(self, last: LastResult, key: str, handed: str, parts: Callable[[], dict[str, str]]) -> str:
        assert last.kept is not None, "there is a result to compare"
        if key == last.kept.key and handed == last.kept.handed:
            return ""
        changes = list(_changes(last.parts, parts())) if last.parts else []
        if not changes:
            return UNKNOWN if key != last.kept.key else HANDED
        more = f" and {len(changes) - NAMED} more changes" if len(changes) > NAMED else ""
        return "; ".join(changes[:NAMED]) + more

    def _spoilt(self, task: str, kept: Kept) -> str:
        spoilt = self.keys.spoilt(task, kept)
        missing = "" if spoilt else self.carry(kept)
        return f"its file {missing} is not what it was" if missing else spoilt

    def _as_last(self, name: str, known: Mapping[str, Kept]) -> Kept:
        """Answer what a task that runs is thought to come to: what it came to the last time."""
        last = self.results.get(name)
        past = None if last is None else last.kept
        return replace(past or Kept(outcome=Succeeded()), key=self.keys.of(name, known))


# -- the helpers -------------------------------------------------------------------------------------------------------


def _changes(then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """Answer in words each part of what is asked that is another one now, its own parts first."""
    changed = {name for name in {*then, *now} if then.get(name) != now.get(name)}
    for name in sorted(changed, key=lambda name: (name.startswith(("needs.", "handed.")), name)):
        kind, _, own = name.partition(".")
        if kind != "handed" or f"needs.{own}" not in changed:  # asked something else, it hands on something else
            yield _change(kind, own, new=name not in then, gone=name not in now)


def _change(kind: str, own: str, *, new: bool, gone: bool) -> str:
    how = "is new" if new else "is gone" if gone else "has changed"
    match kind:
        case "sources":
            return f"the source `{own}` {how}"
        case "module":
            return "the module of its function has changed"
        case "needs":
            return f"`{own}`, which it needs, {_asked(new=new, gone=gone)}"
        case "handed":
            return f"what `{own}` hands to it has changed"
        case "services":
            return f"the service `{own}`, which it needs, {how}"
        case "folder":
            return "it runs in another folder"
        case "prefix":
            return f"`data_prefix` {how}"
        case _:
            return f"`{kind}.{own}` {how}" if own else f"`{kind}` {how}"


def _asked(*, new: bool, gone: bool) -> str:
    return "was not needed before" if new else "is not needed any more" if gone else "is asked something else"
