"""What crashes change: who crashed twice runs alone next, and three that crash together cost a worker. Pure.

Theory of operation. A process that dies unasked is often not to blame: several at once took more than the machine has,
and whoever was largest was killed. So what crashed twice is next tried with nothing beside it, and when different tasks
crash within a minute less is run at once. A worker lost that way stays lost for the run; the count begins anew then.
Workers and slots are counted apart, because an executor may hand several attempts at a time to each worker.

Knows no phase and decides about no task: the machine asks.
"""

from __future__ import annotations

from collections import Counter

from msgspec import Struct

ALONE_AFTER = 2
"""Crashes of one task after which its next attempt runs alone."""
TOGETHER = 3
"""Different tasks whose crashes cost a worker."""
WITHIN = 60.0
"""Seconds within which these crashes count as one event."""


class FewerWorkers(Struct, frozen=True, kw_only=True):
    """From `at` seconds on there were no more than `workers`, because these tasks had crashed."""

    at: float
    workers: int
    tasks: tuple[str, ...]


class Crashes:
    """The crashes of one run: how often each task did, and which were the last ones together."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._latest: dict[str, float] = {}  # of each task its last crash, the oldest first

    def alone(self, task: str) -> bool:
        """Say whether the next attempt of a task is to run alone."""
        return self._counts[task] >= ALONE_AFTER

    def add(self, task: str, at: float) -> tuple[str, ...]:
        """Take in a crash; answers the tasks whose crashes together cost a worker, none if they do not."""
        self._counts[task] += 1
        self._latest.pop(task, None)
        self._latest[task] = at
        together = tuple(name for name, crashed in self._latest.items() if at - crashed <= WITHIN)
        if len(together) < TOGETHER:
            return ()
        self._latest.clear()
        return together


class Places:
    """How many attempts may run at once: what the executor offers, less the workers that crashes have cost."""

    def __init__(self) -> None:
        self._offered_slots = 0
        self._offered_workers = 0
        self._most: int | None = None

    @property
    def workers(self) -> int:
        """How many workers may be at work."""
        return self._offered_workers if self._most is None else min(self._offered_workers, self._most)

    @property
    def slots(self) -> int:
        """How many attempts may be handed out; each worker that is left keeps its share, rounded up."""
        if self.workers == self._offered_workers:
            return self._offered_slots
        return -(-self._offered_slots * self.workers // self._offered_workers)

    def offer(self, slots: int, workers: int) -> None:
        """Take in what the executor can do now."""
        self._offered_slots, self._offered_workers = slots, workers

    def lower(self) -> bool:
        """Do with one worker less, but never with none; says whether that was possible."""
        if self.workers <= 1:
            return False
        self._most = self.workers - 1
        return True
