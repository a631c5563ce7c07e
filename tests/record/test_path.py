"""The critical path as it was measured, on runs whose times are given by hand."""

from __future__ import annotations

import pytest

from runner.record.path import critical_path
from runner.schedule.history import Stories
from runner.schedule.messages import AttemptEnded, AttemptStarted
from runner.task import Succeeded
from tests.kit import graph_of

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
    assert path.split() == list(critical_path(graph_of(graph), told(times)))


def test_a_long_run_on_few_workers_is_walked_in_no_time() -> None:
    """Ten thousand tasks, one after the other on one worker, are all on the path: no step looks at all of them."""
    names = [f"t{number}" for number in range(10_000)]
    times: Times = {name: [(float(number), number + 1.0)] for number, name in enumerate(names)}

    assert names == list(critical_path(graph_of("; ".join(names)), told(times)))
