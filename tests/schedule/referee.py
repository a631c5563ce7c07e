"""Judges one run turn by turn: objects to whatever the rules of DESIGN section 5 forbid, and to whatever they make due.

Stops, retries, time-outs, room, order, services, clean-ups: all of it, also for runs that somebody stops. How an
undisturbed run ends is checked once more by the oracle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from functools import cached_property
from hashlib import blake2b

from runner.graph.model import TaskSpec
from runner.schedule.messages import (
    Ask,
    ClockTicked,
    Command,
    FannedOut,
    FanOut,
    LimitWorkers,
    Recall,
    StartAttempt,
    StartService,
    StopAttempt,
    StopService,
)
from runner.task import Cause
from tests.kit import Turn
from tests.schedule.book import At, Book, Mode
from tests.schedule.bookkeeper import Bookkeeper
from tests.schedule.generator import Game

MOMENT = 1e-6
"""Seconds by which two computations of the same moment may differ."""
CANCEL_CODES = {"interrupted": 130, "terminated": 143, "hung_up": 129, "deadline": 124}
LIVELY = frozenset({At.READY, At.RUNNING, At.RESTING})


class Referee(Bookkeeper):
    """Watches one game."""

    def __init__(self, game: Game) -> None:
        super().__init__(game)
        self._undone: set[str] = set()

    # -- the one way in --------------------------------------------------------------------------------------------

    def turn(self, turn: Turn) -> None:
        """Take in one turn; raises AssertionError with a sentence about the first thing that is wrong."""
        event = turn.event
        assert event.at >= self.now - MOMENT, "time went back"
        late = [book.spec.id for book in self._unstopped() if event.at > book.due + MOMENT]
        assert [] == late, f"{late} ran past their limit"
        self._nothing_overdue(event.at)
        self.now = event.at
        self.cancelled_now = False
        self.happen(event)
        self.follow()
        # Two things that follow from one event may be at odds: what is started and stopped in one turn does no harm.
        self._undone = {command.service for command in turn.commands if isinstance(command, StopService)}
        for command in turn.commands:
            self._command(command)
        self._nothing_owed(ticked=isinstance(event, ClockTicked))

    def close(self, verdict: str, exit_code: int, states: dict[str, str]) -> None:
        """Judge the end: everything settled, nothing running, words, verdict and exit code as they must be."""
        unsettled = [name for name, book in self.books.items() if book.at is not At.SETTLED]
        assert [] == unsettled, f"finished with {unsettled} unsettled"
        alive = [name for name, desk in self.desks.items() if desk.at in ("starting", "up", "stopping")]
        assert [] == alive, f"finished with {alive} running"
        going = [name for name, shelf in self.shelves.items() if shelf.at != "over"]
        assert [] == going, f"finished with the groups {going} not over"
        said = {name: states[name] for name in self.books}
        assert {name: book.word for name, book in self.books.items()} == said
        broken = {name for name, desk in self.desks.items() if desk.at == "failed"}
        assert broken == {name for name in self.desks if states[name] == "failed"}
        assert (verdict, exit_code) == self.outcome

    @property
    def outcome(self) -> tuple[str, int]:
        """The verdict and the exit code that are due."""
        if self.mode >= Mode.ENDING:
            return "interrupted", CANCEL_CODES[self.why]
        guilty = any(book.guilty for book in self.books.values())
        broken = any(desk.at == "failed" for desk in self.desks.values())
        return ("failed", 1) if guilty or broken else ("passed", 0)

    # -- what was commanded ----------------------------------------------------------------------------------------

    def _command(self, command: Command) -> None:
        match command:
            case StartAttempt(task=task, attempt=attempt):
                self._start(self.books[task], attempt)
            case StopAttempt(task=task):
                self._stop(self.books[task], command)
            case StartService(service=service, attempt=attempt):
                self._start_service(service, attempt)
            case StopService():
                self._stop_service(command)
            case LimitWorkers(workers=workers):
                assert self.fewer_owed, "a worker was taken away for nothing"
                assert workers == self.workers, f"{workers} workers are left instead of {self.workers}"
                self.fewer_owed = False
            case Ask(task=task):
                assert self.books[task].asks == "owed", f"{task} asks a person, and should not"
                self.books[task].asks = "asked"
            case FanOut(task=task):
                assert self.books[task].spec.is_template, f"{task} is no fan-out, or is one already"
                assert self.books[task].look == "owed", f"{task} is fanned out, and nothing is owed to it"
                self.books[task].look = "asked"
            case Recall(task=task):
                assert self.books[task].look == "owed", f"{task} is looked up, and nothing is owed to it"
                self.books[task].look = "asked"

    def _start(self, book: Book, attempt: int) -> None:
        name = book.spec.id
        rested = book.at is At.RESTING and self.now >= book.rests[0] - MOMENT
        assert book.at is At.READY or rested, f"{name}.{attempt} started while {book.at.value}"
        assert book.attempt + 1 == attempt, f"{name}: attempt {attempt} is not due"
        assert book.tries < book.spec.retry.attempts, f"{name}: attempt {attempt} is one too many"
        opens = self.opens(book)
        assert self.now >= opens - MOMENT or self.mode is Mode.ENDING, f"{name}.{attempt} started before {opens}"
        assert self.slots > self.running, f"{name}.{attempt} started without a free slot"
        assert self.has_worker(book), f"{name}.{attempt} started without a worker that may take it"
        assert not self._lonely(), f"{name}.{attempt} started beside {self._lonely()}, which runs alone"
        assert not (book.alone and self.running), f"{name}.{attempt} was to run alone, and started beside others"
        assert self._fits(book), f"{name}.{attempt} started without room in its pools"
        assert self.mode <= Mode.FAILING or book.always, f"{name}.{attempt} started while the run is being stopped"
        assert all(self.standing(need) is not None for need in book.services), f"{name}: a service is not settled"
        if self.mode is Mode.ENDING:
            self.tally.seen.add("clean-up")
            self._check_clean_up(book)
        else:
            ahead = [other.spec.id for other in self._startable() if self._key(other) < self._key(book)]
            assert [] == ahead, f"{ahead} should have started before {name}"
            passed = [other.spec.id for other in self._kept_waiting() if self._key(other) < self._key(book)]
            assert [] == passed, f"{name} overtook {passed}, which waits for a worker of its own"
        self.hand_out(book, attempt)

    def _check_clean_up(self, book: Book) -> None:
        name = book.spec.id
        ordinary = [other.spec.id for other in self.books.values() if not other.always and other.at in LIVELY]
        assert [] == ordinary, f"clean-up {name} started before {ordinary} settled"
        assert 0 == self.running, f"clean-up {name} started while something runs"
        later = [other.spec.id for other in self._startable() if self.above(other) > self.above(book)]
        assert [] == later, f"clean-up {name} started before {later}, which cleans up what ran later"

    def _stop(self, book: Book, stop: StopAttempt) -> None:
        name = book.spec.id
        assert (At.RUNNING, book.attempt) == (book.at, stop.attempt), (
            f"{name}.{stop.attempt} stopped while {book.at.value}"
        )
        if stop.cause is Cause.TIMED_OUT:
            assert book.stop is None, f"{name}.{stop.attempt} stopped twice"
            assert self.now >= book.due - MOMENT, f"{name}.{stop.attempt} stopped {book.due - self.now:g} s early"
            assert stop.kill_after == book.spec.kill_after
            self.tally.seen.add("time-out")
        else:
            assert stop.cause is Cause.CANCELLED, f"{name} stopped for {stop.cause}"
            assert self.cancelled_now, f"{name} stopped though nobody cancelled"
            assert self.mode is Mode.KILLING or not book.always, f"clean-up {name} was stopped by the first cancel"
            assert stop.kill_after == (0.0 if self.mode is Mode.KILLING else book.spec.kill_after)
        book.stop = stop

    def _start_service(self, service: str, attempt: int) -> None:
        desk = self.desks[service]
        assert desk.attempt + 1 == attempt, f"{service} started as number {attempt} after {desk.attempt}"
        if service in self.port_owed:
            self.port_owed.remove(service)
        else:
            assert desk.at == "idle", f"{service} started while {desk.at}"
            assert self._wanted(service) or service in self._undone, f"{service} started, but nothing waits for it"
        desk.at, desk.attempt = "starting", attempt

    def _stop_service(self, stop: StopService) -> None:
        desk, spec = self.desks[stop.service], self.graph.services[stop.service]
        killing = self.mode is Mode.KILLING and self.cancelled_now
        assert desk.attempt == stop.attempt
        assert desk.at in ("starting", "up") or (killing and desk.at == "stopping"), (
            f"{spec.id} stopped while {desk.at}"
        )
        assert killing or not self.needed(spec.id), f"{spec.id} stopped while it is needed"
        assert stop.kill_after == (0.0 if killing else spec.stop_timeout)
        desk.at = "stopping"

    def _fan_out(self, event: FannedOut) -> None:
        spec, longest = self.graph.tasks[event.task], self._longest
        super()._fan_out(event)
        for name in self.graph.tasks[event.task].instances or ():
            own = self._seconds(self.graph.tasks[name])
            longest[name] = longest[event.task] - self._seconds(spec) + own

    # -- what is owed ----------------------------------------------------------------------------------------------

    def _nothing_owed(self, *, ticked: bool) -> None:
        for book in self.books.values():
            if book.at is At.RUNNING:
                self._check_stopped(book, ticked=ticked)
        assert not self.fewer_owed, "three tasks crashed within a minute, and no worker was taken away"
        owed = [book for book in self.books.values() if book.look == "owed" and book.at is At.WAITING]
        unasked = [book.spec.id for book in owed if self.mode is Mode.GOING or book.spec.is_template]
        assert not unasked, f"{unasked} should have been looked up"
        silent = [name for name, book in self.books.items() if book.asks == "owed" and book.at is At.WAITING]
        assert [] == silent, f"{silent} should have asked a person"
        assert not self.port_owed, f"{self.port_owed}: its port was taken, and it was not started again"
        for service, desk in self.desks.items():
            assert desk.at != "idle" or not self._wanted(service), f"{service} should have started"
            assert desk.at not in ("starting", "up") or self.needed(service), f"{service} should have been stopped"
            assert self.mode is not Mode.KILLING or desk.at not in ("starting", "up"), f"{service} was not killed"
        if self.mode <= Mode.FAILING:
            idle = [book.spec.id for book in self._startable()]
            assert [] == idle, f"{idle} could have started and did not"
        elif self.mode is Mode.ENDING and self.running == 0:
            idle = [book.spec.id for book in self._startable()]
            assert [] == idle, f"clean-ups {idle} could have started and did not"
        if any(self._certain(book) and not self._fits(book) for book in self.books.values()):
            self.tally.seen.add("full pool")
        if any(self._certain(book) and book.alone for book in self.books.values()) and self.running:
            self.tally.seen.add("waits to run alone")
        if self._lonely():
            self.tally.seen.add("runs alone")

    def _nothing_overdue(self, at: float) -> None:
        """Object if something could have started at a moment before the event that comes now."""
        self.now = max(self.now, at - 2 * MOMENT)
        if self.mode <= Mode.FAILING:
            idle = [book.spec.id for book in self._startable()]
            assert [] == idle, f"{idle} could have started before {at}"

    def _check_stopped(self, book: Book, *, ticked: bool) -> None:
        name = f"{book.spec.id}.{book.attempt}"
        if book.begun is not None and book.stop is None:
            assert not ticked or self.now < book.due, f"{name} was not stopped at its limit"
        if self.cancelled_now and self.mode is Mode.ENDING and not book.always:
            assert book.stop is not None, f"{name} was not stopped by the cancel"
        if self.cancelled_now and self.mode is Mode.KILLING:
            assert book.stop is not None, f"{name} was not stopped by the second cancel"
            assert book.stop.kill_after == 0.0, f"{name} was not killed by the second cancel"

    # -- the questions ---------------------------------------------------------------------------------------------

    def _unstopped(self) -> list[Book]:
        """Answer the tasks whose attempt has begun and was not asked to stop."""
        running = [book for book in self.books.values() if book.at is At.RUNNING]
        return [book for book in running if book.begun is not None and book.stop is None]

    def _fits(self, book: Book) -> bool:
        room = all(self.room[pool] >= amount for pool, amount in book.spec.claims.items())
        return room and not (book.alone and self.running)

    def _lonely(self) -> str | None:
        """Answer the running task that runs alone."""
        lonely = (book.spec.id for book in self.books.values() if book.at is At.RUNNING and book.alone)
        return next(lonely, None)

    def _certain(self, book: Book) -> bool:
        """Say whether a task is ready for certain: with jitter only the run knows when a rest is over."""
        return book.at is At.READY or (book.at is At.RESTING and self.now > book.rests[1] + MOMENT)

    def _startable(self) -> list[Book]:
        """Answer the tasks that could start now, room and slot included."""
        if self.slots <= self.running or self._lonely():
            return []
        fit = [book for book in self.books.values() if self._certain(book) and self._fits(book) and self._may(book)]
        first = min(map(self._key, self._kept_waiting()), default=None)  # whom nobody may overtake
        return [book for book in fit if self.has_worker(book) and (first is None or self._key(book) < first)]

    def _kept_waiting(self) -> list[Book]:
        """Answer the tasks that could start but for a worker."""
        fit = (b for b in self.books.values() if self._certain(b) and self._fits(b) and self._may(b))
        return [book for book in fit if not self.has_worker(book)]

    def _may(self, book: Book) -> bool:
        """Say whether time keeps a task from starting no longer; clean-ups of a stopped run wait for no time."""
        opens = self.opens(book)
        if opens and opens > self.now - MOMENT and self.mode <= Mode.FAILING:
            self.tally.seen.add("stagger" if book.spec.stagger else "rate")
            return False
        return True

    def _wanted(self, service: str) -> bool:
        """Say whether a task waits for this service and could run."""
        if self.mode is Mode.KILLING:
            return False
        return any(self._waits_for(self.books[name]) for name in self.graph.dependents[service])

    def _waits_for(self, book: Book) -> bool:
        settled = self._may_begin(book)
        asking = book.spec.manual and book.asks != "yes"
        return (
            book.at is At.WAITING and settled and not self.looks(book) and not asking and "run" in self.answers(book)[0]
        )

    def _key(self, book: Book) -> tuple[float, float, float]:
        seed = self.game.first.shuffle
        if seed is not None:  # which names an order, today and in ten years
            self.tally.seen.add("shuffled")
            said = f"shuffle {seed}\0{book.spec.id}\0{0}"
            return (int.from_bytes(blake2b(said.encode(), digest_size=7).digest()), 0.0, book.spec.index)
        return (-book.spec.priority, -self._longest[book.spec.id], book.spec.index)

    @cached_property
    def _longest(self) -> dict[str, float]:
        """Seconds of the longest path from the start of each task to the end of the graph."""
        known: dict[str, float] = {}

        def path(name: str) -> float:
            if name not in known:
                own = self._seconds(self.graph.tasks[name])
                known[name] = own + max((path(other) for other in self.graph.dependents[name]), default=0.0)
            return known[name]

        return {name: path(name) for name in self.graph.tasks}

    def _seconds(self, spec: TaskSpec) -> float:
        """Answer how long a task is thought to take: as long as it took, else as its like did, else as is said."""
        if spec.instances is not None:
            return 0.0
        known = self.game.first.durations
        like = spec.id if spec.part is None or spec.id in known else spec.part.of
        return known.get(like, 1.0 if spec.estimate is None else spec.estimate)


def kinds_met(referee: Referee) -> Counter[tuple[str, str]]:
    """Count, for all tasks of an undisturbed run, which trigger met which kind of need."""
    met: Counter[tuple[str, str]] = Counter()
    for book in referee.books.values():
        kinds: Collection[str | None] = [
            *(referee.books[need].kind for need in book.tasks),
            *(referee.standing(need) for need in book.services if referee.desks[need].at in ("off", "failed")),
        ]
        met.update((book.spec.trigger.value, kind) for kind in kinds if kind is not None and not book.kept)
    return met
