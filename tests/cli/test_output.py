"""What a person sees of a run in each of the views, by the real command line."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import ROOT, RUNNER, environment, report_in, run, wait_for

pytestmark = pytest.mark.real

IN_FRONT = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Leads a session whose terminal is standard input, as a shell's job does, and becomes another program."""
GRAPH = """
version: 1
name: talk
workers: 1
secrets: [TOKEN]
tasks:
  ask: {run: "echo first; echo $TOKEN; echo last >&2"}
  answer: {run: "echo no; exit 3", needs: [ask]}
  quiet: {run: "true", needs: [ask]}
"""


def said(tmp_path: Path, *words: str, **env: str) -> list[str]:
    """Run the graph; answers its lines, times taken out."""
    (tmp_path / "talk.yaml").write_text(GRAPH, encoding="utf-8")
    done = run("talk.yaml", *words, cwd=tmp_path, env=environment(TOKEN="hunter22", **env))

    assert 1 == done.code, done.err
    assert "hunter22" not in done.out + done.err
    return [re.sub(r"^(::group::)?\[ *[0-9.]+ s\]", r"\1[]", line) for line in done.out.splitlines()]


PLAIN = [
    "[] ▶ ask     started",
    "ask    │ first",
    "ask    │ ***",
    "ask    │ last",
    "[] ✓ ask     succeeded",
    "[] ▶ answer  started",
    "answer │ no",
    "[] ✗ answer  failed: exit code 3",
    "[] ▶ quiet   started",
    "[] ✓ quiet   succeeded",
]
GROUPS = [
    "[] ▶ ask     started",
    "[] ✓ ask     succeeded",
    "  │ first",
    "  │ ***",
    "  │ last",
    "[] ▶ answer  started",
    "[] ✗ answer  failed: exit code 3",
    "  │ no",
    "[] ▶ quiet   started",
    "[] ✓ quiet   succeeded",
]
GITHUB = [
    "[] ▶ ask     started",
    "::group::[] ✓ ask     succeeded",
    "first",
    "***",
    "last",
    "::endgroup::",
    "[] ▶ answer  started",
    "::group::[] ✗ answer  failed: exit code 3",
    "no",
    "::endgroup::",
    "[] ▶ quiet   started",
    "[] ✓ quiet   succeeded",
]


@pytest.mark.parametrize(
    ("words", "env", "expected"),
    [
        ((), {}, PLAIN),
        (("-o", "plain"), {}, PLAIN),
        (("--output", "live"), {}, PLAIN),
        (("-o", "group"), {}, GROUPS),
        (("-o", "group"), {"GITHUB_ACTIONS": "true"}, GITHUB),
    ],
)
def test_lines(tmp_path: Path, words: tuple[str, ...], env: dict[str, str], expected: list[str]) -> None:
    """In a pipe each event is a line, and what tasks print stands among them, or in one piece at their ends."""
    lines = [re.sub(r" in [0-9.]+ s$", "", line) for line in said(tmp_path, *words, **env)]

    assert lines[0].endswith(": 3 tasks, 1 at once")
    assert expected == lines[1 : 1 + len(expected)]
    assert "FAILED talk: 2 succeeded, 1 failed" in lines


def test_quiet_says_the_verdict(tmp_path: Path) -> None:
    """One line, and nothing before it."""
    assert ["FAILED talk: 2 succeeded, 1 failed"] == said(tmp_path, "-o", "quiet")


def test_an_unknown_view_is_refused(tmp_path: Path) -> None:
    """The message names those there are."""
    done = run("talk.yaml", "-o", "loud", cwd=tmp_path)

    assert 2 == done.code
    assert all(mode in done.err for mode in ("live", "plain", "group", "quiet"))


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_narrow_encoding_costs_signs_only(tmp_path: Path, encoding: str) -> None:
    """Where the stream knows no check mark the words are still there, and JSON is UTF-8 all the same."""
    lines = said(tmp_path, PYTHONIOENCODING=encoding)
    shown = run("show", "latest", cwd=tmp_path, env=environment(PYTHONIOENCODING=encoding))
    report = run("report", "--json", cwd=tmp_path, env=environment(PYTHONIOENCODING=encoding))

    assert "FAILED talk: 2 succeeded, 1 failed" in lines
    assert any(re.fullmatch(r"  \? ask +[0-9.]+ s  succeeded", line) for line in lines)
    assert 0 == shown.code, shown.err
    assert "talk" == json.loads(report.out)["graph"]["name"]


@pytest.mark.parametrize("mode", ["live", "plain", "group", "quiet"])
def test_a_terminal_that_is_closed_ends_the_run_with_its_report(tmp_path: Path, mode: str) -> None:
    """The kernel sends SIGHUP and refuses what is written: exit code 129, report.json is there, no traceback."""
    (tmp_path / "g.yaml").write_text("tasks: {a: {run: 'touch begun; sleep 60'}}\n", encoding="utf-8")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", IN_FRONT, *RUNNER, "g.yaml", "-o", mode]
    env = {**environment(TERM="xterm"), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, env=env) as run:
        os.close(theirs)
        wait_for(tmp_path / "begun")
        os.close(ours)
        _, said = run.communicate(timeout=30)

    assert (129, b"") == (run.returncode, said)
    assert "hung_up" == report_in(tmp_path)["cancelled"]


def test_a_reader_who_has_enough_changes_no_verdict(tmp_path: Path) -> None:
    """`| head -1` of a run that fails: the run goes on to its end, and its exit code is its own."""
    (tmp_path / "talk.yaml").write_text(GRAPH, encoding="utf-8")
    ours, theirs = os.pipe()
    command = [*RUNNER, "talk.yaml"]
    env = {**environment(TOKEN="hunter22"), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=tmp_path, stdout=theirs, stderr=subprocess.PIPE, env=env) as run:
        os.close(theirs)
        os.close(ours)
        _, said = run.communicate(timeout=30)

    assert (1, b"") == (run.returncode, said)
    assert "failed" == report_in(tmp_path)["verdict"]
