"""What a plan says of fan-outs: those it knows, those that are decided while running, and what past runs tell."""

from __future__ import annotations

from pathlib import Path

from runner.planning.text import render_plan
from runner.record.render.text import PLAIN
from tests.planning.scenes import planned, task

GRAPH = """
workers: 4
tasks:
  list: {run: x, estimate: 1s, outputs: {parts: list}}
  each:
    run: x ${{ item }}
    foreach: ${{ needs.list.outputs.parts }}
    needs: [list]
    estimate: 2s
  built: {run: "x ${{ item }}", foreach: [a, b, c], max_parallel: 1, estimate: 1s}
  sum: {run: x, needs: [each, built], estimate: 1s}
"""


def test_what_is_known_before_is_planned_instance_by_instance(tmp_path: Path) -> None:
    """One after another where `max_parallel` says so; the group takes no time of its own."""
    plan = planned(tmp_path, GRAPH)

    assert [0.0, 1.0, 2.0] == [task(plan, f"built[{name}]").start for name in "abc"]
    assert 8.0 - 1.0 == plan.sequential_seconds
    assert 4.0 == plan.makespan


def test_a_fan_out_that_no_run_has_had_is_unknown_and_planned_as_one(tmp_path: Path) -> None:
    """It says so, and that the plan is no more than that."""
    plan = planned(tmp_path, GRAPH)
    (fan,) = plan.fans
    text = render_plan(plan, PLAIN, 100)

    assert ("each", 1, "", ()) == (fan.task, fan.size, fan.run, fan.past)
    assert "unknown" in text.partition("Fan-outs")[2]
    assert "6 tasks" in text.splitlines()[0]


def test_what_is_rehearsed_of_a_template_is_rehearsed_of_all(tmp_path: Path) -> None:
    """And of one instance by its id."""
    every = planned(tmp_path, GRAPH, fail=["built"])
    one = planned(tmp_path, GRAPH, fail=["built[b]"])

    assert ["failed"] * 3 == [task(every, f"built[{name}]").state for name in "abc"]
    assert ["succeeded", "failed", "succeeded"] == [task(one, f"built[{name}]").state for name in "abc"]
    assert ("failed", "blocked") == (task(one, "built").state, task(one, "sum").state)


def test_a_template_that_is_blocked_never_fans_out(tmp_path: Path) -> None:
    """Its instances are not shown: there will be none."""
    plan = planned(tmp_path, GRAPH, fail=["list"])

    assert "blocked" == task(plan, "each").state
    assert not [each.id for each in plan.tasks if each.id.startswith("each[")]
