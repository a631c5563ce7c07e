"""Shells: which quote as sh does, and which are not there, said where they are named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner.graph.check import load
from runner.graph.programs import check_shells
from runner.graph.shells import is_closed, program_of, quotes_as_sh
from runner.task import Request


@pytest.mark.parametrize(
    ("shell", "program", "as_sh"),
    [
        ("/bin/sh", "sh", True),
        ("sh", "sh", True),
        ("bash -eu -o pipefail", "bash", True),
        ("/opt/homebrew/bin/zsh", "zsh", True),
        ("/usr/bin/env bash", "bash", True),
        ("busybox sh", "sh", True),
        ("'/with blank/dash'", "dash", True),
        ("python", "python", False),
        ("env python3", "python3", False),
        ("fish", "fish", False),
        ("node --strict", "node", False),
        ("./sh.py", "sh.py", False),
    ],
)
def test_what_quotes_as_sh(shell: str, program: str, as_sh: bool) -> None:  # a column of the table
    """Told by the program's name, behind `env`, too; what is not known quotes otherwise."""
    assert (program, as_sh, True) == (program_of(shell), quotes_as_sh(shell), is_closed(shell))


def test_what_is_never_closed_is_told() -> None:
    """It has no words, but a name to be called by."""
    assert not is_closed("bash -c 'x")
    assert "bash -c 'x" == program_of("bash -c 'x")


def test_shells_that_are_not_there_are_said_once_each(tmp_path: Path) -> None:
    """At the task, or among the defaults; as PATH and folder of the task have it, as far as there is a folder."""
    text = """
defaults: {shell: bahs}
tasks:
  a: {run: x}
  b: {run: x}
  c: {run: x, shell: ./mine}
  d: {run: x, shell: ./locked}
  e: {run: x, shell: ./later}
  f: {run: x, shell: nowhere/sh}
"""
    (tmp_path / "g.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "bin").mkdir()
    for name, mode in (("mine", 0o755), ("locked", 0o644), ("bin/there", 0o755)):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(mode)
    shells = {"a": "bahs", "b": "bahs", "c": "./mine", "d": "./locked", "e": "./later", "f": "nowhere/sh"}
    env = {"PATH": str(tmp_path / "bin")}
    asked = {
        name: Request(
            run="", task=name, attempt=0, shell=(shell, "-c"), env=env, workdir=str(tmp_path / ("no" * (name == "e")))
        )
        for name, shell in shells.items()
    }
    problems = check_shells(load(str(tmp_path / "g.yaml")), asked)

    assert [
        (2, "the shell `bahs` is not there: no folder of PATH has it"),
        (7, f"the shell `./locked` is not there: {tmp_path}/locked cannot be executed"),
        (9, f"the shell `nowhere/sh` is not there: there is no {tmp_path}/nowhere/sh"),
    ] == [(each.where.line, each.message) for each in problems if each.where]
    assert {"no-such-shell"} == {each.code for each in problems}
    there = {"a": Request(run="", task="a", attempt=0, shell=("there", "-c"), env=env, workdir=os.sep)}
    assert () == check_shells(load(str(tmp_path / "g.yaml")), there)
