"""Promised files, commands that talk and files of variables, by the real command line, from run to run."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path

import pytest

from tests.cli.command import ROOT, environment, report_in, run, task_in

pytestmark = pytest.mark.real

GRAPH = """
version: 1
tasks:
  make:
    run: |
      echo make >> ran
      echo "made $(cat version)" > out.txt
      mkdir -p shots; echo 1 > shots/1.png; echo 2 > shots/2.png
      echo "version=$(cat version)" >> $TASKGRAPH_OUTPUT
    artifacts: [out.txt, "shots/*.png"]
    outputs: [version]
  read:
    run: |
      echo read >> ran
      cat ${{ needs.make.artifacts['out.txt'] }} ${{ needs.make.artifacts['shots/*.png'] }}
    needs: [make]
  see: {uses: "seeing:see", needs: [make]}
  last: {run: "echo last >> ran; test -e go", needs: [read, see]}
"""
MODULE = """
from pathlib import Path
from runner.task import Context

def see(*, context: Context) -> dict[str, object]:
    files = context.needs["make"].artifacts
    texts = [Path(file).read_text() for file in files["shots/*.png"]]
    return {"shots": texts, "text": Path(files["out.txt"]).read_text(), "run": context.needs["make"].run}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Answer a folder with a graph whose last task fails until there is a file."""
    (tmp_path / "g.yaml").write_text(GRAPH, encoding="utf-8")
    (tmp_path / "seeing.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "version").write_text("1", encoding="utf-8")
    return tmp_path


def ran(folder: Path) -> list[str]:
    """Answer what ran since last asked, in order."""
    lines = (folder / "ran").read_text(encoding="utf-8").splitlines()
    (folder / "ran").write_text("", encoding="utf-8")
    return lines


def test_a_kept_result_brings_its_files(folder: Path) -> None:
    """The files lie in the folder of each run, so that it stands alone, and whoever reads them reads them there."""
    assert 1 == run("g.yaml", cwd=folder).code
    assert ["make", "read", "last"] == ran(folder)
    first = report_in(folder)
    (folder / "go").touch()
    (folder / "out.txt").unlink()
    again = folder / "g.yaml"
    again.write_text(GRAPH.replace("echo read", "echo reads"), encoding="utf-8")
    said = run("g.yaml", "--resume", cwd=folder)
    second = report_in(folder)

    assert 0 == said.code, said.out + said.err
    assert ["reads", "last"] == ran(folder)
    assert ["kept", "succeeded", "kept", "succeeded"] == [task["state"] for task in second["tasks"]]
    for report, attempt in ((first, 1), (second, 0)):
        kept = task_in(report, "make")["artifacts"]
        assert [("out.txt", attempt), ("shots/1.png", attempt), ("shots/2.png", attempt)] == [
            (file["title"], file["attempt"]) for file in kept
        ]
        for file in kept:
            data = (folder / ".runner/runs" / report["run"] / file["path"]).read_bytes()
            assert (len(data), sha256(data).hexdigest()) == (file["size"], file["digest"])
    assert {"shots": ["1\n", "2\n"], "text": "made 1\n", "run": first["run"]} == task_in(second, "see")["outputs"]
    log = folder / ".runner/latest" / task_in(second, "read")["attempts"][0]["log"]
    assert "made 1\n1\n2\n" == log.read_text(encoding="utf-8")
    shown = run("show", second["run"], cwd=folder).out
    assert re.search(r"kept out\.txt as\s+artifacts/make\.1/out\.txt \(7 B, sha256", re.sub(r"\s+", " ", shown))


def test_a_result_whose_files_were_changed_is_not_kept(folder: Path) -> None:
    """Nobody could read what the task had made, so it makes it again."""
    run("g.yaml", cwd=folder)
    ran(folder)
    (folder / ".runner/latest/artifacts/make.1/shots/2.png").write_text("other", encoding="utf-8")
    (folder / "go").touch()

    assert 0 == run("g.yaml", "--resume", cwd=folder).code
    assert ["make", "read", "last"] == ran(folder)


CACHED = """
tasks:
  make:
    run: |
      echo make >> ran
      cat version > out.txt; cat $TASKGRAPH_PLACE
    sources: version
    artifacts: out.txt
    env_file: made.env
  read: {run: "echo read >> ran; cat ${{ needs.make.artifacts['out.txt'] }}", needs: [make], cache: true}
