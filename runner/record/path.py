"""What held a run up: the critical path as it was measured. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from msgspec import Struct

from runner.graph.model import Graph
from runner.schedule.history import Stories, Story

AT_ONCE = 0.05
"""Seconds within which a start counts as following at once from the end of another task."""


class _Span(Struct, frozen=True, kw_only=True):
    """When a task's first attempt began and its last one ended, in seconds of the run."""

    task: str
    start: float
    end: float


def critical_path(graph: Graph, stories: Stories) -> tuple[str, ...]:
    """Answer the tasks that ended one after another and held the end of the run up, first to last.

    Walks back from the task that ended last: to the need that ended last before it began or, where it began later than
    that because it had no slot or no room in a pool, to the task whose end gave way.
    """
    spans = [span for name in graph.tasks if (span := _span(name, stories.of(name))) is not None]
    if not spans:
        return ()
    measured = _Measured(spans)
    path = [measured.by_end[-1]]
    while (before := measured.before(path[-1], graph.tasks[path[-1].task].needs)) is not None:
        path.append(before)
    return tuple(span.task for span in reversed(path))


class _Measured:
    """The spans of a run, by name and by end."""

    def __init__(self, spans: Sequence[_Span]) -> None:
        self.by_end = sorted(spans, key=lambda span: span.end)
        self._by_name = {span.task: span for span in spans}
        self._ends = [span.end for span in self.by_end]
        self._first = min(span.start for span in spans)

    def before(self, late: _Span, needs: Sequence[str]) -> _Span | None:
        """Answer what held a task up, None if nothing did: then it began as soon as the run."""
        over = [self._by_name[need] for need in needs if need in self._by_name]
        last = max((need for need in over if need.end <= late.start), key=lambda need: need.end, default=None)
        could_start = self._first if last is None else last.end
        return last if late.start - could_start <= AT_ONCE else self._gave_way(late) or last

    def _gave_way(self, late: _Span) -> _Span | None:
        """Answer the task whose end made room: one that began earlier, so that a walk back cannot go in circles."""
        for at in range(bisect_right(self._ends, late.start) - 1, -1, -1):
            if late.start - self._ends[at] > AT_ONCE:
                return None
            if self.by_end[at].start < late.start:
                return self.by_end[at]
        return None


def _span(task: str, story: Story) -> _Span | None:
    begun = [attempt for attempt in story.attempts if attempt.started is not None]
    if not begun or begun[0].started is None:
        return None
    last = begun[-1].ended
    return _Span(task=task, start=begun[0].started, end=begun[0].started if last is None else last)
