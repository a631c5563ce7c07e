"""The sentences that say why a task will not run, and what expressions may read of its needs."""

from __future__ import annotations

import pytest

from runner.execute.simulate import Simulation, Step
from runner.graph.model import Retry, Trigger
from runner.graph.pieces import Piece
from runner.schedule.board import Phase
from runner.schedule.machine import Schedule
from runner.schedule.messages import (
    AttemptEnded,
    AttemptReturned,
    AttemptStarted,
    CancelAsked,
    ClockTicked,
    StartAttempt,
    StopAttempt,
)
from runner.schedule.reasons import blocked_by, need_scope, not_called, scope_of
from runner.schedule.rules import Need
from runner.task import Cause, Failed, OutputFile, Succeeded
from tests.kit import failed, graph_of, opened, play, scripted
from tests.schedule.generator import CONDITIONS

LARGE = OutputFile(file="outputs/f.json", size=9, digest="d")
UNKNOWN = "its `if` could not be evaluated: fromJSON: the text is not JSON"
STATES = {
    "failed": "`a` failed",
    "crashed": "`a` crashed",
    "blocked": "`a` was blocked",
    "timed_out": "`a` timed out",
    "cancelled": "`a` was cancelled",
    "skipped": "`a` was skipped",
    "stopping": "`a` was stopped",
    "stopped": "`a` was stopped",
    "unused": "`a` was not started",
}


@pytest.mark.parametrize("state", STATES)
def test_the_guilty_need_is_named_with_its_state(state: str) -> None:
    """In the past tense, whatever the state's word is; needs that did not fail are not named."""
    needs = {"a": Need.F, "b": Need.S, "c": Need.K}

    assert STATES[state] == blocked_by(needs, {"a": state, "b": "succeeded", "c": "skipped"}.__getitem__)


@pytest.mark.parametrize(
    ("count", "sentence"),
    [
        (2, "`n0` failed, `n1` failed"),
        (3, "`n0` failed, `n1` failed, `n2` failed"),
        (4, "`n0` failed, `n1` failed, `n2` failed and 1 more"),
        (9, "`n0` failed, `n1` failed, `n2` failed and 6 more"),
    ],
)
def test_three_guilty_needs_are_named_and_the_rest_counted(count: int, sentence: str) -> None:
    """A sentence that names a hundred tasks would not be read."""
    assert sentence == blocked_by({f"n{number}": Need.F for number in range(count)}, lambda _: "failed")


@pytest.mark.parametrize(
    ("trigger", "sentence"),
    [
        (Trigger.ONE_FAILED, "nothing it needs failed"),
        (Trigger.ONE_SUCCESS, "nothing it needs succeeded"),
        (Trigger.ALL_SUCCESS, "skipped with `b`, `c`, `d`"),
        (Trigger.NONE_FAILED, "skipped with `b`, `c`, `d`"),
        (Trigger.ALL_DONE, "skipped with `b`, `c`, `d`"),
        (Trigger.ALWAYS, "skipped with `b`, `c`, `d`"),
    ],
)
def test_a_trigger_that_was_not_called_says_why(trigger: Trigger, sentence: str) -> None:
    """Which needs were skipped, three of them at most, or what did not happen."""
    assert sentence == not_called(trigger, {"a": Need.S, "b": Need.K, "c": Need.K, "d": Need.K, "e": Need.K})


def test_expressions_read_what_became_of_a_need() -> None:
    """Its state and cause as words, its outputs, its prefix and the run."""
    schedule = Schedule(graph_of("a; b: a", a={"data_prefix": "T_"}))
    first = opened(run="r1")
    schedule.handle(first)
    task = schedule.task("a")
    told = {"data_prefix": "T_", "run": "r1"}

    assert {**told, "state": "running", "cause": None, "outputs": {}} == need_scope(task, first)
    task.phase = Phase.SUCCEEDED
    for task.kept, task.cached in ((True, False), (False, True)):
        assert "succeeded" == need_scope(task, first)["state"]
    task.outcome = Succeeded(outputs={"n": 1})
    assert {"n": 1} == need_scope(task, first)["outputs"]
    assert need_scope(task, first)["cause"] is None
    task.outcome = Succeeded(outputs={"n": 1}, files={"f": LARGE})
    assert {"n": 1, "f": Piece(name="needs.a.outputs.f", file=LARGE)} == need_scope(task, first)["outputs"]
    task.outcome = Failed(cause=Cause.FAILED_CHECK, message="m", outputs={"n": 2})
    assert ("failed_check", {"n": 2}) == (need_scope(task, first)["cause"], need_scope(task, first)["outputs"])


def test_conditions_read_parameters_environment_needs_and_run() -> None:
    """And nothing else: no secret, no service."""
    first = opened(run="r1", params={"p": 1}, environment={"E": "e"})

    assert {
        "params": {"p": 1},
        "env": {"E": "e"},
        "needs": {"a": 1},
        "run": {"id": "r1", "started": "2026-01-01T00:00:00.000Z"},
    } == scope_of(first, {"a": 1}, "")


def test_a_task_that_will_not_run_says_why() -> None:
    """Blocked, not called, skipped with another, left out by name, an `if` that says no or cannot be asked."""
    graph = graph_of(
        "bad; blocked: bad; fine; idle: fine; no; with_it: no; out; below: out; unknown",
        idle={"trigger": Trigger.ONE_FAILED},
        no={"condition": CONDITIONS[False]},
        unknown={"condition": CONDITIONS[None]},
    )
    simulation = Simulation(*scripted({"bad": Step(seconds=1.0, outcome=failed())}), slots=4)
    played = play(graph, simulation, opened(params={"no": False}, skipped=("out",)))
    said = {
        "bad": ("failed", ""),
        "blocked": ("blocked", "`bad` failed"),
        "fine": ("succeeded", ""),
        "idle": ("skipped", "nothing it needs failed"),
        "no": ("skipped", "its `if` is false: params.no"),
        "with_it": ("skipped", "skipped with `no`"),
        "out": ("skipped", "left out by name"),
        "below": ("skipped", "skipped with `out`"),
        "unknown": ("failed", UNKNOWN),
    }

    reasons = {name: played.schedule.reason(name) for name in graph.tasks}
    assert said == {name: (played.states[name], reason.partition(" (")[0]) for name, reason in reasons.items()}
    assert Failed(cause=Cause.BAD_PARAMETERS, message=reasons["unknown"]) == played.schedule.task("unknown").outcome


