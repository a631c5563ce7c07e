"""`run --watch`: what a change affects runs again, what it does not is kept, and Ctrl-C ends it."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from runner.errors import UsageError
from tests.cli.command import report_in, run
from tests.cli.terminal import OnTerminal, Terminal

pytestmark = pytest.mark.real

GRAPH = """
version: 1
tasks:
  steady: {run: echo steady}
  words: {run: cat words/*.txt, sources: [words]}
  count: {uses: "counting:count", needs: [steady]}
  after: {run: echo after, needs: [words]}
"""
COUNTING = "def count() -> dict[str, int]:\n    return {'count': 1}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Answer a folder with a graph, a module that it uses, and sources."""
    (tmp_path / "words").mkdir()
    (tmp_path / "words/a.txt").write_text("a\n", encoding="utf-8")
    (tmp_path / "counting.py").write_text(COUNTING, encoding="utf-8")
    (tmp_path / "g.yaml").write_text(GRAPH, encoding="utf-8")
    return tmp_path


@pytest.fixture
def watching(folder: Path, on_terminal: OnTerminal) -> Terminal:
    """Answer a run that has ended once and waits for changes."""
    terminal = on_terminal(folder, "g.yaml", "--watch", "-o", "plain")
    wait_again(terminal)
    return terminal


def wait_again(terminal: Terminal) -> str:
    """Wait until it watches once more; answers what was said since the last time."""
    terminal.wait_for("Ctrl-C ends it")
    said, _, terminal.screen = terminal.screen.partition("Ctrl-C ends it")
    time.sleep(0.3)  # what is written at the very moment of a look has the time of the look
    return said


def states(folder: Path) -> dict[str, str]:
    """Answer how each task of the latest run ended."""
    return {task["id"]: task["state"] for task in report_in(folder)["tasks"]}


def test_a_source_lets_run_again_what_rests_upon_it(folder: Path, watching: Terminal) -> None:
    """A new file in `sources` runs that task and what needs it; the others keep their results."""
    (folder / "words/b.txt").write_text("b\n", encoding="utf-8")
    said = wait_again(watching)

    assert "~ new: words/b.txt: running again" in said
    assert {"steady": "kept", "count": "kept", "words": "succeeded", "after": "succeeded"} == states(folder)
    watching.press("\x03")
    assert 0 == watching.end()


def test_a_module_and_the_graph_count_too(folder: Path, watching: Terminal) -> None:
    """A function's module runs its tasks, a changed command its own; a file that only looks new runs nothing."""
    (folder / "counting.py").write_text(COUNTING.replace("1", "22"), encoding="utf-8")
    module = wait_again(watching)
    after_module = states(folder)
    (folder / "g.yaml").write_text(GRAPH.replace("echo after", "echo afterwards"), encoding="utf-8")
    graph = wait_again(watching)
    after_graph = states(folder)

    assert "~ changed: counting.py: running again" in module
    assert {"steady": "kept", "count": "succeeded", "words": "kept", "after": "kept"} == after_module
    assert "~ changed: g.yaml: running again" in graph
    assert {"steady": "kept", "count": "kept", "words": "kept", "after": "succeeded"} == after_graph


def test_a_broken_file_is_told_and_watched_on(folder: Path, watching: Terminal) -> None:
    """Saved half-way, and taken away for a moment, it is told; mended it runs, and keeps what it had."""
    (folder / "g.yaml").write_text(GRAPH.replace("needs: [words]", "needs: [wrods]"), encoding="utf-8")
    broken = wait_again(watching)
    (folder / "g.yaml").rename(folder / "h.yaml")
    gone = wait_again(watching)
    (folder / "g.yaml").write_text(GRAPH.replace("echo after", "echo mended"), encoding="utf-8")
    mended = wait_again(watching)

    assert "did you mean `words`?" in broken
    assert "~ gone: g.yaml: running again" in gone
    assert "there is no file" in gone
    assert "~ new: g.yaml: running again" in mended
    assert {"steady": "kept", "count": "kept", "words": "kept", "after": "succeeded"} == states(folder)


def test_a_failure_is_tried_again_and_its_exit_code_is_the_last_one(folder: Path, watching: Terminal) -> None:
    """Ctrl-C at the watch ends it with the exit code of the run before."""
    (folder / "counting.py").write_text("def count() -> None:\n    raise ValueError\n", encoding="utf-8")
    wait_again(watching)
    watching.press("\x03")

    assert 1 == watching.end()
    assert "failed" == states(folder)["count"]


def test_interrupting_a_run_ends_the_watch_too(folder: Path, watching: Terminal) -> None:
    """Ctrl-C while a run goes on stops that, with exit 130 and its report, and nothing is watched any more."""
    (folder / "g.yaml").write_text(GRAPH.replace("echo after", "sleep 60"), encoding="utf-8")
    watching.wait_for("after   started")
    watching.press("\x03")

    assert 130 == watching.end()
    assert "cancelled" == states(folder)["after"]


def test_what_changes_while_it_runs_is_not_missed(folder: Path, on_terminal: OnTerminal) -> None:
    """A source that is written during the run lets it run again at once; one that every run writes does not."""
    text = GRAPH.replace("cat words/*.txt", "sleep 1; date +%N > words/own.txt")
    (folder / "g.yaml").write_text(text, encoding="utf-8")
    terminal = on_terminal(folder, "g.yaml", "--watch", "-o", "plain")
    said = wait_again(terminal)

    assert 1 == said.count("new: words/own.txt: running again")
    assert "changed: words/own.txt with every run, which is no reason for another" in said
    terminal.press("\x03")
    assert 0 == terminal.end()


def test_what_a_task_generates_is_no_reason_to_run(folder: Path, on_terminal: OnTerminal) -> None:
    """Files that a task says it makes may lie among the sources of another."""
    text = GRAPH.replace(
        "echo steady", "date +%N > words/made.txt, sources: [counting.py], generates: [words/made.txt]"
    )
    (folder / "g.yaml").write_text(text.replace("words: {", "words: {needs: [steady], "), encoding="utf-8")
    terminal = on_terminal(folder, "g.yaml", "--watch", "-o", "plain")
    said = wait_again(terminal)

    assert "running again" not in said
    terminal.press("\x03")
    assert 0 == terminal.end()


@pytest.mark.parametrize("words", [["--json"], ["-n"], ["--plan", "p.json"]])
def test_what_does_not_go_with_it_is_refused(folder: Path, words: list[str]) -> None:
    """Output that is one piece, and what runs once or not at all: exit 2, and nothing is started."""
    said = run("g.yaml", "--watch", *words, cwd=folder)

    assert 2 == said.code
    assert "--watch runs again and again, which does not go with --" in said.err
    assert not (folder / ".runner").exists()


def test_a_file_that_is_not_there_at_first_is_a_wrong_command_line(folder: Path) -> None:
    """A typing error in the name is told at once instead of being watched for ever."""
    said = run("f.yaml", "--watch", cwd=folder)

    assert 2 == said.code
    assert "there is no file" in said.err


def test_without_watchfiles_it_says_what_to_install(folder: Path) -> None:
    """The library is optional; without it the message names the extra."""
    code = "import sys; sys.modules['watchfiles'] = None; from runner.cli.main import main; sys.exit(main())"
    import subprocess

    said = subprocess.run(
        [sys.executable, "-c", code, "g.yaml", "--watch"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )

    assert 2 == said.returncode
    assert "--watch needs watchfiles: pip install 'taskgraph-runner[watch]'" in said.stderr
    assert UsageError.__name__ not in said.stderr
