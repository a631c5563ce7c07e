"""All workers of a pool: which is idle, which has to make room, which is gone. Knows no attempt and no service."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from selectors import BaseSelector

from runner.execute.child import Child, Phase
from runner.execute.lifeline import Lifeline
from runner.execute.wire import Exited, Setting


class Workers:
    """The living workers. Those that take a place are reused; those beside the places serve once.

    Those in reserve were ordered before anybody knew for what.
    """

    def __init__(self, lifeline: Lifeline, selector: BaseSelector) -> None:
        self._lifeline = lifeline
        self._selector = selector
        self._numbers = count(1)
        self._all: dict[int, Child] = {}
        self._placed: dict[int, Child] = {}  # the one that has been idle longest comes first
        self._reserve: dict[int, Child] = {}

    def order(self, count: int) -> None:
        """Let so many workers start, so that the first to be needed are there.

        Raises:
            RunnerFault: the process has no descriptor left, or the warden is gone.

        """
        for _ in range(count):
            child = self._new()
            self._reserve[child.number] = child

    def take(self, setting: Setting, uses: str, places: int) -> Child:
        """Answer a worker to be asked: one that has loaded the function, any other that is idle, or a new one."""
        child = self._idle(setting, uses)
        if child is None:
            self._make_room(places)
            child = self.beside(setting)
        self._placed.pop(child.number, None)
        self._placed[child.number] = child
        return child

    def behind(self, setting: Setting, most: int) -> Child | None:
        """Answer the worker with the least ahead of it, fewer than `most`, that may be asked for more ahead."""
        fit = [child for child in self._placed.values() if child.piles and child.ahead < most and child.fits(setting)]
        return min(fit, key=lambda child: child.ahead, default=None)

    def at_work(self) -> Iterator[Child]:
        """Answer the workers in places that have something to do."""
        return (child for child in self._placed.values() if child.ahead)

    def room(self, places: int) -> bool:
        """Say whether one that is idle can be had, or made room for."""
        staying = [child for child in self._placed.values() if child.phase is not Phase.LEAVING]
        return any(child.phase is Phase.IDLE for child in staying) or len(staying) < places

    def flush(self) -> None:
        """Send what was asked of all of them."""
        for child in self._all.values():
            child.flush()

    def beside(self, setting: Setting) -> Child:
        """Answer a worker that takes no place: one in reserve, else a new one."""
        fit = [child for child in self._reserve.values() if child.phase is Phase.IDLE]  # others have died meanwhile
        child = self._reserve.pop(fit[0].number) if fit else self._new()
        child.settle(setting)
        return child

    def bury(self, exited: Exited) -> None:
        """Take in that a worker is gone, and tell whose work it did."""
        child = self._all.pop(exited.child, None)
        if child is not None:
            self._placed.pop(exited.child, None)
            self._reserve.pop(exited.child, None)
            child.bury(exited)

    def close(self) -> None:
        """Close the pipes of all; their ends come from elsewhere."""
        for child in self._all.values():
            child.close()
        self._all.clear()
        self._placed.clear()
        self._reserve.clear()

    def _idle(self, setting: Setting, uses: str) -> Child | None:
        found = None
        for child in self._placed.values():
            if child.phase is Phase.IDLE and child.fits(setting):
                if uses in child.loaded:
                    return child
                found = found or child
        return found

    def _new(self) -> Child:
        child = Child(next(self._numbers), self._lifeline, self._selector)
        self._all[child.number] = child
        return child

    def _make_room(self, places: int) -> None:
        """Let idle workers go, those first that have been idle longest, until one more has a place."""
        staying = [child for child in self._placed.values() if child.phase is not Phase.LEAVING]
        too_many = len(staying) + 1 - places
        for child in [child for child in staying if child.phase is Phase.IDLE][: max(0, too_many)]:
            child.leave()
