"""Which tasks are flaky: every pair of ends, asked the same and asked otherwise, and for how long it is told."""

from __future__ import annotations

import pytest

from runner.record.flaky import NAMED, RUNS, flaky_runs
from runner.record.remembered import Remembered, RememberedTask
from runner.record.report import SCHEMA, GraphName

STATES = ("succeeded", "kept", "cached", "failed", "timed_out", "crashed", "cancelled", "skipped", "blocked", "running")
GOOD, BAD = {"succeeded"}, {"failed", "timed_out", "crashed"}


def ran(run: str, state: str, key: str = "k") -> Remembered:
    """Answer a run of one task that ended so."""
    task = RememberedTask(
        id="a", state=state, required=True, flaky=False, key=key, definition="d", attempts=(), checks=()
    )
    name = GraphName(name="g", file="g.yaml", digest="")
    return Remembered(
        schema=SCHEMA,
        run=run,
        graph=name,
        verdict="passed",
        exit_code=0,
        started="",
        seconds=1.0,
        params={},
        tasks=(task,),
    )


@pytest.mark.parametrize("before", STATES)
@pytest.mark.parametrize("now", STATES)
def test_asked_the_same_and_ended_otherwise_is_flaky(before: str, now: str) -> None:
    """A success and a failure are; what was kept, skipped, blocked or stopped says nothing about the task."""
    otherwise = (before in GOOD and now in BAD) or (before in BAD and now in GOOD)

    assert ({"a": ("r1",)} if otherwise else {}) == flaky_runs(ran("r2", now), [ran("r1", before)])


@pytest.mark.parametrize(("key", "before"), [("k", "other"), ("", ""), ("k", "")])
def test_asked_something_else_is_not_flaky(key: str, before: str) -> None:
    """Another key is another question, and without a key nobody knows what was asked."""
    assert {} == flaky_runs(ran("r2", "succeeded", key), [ran("r1", "failed", before)])


def test_it_is_forgotten_in_time() -> None:
    """What has gone well in so many runs is not called flaky any more."""
    bad, good = ran("bad", "failed"), [ran(f"good{number}", "succeeded") for number in range(RUNS)]

    assert {"a": ("bad",)} == flaky_runs(ran("now", "succeeded"), [*good[1:], bad])
    assert {} == flaky_runs(ran("now", "succeeded"), [*good, bad])


def test_the_latest_runs_are_named() -> None:
    """A few of them, the latest first."""
    past = [ran(f"r{number}", "failed") for number in range(9, 0, -1)]

    assert {"a": tuple(f"r{number}" for number in range(9, 9 - NAMED, -1))} == flaky_runs(ran("now", "succeeded"), past)
