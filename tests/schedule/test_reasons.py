"""The sentences that say why a task will not run, and what expressions may read of its needs."""

from __future__ import annotations

import pytest

from runner.graph.model import Trigger
from runner.schedule.machine import Schedule
from runner.schedule.reasons import blocked_by, need_scope, not_called, scope_of
from runner.schedule.rules import Need
from runner.task import Cause, Failed, Succeeded
from tests.kit import graph_of, opened

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
    task.outcome = Succeeded(outputs={"n": 1})
    assert {"n": 1} == need_scope(task, first)["outputs"]
    assert need_scope(task, first)["cause"] is None
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
    } == scope_of(first, {"a": 1})
