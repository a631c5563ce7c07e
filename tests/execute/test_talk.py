"""The files by which a command talks: read as they grow, once, and gone at the end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner.execute.spoken import Unclear
from runner.execute.talk import LARGEST, LONGEST_LINE, Lines, Talk, remove
from runner.task import Check, LedgerRow, Note, Request


class Heard:
    """A file that grows, and what was told of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.touch()
        self.told: list[tuple[str, int]] = []
        self.lines = Lines(path, "FILE", self._tell)

    def _tell(self, line: str, number: int) -> None:
        if line == "bad":
            raise Unclear(f"FILE:{number}: bad")
        self.told.append((line, number))

    def add(self, text: bytes) -> list[str]:
        """Write more, and read it; answers what was wrong."""
        with self.path.open("ab") as file:
            file.write(text)
        return list(self.lines.read())


@pytest.fixture
def heard(tmp_path: Path) -> Heard:
    """Answer a file without anything in it."""
    return Heard(tmp_path / "file")


def test_each_line_is_told_once_it_is_whole(heard: Heard) -> None:
    """Half a line waits for its end; at the end the last one needs none; blank lines count and are not told."""
    assert [] == heard.add(b"one\ntw")
    assert [("one", 1)] == heard.told
    assert [] == heard.add(b"o\n\nfo")
    assert [("one", 1), ("two", 2)] == heard.told
    assert [] == heard.add(b"")
    assert [] == list(heard.lines.end())
    assert [("one", 1), ("two", 2), ("fo", 4)] == heard.told


def test_what_is_wrong_is_said_and_the_rest_goes_on(heard: Heard) -> None:
    """A line that is not understood, and one that is no text."""
    assert ["FILE:1: bad", "FILE:3: this is not UTF-8"] == heard.add(b"bad\ngood\n\xff\nmore\n")
    assert [("good", 2), ("more", 4)] == heard.told


def test_a_line_without_an_end_does_not_fill_the_memory(heard: Heard) -> None:
    """It is given up at a MiB."""
    assert ["FILE:1: a line may have 1 MiB"] == heard.add(b"x" * (LONGEST_LINE + 1))
    assert [] == heard.add(b"x" * 3 * LONGEST_LINE)
    assert [] == heard.add(b"x\ntwo\nth")
    assert [("two", 2)] == heard.told


@pytest.mark.parametrize("after", [b"", b"x\n", b"two\n", b"another line\nand one more\n"])
def test_a_file_that_is_written_over_is_found_out(heard: Heard, after: bytes) -> None:
    """Whether it is shorter, longer or just as long: what stood there and was told is no longer in it."""
    heard.add(b"one\n")
    heard.path.write_bytes(after)

    assert ["FILE: what stood there was written over, and may be lost; add lines with `>>`"] == list(heard.lines.end())


def test_a_file_that_was_removed_has_no_more_lines(heard: Heard) -> None:
    """What was told of it stays told."""
    heard.add(b"one\n")
    heard.path.unlink()

    assert [] == list(heard.lines.end())


def request(tmp_path: Path) -> Request:
    """Answer an attempt whose files lie beside the receipts."""
    return Request(run="r", task="a/b", attempt=2, command="x", receipts=str(tmp_path))


def test_a_command_finds_its_files_and_nobody_later(tmp_path: Path) -> None:
    """Three of them, empty, for their owner alone; afterwards none is left, and to remove them again is no matter."""
    (tmp_path / "a%2Fb.2.ledger").write_text("of an attempt that a killed runner began")
    talk = Talk(request(tmp_path), lambda _note: None, lambda: "now")
    found = {name: Path(path) for name, path in talk.env.items()}

    assert ["TASKGRAPH_CHECKS", "TASKGRAPH_LEDGER", "TASKGRAPH_OUTPUT"] == sorted(found)
    assert [(0, 0o600)] * 3 == [(path.stat().st_size, path.stat().st_mode & 0o777) for path in found.values()]
    remove(request(tmp_path))
    remove(request(tmp_path))
    assert [] == list(tmp_path.iterdir())


def test_what_is_written_is_said(tmp_path: Path) -> None:
    """Checks and rows while it runs, in their order each; outputs at the end."""
    said: list[Note] = []
    talk = Talk(request(tmp_path), said.append, lambda: "now")
    Path(talk.env["TASKGRAPH_CHECKS"]).write_text('{"name": "c", "verdict": "passed"}\n')
    Path(talk.env["TASKGRAPH_LEDGER"]).write_text('{"action": "created", "kind": "k", "id": "1"}\n{"act')
    talk.listen()

    assert [Check(name="c", verdict="passed"), LedgerRow(action="created", kind="k", id="1", at="now")] == said
    talk.end()
    assert 1 == len(talk.faults)
    assert talk.faults[0].startswith("TASKGRAPH_LEDGER:2: this is no JSON")
    assert {} == talk.outputs()


@pytest.mark.parametrize("kind", ["folder", "pipe", "not text", "too much"])
def test_what_a_command_puts_in_the_place_of_a_file_is_told(tmp_path: Path, kind: str) -> None:
    """Nothing of it raises, and no pipe is waited for."""
    talk = Talk(request(tmp_path), lambda _note: None, lambda: "now")
    for path in map(Path, talk.env.values()):
        path.unlink()
        if kind == "folder":
            path.mkdir()
        elif kind == "pipe":
            os.mkfifo(path)
        elif kind == "not text":
            path.write_bytes(b"a=1\n\xff\n")
        else:
            with path.open("wb") as file:
                file.truncate(LARGEST + 1)
    talk.listen()
    talk.end()
    talk.outputs()
    expected = {
        "folder": ["TASKGRAPH_CHECKS cannot be read", "TASKGRAPH_LEDGER cannot be read", "TASKGRAPH_OUTPUT cannot be"],
        "pipe": ["TASKGRAPH_CHECKS cannot be read", "TASKGRAPH_LEDGER cannot be read"],
        "not text": ["TASKGRAPH_CHECKS:1: ", "TASKGRAPH_CHECKS:2: this is not", "TASKGRAPH_LEDGER:1: ",
                     "TASKGRAPH_LEDGER:2: this is not UTF-8", "TASKGRAPH_OUTPUT:2: this is not UTF-8"],
        "too much": ["TASKGRAPH_CHECKS:1: a line may have", "TASKGRAPH_LEDGER:1: a line", "TASKGRAPH_OUTPUT: more"],
    }[kind]  # fmt: skip
    found = [next(fault for fault in talk.faults if fault.startswith(begin)) for begin in expected]

    assert len(expected) == len(found)
    assert bool(expected) == bool(talk.faults)
