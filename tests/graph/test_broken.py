"""Every broken graph file: where the problems are said to be, and the whole of what is said.

A fixture marks each guilty token `⟦…⟧`; the marks are taken out before it is loaded, and where they stood is where the
problems must be. What is said lies in tests/golden/graph, to be read as a person reads it; after a change of words
`PYTHONPATH=. python tests/graph/test_broken.py` writes it anew.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import pytest

from runner.errors import GraphError, Problem, render
from runner.graph.check import load

BROKEN = Path(__file__).parent / "broken"
GOLDEN = Path(__file__).parent.parent / "golden" / "graph"

NOT_TEXT: dict[str, bytes] = {
    "nul.yaml": b"tasks:\n  a:\n    run: ma\x00ke\n",
    "control-character.yaml": b"tasks:\n  a:\n    run: ma\x1b[31mke\n",
    "invisible-mark.yaml": "tasks:\n  a\ufeff:\n    run: make\n".encode(),
    "utf-16.yaml": "tasks:\n  a:\n    run: make\n".encode("utf-16"),
    "latin-1.yaml": "tasks:\n  a:\n    desc: für alle\n    run: make\n".encode("latin-1"),
    "nothing.yaml": b"",
    "nothing-but-comments.yaml": b"# tasks:\n#   a: {run: make}\n",
    "nothing.json": b"\n",
    "bomb.yaml": b"x_0: &a0 [a, b, c, d, e, f, g, h, i]\n"
    + b"".join(b"x_%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 10))
    + b"tasks: {a: {uses: tests.kit:noop, with: {x: *a9}}}\n",
    "deep.yaml": b"tasks: {a: {uses: tests.kit:noop, with: {x: " + b"[" * 101 + b"]" * 101 + b"}}}\n",
    "deep.json": b'{"tasks": {"a": {"uses": "tests.kit:noop", "with": {"x": ' + b"[" * 101 + b"]" * 101 + b"}}}}\n",
    "bottomless.json": b"[" * 100_000,
    "long-line.yaml": b"tasks: {a: {run: make, desc: '"
    + b"x" * 300
    + b"', tiemout: 5m, estimate: 5m"
    + b" " * 300
    + b"}}\n",
}


def fixtures() -> dict[str, bytes]:
    """All broken files by name, as they are loaded."""
    marked = {path.name: path.read_text("utf-8") for path in sorted(BROKEN.iterdir())}
    return {name: text.replace("⟦", "").replace("⟧", "").encode() for name, text in marked.items()} | NOT_TEXT


def marks(name: str) -> list[tuple[int, int, int]]:
    """Line, column and end of each mark in a fixture, counted from 1, without the marks themselves."""
    found = []
    for number, line in enumerate((BROKEN / name).read_text("utf-8").split("\n"), start=1):
        plain = 0
        start = 0
        for char in line:
            if char == "⟦":
                start = plain
            elif char == "⟧":
                found.append((number, start + 1, plain + 1))
            else:
                plain += 1
    return found


def problems_of(name: str, folder: Path) -> tuple[Problem, ...]:
    """Answer what is said about a broken file; `folder` is where the command would have been started."""
    (folder / name).write_bytes(fixtures()[name])
    before = Path.cwd()
    os.chdir(folder)
    try:
        load(name)
    except GraphError as error:
        return error.problems
    finally:
        os.chdir(before)
    return ()


@pytest.mark.parametrize("name", sorted(path.name for path in BROKEN.iterdir()))
def test_problems_stand_where_the_file_is_marked(name: str, tmp_path: Path) -> None:
    """A broken file has exactly the problems that are marked in it, in the order of the file."""
    expected = marks(name)

    problems = problems_of(name, tmp_path)

    places = [(each.where.line, each.where.column, each.where.end) for each in problems if each.where]
    assert expected, "a broken file has a mark"
    assert expected == places, render(problems)


@pytest.mark.parametrize("name", sorted(fixtures()))
def test_what_is_said_reads_like_a_colleague(name: str, tmp_path: Path) -> None:
    """Each broken file is answered by the very words that were read and found good, in under a second."""
    expected = (GOLDEN / f"{name}.txt").read_text("utf-8")

    started = time.process_time()  # of ours: others may keep the machine busy
    said = render(problems_of(name, tmp_path))
    seconds = time.process_time() - started

    assert expected == said
    assert seconds < 1


def test_there_are_enough_broken_files_and_no_golden_one_without_its_file() -> None:
    """Goldens and broken files belong together, one to one, and there are at least sixty."""
    assert {f"{name}.txt" for name in fixtures()} == {path.name for path in GOLDEN.iterdir()}
    assert len(fixtures()) >= 60


if __name__ == "__main__":
    for old in GOLDEN.iterdir():
        old.unlink()
    for each in sorted(fixtures()):
        with tempfile.TemporaryDirectory() as somewhere:
            text = render(problems_of(each, Path(somewhere)))
        (GOLDEN / f"{each}.txt").write_text(text, "utf-8")
        sys.stdout.write(f"--- {each}\n{text}")
