"""What is no UTF-8, as the name of a file may be: every command takes it, shows it and writes it down."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import ROOT, RUNNER, environment

pytestmark = pytest.mark.real

GRAPH = """
version: 1
name: odd
params: {name: {type: string, default: none}}
tasks:
  a: {run: "printf '%s' ${{ params.name }} > got; printf '%s' ${{ params.name }}"}
  b: {run: "test ${{ params.name }} = none", needs: [a], allow_failure: true}
  c: {uses: "odd:says", with: {name: "${{ params.name }}"}, needs: [a]}
"""
FUNCTION = """
def says(name, context):
    context.check(name, observed=name, expected=name)
    context.progress(name)
    return {"name": name}
"""
NAME = b"caf\xe9"
TOLD = "caf\\udce9"
"""How JSON spells it."""
LATER: tuple[str, ...] = (
    "history",
    "history --json",
    "diff",
    "diff --json",
    "explain latest b",
    "explain latest b --json",
    "show latest",
    "logs latest a",
    "report",
    *(f"report --format {form} -o -" for form in ("json", "md", "html", "junit", "trace")),
)


def said(folder: Path, *words: str | bytes) -> bytes:
    """Run a command line that has to do well and say nothing on stderr; answers what it printed."""
    env = environment(PYTHONPATH=str(ROOT))
    done = subprocess.run([*RUNNER, *words], cwd=folder, env=env, capture_output=True, check=False, timeout=60)

    assert (0, b"") == (done.returncode, done.stderr), words
    return done.stdout


def test_no_command_minds(tmp_path: Path) -> None:
    """The task gets the very bytes; JSON has Python's own spelling of them, and what is written can be read again."""
    (tmp_path / "g.yaml").write_text(GRAPH, encoding="utf-8")
    (tmp_path / "odd.py").write_text(FUNCTION, encoding="utf-8")
    odd = (b"-p", b"name=" + NAME)
    said(tmp_path, "g.yaml", "--report", "all")
    said(tmp_path, "g.yaml", *odd, "--report", "all", "--events", "events")

    assert NAME == (tmp_path / "got").read_bytes()
    report = json.loads((tmp_path / ".runner/latest/report.json").read_bytes())
    assert os.fsdecode(NAME) == report["params"]["name"]
    assert os.fsdecode(NAME) == next(task for task in report["tasks"] if task["id"] == "c")["outputs"]["name"]
    for words in LATER:
        assert said(tmp_path, *words.split())
    assert os.fsdecode(NAME) == json.loads(said(tmp_path, "plan", "g.yaml", *odd, "--json"))["params"][0]["value"]
    said(tmp_path, "plan", "g.yaml", *odd, "--out", "approved")
    said(tmp_path, "run", "--plan", "approved", "-o", "quiet")
    said(tmp_path, "g.yaml", *odd, "--from", "b", "-o", "quiet")
    assert TOLD in (tmp_path / "events").read_text(encoding="ascii")


def test_the_graph_itself_may_be_named_so(tmp_path: Path) -> None:
    """And the folder it lies in; the run is found again by every command."""
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/r\xe9sum\xe9"))
    folder.mkdir()
    name = os.fsdecode(NAME + b".yaml")
    (folder / name).write_text("version: 1\ntasks: {a: {run: 'echo a'}, b: {run: 'false'}}\n", encoding="utf-8")
    env = environment(PYTHONPATH=str(ROOT))
    for words in ((name,), (name, "--resume"), (name,)):
        done = subprocess.run(
            [*RUNNER, *words, "--report", "all"], cwd=folder, env=env, capture_output=True, check=False
        )
        assert (1, b"") == (done.returncode, done.stderr)
    for words in LATER:
        assert said(folder, *words.split())
    for command in ("list", "list --json", "graph --format svg", "graph --format dot", "plan --json", "validate"):
        first, *options = command.split()
        assert said(folder, first, name, *options)
