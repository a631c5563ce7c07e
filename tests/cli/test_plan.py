"""`plan` and `run --plan` from the shell: what is shown, what is refused, and that nothing is started."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.command import report_in, run, task_in
from tests.planning.scenes import past

pytestmark = pytest.mark.real

GRAPH = """
version: 1
workers: 2
params: {word: {type: string, default: one}}
tasks:
  a: {run: "echo ${{ params.word }} >> said.txt", estimate: 2s}
  b: {run: "sleep 0.2", needs: [a], estimate: 1s}
"""


def test_a_plan_starts_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    """No task runs, no state folder appears, and the exit code is 0 whatever would happen."""
    (tmp_path / "g.yaml").write_text(GRAPH, encoding="utf-8")
    said = run("plan", "g.yaml", "--fail", "a", "--json", cwd=tmp_path)
    plan = json.loads(said.out)

    assert (0, "") == (said.code, said.err)
    assert {"a": "failed", "b": "blocked"} == {task["id"]: task["state"] for task in plan["tasks"]}
    assert 1 == plan["exit_code"]
    assert ["g.yaml"] == [path.name for path in tmp_path.iterdir()]


def test_what_was_approved_runs_and_is_reported_beside_what_happened(tmp_path: Path) -> None:
    """`run --plan` needs no graph and no parameters, and the report has what was planned of each task."""
    (tmp_path / "g.yaml").write_text(GRAPH, encoding="utf-8")
    assert 0 == run("plan", "g.yaml", "-p", "word=two", "-j", "1", "--out", "p.json", cwd=tmp_path).code
    said = run("run", "--plan", "p.json", cwd=tmp_path)
    report = report_in(tmp_path)
    planned = {task["id"]: task["planned"] for task in report["tasks"]}

    assert 0 == said.code, said.err
    assert re.search(r"Took [\d.]+ s \(planned: [\d.]+ s\); one after another", said.out)
    assert ("two\n", 1) == ((tmp_path / "said.txt").read_text(), report["workers"])
    assert (2.0, 1.0) == (planned["a"]["seconds"], planned["b"]["seconds"])
    assert 2.0 == pytest.approx(planned["b"]["started"] - planned["a"]["started"])
    assert task_in(report, "a")["planned"]["started"] < 60


def test_what_was_not_approved_does_not_run(tmp_path: Path) -> None:
    """Exit code 7, every difference, and no run."""
    (tmp_path / "g.yaml").write_text(GRAPH, encoding="utf-8")
    run("plan", "g.yaml", "--out", "p.json", cwd=tmp_path)
    (tmp_path / "g.yaml").write_text(GRAPH.replace("0.2", "0.3"), encoding="utf-8")
    said = run("run", "--plan", "p.json", "-p", "word=two", cwd=tmp_path)

    assert 7 == said.code
    assert "`b` has changed: `run`" in said.err
    assert 'parameter `word`: "one" then, "two" now' in said.err
    assert "Traceback" not in said.err
    assert not (tmp_path / "said.txt").exists()
    assert not [*(tmp_path / ".runner").glob("runs/*")]


def test_a_plan_learns_from_runs(tmp_path: Path) -> None:
    """After a run the plan is made of what was measured; a history that was deleted is made anew."""
    (tmp_path / "g.yaml").write_text(GRAPH, encoding="utf-8")
    run("g.yaml", cwd=tmp_path)
    first = json.loads(run("plan", "g.yaml", "--json", cwd=tmp_path).out)
    for file in (tmp_path / ".runner/history").iterdir():
        file.unlink()
    second = json.loads(run("plan", "g.yaml", "--json", cwd=tmp_path).out)

    assert {("measured", 1)} == {(task["source"], task["runs"]) for task in first["tasks"]}
    assert 0.2 <= first["tasks"][1]["seconds"]
    assert first["tasks"] == second["tasks"]
    assert 1 == len([*(tmp_path / ".runner/history").iterdir()])


def test_a_plan_says_what_would_be_kept_and_why(tmp_path: Path) -> None:
    """With --resume each task is told, kept or not, with the reason; and nothing runs that is kept."""
    text = """
tasks:
  good: {run: "true"}
  changed: {run: "echo 1"}
  bad: {run: "exit 3"}
  below: {run: "true", needs: [bad]}
  upon: {run: "true", needs: [changed]}
