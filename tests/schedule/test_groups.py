"""How the group of a fan-out ends, and what it says of it: every way its instances may have ended, by hand."""

from __future__ import annotations

from typing import Any

import pytest

from runner.execute.simulate import Simulation, Step
from runner.graph.model import Foreach, Trigger
from runner.graph.values import parse
from runner.schedule.board import Phase, TaskState, Why
from runner.schedule.groups import all_are, ending_of
from runner.schedule.machine import Schedule
from runner.schedule.messages import AttemptEnded, AttemptStarted, FannedOut, ServiceReady, StopService
from runner.schedule.reasons import need_scope
from runner.task import Cause, Failed, Outcome, Succeeded
from tests.kit import failed, graph_of, opened, play, scripted, task_of


def ended(name: str, phase: Phase, outcome: Outcome | None = None, **fields: Any) -> TaskState:
    """Build an instance that has ended."""
    return TaskState(spec=task_of(name, 0), claims=(), phase=phase, outcome=outcome, **fields)


def good(name: str, **fields: Any) -> TaskState:
    """Build one that succeeded."""
    return ended(name, Phase.SUCCEEDED, Succeeded(), **fields)


def bad(name: str, cause: Cause = Cause.EXCEPTION) -> TaskState:
    """Build one that failed."""
    return ended(name, Phase.FAILED, failed(cause))


def left(name: str, why: Why, reason: str = "why not") -> TaskState:
    """Build one that did not run."""
    return ended(name, Phase.SKIPPED, why=why, reason=reason)