def test_a_service_whose_condition_cannot_be_asked_says_so() -> None:
    """It failed, and in the words of a task's."""
    graph = graph_of("a: s", services={"s": {"condition": CONDITIONS[None]}})
    schedule = play(graph, Simulation(*scripted(), slots=1), opened()).schedule

    assert ("failed", UNKNOWN) == (schedule.state("s"), schedule.reason("s").partition(" (")[0])


def test_a_stop_says_why() -> None:
    """Which limit has passed, the attempt's, its task's or a clean-up's; or that the run was stopped."""
    retry = Retry(attempts=2, delay=0.0, jitter="none", deadline=5.0)
    graph = graph_of(
        "short; spent; a; clean: a",
        short={"timeout": 3.0},
        spent={"retry": retry},
        clean={"trigger": Trigger.ALWAYS},
    )
    simulation = Simulation(*scripted(dict.fromkeys(graph.tasks, Step(seconds=500.0))), slots=4)
    simulation.at(10.0, CancelAsked(at=10.0, why="interrupted"))
    played = play(graph, simulation, opened())
    said = {
        (at, command.task): command.message for at, command in played.commands() if isinstance(command, StopAttempt)
    }

    assert {
        (3.0, "short"): "ran longer than 3 s",
        (5.0, "spent"): "its attempts together took longer than 5 s",
        (10.0, "a"): "the run was stopped",
        (70.0, "clean"): "ran longer than the 60 s a clean-up may take",
    } == said


def test_a_stopped_run_says_why_nothing_starts() -> None:
    """Failing fast names the task; what waited, was ready or rested says it, too."""
    graph = graph_of(
        "bad; slow; later: slow; rests; idle",
        rests={"retry": Retry(attempts=2, delay=90.0, jitter="none")},
        idle={"claims": {"p": 1}},
        slow={"claims": {"p": 1}},
        pools={"p": 1},
    )
    bad = Step(seconds=2.0, outcome=failed())
    steps = {"bad": bad, "rests": Step(seconds=1.0, outcome=failed()), "slow": Step(seconds=5.0)}
    simulation = Simulation(*scripted(steps), slots=4)
    schedule = play(graph, simulation, opened(fail_fast=True)).schedule
    why = "`bad` failed and the run fails fast"

    assert why == schedule.stopped_for
    assert [("cancelled", why)] * 2 == [(schedule.state(name), schedule.reason(name)) for name in ("later", "idle")]
    message = f"{why} while it rested before another try"
    assert Failed(cause=Cause.CANCELLED, message=message) == schedule.task("rests").outcome


def test_an_attempt_that_comes_back_to_a_stopped_run_says_why_it_is_not_tried() -> None:
    """It had not begun, and will not: neither a second attempt nor, once everything is killed, a clean-up."""
    retry = Retry(attempts=2, delay=0.0, jitter="none")
    schedule = Schedule(graph_of("a; x: a", a={"retry": retry}, x={"trigger": Trigger.ALWAYS}))
    cancel = CancelAsked(at=4.0, why="interrupted")
    schedule.handle(opened())
    schedule.handle(AttemptStarted(at=1.0, task="a", attempt=1))
    schedule.handle(AttemptEnded(at=2.0, task="a", attempt=1, outcome=failed()))
    schedule.handle(ClockTicked(at=3.0))
    told = [schedule.handle(event) for event in (cancel, AttemptReturned(at=5.0, task="a", attempt=2))]

    assert [StartAttempt(task="x", attempt=1)] == told[-1]
    schedule.handle(cancel)
    assert [] == schedule.handle(AttemptReturned(at=6.0, task="x", attempt=1))
    assert schedule.finished
    why = ("cancelled", "the run was stopped")
    assert {"a": why, "x": why} == {name: (schedule.state(name), schedule.reason(name)) for name in "ax"}


def test_an_attempt_that_comes_back_to_a_run_that_failed_fast_is_not_tried() -> None:
    """Not its first, and not its second either."""
    retry = Retry(attempts=2, delay=0.0, jitter="none")
    schedule = Schedule(graph_of("bad; a; b", a={"retry": retry}))
    schedule.handle(opened(fail_fast=True))
    schedule.handle(AttemptEnded(at=1.0, task="a", attempt=1, outcome=failed()))
    assert [StartAttempt(task="a", attempt=2)] == schedule.handle(ClockTicked(at=1.0))
    schedule.handle(AttemptEnded(at=2.0, task="bad", attempt=1, outcome=failed()))

    assert [[], []] == [
        schedule.handle(AttemptReturned(at=3.0, task=task, attempt=number)) for task, number in (("a", 2), ("b", 1))
    ]
    assert ["cancelled"] * 2 == [schedule.state(name) for name in "ab"]


def test_a_run_that_goes_on_says_nothing() -> None:
    """No reason to stop, none for a task that waits or succeeded."""
    schedule = play(graph_of("a; b: a"), Simulation(*scripted(), slots=1), opened()).schedule

    assert ("", "", "") == (schedule.stopped_for, schedule.reason("a"), schedule.reason("b"))
