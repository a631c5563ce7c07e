"""A pool in a thread of its own, for callers in other threads: what a host on a cluster does. Knows no Dask.

Theory of operation. A caller hands over an attempt and waits in its own thread until it is over. All that happens
inside is the pool's loop: its inbox is emptied, then events are waited for and told. `_lock` guards the inbox and what
is in hand; the pool belongs to the one thread. That thread begins with the first work and ends after `IDLE` seconds
without any, with all its processes; the next work begins another one.

What is to be stopped before it came, or while it waits for a former attempt of its task, is refused (`_refused`): it is
not begun then, and whoever asked has been told so.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing

from msgspec import Struct, field

from runner.clock import WallClock
from runner.errors import Problem
from runner.execute.errands import Errand, FromHost, Over, Printed, Recall, Sent, StopErrand, ToHost, Told
from runner.execute.last_words import ended, forsaken, over, stop_of, undescribable
from runner.execute.pool import Pool
from runner.schedule.messages import (
    Answered,
    AttemptEnded,
    AttemptReturned,
    AttemptStarted,
    CancelAsked,
    ClockTicked,
    Event,
    FannedOut,
    Noted,
    Recalled,
    RunOpened,
    ServiceEnded,
    ServiceReady,
    SlotsChanged,
    StartAttempt,
    StopAttempt,
)
from runner.task import Artifact, Cause, Failed, Request, Signature

IDLE = 10.0
"""Seconds without work after which the processes leave."""
UNHEARD = 2.0
"""Seconds beyond its limit after which an attempt is ended here: the runner would have, so it cannot be heard."""
PIECE = 16 * 1024
"""Bytes of output told at a time: the scheduler remembers a thousand messages of a topic."""
CLOSED = "its host was closed"

Tell = Callable[[Sequence[FromHost]], None]


class _Work(Struct, kw_only=True, eq=False):
    """One attempt in hand. `over` is set when it has ended and that was told."""

    errand: Errand
    over: threading.Event = field(default_factory=threading.Event)
    limit: float | None = None
    files: list[Sent] = field(default_factory=list)


class _Question(Struct, frozen=True, kw_only=True, eq=False):
    """Functions to describe, and where the answer goes."""

    wanted: Mapping[str, Request]
    answer: Future[dict[str, Signature | Problem]]


class Away:
    """The attempts of one run at one worker that have processes of their own."""

    def __init__(self, threads: int, tell: Tell, idle: float = IDLE) -> None:
        """`tell` is called from the thread, which ends after so many seconds without work."""
        self._threads = threads
        self._tell = tell
        self._idle = idle
        self._secrets: Mapping[str, str] = {}
        self._clock = WallClock()
        self._lock = threading.Lock()
        self._inbox: deque[_Work | StopAttempt | _Question] = deque()
        self._in_hand: dict[str, _Work] = {}
        self._keys: dict[str, str] = {}  # of each task the key of its attempt
        self._coming: set[str] = set()
        self._refused: set[str] = set()
        self._questions: list[_Question] = []
        self._thread: threading.Thread | None = None
        self._serving = False
        self._pool: Pool | None = None
        self._closing = False

    # -- asking, from any thread -----------------------------------------------------------------------------------

    def hide(self, secrets: Mapping[str, str]) -> None:
        """Mask these values, beside those of each attempt's own environment."""
        self._secrets = secrets

    def comes(self, key: str) -> bool:
        """Take in that an attempt is on its way; says no if it is not to be done: it was given back before."""
        with self._lock:
            self._coming.add(key)
            return not self._refuses(key)

    def begins(self, key: str) -> bool:
        """Take in that an attempt which came is done elsewhere; says no if it was given back meanwhile."""
        with self._lock:
            self._coming.discard(key)
            return not self._refuses(key)

    def do(self, errand: Errand) -> None:
        """Do an attempt; returns when it is over and all of it was told. A former one of its task ends before."""
        work = _Work(errand=errand)
        with self._lock:
            self._coming.add(errand.key)
        while (former := self._taken_in_hand(work)) is not None:
            former.over.wait()
        work.over.wait()

    def hear(self, message: ToHost) -> None:
        """Stop an attempt, or give it back if it has not come yet."""
        with self._lock:
            if message.key in self._in_hand:
                if isinstance(message, StopErrand):
                    self._ask(message.stop)
                return
            self._refused.add(message.key)
        match message:
            case Recall(task=task, attempt=attempt) | StopErrand(stop=StopAttempt(task=task, attempt=attempt)):
                returned = AttemptReturned(at=self._clock.now(), task=task, attempt=attempt)
        self._tell([Told(key=message.key, event=returned)])

    def forsake(self, key: str) -> None:
        """End an attempt that nobody asks for any more."""
        with self._lock:
            work = self._in_hand.get(key)
            if work is not None:
                self._ask(forsaken(work.errand.request))
            elif key in self._coming:
                self._refused.add(key)

    def describe(self, wanted: Mapping[str, Request]) -> dict[str, Signature | Problem]:
        """Describe functions; returns when all were, or when nobody will any more."""
        question = _Question(wanted=wanted, answer=Future())
        with self._lock:
            if self._closing:
                return undescribable(wanted, CLOSED)
            self._questions.append(question)
            self._ask(question)
        return question.answer.result()

    def close(self) -> None:
        """End everything, and wait until it is gone; of what is in hand nothing more is told."""
        with self._lock:
            self._closing = True
            thread, works = self._thread, list(self._in_hand.values())
            if self._pool is not None:
                self._pool.let_go()  # it may be describing, and would not look up
                self._pool.wake()
        if thread is not None:
            thread.join()
        for work in works:
            work.over.set()
        questions, self._questions = self._questions, []  # the thread is gone, and nobody asks any more
        for question in questions:
            question.answer.set_result(undescribable(question.wanted, CLOSED))

    def _refuses(self, key: str) -> bool:
        """Say, once, whether an attempt is not to be done; the lock is held."""
        refused = key in self._refused or self._closing
        if refused:
            self._coming.discard(key)
            self._refused.discard(key)
        return refused

    def _taken_in_hand(self, work: _Work) -> _Work | None:
        """Take work in hand, or answer what has to be over before: an attempt of its task that was given up."""
        task, key = work.errand.request.task, work.errand.key
        with self._lock:
            if self._refuses(key):
                work.over.set()
                return None
            if task in self._keys:
                former = self._in_hand[self._keys[task]]
                self._ask(forsaken(former.errand.request))
                return former
            self._coming.discard(key)
            self._in_hand[key] = work
            self._keys[task] = key
            self._ask(work)
            return None

    # -- the thread ------------------------------------------------------------------------------------------------

    def _ask(self, item: _Work | StopAttempt | _Question) -> None:
        """Put something into the inbox of the thread, and begin one if there is none; the lock is held."""
        self._inbox.append(item)
        if not self._serving:
            self._serving = True
            self._thread = threading.Thread(target=self._serve, args=(self._thread,), name="taskgraph", daemon=True)
            self._thread.start()
        elif self._pool is not None:
            self._pool.wake()

    def _serve(self, before: threading.Thread | None) -> None:
        if before is not None:
            before.join()
        try:
            with closing(Pool(None, self._clock)) as pool:
                pool.slots = self._threads
                pool.hide(self._secrets)
                self._work(pool)
        except Exception as fault:  # noqa: BLE001  # a border: whatever it is, the host must say so, and go on
            self._lose_all(f"its host cannot go on: {fault}")

    def _work(self, pool: Pool) -> None:
        told: list[FromHost] = []
        pool.listen(lambda task, piece: told.extend(self._printed(task, piece)))
        with self._lock:
            self._pool = pool
        busy = self._clock.now()
        while not self._leaves(busy):
            self._take_in(pool)
            for event in pool.wait(self._patience(busy)):
                told += self._told(event)
            if told and not self._closing:
                self._tell(tuple(told))
                self._let_go(told)
                told.clear()
            self._end_unheard(pool)
            if self._in_hand:
                busy = self._clock.now()

    def _leaves(self, busy: float) -> bool:
        """Say whether the thread ends now."""
        with self._lock:
            idle = not self._in_hand and not self._inbox and self._clock.now() - busy >= self._idle
            if idle or self._closing:
                self._serving, self._pool = False, None
            return idle or self._closing

    def _take_in(self, pool: Pool) -> None:
        while True:
            with self._lock:
                if not self._inbox:
                    return
                item = self._inbox.popleft()
            match item:
                case _Work(errand=Errand(request=request)):
                    pool.start(StartAttempt(task=request.task, attempt=request.attempt), request)
                case StopAttempt():
                    pool.stop(item)
                case _Question(wanted=wanted, answer=answer):
                    answer.set_result(pool.describe(wanted))
                    with self._lock:
                        self._questions.remove(item)

    def _patience(self, busy: float) -> float:
        """Answer how long nothing need be looked at."""
        limits = [work.limit for work in list(self._in_hand.values()) if work.limit is not None]
        return max(0.0, min([*limits, busy + self._idle]) - self._clock.now())

    def _end_unheard(self, pool: Pool) -> None:
        """End what ran out of its time and of what the runner would have done about it."""
        now = self._clock.now()
        for work in list(self._in_hand.values()):
            if work.limit is not None and work.limit <= now:
                work.limit = None
                pool.stop(stop_of(work.errand.request, Cause.TIMED_OUT, "it ran longer than its limit"))

    # -- telling ---------------------------------------------------------------------------------------------------

    def _told(self, event: Event) -> Iterator[FromHost]:
        match event:
            case AttemptStarted(task=task):
                yield Told(key=self._keys[task], event=event)
                self._begun(self._in_hand[self._keys[task]])
            case Noted(task=task, note=note):
                yield Told(key=self._keys[task], event=event)
                if isinstance(note, Artifact):
                    kept = Sent(path=note.path, size=note.size, digest=note.digest)
                    self._in_hand[self._keys[task]].files.append(kept)
            case AttemptReturned(task=task):
                yield Told(key=self._keys[task], event=event)
            case AttemptEnded(task=task):
                yield over(self._keys[task], event, self._in_hand[self._keys[task]].files)
            case SlotsChanged():
                pass  # it is the runner that hands out
            case RunOpened() | ServiceReady() | ServiceEnded() | Recalled() | Answered() | FannedOut():
                raise AssertionError(f"a pool that is asked for attempts only says {event}")
            case ClockTicked() | CancelAsked():
                raise AssertionError(f"no pool says {event}")

    def _begun(self, work: _Work) -> None:
        deadline = work.errand.request.deadline
        work.limit = None if deadline is None else self._clock.now() + deadline + UNHEARD

    def _printed(self, task: str, piece: bytes) -> Iterator[FromHost]:
        for start in range(0, len(piece), PIECE):
            yield Printed(key=self._keys[task], piece=piece[start : start + PIECE])

    def _let_go(self, told: Sequence[FromHost]) -> None:
        """Let the callers return whose attempts are over."""
        for message in told:
            match message:
                case Over(key=key) | Told(key=key, event=AttemptReturned()):
                    self._release(key)
                case Told() | Printed():
                    pass

    def _release(self, key: str) -> None:
        with self._lock:
            work = self._in_hand.pop(key)
            del self._keys[work.errand.request.task]
        work.over.set()

    def _lose_all(self, message: str) -> None:
        with self._lock:
            self._serving, self._pool = False, None
            works = list(self._in_hand.values())
            questions, self._questions = self._questions, []
            self._inbox.clear()
        failed, now = Failed(cause=Cause.LOST, message=message), self._clock.now()
        ends = [over(work.errand.key, ended(work.errand.request, failed, now), ()) for work in works]
        try:
            if ends and not self._closing:
                self._tell(ends)
        finally:  # nobody hears us: then nobody need wait for us either
            self._let_go(ends)
            for question in questions:
                question.answer.set_result(undescribable(question.wanted, message))