"""


def test_a_cached_result_brings_its_files_as_well(tmp_path: Path) -> None:
    """As long as they are what was kept; a variable of a file is part of what is asked, and is named if it changes."""
    (tmp_path / "g.yaml").write_text(CACHED, encoding="utf-8")
    (tmp_path / "version").write_text("1", encoding="utf-8")
    (tmp_path / "made.env").write_text("TASKGRAPH_PLACE=version\n", encoding="utf-8")
    states = []
    for change in ("", "", "damaged", "", "variable"):
        if change == "damaged":
            (tmp_path / ".runner/latest/artifacts/make.1/out.txt").write_text("2", encoding="utf-8")
        elif change == "variable":
            (tmp_path / "made.env").write_text("TASKGRAPH_PLACE=./version\n", encoding="utf-8")
        assert 0 == run("g.yaml", cwd=tmp_path).code
        states.append([task["state"] for task in report_in(tmp_path)["tasks"]])
        if change != "damaged":
            assert "1" == (tmp_path / ".runner/latest/artifacts/make.1/out.txt").read_text(encoding="utf-8")
    both, none = ["cached", "cached"], ["succeeded", "succeeded"]

    assert [none, both, ["succeeded", "cached"], both, none] == states
    assert "`env.TASKGRAPH_PLACE` has changed" in run("explain", "latest", "make", cwd=tmp_path).out


ENV_GRAPH = """
env_file: all.env
secrets: [TOKEN]
tasks:
  says: {run: 'echo "says $TOKEN"; cat own.env'}
  owns: {run: 'echo "owns $TOKEN $LEVEL"', env_file: own.env}
  hands: {run: 'echo "token=$TOKEN" >> $TASKGRAPH_OUTPUT', allow_failure: true}
  waits: {run: 'echo $LEVEL', if: "env.LEVEL == 'file'"}
