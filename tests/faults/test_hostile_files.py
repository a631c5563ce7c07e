"""Files that were made to hurt, each given to the real command line: told what is wrong, soon, in little memory."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.real

BIG = 50 * 1000 * 1000
BOMB = "x_0: &a0 [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"x_{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)
TASK = "tasks: {a: {run: 'true'}}\n"


def _file(content: str | bytes) -> Callable[[Path], None]:
    data = content.encode() if isinstance(content, str) else content
    return lambda path: (path.write_bytes(data), None)[1]


def _ring(path: Path) -> None:
    path.symlink_to(path.with_name("other"))
    path.with_name("other").symlink_to(path)


def _link(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


GRAPHS: dict[str, tuple[Callable[[Path], None], str]] = {
    "aliases of aliases": (_file(BOMB + TASK), "too-big"),
    "an alias in its own anchor": (_file("x_a: &a [*a]\n" + TASK), "anchor-loop"),
    "a mapping merged into itself": (_file("x_a: &a {<<: *a}\n" + TASK), "anchor-loop"),
    "50 MB of tasks": (_file("tasks:\n" + "  t: {run: 'true'}\n" * (BIG // 19)), "too-big"),
    "50 MB of brackets": (_file("[" * BIG), "too-big"),
    "50 MB of line ends": (_file("\n" * BIG), "too-big"),
    "a device without an end": (_link("/dev/zero"), "not-a-file"),
    "101 lists in each other": (_file("x_a: " + "[" * 101 + "]" * 101 + "\n" + TASK), "too-deep"),
    "100,000 lists in each other": (_file("x_a: " + "[" * 100_000), "too-deep"),
    "a NUL": (_file("tasks: {a: {run: 'a\0b'}}\n"), "unreadable-character"),
    "nothing but a byte order mark": (_file("\ufeff"), "empty-file"),
    "a byte order mark inside": (_file("tasks: {a: {run: 'a\ufeffb'}}\n"), "unreadable-character"),
    "UTF-16": (_file(TASK.encode("utf-16")), "encoding"),
    "bytes that are no UTF-8": (_file(b"tasks: {a: {run: '\xc3\x28'}}\n"), "encoding"),
    "an object of Python": (_file("tasks: !!python/object/apply:os.system ['touch hurt']\n"), "yaml-syntax"),
    "a folder": (lambda path: path.mkdir(), "not-a-file"),
    "a pipe that nobody writes": (os.mkfifo, "not-a-file"),
    "a link that leads to itself": (_ring, "unreadable"),
}
PARAMETERS: dict[str, tuple[Callable[[Path], None], str]] = {
    "100,000 lists in each other": (_file("[" * 100_000), "its values lie too deep in each other"),
    "50 MB": (_file('{"a": "' + "x" * BIG + '"}'), "it holds more than 16 MiB"),
    "a device without an end": (_link("/dev/zero"), "it holds more than 16 MiB"),
    "bytes that are no UTF-8": (_file(b'{"a": "\xff"}'), "it is not JSON"),
    "no mapping": (_file("[1]"), "it holds no JSON object"),
    "a folder": (lambda path: path.mkdir(), "Is a directory"),
    "a link that leads to itself": (_ring, "Too many levels of symbolic links"),
}


BETWEEN = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=sys.stderr).returncode
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Starts a command and measures it: the kernel counts the memory of whoever forked a process as that process's own."""


def measured(folder: Path, *command: str) -> tuple[int, str, float]:
    """Run a command; answers its exit code, what it said, and the peak of its memory in MiB."""
    env = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    whole = [sys.executable, "-c", BETWEEN, *command]
    done = subprocess.run(whole, cwd=folder, env=env, capture_output=True, text=True, check=True)
    code, memory = done.stdout.split()
    return int(code), done.stderr, int(memory) / 1024


def told(folder: Path, *words: str) -> tuple[int, str, float]:
    """Run a command line of ours."""
    return measured(folder, sys.executable, "-m", "runner", *words)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", GRAPHS)
def test_a_hostile_graph_file_is_told_by_its_name(name: str, tmp_path: Path) -> None:
    """Exit 3 with the code of what is wrong, no traceback, below 300 MiB; nothing of it is run."""
    make, code = GRAPHS[name]
    make(tmp_path / "g.yaml")

    exit_code, said, memory = told(tmp_path, "validate", "--static", "g.yaml")

    assert 3 == exit_code, said
    assert re.search(rf"error\[{code}\]: \S", said), said
    assert "Traceback" not in said
    assert memory < 300
    assert not (tmp_path / "hurt").exists()


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", PARAMETERS)
def test_a_hostile_file_of_parameters_is_told(name: str, tmp_path: Path) -> None:
    """Exit 2 with the file's name and what is wrong, no traceback, below 300 MiB."""
    make, message = PARAMETERS[name]
    make(tmp_path / "p.json")
    (tmp_path / "g.yaml").write_text(TASK)

    code, said, memory = told(tmp_path, "run", "g.yaml", "-n", "--params-file", "p.json")

    assert 2 == code, said
    assert f"--params-file p.json: {message}" in said
    assert "Traceback" not in said
    assert memory < 300


def test_the_memory_is_that_of_the_command(tmp_path: Path) -> None:
    """What fills 400 MiB is seen to do so, and what fills nothing is not, however large we are."""
    ballast = bytearray(b"x") * (400 << 20)

    assert measured(tmp_path, sys.executable, "-c", "pass")[2] < 100 < len(ballast) / 2**20
    assert measured(tmp_path, sys.executable, "-c", "bytearray(b'x') * (400 << 20)")[2] > 300
