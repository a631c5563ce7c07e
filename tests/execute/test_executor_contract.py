"""The contract of every executor, as the same tests for the pool and for the simulation."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pytest

from runner.clock import WallClock
from runner.execute.pool import Pool
from runner.execute.ports import Clock, Executor
from runner.execute.simulate import ServiceStep, Simulation, Step
from runner.schedule.messages import (
    AttemptEnded,
    AttemptReturned,
    AttemptStarted,
    Event,
    Noted,
    ServiceEnded,
    ServiceReady,
    StartAttempt,
    StartService,
    StopAttempt,
    StopService,
)
from runner.task import Cause, Failed, Request, ServiceRequest, Succeeded

END = (AttemptEnded, AttemptReturned, ServiceEnded)
UNIT = 0.1
"""Seconds of a short step: long against a turn of the pool's loop, short for a person who waits for the tests."""


class World(Protocol):
    """An executor with its clock, and how to ask it for an attempt or a service that goes as a step says."""

    executor: Executor
    clock: Clock

    def attempt(self, task: str, step: Step, attempt: int = 1) -> None:
        """Start an attempt."""

    def service(self, service: str, step: ServiceStep) -> None:
        """Start a service."""


class SimulatedWorld:
    """Virtual time."""

    def __init__(self) -> None:
        self._steps: dict[str, Step] = {}
        self._services: dict[str, ServiceStep] = {}
        simulation = Simulation(
            lambda task, _attempt: self._steps[task], lambda service, _attempt: self._services[service], slots=3
        )
        self.executor: Executor = simulation
        self.clock: Clock = simulation

    def attempt(self, task: str, step: Step, attempt: int = 1) -> None:
        """Start an attempt."""
        self._steps[task] = step
        self.executor.start(StartAttempt(task=task, attempt=attempt), Request(run="r", task=task, attempt=attempt))

    def service(self, service: str, step: ServiceStep) -> None:
        """Start a service."""
        self._services[service] = step
        request = ServiceRequest(run="r", service=service, attempt=1, command="")
        self.executor.start(StartService(service=service, attempt=1), request)


class PoolWorld:
    """Real processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock: Clock = WallClock()
        self.executor: Executor = Pool(folder, self.clock)
        self.executor.slots = 3

    def attempt(self, task: str, step: Step, attempt: int = 1) -> None:
        """Start an attempt."""
        fails = step.outcome.message if isinstance(step.outcome, Failed) else ""
        mark = str(self.folder / f"{task}.ended")
        request = Request(
            run="r",
            task=task,
            attempt=attempt,
            uses="tests.execute.steps:step",
            arguments={"seconds": step.seconds, "stop_takes": step.stop_takes, "fails": fails, "mark": mark},
            env=dict(os.environ),
            path=(str(Path(__file__).parents[2]),),
        )
        self.executor.start(StartAttempt(task=task, attempt=attempt), request)

    def service(self, service: str, step: ServiceStep) -> None:
        """Start a service."""
        never = step.ready_after is None
        ready = "" if never else f"sleep {step.ready_after}; echo it is up; "
        life = 60 if never or step.dies_after is None else step.dies_after - (step.ready_after or 0.0)
        request = ServiceRequest(
            run="r",
            service=service,
            attempt=1,
            command=f"{ready}sleep {life}",
            env=dict(os.environ),
            ready_log="it is up",
            ready_timeout=step.dies_after if never and step.dies_after is not None else 30.0,
        )
        self.executor.start(StartService(service=service, attempt=1), request)


@pytest.fixture(params=["simulation", pytest.param("pool", marks=pytest.mark.real)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """Each executor in turn."""
    made: World = SimulatedWorld() if request.param == "simulation" else PoolWorld(tmp_path)
    yield made
    made.executor.close()


def _until(world: World, enough: Callable[[Sequence[Event]], bool], limit: float = 20.0) -> list[Event]:
    """Wait until enough has happened; answers all that did."""
    events: list[Event] = []
    end = world.clock.now() + limit
    while not enough(events) and world.clock.now() < end:
        events += world.executor.wait(end - world.clock.now())
    return events


def _ended(count: int) -> Callable[[Sequence[Event]], bool]:
    return lambda events: sum(isinstance(event, END) for event in events) >= count


def _let_it_end(mark: Path) -> None:
    """Wait, without listening to the pool, until an attempt has ended in its own process."""
    until = time.monotonic() + 20.0
    while not mark.exists() and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(3 * UNIT)


def _at_work(world: World) -> Callable[[Sequence[Event]], bool]:
    """Wait for the task's own word where it has one: an attempt begins before its module is imported."""
    sign = Noted if isinstance(world, PoolWorld) else AttemptStarted
    return lambda events: any(isinstance(event, sign) for event in events)


