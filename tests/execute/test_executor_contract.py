"""The contract of every executor, as the same tests for the pool, for a cluster and for the simulation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from runner.execute.ports import Executor
from runner.execute.simulate import ServiceStep, Step
from runner.schedule.messages import (
    AttemptEnded,
    AttemptReturned,
    AttemptStarted,
    Event,
    Noted,
    ServiceEnded,
    ServiceReady,
    StopAttempt,
    StopService,
)
from runner.task import Cause, Failed, Succeeded
from tests.execute.worlds import (
    END,
    UNIT,
    ClusterWorld,
    PoolWorld,
    RealWorld,
    SimulatedWorld,
    World,
    at_work,
    begun,
    ended,
    let_it_end,
    until,
)


def _made(kind: str, request: pytest.FixtureRequest, folder: Path) -> World:
    match kind:
        case "simulation":
            return SimulatedWorld()
        case "pool":
            return PoolWorld(folder)
        case _:
            return ClusterWorld(folder, request.getfixturevalue("dask_address"))


KINDS = [
    "simulation",
    pytest.param("pool", marks=pytest.mark.real),
    pytest.param("cluster", marks=[pytest.mark.real, pytest.mark.xdist_group("dask")]),
]


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """Each executor in turn."""
    made = _made(request.param, request, tmp_path)
    yield made
    made.executor.close()


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
    events = until(world, ended(3))
    events += until(world, ended(1), limit=UNIT)

    assert ["broken", "quick", "slow"] == sorted(event.task for event in events if isinstance(event, AttemptEnded))
    assert ["broken", "quick", "slow"] == sorted(event.task for event in events if isinstance(event, AttemptStarted))


def test_an_attempt_begins_before_it_ends(world: World) -> None:
    """Events of one attempt come in order, and their times never go back."""
    world.attempt("a", Step(seconds=UNIT))
    events = until(world, ended(1))

    assert [AttemptStarted, AttemptEnded] == [type(event) for event in events if not isinstance(event, Noted)]
    assert sorted(event.at for event in events) == [event.at for event in events]
    assert UNIT <= events[-1].at - events[0].at + 0.02


def test_a_fault_of_a_task_is_an_event(world: World) -> None:
    """A task that fails ends with its cause and message; nothing is raised."""
    world.attempt("a", Step(seconds=0.0, outcome=Failed(cause=Cause.EXCEPTION, message="RuntimeError: it broke")))
    outcome = _one_end(until(world, ended(1))).outcome

    assert isinstance(outcome, Failed)
    assert Cause.EXCEPTION is outcome.cause
    assert "it broke" in outcome.message


def test_the_next_attempt_may_use_the_place_of_the_last(world: World) -> None:
    """A slot that is free can be filled again, many times over."""
    for attempt in range(1, 9):
        world.attempt("a", Step(seconds=0.0), attempt)
        end = _one_end(until(world, ended(1)))

        assert attempt == end.attempt
        assert isinstance(end.outcome, Succeeded)


@pytest.mark.parametrize("cause", [Cause.TIMED_OUT, Cause.CANCELLED])
def test_a_stopped_attempt_carries_the_cause_of_the_stop(world: World, cause: Cause) -> None:
    """Who stops an attempt says why it ended."""
    world.attempt("a", Step(seconds=60.0))
    until(world, at_work(world))
    world.executor.stop(_stop("a", cause=cause))
    end = _one_end(until(world, ended(1)))

    assert isinstance(end.outcome, Failed)
    assert (cause, "stopped by the test") == (end.outcome.cause, end.outcome.message)


def test_the_first_stop_says_why(world: World) -> None:
    """A second stop changes neither cause nor message."""
    world.attempt("a", Step(seconds=60.0, stop_takes=2 * UNIT))
    until(world, at_work(world))
    world.executor.stop(_stop("a", cause=Cause.TIMED_OUT))
    world.executor.stop(_stop("a", cause=Cause.CANCELLED))
    end = _one_end(until(world, ended(1)))

    assert isinstance(end.outcome, Failed)
    assert Cause.TIMED_OUT is end.outcome.cause


def test_an_attempt_that_will_not_end_is_killed(world: World) -> None:
    """`kill_after` seconds after the stop it is over, however long the task would have taken."""
    world.attempt("a", Step(seconds=60.0, stop_takes=60.0))
    until(world, at_work(world))
    asked = world.clock.now()
    world.executor.stop(_stop("a", kill_after=2 * UNIT))
    end = _one_end(until(world, ended(1)))

    assert 2 * UNIT <= end.at - asked + 0.02
    assert 5.0 > end.at - asked
    assert isinstance(end.outcome, Failed)
    assert Cause.TIMED_OUT is end.outcome.cause


def test_a_second_shorter_stop_hastens_the_first(world: World) -> None:
    """Asked again with less patience, an attempt is over sooner."""
    world.attempt("a", Step(seconds=60.0, stop_takes=60.0))
    until(world, at_work(world))
    asked = world.clock.now()
    world.executor.stop(_stop("a", kill_after=50.0))
    world.executor.stop(_stop("a", kill_after=0.0))

    assert 5.0 > _one_end(until(world, ended(1))).at - asked


def test_a_later_stop_with_more_patience_slows_nothing(world: World) -> None:
    """The shortest patience counts."""
    world.attempt("a", Step(seconds=60.0, stop_takes=60.0))
    until(world, at_work(world))
    asked = world.clock.now()
    world.executor.stop(_stop("a", kill_after=UNIT))
    world.executor.stop(_stop("a", kill_after=50.0))

    assert 5.0 > _one_end(until(world, ended(1))).at - asked


def test_an_attempt_that_had_ended_keeps_its_own_end(world: World) -> None:
    """A stop that comes after the end, but before anybody heard of it, changes nothing."""
    world.attempt("a", Step(seconds=0.0))
    if isinstance(world, RealWorld):
        let_it_end(world.marks / "a.ended")
    events = until(world, begun)
    world.executor.stop(_stop("a"))
    events += [] if any(isinstance(event, END) for event in events) else until(world, ended(1))
    end = _one_end(events)

    assert isinstance(end.outcome, Succeeded)


def test_a_stop_for_what_is_over_does_nothing(world: World) -> None:
    """There is no second end, and no fault."""
    world.attempt("a", Step(seconds=0.0))
    until(world, ended(1))
    world.executor.stop(_stop("a"))
    world.executor.stop(StopService(service="nobody", attempt=1, kill_after=0.0))

    assert [] == until(world, ended(1), limit=2 * UNIT)


def test_an_attempt_that_had_not_begun_is_returned(world: World) -> None:
    """Stopped before it began it comes back, once; only if it had begun does it carry the stop's cause."""
    world.attempt("a", Step(seconds=60.0, start_after=1.0))
    world.executor.stop(_stop("a"))
    events = until(world, ended(1))
    events += until(world, ended(1), limit=2 * UNIT)
    ends = [event for event in events if isinstance(event, END)]

    assert 1 == len(ends)
    assert begun(events) == isinstance(ends[0], AttemptEnded)
    assert isinstance(world, RealWorld) or isinstance(ends[0], AttemptReturned)


