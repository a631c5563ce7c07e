"""Whoever reads what a command prints may go, and the disk it goes to may be full: each command line, for real."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import ROOT, RUNNER, environment, run

pytestmark = pytest.mark.real

GRAPH = "version: 1\nname: small\ntasks: {a: {run: 'echo printed'}}\n"
COMMANDS = (
    "",
    "--help",
    "--version",
    "run --help",
    "doctor --state-dir /proc/x",
    "explain latest a",
    "graph g.yaml",
    "history",
    "list g.yaml",
    "logs latest a",
    "plan g.yaml",
    "report",
    "report --json",
    "schema",
    "show latest",
    "validate --static g.yaml wrong.yaml",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Answer a folder with a good graph, a bad one and a run of the good one."""
    made = tmp_path_factory.mktemp("readers")
    (made / "g.yaml").write_text(GRAPH, encoding="utf-8")
    (made / "wrong.yaml").write_text("tasks: 1\n", encoding="utf-8")
    assert 0 == run("g.yaml", cwd=made).code
    return made


def said_to(out: int, words: str, folder: Path, buffered: str = "") -> tuple[int, str]:
    """Run a command line whose output goes to a descriptor; answers its exit code and what it said on stderr."""
    env = environment(PYTHONPATH=str(ROOT), PYTHONUNBUFFERED=buffered)
    command = [*RUNNER, *words.split()]
    done = subprocess.run(command, cwd=folder, env=env, stdout=out, stderr=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize("words", COMMANDS)
def test_a_reader_who_has_gone_changes_nothing(folder: Path, words: str) -> None:
    """As with `| head -0`: the exit code is that of the command, and nobody complains, at once or at the end."""
    expected = run(*words.split(), cwd=folder)
    ours, theirs = os.pipe()
    os.close(ours)
    said = said_to(theirs, words, folder)
    os.close(theirs)

    assert (expected.code, expected.err) == said


@pytest.mark.parametrize("words", COMMANDS)
def test_a_full_disk_is_said(folder: Path, words: str) -> None:
    """What a person reads later is not there, so the command has failed, with a line and without a traceback."""
    with Path("/dev/full").open("wb") as full:
        code, said = said_to(full.fileno(), words, folder)

    assert 5 == code
    assert said.endswith("error: what was printed cannot be written: No space left on device\n")
    assert "Traceback" not in said


def test_a_run_keeps_its_verdict_on_a_full_disk(folder: Path) -> None:
    """The report is in its folder; only what would have been shown is lost."""
    with Path("/dev/full").open("wb") as full:
        assert (0, "") == said_to(full.fileno(), "g.yaml", folder)


def test_one_who_reads_along_may_go_as_well(folder: Path) -> None:
    """Without a buffer the first line that is printed tells, and the rest is not tried."""
    ours, theirs = os.pipe()
    os.close(ours)
    said = said_to(theirs, "show latest", folder, buffered="1")
    os.close(theirs)

    assert (0, "") == said
