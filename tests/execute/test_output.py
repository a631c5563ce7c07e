"""What is kept of an output: masked, head and tail, under a safe name."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from runner.errors import RunnerFault
from runner.execute.names import LONGEST_NAME
from runner.execute.output import REMEMBERED, BoundedLog, Output, log_name
from runner.mask import Masker


def _kept(data: bytes, limit: int) -> bytes:
    """Say what a bounded log must hold, worked out from the whole."""
    if len(data) <= limit:
        return data
    cut = f"\n[... {len(data) - limit} bytes were cut here: the log is limited ...]\n".encode()
    return data[: limit // 2] + cut + data[len(data) - (limit - limit // 2) :]


def test_a_bounded_log_keeps_head_and_tail(tmp_path: Path) -> None:
    """For random pieces and limits the file is what follows from the whole output, and nothing else is left."""
    chance = random.Random(20261124)
    for number in range(400):
        limit = chance.choice([1, 2, 3, 10, 11, 100])
        pieces = [chance.randbytes(chance.choice([1, 2, 5, 17, 60, 300])) for _ in range(chance.randint(1, 12))]
        log = BoundedLog(tmp_path / f"{number}.log", limit)
        for piece in pieces:
            log.write(piece)
        log.close()

        assert _kept(b"".join(pieces), limit) == log.path.read_bytes(), (limit, pieces)
    assert 400 == len(list(tmp_path.iterdir()))


def test_while_it_is_written_the_files_stay_within_the_limit(tmp_path: Path) -> None:
    """The disk never holds more than the limit, however much is printed."""
    log = BoundedLog(tmp_path / "a.log", 1000)
    for _ in range(500):
        log.write(b"x" * 777)

        assert 1000 >= sum(file.stat().st_size for file in tmp_path.iterdir())
    log.close()


def test_the_last_lines_are_remembered(tmp_path: Path) -> None:
    """Carriage returns end lines too, empty ones do not count, and the memory is bounded."""
    output = Output(tmp_path, "a.log", 10_000_000, Masker({}))
    output.write(b"one\n\n 10%\r 20%\r\n  \npart")

    assert (" 10%", " 20%", "part") == output.last_lines(3)
    assert "part" == output.last_line

    output.write(b"y" * 1_000_000)

    assert ("y" * REMEMBERED,) == output.last_lines(3)
    assert "y" * REMEMBERED == output.last_line
    assert "logs/a.log" == output.close()


def test_what_is_masked_is_what_is_kept(tmp_path: Path) -> None:
    """A secret cut in pieces reaches neither the file nor the memory nor the caller."""
    output = Output(tmp_path, "a.log", 1000, Masker({"T": "hunter22"}))
    told = b"".join(output.write(bytes([byte])) for byte in b"say hunter22 and hun")
    name = output.close()

    assert b"say *** and " == told
    assert "logs/a.log" == name
    assert b"say *** and hun" == (tmp_path / "logs/a.log").read_bytes()
    assert ("say *** and hun",) == output.last_lines(1)


def test_silence_makes_no_file(tmp_path: Path) -> None:
    """Nothing printed, nothing opened; and without a folder only the last lines are kept."""
    silent, homeless = Output(tmp_path, "a.log", 1000, Masker({})), Output(None, "a.log", 1000, Masker({}))
    silent.write(b"")
    homeless.write(b"hello\n")

    assert ("", "") == (silent.close(), homeless.close())
    assert ("hello",) == homeless.last_lines(1)
    assert [] == list(tmp_path.iterdir())


def test_a_log_that_cannot_be_written_is_the_runners_fault(tmp_path: Path) -> None:
    """A file where the folder should be ends the run with a message that names the log."""
    (tmp_path / "logs").write_text("in the way")
    output = Output(tmp_path, "a.log", 1000, Masker({}))

    with pytest.raises(RunnerFault, match=re.escape("logs/a.log cannot be written")):
        output.write(b"hello")


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("power", "1"), "power.1.log"),
        (("a/b", "2"), "a%2Fb.2.log"),
        (("..", "1"), "...1.log"),
        (("ü ", "1"), "%C3%BC%20.1.log"),
        (("%2F", "1"), "%252F.1.log"),
        (("a\0b", "1"), "a%00b.1.log"),
        (("a~b",), "a%7Eb.log"),
    ],
)
def test_names_of_files_are_safe(parts: tuple[str, ...], name: str) -> None:
    """Everything outside the safe letters is percent-encoded, the percent sign included."""
    assert name == log_name(*parts)


def test_the_last_line_is_the_newest_that_is_not_empty() -> None:
    """However lines end, and whether the newest has ended."""
    for printed, line in (
        (b"", ""),
        (b"one", "one"),
        (b"one\n", "one"),
        (b"one\ntwo\r\n\n \n", "two"),
        (b"10%\r20%", "20%"),
        (b"10%\r20%\r", "20%"),
        (b"\n\n", ""),
        (b"caf\xc3\xa9\n\xff", "\ufffd"),
    ):
        output = Output(None, "a.log", 100, Masker({}))
        output.write(printed)

        assert line == output.last_line, printed


def test_long_names_stay_apart() -> None:
    """They are cut, and a digest tells them apart."""
    names = {log_name("x" * 200, str(number)) for number in range(50)}

    assert 50 == len(names)
    assert all(len(name) <= LONGEST_NAME + 17 for name in names)
