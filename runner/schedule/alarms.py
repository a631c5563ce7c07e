"""Moments at which a schedule wants to be told the time. Knows no clock and not what an alarm is for."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from heapq import heappop, heappush
from itertools import count

from msgspec import Struct


class Ring(Enum):
    """What an alarm is for."""

    LIMIT = "a running attempt has had its time"
    LAST_LIMIT = "all attempts of a task together have had their time"
    REST_OVER = "a failed task is tried again"
    PACE = "something that only time held back may start"
    ROUND = "all tasks of a group are tried again"
    RUN_DEADLINE = "the whole run has had its time"


class Alarm(Struct, frozen=True, kw_only=True):
    """One wish. `attempt` keeps a late alarm from hitting the next attempt of the same task.

    Of a group `task` is its name and `attempt` its round.
    """

    ring: Ring
    task: str = ""
    attempt: int = 0
    message: str = ""


class Alarms:
    """A heap of wishes; those that no longer matter are forgotten when they come up."""

    def __init__(self, matters: Callable[[Alarm], bool]) -> None:
        self._matters = matters
        self._heap: list[tuple[float, int, Alarm]] = []
        self._numbers = count()

    def next(self) -> float | None:
        """Answer the earliest moment (seconds) that still matters."""
        while self._heap and not self._matters(self._heap[0][2]):
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def set(self, at: float, alarm: Alarm) -> None:
        """Wish to be told at `at` seconds."""
        heappush(self._heap, (at, next(self._numbers), alarm))  # equal moments ring in the order they were set

    def due(self, now: float) -> Alarm | None:
        """Take one alarm whose moment has come."""
        at = self.next()
        return heappop(self._heap)[2] if at is not None and at <= now else None
