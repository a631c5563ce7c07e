"""`logs`: what a task printed, by the real command line, also while the run goes on."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command import RUNNER, environment, run, wait_for

pytestmark = pytest.mark.real

GRAPH = """
version: 1
tasks:
  early: {run: "echo first; touch begun; while [ ! -e go ]; do sleep 0.05; done; echo last"}
  late: {run: "echo late", needs: [early]}
  again: {run: "echo try $TASKGRAPH_ATTEMPT; exit 1", retry: {attempts: 2, delay: 1ms}, allow_failure: true}
"""


def started(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    """Start a command line, and go on at once."""
    env = environment(PYTHONPATH=str(Path.cwd()))
    return subprocess.Popen([*RUNNER, *words], cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def begun(folder: Path) -> subprocess.Popen[bytes]:
    """Start the graph, and wait until its first task prints."""
    (folder / "g.yaml").write_text(GRAPH, encoding="utf-8")
    process = started(folder, "g.yaml", "-o", "quiet")
    wait_for(folder / "begun")
    wait_for(folder / ".runner/latest/logs/early.1.log")  # the runner has read of it
    return process


@pytest.mark.parametrize(("task", "printed"), [("early", b"first\nlast\n"), ("late", b"late\n")])
def test_a_log_is_followed_to_the_end_of_the_run(tmp_path: Path, task: str, printed: bytes) -> None:
    """What is there comes at once, also from a task that has yet to begin, and the command ends when the run does."""
    with begun(tmp_path) as going, started(tmp_path, "logs", "latest", task, "--follow") as following:
        assert following.stdout is not None
        if task == "early":
            assert b"first\n" == following.stdout.readline()
            printed = printed.removeprefix(b"first\n")
        (tmp_path / "go").touch()

        assert (printed, b"") == following.communicate(timeout=30)
        assert (0, 0) == (following.returncode, going.wait(30))


def test_a_run_that_was_killed_is_not_followed_for_ever(tmp_path: Path) -> None:
    """Whatever it has left: what was printed is there, and nothing more is waited for."""
    with begun(tmp_path) as going:
        going.send_signal(signal.SIGKILL)
        going.wait(30)
        leave: list[Callable[[Path], object]] = [
            lambda _run: None,
            lambda run: (run / "journal.jsonl").write_bytes(b"nonsense\nmore\n"),
            lambda run: (run / "journal.jsonl").unlink(),
        ]
        for left in leave:
            left(tmp_path / ".runner/latest")
            said = run("logs", "latest", "early", "-f", cwd=tmp_path, timeout=20)

            assert (0, "first\n", "") == (said.code, said.out, said.err)


def test_any_attempt_has_its_log(tmp_path: Path) -> None:
    """The last one unless another is asked for; one that never was has printed nothing, and a task must be there."""
    (tmp_path / "go").touch()
    with begun(tmp_path) as going:
        going.wait(30)
    told = {words: run("logs", "latest", *words.split(), cwd=tmp_path) for words in ("again", "again --attempt 1")}

    assert ["try 2\n", "try 1\n"] == [said.out for said in told.values()]
    never = run("logs", "latest", "again", "--attempt", "9", cwd=tmp_path)
    assert (0, "") == (never.code, never.out)
    assert "`again` printed nothing in run `" in never.err
