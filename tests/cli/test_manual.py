"""Tasks that ask first: on a terminal by one key, elsewhere by `--approve`, while everything else goes on."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import ROOT, RUNNER, environment, report_in, run, task_in
from tests.cli.terminal import OnTerminal, take_the_terminal

pytestmark = pytest.mark.real
GRAPH = ROOT / "graphs/examples/manual.yaml"


def told(folder: Path, task: str) -> list[str]:
    """Answer the kinds of what is told of a task of the latest run."""
    return [each["kind"] for each in task_in(report_in(folder), task)["story"]]


def states(folder: Path) -> dict[str, str]:
    """Answer how each task of the latest run ended."""
    return {task["id"]: task["state"] for task in report_in(folder)["tasks"]}


@pytest.mark.parametrize("view", ["plain", "live", "quiet"])
def test_yes_lets_it_start_while_others_go_on(tmp_path: Path, view: str, on_terminal: OnTerminal) -> None:
    """In each view the question is seen; what is not asked about ends meanwhile; `y` starts it, and all pass."""
    terminal = on_terminal(tmp_path, GRAPH, "-o", view)
    terminal.wait_for("Put it on the server that everybody uses")
    terminal.wait_for("y or n")
    time.sleep(0.4)  # `docs` takes 0.2 s
    terminal.press("y")
    code = terminal.end()
    report = report_in(tmp_path)

    assert 0 == code, terminal.screen
    assert {"succeeded"} == set(states(tmp_path).values())
    assert task_in(report, "docs")["started"] < task_in(report, "deploy")["started"]
    (asked,) = [each for each in task_in(report, "deploy")["story"] if each["kind"] == "approved"]
    assert asked["seconds"] > 0.3
    assert "the terminal said yes" in asked["words"]


def test_no_skips_it_and_what_needs_it(tmp_path: Path, on_terminal: OnTerminal) -> None:
    """`n` settles it; other keys do nothing; the run can still pass."""
    terminal = on_terminal(tmp_path, GRAPH, "-o", "plain")
    terminal.wait_for("Press y or n.")
    terminal.press("x\n ")
    terminal.press("n")

    assert 0 == terminal.end(), terminal.screen
    assert {"build": "succeeded", "docs": "succeeded", "deploy": "skipped", "announce": "skipped"} == states(tmp_path)
    assert "it asked first, and the answer was no" in terminal.screen
    assert "refused" in told(tmp_path, "deploy")


def test_what_was_typed_before_the_question_is_no_answer(tmp_path: Path, on_terminal: OnTerminal) -> None:
    """A `y` that lies in the keyboard's buffer is thrown away when the question is put."""
    file = tmp_path / "slow.yaml"
    file.write_text(
        "tasks:\n  first: {run: sleep 1}\n  second: {run: 'true', needs: [first], manual: true}\n", encoding="utf-8"
    )
    terminal = on_terminal(tmp_path, file, "-o", "plain")
    terminal.wait_for("first   started")
    terminal.press("y")
    terminal.wait_for("Press y or n.")
    time.sleep(0.3)
    asked = terminal.process.poll() is None
    terminal.press("n")

    assert asked
    assert 0 == terminal.end()
    assert {"first": "succeeded", "second": "skipped"} == states(tmp_path)


def test_several_questions_come_one_after_another(tmp_path: Path, on_terminal: OnTerminal) -> None:
    """Two that ask at once are asked in turn, and each gets its own answer."""
    file = tmp_path / "two.yaml"
    file.write_text("tasks:\n  a: {run: 'true', manual: true}\n  b: {run: 'true', manual: true}\n", encoding="utf-8")
    terminal = on_terminal(tmp_path, file, "-o", "plain")
    terminal.wait_for("? a asks before it starts. May it? Press y or n. (1 more to come)")
    terminal.press("n")
    terminal.wait_for("? b asks before it starts. May it? Press y or n.\r\n")
    terminal.press("y")

    assert 0 == terminal.end()
    assert {"a": "skipped", "b": "succeeded"} == states(tmp_path)