def _begun(events: Sequence[Event]) -> bool:
    return any(isinstance(event, AttemptStarted | ServiceReady) for event in events)


def _one_end(events: Sequence[Event]) -> AttemptEnded:
    ends = [event for event in events if isinstance(event, END)]
    assert 1 == len(ends)
    assert isinstance(ends[0], AttemptEnded)
    return ends[0]


def _stop(task: str, kill_after: float = 5.0, cause: Cause = Cause.TIMED_OUT) -> StopAttempt:
    return StopAttempt(task=task, attempt=1, cause=cause, kill_after=kill_after, message="stopped by the test")


def test_it_is_an_executor(world: World) -> None:
    """It has the whole surface of the port."""
    assert isinstance(world.executor, Executor)


def test_each_attempt_ends_exactly_once(world: World) -> None:
    """Whatever the mixture, every start is followed by one end, and by none later."""
    steps = {
        "quick": Step(seconds=0.0),
        "slow": Step(seconds=2 * UNIT),
        "broken": Step(seconds=UNIT, outcome=Failed(cause=Cause.EXCEPTION, message="RuntimeError: broken")),
    }
    for task, step in steps.items():
        world.attempt(task, step)
    events = _until(world, _ended(3))
    events += _until(world, _ended(1), limit=UNIT)

    assert ["broken", "quick", "slow"] == sorted(event.task for event in events if isinstance(event, AttemptEnded))
    assert ["broken", "quick", "slow"] == sorted(event.task for event in events if isinstance(event, AttemptStarted))


def test_an_attempt_begins_before_it_ends(world: World) -> None:
    """Events of one attempt come in order, and their times never go back."""
    world.attempt("a", Step(seconds=UNIT))
    events = _until(world, _ended(1))

    assert [AttemptStarted, AttemptEnded] == [type(event) for event in events if not isinstance(event, Noted)]
    assert sorted(event.at for event in events) == [event.at for event in events]
    assert UNIT <= events[-1].at - events[0].at + 0.02


def test_a_fault_of_a_task_is_an_event(world: World) -> None:
    """A task that fails ends with its cause and message; nothing is raised."""
    world.attempt("a", Step(seconds=0.0, outcome=Failed(cause=Cause.EXCEPTION, message="RuntimeError: it broke")))
    outcome = _one_end(_until(world, _ended(1))).outcome

    assert isinstance(outcome, Failed)
    assert Cause.EXCEPTION is outcome.cause
    assert "it broke" in outcome.message


def test_the_next_attempt_may_use_the_place_of_the_last(world: World) -> None:
    """A slot that is free can be filled again, many times over."""
    for attempt in range(1, 9):
        world.attempt("a", Step(seconds=0.0), attempt)
        end = _one_end(_until(world, _ended(1)))

        assert attempt == end.attempt
        assert isinstance(end.outcome, Succeeded)


@pytest.mark.parametrize("cause", [Cause.TIMED_OUT, Cause.CANCELLED])
def test_a_stopped_attempt_carries_the_cause_of_the_stop(world: World, cause: Cause) -> None:
    """Who stops an attempt says why it ended."""
    world.attempt("a", Step(seconds=60.0))
    _until(world, _at_work(world))
    world.executor.stop(_stop("a", cause=cause))
    end = _one_end(_until(world, _ended(1)))

    assert isinstance(end.outcome, Failed)
    assert (cause, "stopped by the test") == (end.outcome.cause, end.outcome.message)


def test_the_first_stop_says_why(world: World) -> None:
    """A second stop changes neither cause nor message."""
    world.attempt("a", Step(seconds=60.0, stop_takes=2 * UNIT))
    _until(world, _at_work(world))
    world.executor.stop(_stop("a", cause=Cause.TIMED_OUT))
    world.executor.stop(_stop("a", cause=Cause.CANCELLED))
    end = _one_end(_until(world, _ended(1)))

    assert isinstance(end.outcome, Failed)
    assert Cause.TIMED_OUT is end.outcome.cause


def test_an_attempt_that_will_not_end_is_killed(world: World) -> None:
    """`kill_after` seconds after the stop it is over, however long the task would have taken."""
    world.attempt("a", Step(seconds=60.0, stop_takes=60.0))
    _until(world, _at_work(world))
    asked = world.clock.now()
    world.executor.stop(_stop("a", kill_after=2 * UNIT))
    end = _one_end(_until(world, _ended(1)))

    assert 2 * UNIT <= end.at - asked + 0.02
    assert 5.0 > end.at - asked
    assert isinstance(end.outcome, Failed)
    assert Cause.TIMED_OUT is end.outcome.cause


