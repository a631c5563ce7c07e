"""The files by which a command talks: made before it starts, read while it runs, gone when it has ended.

Theory of operation. Three files beside the receipts, which the command finds in `TASKGRAPH_OUTPUT`, `TASKGRAPH_CHECKS`
and `TASKGRAPH_LEDGER`. Outputs count once it has succeeded. Checks and rows are read as they are written, line by line,
because a row of the ledger must outlive a command that is killed a moment later. A file that is written over instead of
added to would lose what stood there, so what was read is summed up and compared at the end. The files may hold secrets
that are masked wherever we keep anything; so they are removed, by us or, if we are killed, by the runner (`remove`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from runner.execute.names import stem_of
from runner.execute.spoken import CHECKS, LEDGER, OUTPUT, Unclear, check_in, outputs_in, row_in
from runner.task import Json, Note, Request

LONGEST_LINE = 1024 * 1024
"""Bytes of a line of checks or of the ledger."""
LARGEST = 64 * 1024 * 1024
"""Bytes that all outputs may have together, as they are written."""
_PIECE = 1024 * 1024


class Talk:
    """What one command says. `faults` are the lines that could not be understood."""

    def __init__(self, request: Request, say: Callable[[Note], None], now: Callable[[], str]) -> None:
        """Make the files.

        Raises:
            OSError: the disk does not take them.

        """
        self.faults: list[str] = []
        self._declared = request.declared
        self._paths = _paths_of(request)
        for path in self._paths.values():
            path.unlink(missing_ok=True)
            path.touch(mode=0o600)
        self._lines = [
            Lines(self._paths[CHECKS], CHECKS, lambda line, number: say(check_in(line, number))),
            Lines(self._paths[LEDGER], LEDGER, lambda line, number: say(row_in(line, number, now))),
        ]

    @property
    def env(self) -> dict[str, str]:
        """The variables that name the files."""
        return {name: str(path) for name, path in self._paths.items()}

    def listen(self) -> None:
        """Say what was written since the last time; what cannot be read is told at the end."""
        for each in self._lines:
            with suppress(OSError):
                self.faults += each.read()

    def end(self) -> None:
        """Say the rest."""
        for each in self._lines:
            try:
                self.faults += each.end()
            except OSError as error:  # a border: the command may have put anything in its place
                self.faults.append(f"{each.name} cannot be read: {error.strerror or error}")

    def outputs(self) -> dict[str, Json]:
        """Answer the outputs; what is wrong with them is among the faults."""
        try:
            return outputs_in(_text_of(self._paths[OUTPUT]), self._declared)
        except Unclear as error:
            self.faults.append(str(error))
        except OSError as error:  # a border: as above
            self.faults.append(f"{OUTPUT} cannot be read: {error.strerror}")
        return {}


class Lines:
    """A file that grows by lines, each of which is told once."""

    def __init__(self, path: Path, name: str, tell: Callable[[str, int], None]) -> None:
        self.name = name
        self._path = path
        self._tell = tell
        self._rest = b""
        self._given_up = False  # the line that goes on is too long
        self._number = 0
        self._read = 0
        self._sum = sha256()

    def read(self) -> Iterator[str]:
        """Tell the lines that are whole; yields what is wrong with them."""
        with suppress(FileNotFoundError), _opened(self._path) as file:
            file.seek(self._read)
            while piece := file.read(_PIECE):
                self._read += len(piece)
                self._sum.update(piece)
                *whole, rest = (self._rest + piece).split(b"\n")
                if self._given_up:
                    whole, rest, self._given_up = whole[1:], rest if whole else b"", not whole
                for line in whole:
                    yield from self._line(line)
                self._given_up = self._given_up or len(rest) > LONGEST_LINE
                if self._given_up and rest:
                    yield from self._line(rest)
                self._rest = b"" if self._given_up else rest

    def end(self) -> Iterator[str]:
        """Tell the rest, whether its last line is whole or not."""
        yield from self.read()
        if self._rest:
            yield from self._line(self._rest)
            self._rest = b""
        if self._path.exists() and not self._only_grew():
            yield f"{self.name}: what stood there was written over, and may be lost; add lines with `>>`"

    def _line(self, line: bytes) -> Iterator[str]:
        self._number += 1
        if len(line) > LONGEST_LINE:
            yield f"{self.name}:{self._number}: a line may have {LONGEST_LINE // 2**20} MiB"
        elif line.strip():
            try:
                self._tell(line.decode(), self._number)
            except UnicodeDecodeError:
                yield f"{self.name}:{self._number}: this is not UTF-8"
            except Unclear as error:
                yield str(error)

    def _only_grew(self) -> bool:
        again, left = sha256(), self._read
        with _opened(self._path) as file:
            while left and (piece := file.read(min(left, _PIECE))):
                again.update(piece)
                left -= len(piece)
        return again.digest() == self._sum.digest()


def remove(request: Request) -> None:
    """Remove the files of a command; none is no matter, and neither is a folder that lets none go."""
    if request.command is not None and request.receipts:
        for path in _paths_of(request).values():
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _paths_of(request: Request) -> dict[str, Path]:
    folder = Path(request.receipts)
    words = {OUTPUT: "output", CHECKS: "checks", LEDGER: "ledger"}
    return {name: folder / stem_of(request.task, str(request.attempt), word) for name, word in words.items()}


def _text_of(path: Path) -> str:
    """Read the outputs as they were written; a file that was removed has none."""
    try:
        with _opened(path) as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        return ""
    if len(data) > LARGEST:
        message = (
            f"{OUTPUT}: more than {LARGEST // 2**20} MiB cannot be handed on; promise a file in `artifacts` instead"
        )
        raise Unclear(message)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Unclear(f"{OUTPUT}:{line}: this is not UTF-8") from None


def _opened(path: Path) -> BinaryIO:
    """Open a file without waiting, should the command have made a pipe of it."""
    return open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")  # noqa: PTH123  # a descriptor