"""
    (tmp_path / "g.yaml").write_text(text, encoding="utf-8")
    none = run("plan", "g.yaml", "--resume", cwd=tmp_path)
    run("g.yaml", cwd=tmp_path)
    (tmp_path / "g.yaml").write_text(text.replace("echo 1", "echo 2"), encoding="utf-8")
    plan = json.loads(run("plan", "g.yaml", "--resume", "--json", cwd=tmp_path).out)
    why = {each["task"]: (each["run"] is not None, each["why"]) for each in plan["kept"]}

    shown = run("plan", "g.yaml", "--resume", cwd=tmp_path).out
    last = report_in(tmp_path)["run"]

    assert f"goes on with run {last}\n" in shown
    assert "  good: kept, for " in shown
    assert "  changed: done again, for what is asked of it has changed" in shown
    assert re.search(rf"^ +good .* kept from {last}$", shown, re.MULTILINE)
    assert "there is no earlier run to go on with" in none.out
    assert ["good"] == [task["id"] for task in plan["tasks"] if task["state"] == "kept"]
    assert {"good": True, "changed": False, "bad": False, "below": False, "upon": False} == {
        name: kept for name, (kept, _) in why.items()
    }
    assert "had not succeeded" in why["bad"][1]
    assert "what is asked of it has changed" in why["changed"][1]
    assert "rests upon changed" in why["upon"][1]


def test_a_plan_foresees_what_past_runs_have_returned(tmp_path: Path) -> None:
    """A condition that reads outputs is decided by those of the latest success that can be read; else it holds."""
    (tmp_path / "mood.py").write_text("def say(word: str) -> dict:\n    return {'word': word}\n", encoding="utf-8")
    text = """
params: {word: {type: string, default: no}}
tasks:
  says: {uses: "mood:say", with: {word: "${{ params.word }}"}}
  goes: {run: "true", needs: [says], if: needs.says.outputs.word == 'yes'}
"""
    (tmp_path / "g.yaml").write_text(text, encoding="utf-8")

    def foreseen() -> list[str]:
        return [task["state"] for task in json.loads(run("plan", "g.yaml", "--json", cwd=tmp_path).out)["tasks"]]

    known = [foreseen()]
    for word in ("no", "yes"):
        run("g.yaml", "-p", f"word={word}", cwd=tmp_path)
        known.append(foreseen())
    (tmp_path / ".runner/latest/journal.jsonl").write_bytes(b"damaged\nin its\nmiddle\n")
    known.append(foreseen())

    assert [["succeeded"] * 2, ["succeeded", "skipped"], ["succeeded"] * 2, ["succeeded", "skipped"]] == known


def test_a_run_orders_by_what_was_measured(tmp_path: Path) -> None:
    """What took longest in past runs is started first, whatever the file and the estimates say."""
    text = "workers: 1\ntasks:\n  a: {run: 'true', estimate: 9s}\n  b: {run: 'true', estimate: 1s}\n"
    past(tmp_path, text, [{"a": 0.1, "b": 5.0}])
    run("g.yaml", cwd=tmp_path)

    assert ["b", "a"] == sorted("ab", key=lambda name: task_in(report_in(tmp_path), name)["started"])


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["plan", "g.yaml", "--fail", "c"], 4, "no task `c`"),
        (["plan", "g.yaml", "--slow", "a"], 2, "TASK=3x"),
        (["plan", "g.yaml", "-j", "1,0"], 2, "`0`"),
        (["plan", "g.yaml", "-j", ""], 2, "not a number"),
        (["plan", "g.yaml", "--fail", "a", "--out", "p.json"], 2, "rehearsal"),
        (["plan", "g.yaml", "--out", "none/p.json"], 5, "none/p.json"),
        (["plan", "none.yaml"], 2, "none.yaml"),
        (["run", "--plan", "none.json"], 2, "none.json"),
        (["run", "--plan", "g.yaml"], 2, "no plan"),
        (["run"], 2, "which graph"),
    ],
)
def test_a_wrong_command_line_is_told(tmp_path: Path, words: list[str], code: int, said: str) -> None:
    """One line that says what is wrong and what to do."""
    (tmp_path / "g.yaml").write_text(GRAPH, encoding="utf-8")
    result = run(*words, cwd=tmp_path)

    assert code == result.code, result.err
    assert said in result.err
    assert "Traceback" not in result.err
