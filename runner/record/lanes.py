"""Rows for a timeline: attempts of one row follow each other, and a worker keeps its row where it can. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heappop, heappush

from runner.schedule.history import Stories


def lanes(stories: Stories) -> Mapping[tuple[str, int], int]:
    """Answer a row, from 1, for each attempt by task and number that began; no more rows than ran at once."""
    begun = sorted(
        (attempt.started, stories.ended if attempt.ended is None else attempt.ended, attempt.pid, task, attempt.number)
        for task, story in stories.tasks.items()
        for attempt in story.attempts
        if attempt.started is not None
    )
    found: dict[tuple[str, int], int] = {}
    free: list[int] = []
    taken: list[tuple[float, int]] = []  # until when each row is taken
    last: dict[int, int] = {}  # the row of each process
    for start, end, pid, task, number in begun:
        while taken and taken[0][0] <= start:
            heappush(free, heappop(taken)[1])
        row = _one_of(free, last.get(pid)) if free else len(taken) + 1
        found[task, number] = last[pid] = row
        heappush(taken, (end, row))
    return found


def _one_of(free: list[int], wanted: int | None) -> int:
    if wanted not in free:
        return heappop(free)
    free.remove(wanted)  # what is left is sorted all the same: a few rows
    free.sort()
    return wanted
