"""The examples: each is planned and run, and a rehearsed failure in it is what a real one is.

`TASKGRAPH_EVERY=1` lets every task of every example fail in its turn, not only the one that tells most.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from runner.graph.check import load
from runner.opening import Options
from runner.planning.planner import Question, plan_of
from runner.planning.text import render_plan
from runner.record.render.text import PLAIN
from tests.cli.command import ROOT, environment, report_in, run
from tests.planning.test_text import GOLDEN, settled

EXAMPLES = ROOT / "graphs" / "examples"
FAILING = {
    "allowed": "test",
    "artifacts": "pack",
    "cached": "words",
    "cleanup": "test",
    "commands": "build",
    "conditions": "build",
    "env-file": "all",
    "environment": "all",
    "fail-fast": "compile",
    "fan-out": "middle",
    "foreach": "count",
    "junit": "unit",
    "include": "announce",
    "limits": "quick",
    "manual": "deploy",
    "matrix": "test",
    "outputs": "count",
    "pools": "import_b",
    "power-folders": "power",
    "pytest-phase": "task_3",
    "retry": "fetch",
    "roadmap": "task_7",
    "service": "index",
    "rate": "ask_2",
    "shuffle": "build",
    "stagger": "connect_2",
}
"""The example graphs, each with the task whose failure tells most."""


def test_every_example_is_here() -> None:
    """No example is left out, and there are ten at least."""
    assert sorted(FAILING) == sorted(path.stem for path in EXAMPLES.glob("*.yaml"))
    assert len(FAILING) >= 10


@pytest.mark.parametrize("name", FAILING)
def test_an_example_is_planned(name: str, tmp_path: Path) -> None:
    """Each example says how long its tasks take, and its plan ends well."""
    options = Options(graph=str(EXAMPLES / f"{name}.yaml"), started_in=str(tmp_path), environment={})
    plan = plan_of(options, Question(), lambda: 0.0).plan

    assert ("passed", 0) == (plan.verdict, plan.exit_code)
    assert {"estimate"} >= {task.source for task in plan.tasks if task.start is not None and task.id != "checkpoint"}
    assert not (tmp_path / ".runner").exists()


def test_the_phases_strung_together_are_planned_one_after_another(tmp_path: Path) -> None:
    """`graphs/plan.yaml`: phase 2 begins with the checkpoint of phase 1, the review when all is over."""
    options = Options(graph=str(ROOT / "graphs/plan.yaml"), jobs=4, started_in=str(tmp_path), environment={})
    plan = plan_of(options, Question(), lambda: 0.0).plan
    ends = {task.id: (task.start or 0.0) + task.seconds for task in plan.tasks}
    starts = {task.id: task.start or 0.0 for task in plan.tasks}

    assert ("passed", 0) == (plan.verdict, plan.exit_code)
    assert {"phase1", "phase2", "review"} == {task.id.partition(".")[0] for task in plan.tasks}
    assert ends["phase1.checkpoint"] <= min(at for task, at in starts.items() if task.startswith("phase2."))
    assert max(ends[task] for task in ends if task != "review") == starts["review"]


@pytest.mark.real
def test_the_phases_strung_together_run_one_after_another(tmp_path: Path) -> None:
    """`graphs/plan.yaml` passes against the sample backend, with one round of each phase."""
    shutil.copytree(ROOT / "graphs", tmp_path / "graphs")
    said = run(tmp_path / "graphs/plan.yaml", cwd=tmp_path)
    assert 0 == said.code, said.err
    report = report_in(tmp_path)

    assert {"succeeded"} == {task["state"] for task in report["tasks"]}
    assert {"phase1": 1, "phase2": 1} == {group["id"]: group["rounds"] for group in report["included"]}
    assert ["phase1", "phase1", "phase2", "phase2", "review"] == [
        task.partition(".")[0] for task in report["critical_path"]
    ]


@pytest.mark.parametrize("name", FAILING)
def test_the_plan_of_an_example_reads_as_a_person_has_read_it(name: str, tmp_path: Path) -> None:
    """Each text equals its golden file (TASKGRAPH_GOLDEN=1 writes them anew, to be read)."""
    options = Options(graph=str(EXAMPLES / f"{name}.yaml"), jobs=4, started_in=str(tmp_path), environment={})
    plan = plan_of(options, Question(), lambda: 0.0).plan
    found = settled(render_plan(replace(plan, file=f"{name}.yaml"), PLAIN, 100))
    golden = GOLDEN / f"example-{name}.txt"
    if os.environ.get("TASKGRAPH_GOLDEN"):
        golden.write_text(found, encoding="utf-8")

    assert golden.read_text(encoding="utf-8") == found


def test_the_roadmap_is_the_one_that_was_asked_for(tmp_path: Path) -> None:
    """Nine phases, thirty tasks, three checkpoints; each phase as long as it was said to be, worked out on paper."""
    graph = load(str(EXAMPLES / "roadmap.yaml")).graph
    phases: dict[str, list[float]] = {}
    for task in graph.tasks.values():
        phases.setdefault(task.tags[0], []).append((task.estimate or 0.0) / 3600)

    assert 30 == len(graph.tasks)
    assert [1, 3, 1, 4, 1, 9, 1, 4, 6] == [len(hours) for hours in phases.values()]
    assert 3 == sum(name.startswith("checkpoint") for name in graph.tasks)
    assert [0.5] == phases["phase_1"]
    assert all(2 <= hours <= 3 for hours in (*phases["phase_2"], *phases["phase_6"]))
    assert all(3 <= hours <= 4 for hours in phases["phase_4"])
    assert {0.25} == {*phases["phase_3"], *phases["phase_5"], *phases["phase_7"]}
    assert 4 <= sum(phases["phase_8"]) <= 5
    assert 3 <= sum(phases["phase_9"]) <= 4
    plan = plan_of(
        Options(graph=graph.file, jobs=9, started_in=str(tmp_path), environment={}), Question(), lambda: 0.0
    ).plan
    assert 3 == max(_at_once(plan.tasks, "phase_6", graph.tasks))


def _at_once(planned: Any, tag: str, tasks: Mapping[str, Any]) -> list[int]:
    """Answer how many tasks with a tag run at each start of one."""
    spans = [(each.start, each.start + each.seconds) for each in planned if tag in tasks[each.id].tags]
    return [sum(start <= moment < end for start, end in spans) for moment, _ in spans]


@pytest.mark.real
@pytest.mark.parametrize("name", FAILING)
def test_a_rehearsed_failure_is_what_a_real_one_is(name: str, tmp_path: Path) -> None:
    """The example runs; then X is made to fail: the plan made before names the same states and the same exit code."""
    folder = tmp_path / "examples"
    shutil.copytree(EXAMPLES, folder)
    (folder / "failing.py").write_text("def fail() -> None:\n    raise RuntimeError\n", encoding="utf-8")
    graph = folder / f"{name}.yaml"
    env = environment(DEMO_TOKEN="open-sesame")
    tasks = yaml.safe_load(graph.read_text(encoding="utf-8"))["tasks"]
    approved = [f"--approve={task}" for task, keys in tasks.items() if keys.get("manual")]
    assert 0 == run(graph, "-o", "quiet", *approved, cwd=tmp_path, env=env).code
    for wrong in tasks if os.environ.get("TASKGRAPH_EVERY") else [FAILING[name]]:
        planned = json.loads(run("plan", graph, "--force", "--fail", wrong, "--json", cwd=tmp_path, env=env).out)
        broken = folder / f"{name}-{wrong}.yaml"
        broken.write_text(broken_text(graph, wrong), encoding="utf-8")
        said = run(broken, "-o", "quiet", *approved, cwd=tmp_path, env=env)

        assert {task["id"]: task["state"] for task in planned["tasks"]} == {
            task["id"]: task["state"] for task in report_in(tmp_path)["tasks"]
        }, f"{name}: {wrong} fails"
        assert planned["exit_code"] == said.code, f"{name}: {wrong} fails"


def broken_text(graph: Path, wrong: str) -> str:
    """Answer the text of a graph in which a task fails: a command when it has done its work, a function at once."""
    data = yaml.safe_load(graph.read_text(encoding="utf-8"))
    task = data["tasks"][wrong]
    if "run" in task:
        task["run"] = f"(\n{task['run']}\n)\nexit 7\n"
    else:
        task["uses"] = "failing:fail"
        task.pop("with", None)
    return yaml.safe_dump(data, sort_keys=False)