"""


def test_secrets_of_files_appear_nowhere(tmp_path: Path) -> None:
    """Neither that of all tasks nor that of one, also where another task prints the very file."""
    (tmp_path / "g.yaml").write_text(ENV_GRAPH, encoding="utf-8")
    (tmp_path / "all.env").write_text("TOKEN=hunter22\nLEVEL=file\n", encoding="utf-8")
    (tmp_path / "own.env").write_text("TOKEN='own-hunter33'\n", encoding="utf-8")
    said = run("g.yaml", "-o", "plain", "--report", "html,junit,trace", cwd=tmp_path)
    kept = [path for path in (tmp_path / ".runner").rglob("*") if path.is_file()]

    assert 0 == said.code, said.out + said.err
    for secret in ("hunter22", "hunter33"):
        assert secret not in said.out + said.err
        assert [] == [path.name for path in kept if secret.encode() in path.read_bytes()]
    assert "says ***" in said.out
    assert "TOKEN='***'" in said.out
    assert "owns *** file" in said.out
    report = report_in(tmp_path)
    assert "secret_in_output" == task_in(report, "hands")["attempts"][0]["cause"]
    assert "succeeded" == task_in(report, "waits")["state"], "an `if` reads the variables of the root's file"
    skipped = run("g.yaml", cwd=tmp_path, env=environment(LEVEL="shell"))
    assert 0 == skipped.code
    assert "skipped" == task_in(report_in(tmp_path), "waits")["state"]
    planned = json.loads(run("plan", "g.yaml", "--json", cwd=tmp_path).out)
    assert [True] == [secret["is_set"] for secret in planned["secrets"]]


@pytest.mark.parametrize("command", [("run",), ("plan",), ("validate",), ("validate", "--static"), ("run", "-n")])
def test_a_broken_file_of_variables_starts_nothing(tmp_path: Path, command: tuple[str, ...]) -> None:
    """It is told as a broken graph file is, by every command that would need it."""
    (tmp_path / "g.yaml").write_text("env_file: x.env\ntasks: {a: {run: touch ran}}\n", encoding="utf-8")
    (tmp_path / "x.env").write_text("A=1\nhunter22\n", encoding="utf-8")
    said = run(*command, "g.yaml", cwd=tmp_path)

    assert 3 == said.code
    assert "error[env-syntax]: this line has no `=`\n  x.env:2:1\n" in said.out + said.err
    assert "hunter22" not in said.out + said.err
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [("A=2\nTOKEN=x123\n", "has changed"), ("A=1\nTOKEN=y456\n", ""), ("# words\nA='1'\nTOKEN=x123\n", "")],
)
def test_an_approved_plan_holds_for_its_variables(tmp_path: Path, text: str, told: str) -> None:
    """Another value is another plan; another secret is not, and neither is another way to write it."""
    graph = "env_file: x.env\nsecrets: [TOKEN]\ntasks: {a: {run: 'true'}}\n"
    (tmp_path / "g.yaml").write_text(graph, encoding="utf-8")
    (tmp_path / "x.env").write_text("A=1\nTOKEN=x123\n", encoding="utf-8")
    assert 0 == run("plan", "g.yaml", "--out", "p.json", cwd=tmp_path).code
    (tmp_path / "x.env").write_text(text, encoding="utf-8")
    said = run("run", "--plan", "p.json", cwd=tmp_path)

    assert (7 if told else 0) == said.code, said.err
    assert not told or re.search(rf"input .*x\.env {told}", said.out + said.err)
    assert "x123" not in (tmp_path / "p.json").read_text(encoding="utf-8")


def test_a_shell_that_is_not_there_is_said_before_anything_starts(tmp_path: Path) -> None:
    """With its place, as a function is that cannot be imported."""
    text = "tasks:\n  a: {run: touch ran}\n  b: {run: x, shell: bahs}\n"
    (tmp_path / "g.yaml").write_text(text, encoding="utf-8")
    said = run("g.yaml", cwd=tmp_path)

    assert 3 == said.code
    assert "error[no-such-shell]: the shell `bahs` is not there: no folder of PATH has it" in said.out + said.err
    assert "g.yaml:3:22" in said.out + said.err
    assert not (tmp_path / "ran").exists()


SECTIONS = re.compile(
    r"^### (What a command says|Files that a task promises|Files of variables)\n(.*?)(?=^##)", re.MULTILINE | re.DOTALL
)


def test_the_examples_of_the_readme_run(tmp_path: Path) -> None:
    """Each graph of the README that shows these keys does what it says there, beside files as they are shown."""
    text = (ROOT / "graphs/README.md").read_text(encoding="utf-8")
    sections = {found[1]: found[2] for found in SECTIONS.finditer(text)}
    graphs = [block for section in sections.values() for block in re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)]
    (file,) = re.findall(r"```\n(# a comment\n.*?)```", sections["Files of variables"], re.DOTALL)
    (tmp_path / ".env").write_text(file, encoding="utf-8")
    (tmp_path / "call.env").write_text("BASE_URL=http://127.0.0.1:1\n", encoding="utf-8")
    (tmp_path / "call").write_text('#!/bin/sh\ntest "$2" = http://127.0.0.1:1 && env\n', encoding="utf-8")
    (tmp_path / "call").chmod(0o755)
    for number, graph in enumerate(graphs):
        (tmp_path / f"{number}.yaml").write_text(graph, encoding="utf-8")
        said = run(f"{number}.yaml", "-o", "plain", cwd=tmp_path)

        assert 0 == said.code, graph + said.out + said.err
    assert 4 == len(graphs)
    assert "version 1.4.0 has 3 parts" in run("0.yaml", "-o", "plain", cwd=tmp_path).out
    logs = [path.read_text(encoding="utf-8") for path in (tmp_path / ".runner/runs").rglob("call.*.log")]
    assert any('GREETING=two lines,\nor a quote: "' in log and "API_TOKEN=***" in log for log in logs)
