"""What held a run up: the critical path as it was measured. Pure."""

from __future__ import annotations

from runner.graph.model import Graph
from runner.schedule.history import Stories, Story

AT_ONCE = 0.05
"""Seconds within which a start counts as following at once from the end of a need."""


def critical_path(graph: Graph, stories: Stories) -> tuple[str, ...]:
    """Answer the tasks that ended one after another and held the end of the run up, first to last.

    Walks back from the task that ended last: to the need that ended last before it began or, where it began later than
    that because it had no slot or no room in a pool, to the task whose end gave way.
    """
    spans = {name: span for name in graph.tasks if (span := _span(stories.of(name))) is not None}
    if not spans:
        return ()
    path = [max(spans, key=lambda name: spans[name][1])]
    by_end = sorted(spans, key=lambda name: spans[name][1])
    while (before := _before(graph, spans, by_end, path[-1])) is not None:
        path.append(before)
    return tuple(reversed(path))


def _span(story: Story) -> tuple[float, float] | None:
    begun = [attempt for attempt in story.attempts if attempt.started is not None]
    if not begun or begun[0].started is None:
        return None
    last = begun[-1]
    return begun[0].started, begun[0].started if last.ended is None else last.ended


def _before(graph: Graph, spans: dict[str, tuple[float, float]], by_end: list[str], task: str) -> str | None:
    start = spans[task][0]
    needs = [need for need in graph.tasks[task].needs if need in spans and spans[need][1] <= start]
    last = max(needs, key=lambda name: spans[name][1], default=None)
    if last is not None and start - spans[last][1] <= AT_ONCE:
        return last
    gave_way = [name for name in by_end if spans[name][1] <= start and spans[name][0] < start and name != task]
    if gave_way and start - spans[gave_way[-1]][1] <= AT_ONCE:
        return gave_way[-1]
    return last
