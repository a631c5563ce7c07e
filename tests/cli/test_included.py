"""Graphs that include others, by the real command line: rounds, copies, resuming, comparing, choosing."""

from __future__ import annotations

from pathlib import Path
from shutil import rmtree

import pytest

from tests.cli.command import report_in, run, task_in

pytestmark = pytest.mark.real

FILES = {
    "plan.yaml": """
        env: {GREETING: hello}
        params: {who: {default: me}}
        include:
          one: phases/one.yaml
          two:
            file: phases/two.yaml
            with: {who: "${{ params.who }}"}
            needs: [one]
            retry: {attempts: 3, delay: 100ms, jitter: none}
        tasks:
          end: {run: "echo end ${{ needs.two.state }} >> ran", needs: [two, one.pack]}
    """,
    "phases/one.yaml": """
        tasks:
          pack: {run: "echo pack >> ran"}
    """,
    "phases/two.yaml": """
        workdir: .
        env: {WHO: "${{ params.who }}, $GREETING"}
        params: {who: {}}
        tasks:
          say: {uses: "words:say", with: {who: "${{ params.who }}"}}
          check: {run: "echo check >> ../ran; test -e ../go || { touch ../go; exit 3; }", needs: [say]}
    """,
    "phases/words.py": "def say(*, who: str) -> str:\n    return f'good day, {who}'\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Answer a folder with a plan of two phases, of which the second fails in its first round."""
    (tmp_path / "phases").mkdir()
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def ran(folder: Path) -> list[str]:
    """Answer what ran since last asked, in order."""
    lines = (folder / "ran").read_text(encoding="utf-8").splitlines()
    (folder / "ran").write_text("", encoding="utf-8")
    return lines


def test_a_phase_is_tried_again_and_the_report_can_be_made_anew(folder: Path) -> None:
    """All tasks of the second phase run twice; from copies alone the same report is folded again."""
    said = run("plan.yaml", cwd=folder)
    assert 0 == said.code, said.err
    assert ["pack", "check", "check", "end succeeded"] == ran(folder)
    report = report_in(folder)
    two = next(group for group in report["included"] if group["id"] == "two")

    assert {"id": "two", "file": "phases/two.yaml", "state": "succeeded", "rounds": 2} == two
    assert [1, 2] == [each["number"] for each in task_in(report, "two.say")["attempts"]]
    assert "good day, me" == task_in(report, "two.say")["outputs"]["value"]
    assert [False, True] == [task_in(report, name)["flaky"] for name in ("two.say", "two.check")]
    assert "All of two was tried again: it succeeded in round 2" in said.out
    assert {"who": "me", "two.who": "me"} == report["params"]
    latest = (folder / ".runner/latest").resolve()
    assert ["one.yaml", "two.yaml"] == sorted(path.name for path in (latest / "included").iterdir())
    before = (latest / "report.json").read_text(encoding="utf-8")
    (latest / "report.json").unlink()
    rmtree(folder / "phases")
    (folder / "plan.yaml").unlink()
    assert before == run("report", "--json", cwd=folder).out
    assert "in round 2 of 3: `two.check` had failed" in run("explain", "latest", "two.say", cwd=folder).out


def test_a_run_goes_on_with_what_its_phases_have_done(folder: Path) -> None:
    """What was kept stays in every round; a file of a phase that was changed runs again, and `diff` says so."""
    two = (folder / "phases/two.yaml").read_text(encoding="utf-8")
    (folder / "phases/two.yaml").write_text(two.replace("touch ../go; ", ""), encoding="utf-8")
    assert 1 == run("plan.yaml", cwd=folder).code
    assert ["pack", "check", "check", "check"] == ran(folder)
    (folder / "phases/two.yaml").write_text(two, encoding="utf-8")
    assert 0 == run("plan.yaml", "--resume", cwd=folder).code
    assert ["check", "check", "end succeeded"] == ran(folder)
    states = {task["id"]: task["state"] for task in report_in(folder)["tasks"]}

    assert {"one.pack": "kept", "two.say": "kept", "two.check": "succeeded", "end": "succeeded"} == states
    assert "two.check" in (differences := run("diff", cwd=folder).out)
    assert "exit 3" in differences


def test_one_phase_alone_can_be_chosen(folder: Path) -> None:
    """A group is chosen by its name, `list` shows what is in it, and a parameter of it can be given."""
    listed = run("list", "plan.yaml", cwd=folder).out
    assert "two.check   (needs two.say)" in listed
    assert "(needs two, one.pack)" in listed
    said = run("plan.yaml", "--only", "two", "-p", "two.who=you", cwd=folder)
    assert 0 == said.code, said.err
    assert ["check", "check"] == ran(folder)
    assert "good day, you" == task_in(report_in(folder), "two.say")["outputs"]["value"]
    assert "valid, 4 tasks" in run("validate", "plan.yaml", cwd=folder).out


def test_functions_of_one_name_are_those_beside_each_file(folder: Path) -> None:
    """Two files that say `words:say` mean each its own; a wrong argument is said in the file where it stands."""
    (folder / "words.py").write_text("def say(*, what: int) -> int:\n    return what\n", encoding="utf-8")
    other = folder / "other"
    other.mkdir()
    (other / "words.py").write_text("def say(*, what: str) -> str:\n    return what\n", encoding="utf-8")
    (other / "one.yaml").write_text("tasks: {a: {uses: 'words:say', with: {what: x}}}", encoding="utf-8")
    third = folder / "third"
    third.mkdir()
    (third / "words.py").write_text("def say(*, name: str) -> str:\n    return name\n", encoding="utf-8")
    (third / "one.yaml").write_text("tasks: {a: {uses: 'words:say', with: {nmae: x}}}", encoding="utf-8")
    plan = "include: {b: other/one.yaml, c: third/one.yaml}"
    (folder / "both.yaml").write_text(plan, encoding="utf-8")
    (folder / "words.py").unlink()
    said = run("validate", "both.yaml", cwd=folder)

    assert 3 == said.code
    assert "third/one.yaml:1:39" in said.out
    assert "other/one.yaml" not in said.out
    (third / "one.yaml").write_text("tasks: {a: {uses: 'words:say', with: {name: y}}}", encoding="utf-8")
    assert 0 == run("both.yaml", cwd=folder).code
    assert ["x", "y"] == [task["outputs"]["value"] for task in report_in(folder)["tasks"]]


def test_fan_outs_and_files_of_variables_are_those_of_their_file(folder: Path) -> None:
    """Items come from needs and parameters of the included file, variables from files beside it, in every round."""
    (folder / "phases/.env").write_text("COLOUR=red\nSHAPE=round\n", encoding="utf-8")
    (folder / "phases/fan.yaml").write_text(
        """
        env_file: .env
        params: {names: {type: list, default: [x, y]}}
        tasks:
          find: {run: 'echo "files=[\\"a\\", \\"b\\"]" > "$TASKGRAPH_OUTPUT"', outputs: {files: list}}
          each: {foreach: "${{ needs.find.outputs.files }}", run: "echo ${{ item }} $COLOUR >> ../ran", needs: [find]}
          name: {foreach: "${{ params.names }}", run: "echo ${{ item }} $SHAPE >> ../ran", needs: [each]}
          last:
            run: "echo ${{ needs.each.state }} >> ../ran; test -e ../go || { touch ../go; exit 1; }"
            needs: [name, each]
        workdir: .
        """,
        encoding="utf-8",
    )
    plan = """
        env: {COLOUR: blue}
        include: {fan: {file: phases/fan.yaml, with: {names: [z]}, retry: {attempts: 2, delay: 10ms, jitter: none}}}
        tasks: {end: {run: "echo end >> ran", needs: [fan]}}
    """
    (folder / "fan.yaml").write_text(plan, encoding="utf-8")
    said = run("fan.yaml", cwd=folder)

    assert 0 == said.code, said.err
    lines = ran(folder)
    assert ["a blue", "b blue"] == sorted(lines[:2]) == sorted(lines[4:6])
    assert ["z round", "succeeded"] == lines[2:4] == lines[6:8]
    assert ["end"] == lines[8:]
    ids = [task["id"] for task in report_in(folder)["tasks"]]
    assert ["fan.find", "fan.each", "fan.each[a]", "fan.each[b]", "fan.name", "fan.name[z]", "fan.last", "end"] == ids
    before = (folder / ".runner/latest/report.json").read_text(encoding="utf-8")
    (folder / ".runner/latest/report.json").unlink()
    rmtree(folder / "phases")
    assert before == run("report", "--json", cwd=folder).out


def test_what_printed_nothing_is_told_from_what_is_not_there(folder: Path) -> None:
    """An instance and its group inside of an included graph are tasks; the graph itself is none, and says so."""
    (folder / "quiet.yaml").write_text("tasks: {a: {matrix: {x: [1]}, run: 'true'}}", encoding="utf-8")
    (folder / "one.yaml").write_text("include: {q: quiet.yaml}", encoding="utf-8")
    assert 0 == run("one.yaml", cwd=folder).code
    told = {name: run("logs", "latest", name, cwd=folder) for name in ("q.a[1]", "q.a", "q.b")}
    whole = run("explain", "latest", "q", cwd=folder)

    assert [0, 0, 2] == [each.code for each in told.values()]
    assert "`q.a[1]` printed nothing" in told["q.a[1]"].err
    assert "has no task `q.b`" in told["q.b"].err
    assert 2 == whole.code
    assert "`q` is an included graph, not a task; it has q.a, q.a[1]" in whole.err
