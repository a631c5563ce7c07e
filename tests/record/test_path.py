"""The critical path as it was measured, on runs whose times are given by hand."""

from __future__ import annotations

import pytest

from runner.execute.simulate import Step
from runner.graph.fan_out import opened as opened_with
from runner.graph.model import Foreach, Retry
from runner.record.folding import fold
from runner.record.path import critical_path
from runner.schedule.history import Stories
from runner.schedule.messages import AttemptEnded, AttemptStarted
from runner.task import Succeeded
from tests.kit import failed, graph_of, grouped_of
from tests.schedule.test_machine import run

Times = dict[str, list[tuple[float, float | None]]]


def told(times: Times) -> Stories:
    """Tell stories of attempts with these starts and ends."""
    stories = Stories()
    for task, attempts in times.items():
        for number, (start, end) in enumerate(attempts, start=1):
            stories.add(AttemptStarted(at=start, task=task, attempt=number))
            if end is not None:
                stories.add(AttemptEnded(at=end, task=task, attempt=number, outcome=Succeeded()))
    return stories


@pytest.mark.parametrize(
    ("graph", "times", "path"),
    [
        ("a; b: a; c: a; d: b c", {"a": [(0, 1)], "b": [(1, 2)], "c": [(1, 5)], "d": [(5, 6)]}, "a c d"),
        ("a; b", {"a": [(0, 0.01)], "b": [(0.02, 1)]}, "b"),  # both began with the run: nobody waited
        ("a; b; c: b", {"a": [(0, 3)], "b": [(3.01, 4)], "c": [(4, 5)]}, "a b c"),  # b waited for the slot of a
        ("a; b", {"a": [(0, 3)], "b": [(3.2, 4)]}, "b"),  # b began for a reason of its own
        ("a; b: a; c", {"a": [(0, 1)], "b": [(4, 5)], "c": [(0, 4)]}, "c b"),  # its need was long over
        ("a; b: a", {"a": [(0, 1)], "b": [(3, 5)]}, "a b"),  # late, and nobody else to blame
        ("a; b: a", {"a": [(0, 1), (2, 4)], "b": [(4, 5)]}, "a b"),  # a rest belongs to its task
        ("a; b", {"a": [(0, 2)], "b": [(0, None)]}, "a"),
        ("a; b: a", {"a": [(1, 1)], "b": [(1, 1)]}, "a b"),  # no time at all goes in no circle
        ("a", {}, ""),
    ],
)
def test_the_path_leads_back_from_the_last_end(graph: str, times: Times, path: str) -> None:
    """From the last end back to what each start had waited for."""
    assert path.split() == list(critical_path(graph_of(graph), told(times), {}))


def test_a_long_run_on_few_workers_is_walked_in_no_time() -> None:
    """Ten thousand tasks, one after the other on one worker, are all on the path: no step looks at all of them."""
    names = [f"t{number}" for number in range(10_000)]
    times: Times = {name: [(float(number), number + 1.0)] for number, name in enumerate(names)}

    assert names == list(critical_path(graph_of("; ".join(names)), told(times), {}))


def test_a_path_leads_through_every_round_of_an_included_graph() -> None:
    """What ended last in a round holds up the next one; what came in between of others does not."""
    graph = grouped_of("a; b: a; c", "z: g; y", retry=Retry(attempts=2))
    times: Times = {"g.a": [(0, 1), (7, 8)], "g.b": [(1, 2), (8, 9)], "g.c": [(0, 0.5), (7, 7.5)], "z": [(9, 10)]}
    rounds = {("g.a", 2): "g", ("g.b", 2): "g", ("g.c", 2): "g"}

    assert ["g.a", "g.b", "g.a", "g.b", "z"] == list(critical_path(graph, told({**times, "y": [(0, 6.5)]}), rounds))
    once: Times = {**times, "g.a": [(0, 1)], "g.b": [(1, 2), (2.5, 9)]}
    assert ["g.a", "g.b", "z"] == list(critical_path(graph, told(once), {}))


def test_a_report_knows_the_rounds_of_a_run() -> None:
    """One task with two attempts in each round, and one alone: nobody is on the path twice in a row."""
    tried = Retry(attempts=2, delay=1.0, jitter="none")
    both = grouped_of("a; b: a", "z: g", settings={"b": {"retry": tried}}, retry=tried)
    alone = grouped_of("a", "z: g", retry=tried)
    fails = Step(seconds=1.0, outcome=failed())
    found = fold(both, [turn.event for turn in run(both, {"g.b": [fails, fails, Step(seconds=1.0)]}).turns])
    short = fold(alone, [turn.event for turn in run(alone, {"g.a": [fails, Step(seconds=1.0)]}).turns])

    assert ("g.a", "g.b", "g.a", "g.b", "z") == found.critical_path
    assert ("g.a", "z") == short.critical_path


def test_an_instance_holds_up_what_needs_its_fan_out() -> None:
    """The group of a fan-out takes no time itself: the path leads to the instance that ended last, however early."""
    graph = opened_with(graph_of("f; b: f", f={"fan": Foreach(items=("x", "y"))}), {"f": ("x", "y")})

    assert ["f[y]", "b"] == list(critical_path(graph, told({"f[x]": [(0, 1)], "f[y]": [(0, 2)], "b": [(3, 4)]}), {}))