CASES: dict[str, tuple[list[TaskState], Phase, Why | None, str]] = {
    "one failed": ([good("a"), bad("b")], Phase.FAILED, None, "1 of 2: `b`"),
    "the only one failed": ([bad("a")], Phase.FAILED, None, "the only one: `a`"),
    "all failed": ([bad("a"), bad("b")], Phase.FAILED, None, "all 2: `a`, `b`"),
    "three of four failed": (
        [bad("a"), bad("b"), bad("c"), good("d")],
        Phase.FAILED,
        None,
        "3 of 4: `a`, `b`, `c`",
    ),
    "five failed": ([bad(name) for name in "abcde"], Phase.FAILED, None, "all 5: `a`, `b`, `c` and 2 more"),
    "failed and cancelled": ([bad("a"), left("b", Why.CANCELLED)], Phase.FAILED, None, "1 of 2: `a`"),
    "cancelled before blocked": (
        [left("a", Why.BLOCKED, "one"), left("b", Why.CANCELLED, "other"), good("c")],
        Phase.SKIPPED,
        Why.CANCELLED,
        "1 of 3: other",
    ),
    "all cancelled": (
        [left("a", Why.CANCELLED, "stopped"), left("b", Why.CANCELLED, "later")],
        Phase.SKIPPED,
        Why.CANCELLED,
        "all 2: stopped",
    ),
    "one blocked": (
        [good("a"), left("b", Why.BLOCKED, "`x` failed")],
        Phase.SKIPPED,
        Why.BLOCKED,
        "1 of 2: `x` failed",
    ),
    "all succeeded": ([good("a"), good("b")], Phase.SUCCEEDED, None, "all 2"),
    "the only one succeeded": ([good("a")], Phase.SUCCEEDED, None, "the only one"),
    "succeeded and skipped": (
        [good("a"), left("b", Why.SKIPPED), good("c"), good("d", kept=True)],
        Phase.SUCCEEDED,
        None,
        "2 succeeded, 1 skipped, 1 kept",
    ),
    "succeeded and kept": ([good("a"), good("b", kept=True)], Phase.SUCCEEDED, None, "1 succeeded, 1 kept"),
    "all skipped": (
        [left("a", Why.SKIPPED, "its `if` is false: x"), left("b", Why.SKIPPED, "y")],
        Phase.SKIPPED,
        Why.SKIPPED,
        "all 2: its `if` is false: x",
    ),
    "the only one skipped": ([left("a", Why.SKIPPED, "no")], Phase.SKIPPED, Why.SKIPPED, "the only one: no"),
    "no item": ([], Phase.SKIPPED, Why.SKIPPED, "there is no item to do it for"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_group_ends_as_its_instances_have(case: str) -> None:
    """What failed decides, then what was cancelled or blocked, then what succeeded; the sentence says how many."""
    instances, phase, why, reason = CASES[case]
    ending = ending_of(instances)

    assert (phase, why, reason) == (ending.phase, ending.why, ending.reason)
    if phase is Phase.SUCCEEDED:
        assert Succeeded() == ending.outcome
    if phase is Phase.SKIPPED:
        assert ending.outcome is None
    if phase is Phase.FAILED:
        assert Failed(cause=Cause.EXCEPTION, message=reason) == ending.outcome


def test_the_cause_of_a_group_is_that_of_the_first_that_failed_by_itself() -> None:
    """Whoever was cancelled is to blame only where nobody else is."""
    of_each = [
        [bad("a", Cause.CANCELLED), bad("b", Cause.CRASHED), bad("c", Cause.TIMED_OUT)],
        [bad("a", Cause.CANCELLED), bad("b", Cause.CANCELLED)],
    ]
    outcomes = [ending_of(instances).outcome for instances in of_each]

    assert [Cause.CRASHED, Cause.CANCELLED] == [each.cause for each in outcomes if isinstance(each, Failed)]


@pytest.mark.parametrize(("word", "field"), [("kept", "kept"), ("cached", "cached")])
def test_a_group_was_taken_over_if_all_that_succeeded_were(word: str, field: str) -> None:
    """Whoever was skipped says nothing about it."""
    taken = [good("a", **{field: True}), left("b", Why.SKIPPED)]

    assert all_are(word, taken)
    assert not all_are(word, [*taken, good("c")])


def test_items_that_cannot_be_said_fail_the_task() -> None:
    """The group fails by what is wrong with its items, as one whose `if` cannot be evaluated does; nothing starts."""
    items = parse("${{ needs.a.outputs.items }}")
    graph = graph_of("a; b: a; c: b", b={"fan": Foreach(items=items)})
    schedule = Schedule(graph)
    schedule.handle(opened(1))
    schedule.handle(AttemptStarted(at=0.0, task="a", attempt=1))
    schedule.handle(AttemptEnded(at=1.0, task="a", attempt=1, outcome=Succeeded(outputs={"n": 1})))
    commands = schedule.handle(FannedOut(at=1.0, task="b", fault="it is no list"))

    assert [] == commands
    assert ("failed", "it is no list") == (schedule.state("b"), schedule.reason("b"))
    assert Failed(cause=Cause.BAD_PARAMETERS, message="it is no list") == schedule.task("b").outcome
    assert [] == schedule.need_scope("c")["b"]["outputs"]
    assert "blocked" == schedule.state("c")
    assert schedule.finished


def test_no_item_lets_go_of_every_service() -> None:
    """Two servers are up for `a`; with nothing to do for `b`, nobody needs them any more, and both are stopped."""
    items = parse("${{ needs.a.outputs.items }}")
    graph = graph_of("a: s t; b: a s t", services={"s": {}, "t": {}}, b={"fan": Foreach(items=items)})
    schedule = Schedule(graph)
    schedule.handle(opened(1))
    for service in "st":
        schedule.handle(ServiceReady(at=1.0, service=service, attempt=1))
    schedule.handle(AttemptStarted(at=1.0, task="a", attempt=1))
    schedule.handle(AttemptEnded(at=2.0, task="a", attempt=1, outcome=Succeeded()))
    commands = schedule.handle(FannedOut(at=2.0, task="b"))

    assert ["s", "t"] == [command.service for command in commands if isinstance(command, StopService)]


def test_a_group_is_called_by_where_all_its_results_are_from() -> None:
    """All of an earlier run, or all looked up; where one ran the word is that of any success."""
    fan = {"fan": Foreach(items=("x", "y"))}
    whole, part = (
        play(graph_of("b; c: b", b=fan), Simulation(*scripted({}), slots=2), opened(2), taken=taken)
        for taken in (("b[x]", "b[y]"), ("b[x]",))
    )
    cached, mixed = (
        play(graph_of("b; c: b", b={**fan, "cache": True}), Simulation(*scripted({}), slots=2), opened(2), holds=holds)
        for holds in (("b[x]", "b[y]"), ("b[y]",))
    )

    assert ["kept", "succeeded", "cached", "succeeded"] == [run.states.get("b") for run in (whole, part, cached, mixed)]


def test_whoever_needs_a_group_reads_a_list_of_outputs() -> None:
    """One of each instance, in the order of the items, null where that returned nothing; of an instance its own."""
    steps = {
        "b[x]": Step(seconds=1.0, outcome=Succeeded(outputs={"n": 1})),
        "b[y]": Step(seconds=1.0, outcome=failed()),
    }
    graph = graph_of("b; c: b", b={"fan": Foreach(items=("x", "y"))}, c={"trigger": Trigger.ALL_DONE})
    run = play(graph, Simulation(*scripted(steps), slots=2), opened(2))

    assert [{"n": 1}, None] == run.schedule.need_scope("c")["b"]["outputs"]
    assert {"n": 1} == need_scope(run.schedule.task("b[x]"), opened(2))["outputs"]
