"""Plans of whole graphs: figures worked out by hand, rehearsals, comparisons, and what past runs change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.errors import GraphError, NothingSelected, UsageError
from runner.planning.as_json import render_json
from runner.planning.resampling import AT_LEAST
from tests.planning.scenes import PHASE, made, past, planned, states, task

ALL_WELL = {
    **dict.fromkeys(("config", "power", "health", "checkpoint", "tidy", "publish"), "succeeded"),
    "extra": "skipped",
}


def test_a_plan_is_the_run_in_virtual_time(tmp_path: Path) -> None:
    """The service takes a second, the pool holds two of three back, power decides the rest: by hand, on paper."""
    plan = planned(tmp_path)
    starts = {each.id: each.start for each in plan.tasks}

    assert {
        "config": 1.0, "power": 1.0, "health": 3.0, "extra": None, "checkpoint": 6.0, "tidy": 7.0, "publish": 7.0,
    } == starts  # fmt: skip
    assert ALL_WELL == states(plan)
    assert ("backend", "power", "checkpoint", "tidy") == plan.critical_path
    assert (8.0, 11.0, 11.0 / 8.0) == (plan.makespan, plan.sequential_seconds, plan.speedup)
    assert {"config": 2.0, "health": 2.0} == {
        each.id: each.slack for each in plan.tasks if each.slack not in (None, 0.0)
    }


def test_a_plan_tells_what_is_busy_and_what_is_needed(tmp_path: Path) -> None:
    """Pools, memory, workers, parameters and secrets are those of the graph; secrets say only whether they are set."""
    plan = planned(tmp_path, params={"deep": "true"}, environment={"TOKEN": "hunter22"})
    (pool,) = plan.pools

    assert ("db", 2, 2, (2.0 + 5.0 + 1.0) / (2 * 8.0)) == (pool.name, pool.size, pool.peak, pool.used)
    assert (3 * 2**30, 2) == (plan.memory.peak, plan.memory.unlimited)
    assert {"deep": (True, True)} == {each.name: (each.value, each.given) for each in plan.params}
    assert [("TOKEN", True)] == [(each.name, each.is_set) for each in plan.secrets]
    assert "hunter22" not in render_json(plan)
    assert 3 == plan.busiest
    assert 12.0 == sum(lane.busy for lane in plan.lanes) == plan.sequential_seconds


def test_a_rehearsed_failure_goes_the_way_of_a_real_one(tmp_path: Path) -> None:
    """It is tried again as often as it would be, blocks what it blocks, and the checkpoint sees it."""
    plan = planned(tmp_path, fail=["health"])
    health, checkpoint = task(plan, "health"), task(plan, "checkpoint")

    assert {**ALL_WELL, "health": "failed", "checkpoint": "failed", "publish": "blocked"} == states(plan)
    assert [(3.0, "exit_code"), (6.0, "exit_code"), (11.0, "exit_code")] == [
        (each.start, each.outcome) for each in health.attempts
    ]
    assert {"config": "succeeded", "power": "succeeded", "health": "failed (exit_code)"} == checkpoint.sees
    assert {"checkpoint": "failed (failed_check)"} == task(plan, "tidy").sees
    assert ("failed", 1) == (plan.verdict, plan.exit_code)


def test_a_rehearsed_crash_is_one(tmp_path: Path) -> None:
    """Its process dies half way, and its state says so."""
    plan = planned(tmp_path, crash=["power"])

    assert ("crashed", 2.5) == (task(plan, "power").state, task(plan, "power").seconds)
    assert {"checkpoint": "failed", "publish": "blocked"} == {
        name: state for name, state in states(plan).items() if name in {"checkpoint", "publish"}
    }


@pytest.mark.parametrize(("word", "makespan"), [("power=3x", 18.0), ("power=1x", 8.0), ("power=1m", 63.0)])
def test_a_slower_task_moves_the_end(tmp_path: Path, word: str, makespan: float) -> None:
    """--slow takes times, or a time."""
    assert makespan == planned(tmp_path, slow=[word]).makespan


def test_a_task_that_is_too_slow_is_timed_out(tmp_path: Path) -> None:
    """Limits hold in a rehearsal, too, as does the deadline of the run."""
    limited = PHASE.replace("estimate: 5s,", "estimate: 5s, timeout: 8s,")
    late = PHASE.replace("workers: 3", "workers: 3\ndeadline: 12s")

    assert "timed_out" == task(planned(tmp_path, limited, slow=["power=2x"]), "power").state
    assert 124 == planned(tmp_path, late, slow=["power=3x"]).exit_code
    assert 0 == planned(tmp_path, late).exit_code


@pytest.mark.parametrize("word", ["power", "power=", "=3x", "power=3", "power=x", "power=fast", "power=-1x"])
def test_a_slow_that_says_nothing_is_a_wrong_command_line(tmp_path: Path, word: str) -> None:
    """The message has an example."""
    with pytest.raises(UsageError, match="TASK=3x"):
        planned(tmp_path, slow=[word])


def test_a_rehearsal_of_what_is_not_there_is_refused(tmp_path: Path) -> None:
    """With the name that was probably meant."""
    for how in ({"fail": ["helth"]}, {"crash": ["helth"]}, {"slow": ["helth=2x"]}):
        with pytest.raises(NothingSelected, match="did you mean `health`"):
            planned(tmp_path, **how)


def test_numbers_of_workers_are_compared(tmp_path: Path) -> None:
    """Six tasks of a second each: the curve is 6 / n, and the smallest within 5 % of the best is named and planned."""
    text = "tasks: {" + ", ".join(f"t{number}: {{run: 'false', estimate: 1s}}" for number in range(6)) + "}"
    plan = planned(tmp_path, text, workers=(8, 1, 2, 3, 4, 6))

    assert {1: 6.0, 2: 3.0, 3: 2.0, 4: 2.0, 6: 1.0, 8: 1.0} == {each.workers: each.makespan for each in plan.curve}
    assert (6, 6, 1.0) == (plan.enough, plan.workers, plan.makespan)
    assert ((), None, 2.0) == ((one := planned(tmp_path, text, jobs=4)).curve, one.enough, one.makespan)


def test_nearly_the_best_is_enough(tmp_path: Path) -> None:
    """Two workers take 4 % longer than three: two are enough. One more percent, and they are not."""
    text = "tasks:\n  a: {run: x, estimate: 100s}\n  b: {run: x, estimate: 50s}\n  c: {run: x, estimate: 54s}\n"

    assert (2, 104.0) == ((near := planned(tmp_path, text, workers=(1, 2, 3))).enough, near.makespan)
    assert 3 == planned(tmp_path, text.replace("54s", "56s"), workers=(1, 2, 3)).enough


def test_a_wrong_graph_has_no_plan(tmp_path: Path) -> None:
    """Errors are those of a run."""
    with pytest.raises(GraphError):
        planned(tmp_path, "tasks: {a: {run: x, needs: [b]}}")
    with pytest.raises(GraphError):
        planned(tmp_path, "params: {p: {type: string}}\ntasks: {a: {run: x}}")


def test_a_condition_that_nobody_can_foresee_is_taken_to_hold(tmp_path: Path) -> None:
    """An `if` over outputs of a task that never ran: the plan has the task, and says why."""
    text = "tasks:\n  a: {uses: 'x:y'}\n  b: {run: x, needs: [a], if: needs.a.outputs.count > 0}\n"
    plan = planned(tmp_path, text)

    assert "succeeded" == task(plan, "b").state
    assert any("the `if` of b is taken to hold" in each for each in plan.assumptions)
    assert "blocked" == task(planned(tmp_path, text, fail=["a"]), "b").state
    told = planned(tmp_path, text.replace("[a]", "[a], trigger: all_done"), fail=["a"])
    assert "skipped" == task(told, "b").state  # what failed has no outputs, and that is known
    assert not any("taken to hold" in each for each in told.assumptions)


def test_measured_times_make_the_plan_and_its_range(tmp_path: Path) -> None:
    """The median decides the plan; drawing from the past the range, which lies between the best and the worst."""
    text = "tasks:\n  a: {run: x, estimate: 1h}\n  b: {run: x, needs: [a], estimate: 1h}\n"
    past(tmp_path, text, [{"a": float(number), "b": 10.0 + number} for number in (1, 2, 3, 4, 5, 4, 3, 2)])
    plan = planned(tmp_path, text)

    assert {"a": "measured", "b": "measured"} == {each.id: each.source for each in plan.tasks}
    assert {8} == {each.runs for each in plan.tasks}
    assert 3.0 + 13.0 == plan.makespan
    assert 12.0 <= plan.range.p10 <= plan.makespan <= plan.range.p90 <= 20.0
    assert plan.range.p10 < plan.range.p90
    assert AT_LEAST <= plan.range.resamples


def test_fewer_attempts_than_then_are_no_failure(tmp_path: Path) -> None:
    """A task that failed once before it succeeded, and is not tried again any more, is thought to succeed."""
    text = "tasks:\n  a: {run: x, retry: {attempts: 2, delay: 1s, jitter: none}}\n"
    past(tmp_path, text, [{"a": 2.0}], failed=[0.5])
    again, once = planned(tmp_path, text), planned(tmp_path, text[: text.index(", retry")] + "}\n")

    assert (3.5, ["exit_code", "succeeded"]) == (again.makespan, [each.outcome for each in task(again, "a").attempts])
    assert (2.0, ["succeeded"]) == (once.makespan, [each.outcome for each in task(once, "a").attempts])


def test_random_rests_are_planned_with_their_mean(tmp_path: Path) -> None:
    """Full jitter makes a rest any part of its length: the plan has half of it."""
    text = "tasks:\n  a: {run: x, estimate: 1s, retry: {attempts: 3, delay: 4s, factor: 2}}\n"
    plan = planned(tmp_path, text, fail=["a"])

    assert [0.0, 1 + 2.0, 1 + 2.0 + 1 + 4.0] == [each.start for each in task(plan, "a").attempts]


def test_random_rests_between_rounds_are_planned_with_their_mean(tmp_path: Path) -> None:
    """An included graph rests half of its delay, too, and what follows says what it hangs on."""
    (tmp_path / "two.yaml").write_text("tasks: {a: {run: x, estimate: 1s}}", encoding="utf-8")
    text = "include: {two: {file: two.yaml, retry: {attempts: 2, delay: 4s}}}\ntasks: {b: {run: x, estimate: 9s}}"
    plan = planned(tmp_path, text, fail=["two.a"])

    assert [0.0, 1 + 2.0] == [each.start for each in task(plan, "two.a").attempts]
    assert ({"two.a": 5.0, "b": 0.0}, ("b",)) == ({each.id: each.slack for each in plan.tasks}, plan.critical_path)


def test_the_range_repeats(tmp_path: Path) -> None:
    """Chance is seeded: the same past gives the same plan, to the last figure."""
    text = "tasks:\n  a: {run: x}\n  b: {run: x, needs: [a]}\n"
    past(tmp_path, text, [{"a": float(number % 7), "b": float(number % 5)} for number in range(9)])

    assert render_json(planned(tmp_path, text)) == render_json(planned(tmp_path, text))


def test_measured_times_make_the_order(tmp_path: Path) -> None:
    """What took long goes first, whatever the file or an estimate says."""
    text = "workers: 1\ntasks:\n  a: {run: x, estimate: 9s}\n  b: {run: x, estimate: 5s}\n  c: {run: x}\n"
    before = planned(tmp_path, text)
    past(tmp_path, text, [{"a": 2.0, "b": 3.0, "c": 4.0}])
    after = planned(tmp_path, text)

    assert ["a", "b", "c"] == sorted("abc", key=lambda name: task(before, name).start or 0.0)
    assert ["c", "b", "a"] == sorted("abc", key=lambda name: task(after, name).start or 0.0)


def test_json_has_what_programs_were_promised(tmp_path: Path) -> None:
    """At least the fields of the design, times in seconds."""
    said = json.loads(render_json(planned(tmp_path, fail=["health"])))

    assert {"makespan", "sequential_seconds", "speedup", "workers", "critical_path", "tasks", "range"} <= said.keys()
    assert {"id", "start", "seconds", "slack", "source"} <= said["tasks"][0].keys()
    assert {"p10", "p90", "resamples"} == said["range"].keys()
    assert {"fail": ["health"], "crash": [], "slow": {}} == said["what_if"]


def test_a_rehearsal_cannot_be_approved(tmp_path: Path) -> None:
    """What will not run is not written down as a plan."""
    with pytest.raises(UsageError, match="rehearsal"):
        made(tmp_path, fail=["health"]).approval()
