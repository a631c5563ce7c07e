"""Keeps a book on every task and service of one run, from its events and commands alone.

Imports of `runner.schedule` only the messages. What the rules of DESIGN section 5 leave open (how long a rest with
jitter is, which of two equals goes first) it leaves open, too; everything else it knows at every moment. It judges
nothing: the referee does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, inf

from runner.graph.fan_out import fanned_out, template_of
from runner.graph.model import Graph, Group, TaskSpec
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
from tests.schedule.book import At, Book, Desk, Mode, Shelf, Tally
from tests.schedule.generator import Game
from tests.schedule.oracle import WORDS, decided, rest, together

MOMENT = 1e-9
ALIVE = ("starting", "up", "stopping")
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
        self.shelves = {name: Shelf(spec=spec) for name, spec in self.graph.groups.items()}
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
        """Say whether a task that needs this service has not settled, or may run again while the service stays."""
        scope = self.graph.services[service].scope
        return not all(self.heard(name, scope) for name in self.graph.dependents[service])

    def around(self, scope: str) -> list[Shelf]:
        """Answer the groups around a file, the innermost first."""
        found: list[Shelf] = []
        while scope:
            found.append(self.shelves[scope])
            scope = self.graph.groups[scope].scope
        return found

    def heard(self, task: str, scope: str) -> bool:
        """Say whether a file may rest upon a task: it has settled, and no group between may be tried again."""
        inside = self.around(scope)
        between = [shelf for shelf in self.around(self.graph.tasks[task].scope) if shelf not in inside]
        final = all(shelf.at == "over" or not shelf.again for shelf in between)
        return self.books[task].at is At.SETTLED and final

    def all_heard(self, needs: Sequence[str], scope: str) -> bool:
        """Say whether a file may rest upon all these tasks."""
        return all(self.heard(need, scope) for need in needs if need in self.books)

    def kinds(self, needs: Sequence[str], groups: Sequence[str]) -> set[str]:
        """Answer how what is needed looks; a whole group counts as one."""
        whole = {name for group in groups for name in self.graph.groups[group].tasks}
        single = {self.books[need].kind for need in needs if need in self.books and need not in whole}
        return single | {self.kind_of(self.graph.groups[group]) for group in groups}

    def kind_of(self, group: Group) -> str:
        """Answer how a group that is over looks to those that need it."""
        kinds = {self.books[name].kind for name in group.tasks}
        broken = any(self.desks[name].at == "failed" for name in group.services)
        return "F" if broken or "F" in kinds else "S" if "S" in kinds else "K"

    def answers(self, book: Book) -> tuple[list[str], str | None]:
        """Answer what the trigger may say, and what it says now: None while a service is open."""
        tasks = self.kinds(book.spec.own_needs, book.spec.groups)
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
                for shelf in self.shelves.values():
                    if shelf.at == "resting" and self.now >= shelf.rests - MOMENT:
                        self._begin_round(shelf)
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
        book.asks = "yes" if event.approved else "no"
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
            book.cause = Cause.BAD_PARAMETERS
            self._settle(book, "failed")
            return
        self.graph = fanned_out(self.graph, event.task, event.items)
        for name, shelf in self.shelves.items():
            shelf.spec = self.graph.groups[name]
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
        book.cause = cause
        if cause is Cause.CRASHED:
            self._crash(book)
        if stop is None:
            assert cause not in (Cause.TIMED_OUT, Cause.CANCELLED), f"{book.spec.id}: nobody stopped it"
        longest = rest(retry, book.tries)
        spared = self.mode is Mode.GOING or (self.mode is Mode.FAILING and book.always)
        in_time = book.first is None or retry.deadline is None or self.now + longest <= book.first + retry.deadline
        if spared and book.tries < retry.attempts and cause in retry.on and in_time:
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
        self._news = True
        if desk.at == "stopping":
            desk.at = "over"
        elif how == "port_taken" and self.graph.services[service].port == 0 and desk.attempt - desk.before < 3:
            self.port_owed.add(service)
            self.tally.seen.add("taken port")
        else:
            self.tally.seen.add("service died" if desk.at == "up" else "service never ready")
            desk.at = "failed"

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
        if book.guilty:
            self._fail_fast(book.spec.scope)

    def _fail_fast(self, scope: str) -> None:
        """Start nothing new after a failure, unless a group around it has another round."""
        saved = any(shelf.again and shelf.round < shelf.spec.retry.attempts for shelf in self.around(scope))
        if self.game.first.fail_fast and self.mode is Mode.GOING and not saved:
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
            for shelf in self.shelves.values():
                self._begin_if_due(shelf)
            for book in self.books.values():
                fresh = book.at is At.WAITING or (book.at is At.READY and book.first is None and not book.ended)
                if fresh and self._may_begin(book):
                    self._decide(book)
            if not self._news:
                for shelf in reversed(self.shelves.values()):  # an inner one before those around
                    self._end_if_due(shelf)

    def _may_begin(self, book: Book) -> bool:
        scope = book.spec.scope
        return (not scope or self.shelves[scope].at == "going") and self.all_heard(book.tasks, scope)

    def _begin_if_due(self, shelf: Shelf) -> None:
        """Say whether a group begins, once what it needs has settled; else settle what is in it."""
        spec = shelf.spec
        around = not spec.scope or self.shelves[spec.scope].at == "going"
        if shelf.at != "waiting" or not around or not self.all_heard(spec.needs, spec.scope):
            return
        if all(self.books[name].at is At.SETTLED for name in spec.tasks):
            return  # nothing of it has to begin
        answer = "cancelled"
        if self.mode is Mode.GOING:
            answer = decided(spec, self.kinds(spec.needs, spec.groups))
            if answer == "run":
                answer = {True: "run", False: "skipped", None: "failed"}[self.game.truth(spec)]
        if answer == "run":
            shelf.at, self._news = "going", True
            return
        self.tally.seen.add("group that does not begin")
        for book in (self.books[name] for name in spec.tasks):
            if book.at is At.WAITING:
                book.cause = Cause.BAD_PARAMETERS
                self._settle(book, "skipped" if answer == "cancelled" and book.always else answer)

    def _end_if_due(self, shelf: Shelf) -> None:
        """Let a group in which all is over rest before another round, or be over."""
        spec = shelf.spec
        begin = f"{spec.id}."
        inner = [each for name, each in self.shelves.items() if name.startswith(begin)]
        settled = all(self.books[name].at is At.SETTLED for name in spec.tasks) and all(e.at == "over" for e in inner)
        if shelf.at == "over" or not settled:
            return
        if shelf.again and self.mode is Mode.GOING:
            if shelf.at == "resting" or any(self.desks[name].at in ALIVE for name in spec.services):
                return
            books = (self.books[name] for name in spec.tasks)
            causes = {book.cause for book in books if book.guilty and book.spec.instances is None}
            if any(self.desks[name].at == "failed" for name in spec.services):
                causes.add(Cause.CRASHED)
            if shelf.at == "going" and shelf.round < spec.retry.attempts and causes and causes <= spec.retry.on:
                shelf.at, shelf.rests = "resting", self.now + rest(spec.retry, shelf.round)
                return
        shelf.at, self._news = "over", True
        self.tally.seen.update({"group"} | ({"group over after rounds"} if shelf.round > 1 else set()))
        if shelf.again and any(self.books[name].guilty for name in spec.tasks):
            self._fail_fast(spec.scope)

    def _begin_round(self, shelf: Shelf) -> None:
        """Begin a group anew, all in it but what was kept."""
        shelf.at, shelf.round, self._news = "going", shelf.round + 1, True
        self.tally.seen.add("another round")
        for name in shelf.spec.tasks:
            if not self.books[name].kept:
                self.books[name].renew()
        for name, inner in self.shelves.items():
            if name.startswith(f"{shelf.spec.id}.") and any(not self.books[task].kept for task in inner.spec.tasks):
                inner.at, inner.round = "waiting", 1
        for name in shelf.spec.services:
            desk = self.desks[name]
            desk.at = {True: "idle", False: "off", None: "failed"}[self.game.truth(self.graph.services[name])]
            desk.before = desk.attempt

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
            book.cause = Cause.BAD_PARAMETERS
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
        if book.tries > 1:
            self.tally.seen.add("retry")

    def _release(self, book: Book) -> None:
        for pool, amount in book.spec.claims.items():
            self.room[pool] += amount


def _book(graph: Graph, spec: TaskSpec) -> Book:
    tasks = tuple(need for need in spec.needs if need in graph.tasks)
    return Book(spec=spec, tasks=tasks, services=tuple(need for need in spec.needs if need in graph.services))
