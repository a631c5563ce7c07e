"""Files that were made to hurt, each given to the real command line: told what is wrong, soon, in little memory."""

from __future__ import annotations

import os
import re
import resource
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


def told(folder: Path, *words: str) -> tuple[int, str, float]:
    """Run a command; answers its exit code, what it said, and the peak of its memory in MiB."""
    command = [sys.executable, "-m", "runner", *words]
    env = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen(command, cwd=folder, env=env, stdout=-1, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        said = process.stdout.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, said, usage.ru_maxrss / 1024


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


def test_the_memory_is_really_measured(tmp_path: Path) -> None:
    """A Python that fills 400 MiB is seen to do so, so that the limit above means something."""
    command = [sys.executable, "-c", "bytearray(b'x') * (400 << 20)"]
    with subprocess.Popen(command, cwd=tmp_path) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)

    assert usage.ru_maxrss / 1024 > 300
    assert resource.getpagesize() > 0