@pytest.mark.parametrize("view", ["plain", "live"])
def test_interrupting_while_it_asks(tmp_path: Path, view: str, on_terminal: OnTerminal) -> None:
    """Ctrl-C, pressed at the question, stops the run: exit 130, nothing more is asked, the terminal is as before."""
    terminal = on_terminal(tmp_path, GRAPH, "-o", view)
    terminal.wait_for("y or n")
    terminal.press("\x03")

    assert 130 == terminal.end(), terminal.screen
    assert "cancelled" == states(tmp_path)["deploy"]


def test_a_terminal_that_is_closed_while_it_asks_ends_the_run(tmp_path: Path, on_terminal: OnTerminal) -> None:
    """Hung up, the run cleans up and ends; it does not wait for an answer for ever."""
    terminal = on_terminal(tmp_path, GRAPH, "-o", "plain")
    terminal.wait_for("y or n")
    os.close(terminal.slave)
    os.close(terminal.master)

    assert 129 == terminal.process.wait(20)
    assert "cancelled" == states(tmp_path)["deploy"]


def test_in_the_background_nobody_is_asked(tmp_path: Path) -> None:
    """A run that is not in the foreground of its terminal must not stop at a question that nobody can answer."""
    script = f"set -m; {' '.join(RUNNER)} {GRAPH} -o plain & wait $!; echo code $?"
    master, slave = pty.openpty()
    process = subprocess.Popen(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=environment(),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        preexec_fn=take_the_terminal,
    )

    assert 0 == process.wait(30)
    assert "skipped" == states(tmp_path)["deploy"]
    os.close(master)
    os.close(slave)


def test_without_a_terminal_it_is_skipped_and_says_what_to_do(tmp_path: Path) -> None:
    """Nobody to ask is a no: the rest passes, and the report names the option."""
    said = run(GRAPH, cwd=tmp_path)

    assert 0 == said.code
    assert {"build": "succeeded", "docs": "succeeded", "deploy": "skipped", "announce": "skipped"} == states(tmp_path)
    assert "it asks first, and nobody was there to ask: run with --approve deploy" in said.out
    assert "--approve deploy" in run("explain", "latest", "deploy", cwd=tmp_path).out


def test_approved_beforehand_it_does_not_ask(tmp_path: Path) -> None:
    """With `--approve` it runs without a terminal, its story says so, and a replay tells the same."""
    said = run(GRAPH, "--approve", "deploy", cwd=tmp_path)
    again = json.loads(run("report", "--json", cwd=tmp_path).out)

    assert 0 == said.code
    assert {"succeeded"} == set(states(tmp_path).values())
    assert "approved" == told(tmp_path, "deploy")[0]
    assert states(tmp_path) == {task["id"]: task["state"] for task in again["tasks"]}


@pytest.mark.parametrize("words", [[], ["--dry-run"]])
def test_an_unknown_task_cannot_be_approved(tmp_path: Path, words: list[str]) -> None:
    """A name that is not there is exit 4 with the name that was meant; nothing is started."""
    said = run(GRAPH, "--approve", "deplyo", *words, cwd=tmp_path)

    assert 4 == said.code
    assert "there is no task `deplyo`" in said.err
    assert "did you mean `deploy`?" in said.err
    assert not (tmp_path / ".runner").exists()


def test_a_plan_says_who_asks(tmp_path: Path) -> None:
    """A plan names what asks, as text and as data; what is approved beforehand does not ask."""
    planned: dict[str, Any] = json.loads(run("plan", GRAPH, "--json", cwd=tmp_path).out)
    approved = run(GRAPH, "-n", "--approve", "deploy", cwd=tmp_path).out

    assert ["deploy"] == [task["id"] for task in planned["tasks"] if task["asks"]]
    assert "Asks first\n  deploy: " in run("plan", GRAPH, cwd=tmp_path).out
    assert "Asks first" not in approved


def test_the_doctor_says_that_nobody_is_there(tmp_path: Path) -> None:
    """Without a terminal a graph that asks is a warning that names the tasks."""
    said = run("doctor", GRAPH, cwd=tmp_path).out

    assert "warning  somebody to ask: nobody; these tasks ask first and are skipped" in said
    assert "unless --approve names them: deploy" in said
