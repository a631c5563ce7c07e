"""One run of a graph at a time: the second refuses or waits, and a killed one leaves nothing to clear."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.command import RUNNER, environment, run, wait_for

pytestmark = pytest.mark.real

GRAPH = """
version: 1
name: g
params: {mark: {type: string, default: none}}
tasks:
  a: {run: "touch begun-${{ params.mark }}; while [ ! -e go ]; do sleep 0.05; done"}
"""


def started(folder: Path, *words: str, mark: str) -> subprocess.Popen[str]:
    """Start a run, and wait until its task has begun."""
    command = [*RUNNER, "g.yaml", "-p", f"mark={mark}", "-o", "quiet", *words]
    env = environment(PYTHONPATH=str(Path.cwd()))
    return subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Answer a folder with a graph whose task waits for a file."""
    (tmp_path / "g.yaml").write_text(GRAPH, encoding="utf-8")
    (tmp_path / "twin.yaml").write_text(GRAPH.replace("while", "exit 0; while"), encoding="utf-8")
    (tmp_path / "alias.yaml").symlink_to("g.yaml")
    return tmp_path


def test_a_second_run_refuses_and_names_the_first(folder: Path) -> None:
    """By whatever path the graph is named; another graph, another state folder and reading are free."""
    with started(folder, mark="one") as first:
        wait_for(folder / "begun-one")
        for name in ("g.yaml", "alias.yaml", str(folder / "g.yaml")):
            second = run(name, cwd=folder)

            assert 6 == second.code, second.err
            assert re.search(rf"process {first.pid}, since 20\d\d-", second.err)
        assert 0 == run("twin.yaml", cwd=folder).code
        assert 0 == run("history", cwd=folder).code
        (folder / "go").touch()
        assert 0 == run("g.yaml", "--state-dir", "other", cwd=folder).code
        assert 0 == first.wait(20)


def test_a_run_that_waits_begins_when_the_first_has_ended(folder: Path) -> None:
    """It says whom it waits for, and nothing of it begins before."""
    with started(folder, mark="one") as first:
        wait_for(folder / "begun-one")
        with started(folder, "--wait", mark="two") as second:
            assert second.stderr is not None
            assert f"waits for the run of process {first.pid} to end\n" == second.stderr.readline()
            assert not (folder / "begun-two").exists()
            (folder / "go").touch()

            assert (0, 0) == (first.wait(20), second.wait(20))
    assert (folder / "begun-two").exists()


def test_waiting_can_be_interrupted(folder: Path) -> None:
    """With the signal's exit code, and the first run goes on."""
    with started(folder, mark="one") as first:
        wait_for(folder / "begun-one")
        with started(folder, "--wait", mark="two") as second:
            assert second.stderr is not None
            second.stderr.readline()
            second.send_signal(signal.SIGINT)

            assert 130 == second.wait(20)
        (folder / "go").touch()
        assert 0 == first.wait(20)


def test_a_killed_run_leaves_no_lock(folder: Path) -> None:
    """As soon as what it had started is gone, and not before, the next one begins."""
    with started(folder, mark="one") as first:
        wait_for(folder / "begun-one")
        first.kill()
    (folder / "go").touch()
    until = time.monotonic() + 10
    while 6 == (last := run("g.yaml", cwd=folder)).code:
        assert time.monotonic() < until
    assert 0 == last.code
    locks = list((folder / ".runner/locks").iterdir())
    assert 1 == len(locks)
    assert 0o600 == os.stat(locks[0]).st_mode & 0o777  # noqa: PTH116  # its mode, not what it points to
