"""The one loop: events from an executor, through the recorder, into the schedule; its commands back to the executor.

Knows neither processes nor files nor whether time is real: it is given an executor, a clock and a recorder. That is why
a plan, a rehearsal and a run are the same thing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct, field

from runner.execute.ports import Clock, Executor, Observer, Person, Recorder
from runner.graph.model import Graph
from runner.graph.values import EvaluationError
from runner.requests import Requests, Unfilled
from runner.schedule.history import Stories
from runner.schedule.machine import Schedule
from runner.schedule.messages import (
    Answered,
    Ask,
    AttemptEnded,
    ClockTicked,
    Command,
    Event,
    FanOut,
    LimitWorkers,
    Recall,
    RunOpened,
    ServiceEnded,
    StartAttempt,
    StartService,
    StopAttempt,
    StopService,
)
from runner.task import Cause, Failed, Request, ServiceRequest

Outside = Callable[[float], Sequence[Event]]
"""Asked once a turn for what came from outside (a person's Ctrl-C), with the time in seconds."""


class Unwatched:
    """An observer for runs that nobody looks at."""

    def observe(self, events: Sequence[Event], schedule: Schedule) -> None:
        """Look away."""

    def due(self) -> float | None:
        """Never want to look."""
        return None


class Together:
    """Several observers as one."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def observe(self, events: Sequence[Event], schedule: Schedule) -> None:
        """Show it to each."""
        for each in self._observers:
            each.observe(events, schedule)

    def due(self) -> float | None:
        """Answer the earliest wish."""
        return min((moment for each in self._observers if (moment := each.due()) is not None), default=None)


def nothing_outside(_now: float) -> Sequence[Event]:
    """Answer for runs that nobody interrupts."""
    return ()


class Nobody(Unwatched):
    """Who is asked where nobody is there to ask."""

    def ask(self, task: str, now: float) -> Sequence[Event]:
        """Say no: what asks first does not start by itself."""
        return (Answered(at=now, task=task, approved=False, by="nobody"),)


Witness = Callable[[Event, Sequence[Command]], None]
"""Is shown each event that was handled, with the commands that followed from it, before the next one is handled."""
Summon = Callable[[Schedule, Stories], Witness | None]
"""Answers the witness of a run, if there is to be one, given its schedule and the stories of its events."""


def no_witness(_schedule: Schedule, _stories: Stories) -> None:
    """Answer for runs of which nothing is told."""


class World(Struct, frozen=True, kw_only=True):
    """What a run is driven with: who runs the work, what time it is, who keeps and tells events, looks on, is asked."""

    executor: Executor
    clock: Clock
    recorder: Recorder
    observer: Observer
    outside: Outside = nothing_outside
    person: Person = Nobody()
    summon: Summon = no_witness
    stories: Stories = field(default_factory=Stories)


def drive(graph: Graph, opened: RunOpened, requests: Requests | Unfilled, world: World) -> Schedule:
    """Run a graph to its end; answers the finished schedule. The executor is left for its owner to close."""
    schedule, stories = Schedule(graph), world.stories
    known = _Known(schedule=schedule, stories=stories, requests=requests)
    witness = world.summon(schedule, stories)
    events: Sequence[Event] = [opened]
    while True:
        events = world.recorder.record(events)  # facts are durable before anything follows from them
        faults: list[Event] = []
        for event in events:
            stories.add(event)
            commands = schedule.handle(event)
            if commands:
                faults += _obey(commands, known, world)
            if witness is not None:
                witness(event, commands)
        world.observer.observe(events, schedule)
        world.person.observe(events, schedule)
        if schedule.finished:
            return schedule
        events = faults or _next_events(schedule, world)


class _Known(Struct, frozen=True, kw_only=True):
    """What a request is built from."""

    schedule: Schedule
    stories: Stories
    requests: Requests | Unfilled


def _next_events(schedule: Schedule, world: World) -> Sequence[Event]:
    """Wait for what happens next, but not past an alarm of the schedule or a wish of recorder or observer."""
    while True:
        alarm, due, look = schedule.next_alarm(), world.recorder.due(), world.observer.due()
        timeout = None
        if alarm is not None or due is not None or look is not None:
            first = min(moment for moment in (alarm, due, look) if moment is not None)
            timeout = max(0.0, first - world.clock.now())
        events = [*world.executor.wait(timeout)]
        now = world.clock.now()
        events += world.outside(now)
        if due is not None and due <= now:
            world.recorder.sync()
        if look is not None and look <= now and not events:
            world.observer.observe((), schedule)
        if alarm is not None and alarm <= now:
            events.append(ClockTicked(at=now))
        if events:
            return events


def _obey(commands: Sequence[Command], known: _Known, world: World) -> list[Event]:
    """Hand commands to the executor, and questions to the person.

    Answers the ends of what could not even be asked for, what the person says at once, and what was recalled.

    All requests are filled in before the first is handed over, so that what may start together does. What is recalled
    comes last: looking at files must not hold up what runs.
    """
    asked: list[tuple[Command, Request | ServiceRequest | None]] = []
    faults, wanted = list[Event](), list[str]()
    for command in commands:
        try:
            asked.append((command, _request(command, known)))
        except EvaluationError as error:  # a border: expressions are the file author's
            faults.append(_unfit(command, str(error), world.clock.now()))
    for command, request in asked:
        match command:
            case StartAttempt() | StartService():
                assert request is not None, "every start has a request"
                world.executor.start(command, request)
            case StopAttempt() | StopService():
                world.executor.stop(command)
            case LimitWorkers():
                world.executor.limit(command)
            case Ask(task=task):
                faults += world.person.ask(task, world.clock.now())
            case FanOut(task=task):
                faults.append(known.requests.fanned_out(known.schedule, known.stories, task, world.clock.now()))
            case Recall(task=task):
                wanted.append(task)  # that is for us
    if wanted:
        faults.append(known.requests.recalled(known.schedule, known.stories, wanted, world.clock.now()))
    return faults


def _request(command: Command, known: _Known) -> Request | ServiceRequest | None:
    match command:
        case StartAttempt(task=task, attempt=attempt):
            return known.requests.attempt(known.schedule, known.stories, task, attempt)
        case StartService(service=service, attempt=attempt):
            return known.requests.service(known.schedule, service, attempt)
        case StopAttempt() | StopService() | LimitWorkers() | Recall() | Ask() | FanOut():
            return None


def _unfit(command: Command, message: str, now: float) -> Event:
    """Answer the end of a start that could not be filled in."""
    match command:
        case StartAttempt(task=task, attempt=attempt):
            failed = Failed(cause=Cause.BAD_PARAMETERS, message=message)
            return AttemptEnded(at=now, task=task, attempt=attempt, outcome=failed)
        case StartService(service=service, attempt=attempt):
            return ServiceEnded(at=now, service=service, attempt=attempt, how="died", message=message)
        case StopAttempt() | StopService() | LimitWorkers() | Recall() | Ask() | FanOut():
            raise AssertionError("there is nothing to fill in")
