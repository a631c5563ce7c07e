"""Who is next of those that could start: by urgency, claims, places and the clock. Pure. Writes no phase.

In a run that is ending only clean-ups are left to start. They stand in a line of their own: the clean-up of what was
started last goes first, one at a time. Whoever has left the phase `READY` is passed over.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from heapq import heappop, heappush

from runner.graph.model import Graph
from runner.schedule.board import READY, Board, TaskState
from runner.schedule.pace import Pace
from runner.schedule.policy import Claims, ReadyQueue, urgency


class Line:
    """Those of one run that could start now."""

    def __init__(self, graph: Graph, board: Board, pace: Pace) -> None:
        self._board = board
        self._pace = pace
        self._queue = ReadyQueue[TaskState]()
        self._clean_ups: list[tuple[int, float, TaskState]] = []  # in a run that is ending, those that are ready
        self._timed = bool(graph.rates) or any(spec.stagger for spec in graph.tasks.values())
        self._paced: float | None = None  # the moment of the latest alarm for something that time holds back

    def join(self, task: TaskState, shuffle: int | None) -> None:
        """Add one that could start; with a seed to `shuffle` by, chance alone orders."""
        self._queue.push(task.wants, urgency(task.spec, task.rank, shuffle), task)

    def next(self, now: float) -> TaskState | None:
        """Take the most urgent one that has room; there is a slot."""
        fits = partial(self._may_claim, now=now) if self._timed else self._board.fits
        return self._queue.pop(fits, _is_stale, self._board.has_place)

    def opens(self, now: float) -> float | None:
        """Answer when the first may start of those that only time holds back, None for never and if it was said."""
        if not self._timed:
            return None
        waiting = [self._pace.opens(claims) for claims in self._queue.lines() if self._board.fits(claims)]
        moment = min((each for each in waiting if each > now), default=None)
        if moment is not None and moment != self._paced:
            self._paced = moment
            return moment
        return None

    def started(self, task: TaskState, now: float) -> None:
        """Take in that an attempt was handed out: others may have to keep their distance from it."""
        if self._timed:
            self._pace.started(task.wants, now)

    def forget(self) -> None:
        """Forget all that have left: they may become ready again, and then they join again."""
        self._queue.forget(_is_stale)

    # -- a run that is ending --------------------------------------------------------------------------------------

    def clean_up(self, tasks: Iterable[TaskState]) -> None:
        """Begin with the clean-ups among these tasks that are ready."""
        self._clean_ups = sorted(_lateness(task) for task in tasks if task.phase is READY)

    def join_clean_ups(self, task: TaskState) -> None:
        """Add a clean-up that could start."""
        heappush(self._clean_ups, _lateness(task))

    def next_clean_up(self) -> TaskState | None:
        """Take the clean-up of what was started last, once nothing runs."""
        if self._board.running or self._board.slots < 1:
            return None
        while self._clean_ups:
            task = heappop(self._clean_ups)[2]
            if task.phase is READY:
                return task
        return None

    # -- the helpers -----------------------------------------------------------------------------------------------

    def _may_claim(self, claims: Claims, *, now: float) -> bool:
        return self._board.fits(claims) and self._pace.opens(claims) <= now


def _is_stale(task: TaskState) -> bool:
    return task.phase is not READY


def _lateness(task: TaskState) -> tuple[int, float, TaskState]:
    """Answer a task behind what orders clean-ups: the last of what it rests upon was started last of all."""
    return -task.above, task.spec.index, task
