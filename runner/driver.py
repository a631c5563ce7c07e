"""The one loop: events from an executor, through the recorder, into the schedule; its commands back to the executor.

Knows neither processes nor files nor whether time is real: it is given an executor, a clock and a recorder. That is why
a plan, a rehearsal and a run are the same thing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from runner.execute.ports import Clock, Executor, Observer, Recorder
from runner.graph.model import Graph
from runner.graph.values import EvaluationError
from runner.requests import Requests
from runner.schedule.history import Stories
from runner.schedule.machine import Schedule
from runner.schedule.messages import (
    AttemptEnded,
    ClockTicked,
    Command,
    Event,
    RunOpened,
    ServiceEnded,
    StartAttempt,
    StartService,
    StopAttempt,
    StopService,
)
from runner.task import Cause, Failed

Outside = Callable[[float], Sequence[Event]]
"""Asked once a turn for what came from outside (a person's Ctrl-C), with the time in seconds."""


class Unwatched:
    """An observer for runs that nobody looks at."""

    def observe(self, events: Sequence[Event], schedule: Schedule) -> None:
        """Look away."""


def nothing_outside(_now: float) -> Sequence[Event]:
    """Answer for runs that nobody interrupts."""
    return ()


def drive(
    graph: Graph,
    opened: RunOpened,
    requests: Requests,
    executor: Executor,
    clock: Clock,
    recorder: Recorder,
    observer: Observer,
    outside: Outside = nothing_outside,
) -> Schedule:
    """Run a graph to its end; answers the finished schedule. The executor is left for its owner to close."""
    schedule, stories = Schedule(graph), Stories()
    events: Sequence[Event] = [opened]
    while True:
        recorder.record(events)  # facts are durable before anything follows from them
        faults: list[Event] = []
        for event in events:
            stories.add(event)
            for command in schedule.handle(event):
                faults += _obey(command, schedule, stories, requests, executor, clock)
        observer.observe(events, schedule)
        if schedule.finished:
            return schedule
        events = faults or _next_events(schedule, executor, clock, recorder, outside)


def _next_events(
    schedule: Schedule, executor: Executor, clock: Clock, recorder: Recorder, outside: Outside
) -> Sequence[Event]:
    """Wait for what happens next, but not past an alarm of the schedule or a wish of the recorder."""
    while True:
        alarm, due = schedule.next_alarm(), recorder.due()
        moments = [moment for moment in (alarm, due) if moment is not None]
        timeout = max(0.0, min(moments) - clock.now()) if moments else None
        events = [*executor.wait(timeout)]
        now = clock.now()
        events += outside(now)
        if due is not None and due <= now:
            recorder.sync()
        if alarm is not None and alarm <= now:
            events.append(ClockTicked(at=now))
        if events:
            return events


def _obey(
    command: Command, schedule: Schedule, stories: Stories, requests: Requests, executor: Executor, clock: Clock
) -> list[Event]:
    """Hand a command to the executor; answers the end of what could not even be asked for."""
    match command:
        case StartAttempt(task=task, attempt=attempt):
            try:
                request = requests.attempt(schedule, stories, task, attempt)
            except EvaluationError as error:  # a border: expressions are the file author's
                failed = Failed(cause=Cause.BAD_PARAMETERS, message=str(error))
                return [AttemptEnded(at=clock.now(), task=task, attempt=attempt, outcome=failed)]
            executor.start(command, request)
        case StartService(service=service, attempt=attempt):
            try:
                wanted = requests.service(schedule, service, attempt)
            except EvaluationError as error:  # a border: expressions are the file author's
                now, message = clock.now(), str(error)
                return [ServiceEnded(at=now, service=service, attempt=attempt, how="died", message=message)]
            executor.start(command, wanted)
        case StopAttempt() | StopService():
            executor.stop(command)
    return []
