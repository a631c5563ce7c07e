"""What held a run up: the critical path as it was measured. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter

from msgspec import Struct
from msgspec.structs import replace

from runner.graph.model import Graph
from runner.schedule.history import Stories, Story

AT_ONCE = 0.05
"""Seconds within which a start counts as following at once from the end of another task."""
_END = attrgetter("end")


class _Span(Struct, frozen=True, kw_only=True):
    """When a task's first attempt of a round began and its last one of it ended, in seconds of the run.

    `group` is the included graph that was tried again so that this round began, "" for the first one; `before` the span
    of the round before it.
    """

    task: str
    start: float
    end: float
    group: str = ""
    before: _Span | None = None


def critical_path(graph: Graph, stories: Stories, rounds: Mapping[tuple[str, int], str]) -> tuple[str, ...]:
    """Answer the tasks that ended one after another and held the end of the run up, first to last.

    Walks back from the task that ended last: to the need that ended last before it began or, where it began later than
    that because it had no slot or no room in a pool, to the task whose end gave way. Where a round of an included graph
    begins, that is what ended last in the round before; so a task may be on the path once for each round. `rounds` has
    the attempts, by task and number, with which a task began a further round, and of which group.
    """
    spans = [span for name in graph.tasks for span in _spans(name, stories.of(name), rounds)]
    if not spans:
        return ()
    measured = _Measured(graph, spans)
    path = [measured.by_end[-1]]
    while (before := measured.before(path[-1])) is not None:
        path.append(before)
    return tuple(task for task, _ in groupby(span.task for span in reversed(path)))


class _Measured:
    """The spans of a run, by name and by end."""

    def __init__(self, graph: Graph, spans: Sequence[_Span]) -> None:
        self._graph = graph
        self.by_end = sorted(spans, key=_END)
        self._by_name: dict[str, list[_Span]] = {}
        for span in spans:
            self._by_name.setdefault(span.task, []).append(span)
        self._ends = [span.end for span in self.by_end]
        self._first = min(span.start for span in spans)

    def before(self, late: _Span) -> _Span | None:
        """Answer what held a task up, None if nothing did: then it began as soon as the run."""
        last = max(self._over(self._needs(late.task), late.start), key=_END, default=None)
        if late.before is not None and (last is None or last.end <= late.before.end):  # its group began with it
            mates = self._over(self._graph.groups[late.group].tasks, late.start)
            last = max((span for span in mates if span.start < late.start), key=_END, default=None)
        could_start = self._first if last is None else last.end
        return last if late.start - could_start <= AT_ONCE else self._gave_way(late) or last

    def _needs(self, task: str) -> Iterator[str]:
        """Answer the tasks that one needs; instances for the group of a fan-out, which never begins itself."""
        tasks = self._graph.tasks
        for need in (each for each in tasks[task].needs if each in tasks):
            yield from (need,) if tasks[need].instances is None else tasks[need].instances or ()

    def _over(self, names: Iterable[str], by: float) -> Iterator[_Span]:
        """Answer what of some tasks had ended at a moment."""
        return (span for name in names for span in self._by_name.get(name, ()) if span.end <= by)

    def _gave_way(self, late: _Span) -> _Span | None:
        """Answer the task whose end made room: one that began earlier, so that a walk back cannot go in circles."""
        for at in range(bisect_right(self._ends, late.start) - 1, -1, -1):
            if late.start - self._ends[at] > AT_ONCE:
                return None
            if self.by_end[at].start < late.start:
                return self.by_end[at]
        return None


def _spans(task: str, story: Story, rounds: Mapping[tuple[str, int], str]) -> Sequence[_Span]:
    """Answer the spans of a task, one for each round in which it began."""
    found: list[_Span] = []
    for attempt in story.attempts:
        if attempt.started is None:
            continue
        group = rounds.get((task, attempt.number), "")
        if group or not found:
            before = found[-1] if found else None
            found.append(_Span(task=task, start=attempt.started, end=attempt.started, group=group, before=before))
        ended = found[-1].start if attempt.ended is None else attempt.ended
        found[-1] = replace(found[-1], end=ended)
    return found