def test_waiting_ends_with_the_time(world: World) -> None:
    """Where nothing happens, `wait` answers nothing when the time is over, and not before."""
    world.attempt("a", Step(seconds=60.0))
    until(world, at_work(world))
    began = world.clock.now()

    assert [] == list(world.executor.wait(UNIT))
    assert UNIT <= world.clock.now() - began + 0.001
    assert [] == list(world.executor.wait(0.0))


def test_a_service_gets_ready_and_is_stopped(world: World) -> None:
    """A service tells when it answers; stopped, it ends so, once."""
    world.service("web", ServiceStep(ready_after=UNIT))
    events = until(world, begun)

    assert [ServiceReady] == [type(event) for event in events]

    world.executor.stop(StopService(service="web", attempt=1, kill_after=5.0))
    events = until(world, ended(1))
    events += until(world, ended(1), limit=2 * UNIT)

    assert ["stopped"] == [event.how for event in events if isinstance(event, ServiceEnded)]


def test_a_service_that_dies_says_so(world: World) -> None:
    """A service that was ready and ends by itself has died."""
    world.service("web", ServiceStep(ready_after=0.0, dies_after=2 * UNIT))
    events = until(world, ended(1))

    assert [ServiceReady, ServiceEnded] == [type(event) for event in events]
    assert ["died"] == [event.how for event in events if isinstance(event, ServiceEnded)]


def test_a_service_that_never_answers_is_given_up(world: World) -> None:
    """After its time a service that is not ready is ended and says that it never was."""
    world.service("web", ServiceStep(ready_after=None, dies_after=3 * UNIT))
    events = until(world, ended(1))

    assert ["never_ready"] == [event.how for event in events if isinstance(event, ServiceEnded)]
    assert not begun(events)


def test_a_service_stopped_before_it_was_ready_is_stopped(world: World) -> None:
    """A stop while it starts ends it, and it never tells that it is ready."""
    world.service("web", ServiceStep(ready_after=60.0))
    world.executor.wait(UNIT)
    world.executor.stop(StopService(service="web", attempt=1, kill_after=5.0))
    events = until(world, ended(1))

    assert ["stopped"] == [event.how for event in events if isinstance(event, ServiceEnded)]
    assert not begun(events)


def test_after_close_nothing_is_left_running(world: World) -> None:
    """Attempts that would go on for ever, deaf ones too, and services are gone; closing again does nothing."""
    world.attempt("a", Step(seconds=60.0))
    world.attempt("deaf", Step(seconds=60.0, stop_takes=60.0))
    world.service("web", ServiceStep(ready_after=0.0))
    events = until(world, lambda events: sum(isinstance(event, AttemptStarted | ServiceReady) for event in events) == 3)
    pids = [event.pid for event in events if isinstance(event, AttemptStarted | ServiceReady) and event.pid]
    world.executor.close()
    world.executor.close()

    assert (3 if isinstance(world, RealWorld) else 0) == len(pids)
    assert [] == [pid for pid in pids if Path(f"/proc/{pid}").exists()]
