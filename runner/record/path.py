"""What held a run up: the critical path as it was measured. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runner.graph.model import Graph
from runner.schedule.history import Stories, Story

AT_ONCE = 0.05
"""Seconds within which a start counts as following at once from the end of another task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """When a task's first attempt began and its last one ended, in seconds of the run."""

    task: str
    start: float
    end: float


def critical_path(graph: Graph, stories: Stories) -> tuple[str, ...]:
    """Answer the tasks that ended one after another and held the end of the run up, first to last.

    Walks back from the task that ended last: to the need that ended last before it began or, where it began later than
    that because it had no slot or no room in a pool, to the task whose end gave way.
    """
    spans = {name: span for name in graph.tasks if (span := _span(name, stories.of(name))) is not None}
    by_end = sorted(spans.values(), key=lambda span: span.end)
    ends = [span.end for span in by_end]
    path = by_end[-1:]
    while path and (before := _before(graph, spans, by_end, ends, path[-1])) is not None:
        path.append(before)
    return tuple(span.task for span in reversed(path))


def _span(task: str, story: Story) -> _Span | None:
    begun = [attempt for attempt in story.attempts if attempt.started is not None]
    if not begun or begun[0].started is None:
        return None
    last = begun[-1].ended
    return _Span(task=task, start=begun[0].started, end=begun[0].started if last is None else last)


def _before(
    graph: Graph, spans: Mapping[str, _Span], by_end: Sequence[_Span], ends: Sequence[float], late: _Span
) -> _Span | None:
    needs = [spans[need] for need in graph.tasks[late.task].needs if need in spans and spans[need].end <= late.start]
    last = max(needs, key=lambda span: span.end, default=None)
    if last is not None and late.start - last.end <= AT_ONCE:
        return last
    return _gave_way(by_end, ends, late) or last


def _gave_way(by_end: Sequence[_Span], ends: Sequence[float], late: _Span) -> _Span | None:
    """Answer the task whose end made room: it must have begun earlier, so that a walk back cannot go in circles."""
    for at in range(bisect_right(ends, late.start) - 1, -1, -1):
        if late.start - ends[at] > AT_ONCE:
            return None
        if by_end[at].start < late.start:
            return by_end[at]
    return None
