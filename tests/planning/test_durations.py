"""How long a task is thought to take: the past, else its estimate, else a default; and the past is weighed by age."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from runner.graph.definition import definition_of
from runner.graph.model import Graph
from runner.planning.durations import (
    OVERHEAD,
    SERVICE_SECONDS,
    Course,
    expected_services,
    expected_tasks,
    measured_seconds,
    weighted_median,
)
from runner.record.measured import RunMeasured, TaskRun
from runner.schedule.policy import UNKNOWN_SECONDS
from tests.kit import graph_of

GRAPH = graph_of("a; b: a db; c", services={"db": {}}, b={"estimate": 7.0})


def ran(graph: Graph = GRAPH, services: Mapping[str, float] | None = None, **tasks: float | None) -> RunMeasured:
    """Build a run in which tasks took so long, or did not succeed."""
    return RunMeasured(
        tasks={name: TaskRun(definition=definition_of(graph, graph.tasks[name]), seconds=seconds)
               for name, seconds in tasks.items()},
        services=services or {},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([(3.0, 1.0)], 3.0),
        ([(1.0, 1.0), (2.0, 1.0), (9.0, 1.0)], 2.0),
        ([(1.0, 1.0), (2.0, 1.0)], 1.0),
        ([(1.0, 1.0), (9.0, 3.0)], 9.0),
        ([(9.0, 1.0), (1.0, 3.0)], 1.0),
        ([(5.0, 0.64), (1.0, 0.8), (2.0, 1.0)], 2.0),
    ],
)
def test_half_of_the_weight_lies_below_the_median(values: list[tuple[float, float]], expected: float) -> None:
    """The weighted median is the value at which half of the weight is reached, in whatever order the values come."""
    assert expected == weighted_median(values) == weighted_median(reversed(values))


def test_a_task_takes_what_it_took_else_its_estimate_else_a_default() -> None:
    """Each task has its own source, and the seconds are those of it."""
    past = {"r1": ran(a=3.0), "r2": ran(a=5.0), "r3": ran(a=4.0)}

    found = expected_tasks(GRAPH, past)

    assert ("measured", 4.0, 3) == (found["a"].source, found["a"].course.seconds, found["a"].runs)
    assert ("estimate", 7.0, 0) == (found["b"].source, found["b"].course.seconds, found["b"].runs)
    assert ("default", UNKNOWN_SECONDS, 0) == (found["c"].source, found["c"].course.seconds, found["c"].runs)
    assert {"a": 4.0} == measured_seconds(GRAPH, past)


def test_short_estimates_have_the_overhead_of_an_attempt() -> None:
    """Below a second an attempt takes noticeably longer than its task; from there on nobody estimates so finely."""
    graph = graph_of("a; b", a={"estimate": 0.5}, b={"estimate": 1.0})
    found = expected_tasks(graph, {})

    assert 0.5 + OVERHEAD == found["a"].course.seconds
    assert 1.0 == found["b"].course.seconds


def test_recent_runs_weigh_more() -> None:
    """After a change for the slower the plan follows within a few runs, long before these are the most."""
    old = {f"r{number:02}": ran(a=1.0) for number in range(20)}
    turned = [
        expected_tasks(GRAPH, {**old, **{f"s{number}": ran(a=8.0) for number in range(count)}})["a"].course.seconds
        for count in range(7)
    ]

    assert 1.0 == turned[0] == turned[2]
    assert 8.0 == turned[4] == turned[6]


def test_another_definition_says_nothing() -> None:
    """A task that does something else now is one that never ran; needs, limits and words may change."""
    other = graph_of("a; b: a db; c", services={"db": {}}, a={"arguments": {"n": 2}})
    same = graph_of("c; a: c; b: a db", services={"db": {}}, a={"timeout": 5.0, "title": "A"})

    assert "default" == expected_tasks(other, {"r": ran(a=3.0)})["a"].source
    assert "measured" == expected_tasks(same, {"r": ran(a=3.0)})["a"].source


def test_what_never_succeeded_says_nothing_of_a_success() -> None:
    """Runs in which a task failed for good are left out."""
    assert "estimate" == expected_tasks(GRAPH, {"r": ran(b=None)})["b"].source


def test_what_may_fail_and_mostly_does_is_planned_to() -> None:
    """A task that is allowed to fail is thought to end as it mostly did, lately; any other one to succeed."""
    graph = graph_of("a; b", a={"allow_failure": True})
    bad = {name: TaskRun(definition=definition_of(graph, graph.tasks[name]), failed=(0.5, 0.25)) for name in "ab"}
    good = {name: TaskRun(definition=definition_of(graph, graph.tasks[name]), seconds=3.0) for name in "ab"}
    runs = [RunMeasured(tasks=bad), RunMeasured(tasks=good)]
    lately_good = expected_tasks(graph, {str(number): run for number, run in enumerate(runs)})
    lately_bad = expected_tasks(graph, {str(number): run for number, run in enumerate(reversed(runs))})

    assert Course(seconds=3.0) == lately_good["a"].course == lately_good["b"].course == lately_bad["b"].course
    assert Course(failed=(0.5,), seconds=0.25, fails=True) == lately_bad["a"].course


def test_a_task_that_mostly_fails_first_is_planned_so() -> None:
    """As many failed attempts as its successes mostly had, each as long as it mostly was."""
    definition = definition_of(GRAPH, GRAPH.tasks["a"])
    runs = [((0.5,), 2.0), ((0.7,), 2.2), ((), 1.8), ((0.6, 9.0), 2.1)]
    past = {f"r{number}": RunMeasured(tasks={"a": TaskRun(definition=definition, failed=failed, seconds=seconds)})
            for number, (failed, seconds) in enumerate(runs)}  # fmt: skip

    found = expected_tasks(GRAPH, past)["a"]

    assert Course(failed=(0.6,), seconds=2.1) == found.course
    assert [(course.failed, course.seconds) for course, _ in found.past] == list(reversed(runs))


def test_a_service_is_ready_after_what_it_took() -> None:
    """Measured where it was, a default that is named where it was not."""
    assert (2.5, "measured") == _service({"r": ran(services={"db": 2.5})})
    assert (SERVICE_SECONDS, "default") == _service({"r": ran(a=1.0)})


def _service(past: Mapping[str, RunMeasured]) -> tuple[float, str]:
    found = expected_services(GRAPH, past)["db"]
    return found.course.seconds, found.source


def test_runs_in_which_nothing_had_to_be_done_make_no_other_older() -> None:
    """A night of runs with nothing to do is no reason to think less of what was measured before it."""
    past = {"r1": ran(a=3.0), "r2": ran(a=5.0, services={"db": 1.0})}
    nothing = {f"r{number}": RunMeasured() for number in range(3, 50)}

    assert expected_tasks(GRAPH, past) == expected_tasks(GRAPH, {**past, **nothing})
    assert expected_services(GRAPH, past) == expected_services(GRAPH, {**past, **nothing})
