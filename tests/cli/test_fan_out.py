"""A fan-out by the real command line: decided while running, resumed exactly, and every command knows an instance."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import environment, report_in, run, task_in

pytestmark = pytest.mark.real

GRAPH = """
version: 1
name: fans
params: {cpus: {type: list, default: [x86, arm]}}
tasks:
  list:
    run: cat list.json > "$TASKGRAPH_OUTPUT"; echo list >> ran
    outputs: {parts: list}
  each:
    run: |
      set -e
      echo each ${{ item }} >> ran; echo this is ${{ item }}; test ! -e no-${{ item }}
      echo name=${{ item }} > "$TASKGRAPH_OUTPUT"
    foreach: ${{ needs.list.outputs.parts }}
    outputs: {name: string}
    needs: [list]
    max_parallel: 1
  built:
    run: echo built ${{ matrix.cpu }} ${{ matrix.level }} >> ran
    matrix: {cpu: "${{ params.cpus }}", level: [0], include: [{cpu: x86, level: 9}]}
  sum:
    run: echo sum $(echo ${{ toJSON(needs.each.outputs) }} | tr -d ' {}\\n') >> ran
    needs: [each, built]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Answer a folder with a graph that does things for what a file lists."""
    (tmp_path / "g.yaml").write_text(GRAPH, encoding="utf-8")
    parts(tmp_path, "a", "b c")
    return tmp_path


def parts(folder: Path, *names: str) -> None:
    """Change what is listed."""
    (folder / "list.json").write_text(json.dumps({"parts": names}), encoding="utf-8")


def summed(*names: str) -> str:
    """Answer what the last task says of these."""
    told = ",".join(f'"name":"{name.replace(" ", "")}"' for name in names)
    return f"sum [{told}]"


def ran(folder: Path) -> list[str]:
    """Answer what ran since last asked, sorted: the order is free."""
    lines = (folder / "ran").read_text(encoding="utf-8").splitlines()
    (folder / "ran").write_text("", encoding="utf-8")
    return sorted(lines)


def test_a_run_fans_out_and_adds_up(folder: Path) -> None:
    """For each item once; the group tells how many, and what needs it sees the list."""
    said = run("g.yaml", cwd=folder)
    report = report_in(folder)

    assert 0 == said.code, said.err
    instances = ["built arm 0", "built x86 0", "built x86 9", "each a", "each b c"]
    assert [*instances, "list", summed("a", "b c")] == ran(folder)
    assert "fanned out into 2" in said.out + said.err
    assert {"of": "each", "item": "b c"}.items() <= task_in(report, "each[b c]").items()
    assert 2 == task_in(report, "each")["instances"]


def test_a_run_that_goes_on_keeps_instances_by_their_item(folder: Path) -> None:
    """What succeeded is not done again, though what is listed has changed since; what failed and what is new is."""
    (folder / "no-b c").touch()
    assert 1 == run("g.yaml", cwd=folder).code
    assert "each a" in ran(folder)
    (folder / "no-b c").unlink()
    said = run("g.yaml", "--resume", cwd=folder)

    assert 0 == said.code, said.err
    assert ["each b c", summed("a", "b c")] == ran(folder)
    states = {task["id"]: task["state"] for task in report_in(folder)["tasks"]}
    assert {"list": "kept", "each[a]": "kept", "each[b c]": "succeeded", "each": "succeeded"}.items() <= states.items()

    parts(folder, "new", "b c", "a")
    (folder / "g.yaml").write_text(GRAPH.replace("echo list", "true; echo list"), encoding="utf-8")
    assert 0 == run("g.yaml", "--resume", cwd=folder).code
    assert ["each new", "list", summed("new", "b c", "a")] == ran(folder)
    assert 0 == run("g.yaml", "--resume", cwd=folder).code
    assert [] == ran(folder)
    assert "kept" == task_in(report_in(folder), "each")["state"]


def test_parameters_make_a_matrix(folder: Path) -> None:
    """Known before: one instance can be asked for by its id, and an unknown one is answered."""
    one = run("g.yaml", "--only", "built[arm,0]", cwd=folder)

    assert 0 == one.code, one.err
    assert ["built arm 0"] == ran(folder)
    wrong = run("g.yaml", "--only", "built[amd,0]", cwd=folder)
    assert 4 == wrong.code
    assert "built[arm,0]" in wrong.err
    late = run("g.yaml", "--only", "each[a]", cwd=folder)
    assert 4 == late.code
    assert "each" in late.err
    twice = run("g.yaml", "-p", 'cpus=["a", "a"]', cwd=folder)
    assert 3 == twice.code
    assert "both called `a,0`" in twice.err
    assert [] == ran(folder)


def test_items_that_are_no_good_fail_the_task_and_block_what_needs_it(folder: Path) -> None:
    """It is the task's failure, not the runner's; an empty list is nothing to do, and no failure."""
    parts(folder, "a", "a")
    said = run("g.yaml", cwd=folder)
    report = report_in(folder)

    assert 1 == said.code
    assert ("failed", "blocked") == (task_in(report, "each")["state"], task_in(report, "sum")["state"])
    assert "items 1 and 2 are both called `a`" in said.out + said.err
    parts(folder)
    ran(folder)
    assert 0 == run("g.yaml", cwd=folder).code
    assert "skipped" == task_in(report_in(folder), "each")["state"]
    assert not [line for line in ran(folder) if line.startswith("each")]


def test_every_reader_knows_an_instance(folder: Path) -> None:
    """Logs, the explanation of a task, the replay and the plan after it."""
    assert 0 == run("g.yaml", cwd=folder).code
    logs = run("logs", "latest", "each[b c]", cwd=folder)
    told = run("explain", "latest", "each[b c]", cwd=folder)
    group = run("explain", "latest", "each", cwd=folder)
    plan = run("plan", "g.yaml", cwd=folder)

    assert "this is b c" in logs.out, logs.err
    assert 0 == told.code, told.err
    assert "each[b c]" in told.out
    assert 0 == group.code, group.err
    assert 0 == plan.code, plan.err
    assert "Fan-outs" in plan.out
    assert "2" in plan.out.partition("Fan-outs")[2]


def test_from_what_needs_a_fan_out_takes_its_instances_from_the_latest_run_in_which_all_succeeded(folder: Path) -> None:
    """What it is done for is not decided again; where it never was, the runner says so."""
    never = run("g.yaml", "--from", "sum", cwd=folder)
    assert 3 == never.code
    assert "no-earlier-success" in never.err
    assert 0 == run("g.yaml", cwd=folder).code
    parts(folder, "a", "b c", "d")
    (folder / "no-d").touch()
    assert 1 == run("g.yaml", cwd=folder).code
    ran(folder)
    said = run("g.yaml", "--from", "sum", cwd=folder)
    plan = run("plan", "g.yaml", "--from", "sum", cwd=folder)

    assert 0 == said.code, said.err
    assert [summed("a", "b c")] == ran(folder)
    assert {"kept"} == {each["state"] for each in report_in(folder)["tasks"] if each["id"] != "sum"}
    assert "each[b c]" in plan.out
    assert "each[d]" not in plan.out


def test_an_item_that_is_a_secret_is_refused(folder: Path) -> None:
    """An instance would be named by it, and names are everywhere; the run and the plan say so, and not what it is."""
    (folder / "g.yaml").write_text(GRAPH.replace("\ntasks:", "\nsecrets: [TOKEN]\ntasks:", 1), encoding="utf-8")
    told = [
        run(*words, "g.yaml", "-p", 'cpus=["a", "hunter22"]', cwd=folder, env=environment(TOKEN="hunter22"))
        for words in ((), ("plan",))
    ]

    assert [3, 3] == [each.code for each in told]
    assert all("secret-in-items" in each.err and "TOKEN" in each.err for each in told)
    assert not [each for each in told if "hunter22" in each.err + each.out]