def test_a_second_shorter_stop_hastens_the_first(world: World) -> None:
    """Asked again with less patience, an attempt is over sooner."""
    world.attempt("a", Step(seconds=60.0, stop_takes=60.0))
    _until(world, _at_work(world))
    asked = world.clock.now()
    world.executor.stop(_stop("a", kill_after=50.0))
    world.executor.stop(_stop("a", kill_after=0.0))

    assert 5.0 > _one_end(_until(world, _ended(1))).at - asked


def test_a_later_stop_with_more_patience_slows_nothing(world: World) -> None:
    """The shortest patience counts."""
    world.attempt("a", Step(seconds=60.0, stop_takes=60.0))
    _until(world, _at_work(world))
    asked = world.clock.now()
    world.executor.stop(_stop("a", kill_after=UNIT))
    world.executor.stop(_stop("a", kill_after=50.0))

    assert 5.0 > _one_end(_until(world, _ended(1))).at - asked


def test_an_attempt_that_had_ended_keeps_its_own_end(world: World) -> None:
    """A stop that comes after the end, but before anybody heard of it, changes nothing."""
    world.attempt("a", Step(seconds=0.0))
    if isinstance(world, PoolWorld):
        _let_it_end(world.folder / "a.ended")
    events = _until(world, _begun)
    world.executor.stop(_stop("a"))
    events += [] if any(isinstance(event, END) for event in events) else _until(world, _ended(1))
    end = _one_end(events)

    assert isinstance(end.outcome, Succeeded)


def test_a_stop_for_what_is_over_does_nothing(world: World) -> None:
    """There is no second end, and no fault."""
    world.attempt("a", Step(seconds=0.0))
    _until(world, _ended(1))
    world.executor.stop(_stop("a"))
    world.executor.stop(StopService(service="nobody", attempt=1, kill_after=0.0))

    assert [] == _until(world, _ended(1), limit=2 * UNIT)


def test_an_attempt_that_had_not_begun_is_returned(world: World) -> None:
    """Stopped before it began it comes back, once; only if it had begun does it carry the stop's cause."""
    world.attempt("a", Step(seconds=60.0, start_after=1.0))
    world.executor.stop(_stop("a"))
    events = _until(world, _ended(1))
    events += _until(world, _ended(1), limit=2 * UNIT)
    ends = [event for event in events if isinstance(event, END)]

    assert 1 == len(ends)
    assert _begun(events) == isinstance(ends[0], AttemptEnded)
    assert isinstance(world, PoolWorld) or isinstance(ends[0], AttemptReturned)


def test_waiting_ends_with_the_time(world: World) -> None:
    """Where nothing happens, `wait` answers nothing when the time is over, and not before."""
    world.attempt("a", Step(seconds=60.0))
    _until(world, _at_work(world))
    began = world.clock.now()

    assert [] == list(world.executor.wait(UNIT))
    assert UNIT <= world.clock.now() - began + 0.001
    assert [] == list(world.executor.wait(0.0))


def test_a_service_gets_ready_and_is_stopped(world: World) -> None:
    """A service tells when it answers; stopped, it ends so, once."""
    world.service("web", ServiceStep(ready_after=UNIT))
    events = _until(world, _begun)

    assert [ServiceReady] == [type(event) for event in events]

    world.executor.stop(StopService(service="web", attempt=1, kill_after=5.0))
    events = _until(world, _ended(1))
    events += _until(world, _ended(1), limit=2 * UNIT)

    assert ["stopped"] == [event.how for event in events if isinstance(event, ServiceEnded)]


def test_a_service_that_dies_says_so(world: World) -> None:
    """A service that was ready and ends by itself has died."""
    world.service("web", ServiceStep(ready_after=0.0, dies_after=2 * UNIT))
    events = _until(world, _ended(1))

    assert [ServiceReady, ServiceEnded] == [type(event) for event in events]
    assert ["died"] == [event.how for event in events if isinstance(event, ServiceEnded)]


def test_a_service_that_never_answers_is_given_up(world: World) -> None:
    """After its time a service that is not ready is ended and says that it never was."""
    world.service("web", ServiceStep(ready_after=None, dies_after=3 * UNIT))
    events = _until(world, _ended(1))

    assert ["never_ready"] == [event.how for event in events if isinstance(event, ServiceEnded)]
    assert not _begun(events)


def test_a_service_stopped_before_it_was_ready_is_stopped(world: World) -> None:
    """A stop while it starts ends it, and it never tells that it is ready."""
    world.service("web", ServiceStep(ready_after=60.0))
    world.executor.wait(UNIT)
    world.executor.stop(StopService(service="web", attempt=1, kill_after=5.0))
    events = _until(world, _ended(1))

    assert ["stopped"] == [event.how for event in events if isinstance(event, ServiceEnded)]
    assert not _begun(events)
