"""Which worker is asked for which attempt, and which waits behind what. Knows no event but the change of its slots.

Theory of operation. An attempt goes to an idle worker where there is one, or room for a new one. Only where there is
neither, and its function has been short so far (`window`), it is put behind others in the queue of a worker; that its
task may be treated so is the schedule's decision, made with the slots that `SlotsChanged` has told. What is behind an
attempt that turns out to be slow, or that is to be stopped, is taken back before it can begin.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from runner.execute.attempts import Emit, RunningAttempt
from runner.execute.child import Child
from runner.execute.ports import Clock
from runner.execute.window import AHEAD, SLOW, Window
from runner.execute.work import Work
from runner.execute.workers import Workers
from runner.schedule.messages import SlotsChanged

UNHEARD = 30.0
"""Seconds after which a worker that has not begun what it was asked for is replaced: somebody may have frozen it."""


class Handout:
    """The attempts that were asked for, on their way to workers."""

    def __init__(self, workers: Workers, clock: Clock, emit: Emit, places: Callable[[], int]) -> None:
        """`places` answers how many workers there may be now."""
        self._workers = workers
        self._clock = clock
        self._emit = emit
        self._places = places
        self._window = Window()
        self._waiting: deque[RunningAttempt] = deque()  # no worker fits that is free, or will be soon

    # -- the questions ---------------------------------------------------------------------------------------------

    def next_moment(self) -> float | None:
        """Answer the clock's time at which `look` is wanted next, None for never."""
        moments = [moment for child in self._workers.at_work() if (moment := _moment(child)) is not None]
        return min(moments, default=None)

    # -- giving and taking back ------------------------------------------------------------------------------------

    def give(self, running: RunningAttempt) -> None:
        """Ask a worker for an attempt, as soon as one fits."""
        if not self._given(running):
            self._waiting.append(running)

    def take_back(self, running: RunningAttempt) -> bool:
        """Take back an attempt that has not begun; says whether it had not."""
        if running in self._waiting:
            self._waiting.remove(running)
            running.returned()
            return True
        if running.begun_at is not None or running.child is None:
            return False
        return running in self._recall(running.child)

    def clear_behind(self, child: Child | None) -> None:
        """Take back what waits behind the attempt of a worker that is to end."""
        if child is not None:
            child.alone = True
            self._recall(child)

    # -- what happened ---------------------------------------------------------------------------------------------

    def look(self, now: float) -> None:
        """Look after those whose time has come."""
        for child in list(self._workers.at_work()):
            moment, head = _moment(child), child.head
            if moment is None or moment > now or not isinstance(head, RunningAttempt):
                continue
            if head.begun_at is None:
                head.since = now
                head.give_up_worker()
                continue
            if child.ahead > 1 and head.begun_at + SLOW <= now:
                self._close_window(head)
                self.clear_behind(child)
            if (look := head.next_look()) is not None and look <= now:
                head.look(now)

    def over(self, running: RunningAttempt) -> None:
        """Take in that an attempt has ended or come back: whoever waits may have its place."""
        child = running.child
        if child is not None and isinstance(head := child.head, RunningAttempt):
            head.since = self._clock.now()
        uses, seconds = running.request.uses, running.seconds
        if uses is not None and seconds is not None and self._window.ended(uses, seconds):
            self._tell()
        while self._waiting and self._given(self._waiting[0]):
            self._waiting.popleft()

    # -- the helpers -----------------------------------------------------------------------------------------------

    def _given(self, running: RunningAttempt) -> bool:
        request, places = running.request, self._places()
        short = request.memory is None and (request.uses or "") in self._window
        child: Child | None
        if self._workers.room(places):
            child = self._workers.take(running.setting, request.uses or "", places)
            child.alone = not short
        else:
            child = self._workers.behind(running.setting, AHEAD) if short else None
        if child is not None:
            running.ask(child)
            if child.ahead == 1:  # it could begin now; what is put behind others goes out together
                child.flush()
        return child is not None

    def _recall(self, child: Child) -> Sequence[Work]:
        works = child.recall()
        for work in works:
            work.returned()
        return works

    def _close_window(self, slow: RunningAttempt) -> None:
        if self._window.close(slow.request.uses or ""):
            self._tell()

    def _tell(self) -> None:
        functions, places = self._window.functions, self._places()
        slots = places * AHEAD if functions else places
        self._emit(SlotsChanged(at=self._clock.now(), slots=slots, workers=places, short=functions))


def _moment(child: Child) -> float | None:
    """Answer when somebody has to look at what a worker does."""
    head = child.head
    if not isinstance(head, RunningAttempt):
        return None
    if head.begun_at is None:
        return head.since + UNHEARD
    look = head.next_look()
    if child.ahead > 1:
        slow = head.begun_at + SLOW
        return slow if look is None else min(slow, look)
    return look
