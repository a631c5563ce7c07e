"""Keeps a book on every task and service of one run, from its events and commands alone.

Imports of `runner.schedule` only the messages. What the rules of DESIGN section 5 leave open (how long a rest with
jitter is, which of two equals goes first) it leaves open, too; everything else it knows at every moment. It judges
nothing: the referee does.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil, inf

from runner.graph.fan_out import fanned_out, template_of
from runner.graph.model import Graph, TaskSpec
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
)
from runner.task import Cause, Outcome, Succeeded
from tests.schedule.book import At, Book, Desk, Mode, Tally
from tests.schedule.generator import Game
from tests.schedule.oracle import WORDS, decided, rest, together

CLEAN_UP = 60.0
"""Seconds a clean-up without a time-out may take once the run is cancelled."""


class Bookkeeper:
    """Follows one game."""

    def __init__(self, game: Game) -> None:
        self.game, self.graph = game, game.graph
        self.tally = Tally()
        self.mode = Mode.GOING
        self.why = ""
        self.now = 0.0
        self.offered = (0, 0)  # slots and workers, as the executor says
        self.most: int | None = None  # workers, since crashes have cost some
        self.short: tuple[str, ...] = ()  # the functions of which a worker takes several attempts ahead
        self.crashes: list[tuple[float, str]] = []
        self.fewer_owed = False
        self.books = {spec.id: _book(self.graph, spec) for spec in self.graph.tasks.values()}
        self.desks = {name: Desk() for name in self.graph.services}
        self.room = dict(self.graph.pools)
        self.begins = 0
        self.starts: list[tuple[float, Book]] = []  # when what was handed out
        self._news = False  # something settled, so what waits must be looked at again
        self.port_owed: set[str] = set()
        self.cancelled_now = False

    # -- the questions ---------------------------------------------------------------------------------------------

    @property
    def running(self) -> int:
        """How many attempts are handed out."""
        return sum(book.at is At.RUNNING for book in self.books.values())

    @property
    def workers(self) -> int:
        """How many workers may be at work."""
        return self.offered[1] if self.most is None else min(self.offered[1], self.most)

    @property
    def slots(self) -> int:
        """How many attempts may be handed out: the share of the workers that are left."""
        slots, workers = self.offered
        return ceil(slots * self.workers / workers) if workers else slots

    def may_go_ahead(self, book: Book) -> bool:
        """Say whether a worker may be asked for a task ahead: it is short, and holds nothing others could want."""
        return book.spec.uses in self.short and not (
            book.spec.claims or book.spec.stagger or book.services or book.alone
        )

    def has_worker(self, book: Book) -> bool:
        """Say whether a worker can take a task, if what was handed out is spread over as many as can be."""
        out = [other for other in self.books.values() if other.at is At.RUNNING]
        if not self.may_go_ahead(book):
            return len(out) < self.workers
        ahead = sum(other.ahead for other in out)
        left = self.workers - (len(out) - ahead)
        return left > 0 and ahead < left * (self.slots // self.workers)

    def opens(self, book: Book) -> float:
        """Answer from which moment on a task may start, by `stagger` and by the rates of its pools."""
        found = 0.0
        if book.spec.stagger:
            found = max((at + book.spec.stagger for at, other in self.starts if other.spec.stagger), default=0.0)
        for pool, rate in self.graph.rates.items():
            claimed = [at for at, other in self.starts if pool in other.spec.claims]
            if pool in book.spec.claims and len(claimed) >= rate.count:
                found = max(found, claimed[-rate.count] + rate.seconds)
        return found

    def standing(self, service: str) -> str | None:
        """Answer how a service stands to the tasks that need it: S, F, or None while that is open."""
        return {"off": "S", "up": "S", "idle": None, "starting": None}.get(self.desks[service].at, "F")

    def above(self, book: Book) -> int:
        """Answer the number of the latest begin among all a task rests upon; a kept result rests upon nothing."""
        found, waiting, seen = 0, [*book.tasks], set[str]()
        while waiting:
            name = waiting.pop()
            if name not in seen and not self.books[name].kept:
                seen.add(name)
                found = max(found, self.books[name].order)
                waiting += self.books[name].tasks
        return found

    def needed(self, service: str) -> bool:
        """Say whether a task that needs this service has not settled."""
        return any(self.books[name].at is not At.SETTLED for name in self.graph.dependents[service])

    def answers(self, book: Book) -> tuple[list[str], str | None]:
        """Answer what the trigger may say, and what it says now: None while a service is open."""
        tasks = {self.books[need].kind for need in book.tasks}
        if not book.services:
            answer = decided(book.spec, tasks)
            return [answer], answer
        services = {None if book.spec.is_template else self.standing(need) for need in book.services}
        possible = [decided(book.spec, tasks | {end}) for end in "SF"]
        return possible, None if None in services else decided(book.spec, tasks | {kind or "" for kind in services})

    def looks(self, book: Book) -> bool:
        """Say whether something has to be looked up before a task can run: what it is for, or its last result."""
        if book.spec.is_template:
            return True
        return book.at is At.WAITING and self.mode is Mode.GOING and bool(book.spec.cache) and book.look != "told"

    # -- what happened ---------------------------------------------------------------------------------------------

    def happen(self, event: Event) -> None:
        """Enter one event."""
        match event:
            case RunOpened():
                self._open(event)
            case AttemptStarted(task=task, attempt=attempt):
                self._begin(self._running(task, attempt))
            case AttemptEnded(task=task, attempt=attempt, outcome=outcome):
                self._end(self._running(task, attempt), outcome)
            case AttemptReturned(task=task, attempt=attempt):
                self._return(self._running(task, attempt))
            case ServiceReady(service=service):
                desk = self.desks[service]
                desk.at = "up" if desk.at == "starting" else desk.at
                self._news = True
            case ServiceEnded(service=service, how=how):
                self._end_service(service, how)
            case SlotsChanged(slots=slots, workers=workers, short=short):
                self.offered = (slots, slots if workers is None else workers)
                self.short = short
            case CancelAsked(why=why):
                self._cancel(why)
            case ClockTicked():
                if self.graph.deadline is not None and self.now >= self.graph.deadline and self.mode < Mode.ENDING:
                    self._cancel("deadline")
            case Recalled():
                self._recall(event)
            case Answered():
                self._answer(event)
            case FannedOut():
                self._fan_out(event)
            case Noted():
                pass

    def _open(self, event: RunOpened) -> None:
        self.offered = (event.slots, event.slots)
        for name, desk in self.desks.items():
            says = self.game.truth(self.graph.services[name])
            desk.at = {True: "idle", False: "off", None: "failed"}[says]
        for name, book in self.books.items():
            book.asks = "yes" if {name, template_of(name)} & {*event.approved} else ""
        for name in event.kept:
            self.books[name].kept = True
            self.tally.seen.add("kept result")
        for name in event.kept:
            self._settle(self.books[name], "kept")
        self._news = True

    def _recall(self, event: Recalled) -> None:
        """Enter what was found, unless the run is being stopped by now."""
        for name in (*event.kept, *event.outdated):
            assert self.books[name].look == "asked", f"{name} was looked at unasked"
        if self.mode is not Mode.GOING:
            return
        for name in event.outdated:
            self.books[name].look = "told"
        for name in event.kept:
            self.tally.seen.add("cached result")
            self._settle(self.books[name], "cached")
        self._news = True

    def _answer(self, event: Answered) -> None:
        """Enter what a person said, unless the task is settled by now."""
        book = self.books[event.task]
        assert book.asks == "asked", f"{event.task} was answered unasked"
        if book.at is At.SETTLED:
            return
        book.asks = "yes"
        self.tally.seen.add("approved" if event.approved else "refused")
        if not event.approved:
            self._settle(book, "skipped")
        self._news = True

    def _fan_out(self, event: FannedOut) -> None:
        """Enter the instances of a fan-out, unless the run has been stopped before it."""
        book = self.books[event.task]
        assert book.look == "asked", f"{event.task} was fanned out unasked"
        book.look = "told"
        if book.at is At.SETTLED:
            return
        if event.fault:
            self.tally.seen.add("no items")
            self._settle(book, "failed")
            return
        self.graph = fanned_out(self.graph, event.task, event.items)
        group = self.graph.tasks[event.task]
        self.tally.seen.add("fan-out" if group.instances else "empty fan-out")
        for name in group.instances or ():
            self.books[name] = _book(self.graph, self.graph.tasks[name])
            self.books[name].asks = "yes" if event.task in self.game.first.approved else ""
        self.books[event.task] = replace(book, spec=group, tasks=group.instances or book.tasks, services=())
        for name in event.kept:
            if name in self.books:
                self.tally.seen.add("kept instance")
                self.books[name].kept = True
                self._settle(self.books[name], "kept")
        self._news = True

    def _running(self, task: str, attempt: int) -> Book:
        book = self.books[task]
        assert (At.RUNNING, attempt) == (book.at, book.attempt), f"{task}.{attempt} is not running"
        return book

    def _begin(self, book: Book) -> None:
        if book.first is None:
            self.begins += 1
            book.first, book.order = self.now, self.begins
        spec = book.spec
        book.begun = self.now
        own = self.now + (inf if spec.timeout is None else spec.timeout)
        book.limit = min(own, book.first + (inf if spec.retry.deadline is None else spec.retry.deadline))
        if self.mode is Mode.ENDING and spec.timeout is None:
            book.clean_up_limit = min(book.clean_up_limit, self.now + CLEAN_UP)

    def _end(self, book: Book, outcome: Outcome) -> None:
        self._release(book)
        book.ended += 1
        stop, book.stop = book.stop, None
        if isinstance(outcome, Succeeded):
            self._settle(book, "succeeded")
            return
        retry, cause = book.spec.retry, outcome.cause
        if cause is Cause.CRASHED:
            self._crash(book)
        if stop is None:
            assert cause not in (Cause.TIMED_OUT, Cause.CANCELLED), f"{book.spec.id}: nobody stopped it"
        longest = rest(retry, book.attempt)
        spared = self.mode is Mode.GOING or (self.mode is Mode.FAILING and book.always)
        in_time = book.first is None or retry.deadline is None or self.now + longest <= book.first + retry.deadline
        if spared and book.attempt < retry.attempts and cause in retry.on and in_time:
            book.at = At.RESTING
            book.rests = (self.now + (0.0 if retry.jitter == "full" else longest), self.now + longest)
        else:
            self._settle(book, WORDS.get(cause, "failed"))

    def _crash(self, book: Book) -> None:
        """Enter a crash; three of different tasks within a minute cost a worker, and the count begins anew."""
        book.crashes += 1
        self.crashes.append((self.now, book.spec.id))
        if len({name for at, name in self.crashes if self.now - at <= 60.0}) >= 3:
            self.crashes = []
            if self.workers > 1:
                self.most = self.workers - 1
                self.fewer_owed = True
                self.tally.seen.add("fewer workers")

    def _return(self, book: Book) -> None:
        assert book.begun is None, f"{book.spec.id} came back though it had begun"
        self._release(book)
        self.tally.seen.add("return")
        book.attempt -= 1
        book.stop = None
        if self.mode is Mode.KILLING or (self.mode is not Mode.GOING and not book.always):
            self._settle(book, "cancelled")
        else:
            book.at = At.READY
            self._news = True

    def _end_service(self, service: str, how: str) -> None:
        desk = self.desks[service]
        assert desk.at in ("starting", "up", "stopping"), f"{service} ended twice"
        if desk.at == "stopping":
            desk.at = "over"
        elif how == "port_taken" and self.graph.services[service].port == 0 and desk.attempt < 3:
            self.port_owed.add(service)
            self.tally.seen.add("taken port")
        else:
            self.tally.seen.add("service died" if desk.at == "up" else "service never ready")
            desk.at = "failed"
            self._news = True

    def _cancel(self, why: str) -> None:
        if self.mode < Mode.ENDING:
            self.why = why
        if self.mode is not Mode.KILLING:
            self.cancelled_now = True
            self.mode = Mode.KILLING if self.mode is Mode.ENDING else Mode.ENDING
            self.tally.seen.add("kill" if self.mode is Mode.KILLING else "cancel")
            self._sweep()
        for book in self.books.values():
            if book.at is At.RUNNING and book.always and self.cancelled_now and book.spec.timeout is None:
                book.clean_up_limit = min(book.clean_up_limit, self.now + CLEAN_UP)

    # -- what silently follows -------------------------------------------------------------------------------------

    def _settle(self, book: Book, word: str) -> None:
        book.at, book.word = At.SETTLED, word
        self._news = True
        if book.guilty and self.game.first.fail_fast and self.mode is Mode.GOING:
            self.mode = Mode.FAILING
            self.tally.seen.add("fail fast")
            self._sweep()

    def _sweep(self) -> None:
        """End what has not started and will not; what waits for running tasks learns it when these have ended."""
        for book in self.books.values():
            if book.at in (At.RUNNING, At.SETTLED):
                continue
            spared = (book.always and self.mode is not Mode.KILLING) or book.spec.instances is not None
            if not spared and (self.mode is Mode.KILLING or book.at is not At.WAITING):
                self._settle(book, "cancelled")  # what waits for something running learns it when that has ended
            elif book.at is At.RESTING and self.mode is Mode.ENDING:
                book.at = At.READY
        self._news = True

    def follow(self) -> None:
        """Enter what follows from it without a word."""
        while self._news:
            self._news = False
            for book in self.books.values():
                fresh = book.at is At.WAITING or (book.at is At.READY and book.first is None and not book.ended)
                if fresh and all(self.books[need].at is At.SETTLED for need in book.tasks):
                    self._decide(book)

    def _decide(self, book: Book) -> None:
        """Say what becomes of a task that never began and whose tasks have settled."""
        if book.spec.instances is not None:
            self._settle(book, together([self.books[name].word for name in book.spec.instances]))
            return
        if self.mode is not Mode.GOING and not (book.always and self.above(book)):
            self._settle(book, "skipped" if book.always else "cancelled")
            return
        possible, answer = self.answers(book)
        if "run" not in possible:
            self._settle(book, possible[0])
        elif book.at is At.WAITING and (says := self.game.truth(book.spec)) is not True:
            self._settle(book, "failed" if says is None else "skipped")
        elif self.looks(book):
            book.look = book.look or "owed"
        elif book.at is At.WAITING and book.spec.manual and book.asks != "yes":
            book.asks = book.asks or "owed"
        elif answer == "run":
            book.at = At.READY
        elif answer is not None:
            self._settle(book, answer)

    # -- what was commanded ----------------------------------------------------------------------------------------

    def hand_out(self, book: Book, attempt: int) -> None:
        """Enter the start of an attempt."""
        self.starts.append((self.now, book))
        book.at, book.attempt, book.begun = At.RUNNING, attempt, None
        book.limit = book.clean_up_limit = inf
        book.ahead = self.may_go_ahead(book)
        if self.running > self.workers:
            self.tally.seen.add("asked for ahead")
        for pool, amount in book.spec.claims.items():
            self.room[pool] -= amount
        if attempt > 1:
            self.tally.seen.add("retry")

    def _release(self, book: Book) -> None:
        for pool, amount in book.spec.claims.items():
            self.room[pool] += amount


def _book(graph: Graph, spec: TaskSpec) -> Book:
    tasks = tuple(need for need in spec.needs if need in graph.tasks)
    return Book(spec=spec, tasks=tasks, services=tuple(need for need in spec.needs if need in graph.services))
