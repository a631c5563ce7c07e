"""What a process prints, on its way to a file: masked, bounded, its last lines remembered. Knows no pipe.

Theory of operation. The file is opened at the first byte, so what prints nothing costs nothing. Up to half the limit is
written as it comes; after that a second file beside it is a ring that always holds the newest half. When the output
ends the ring is unrolled behind the head, with a line that says how much was cut between them. Memory stays that of one
piece.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from runner.errors import RunnerFault
from runner.execute.names import stem_of
from runner.mask import Masker

REMEMBERED = 8192
"""Bytes of the newest output kept in memory, for the live view and for messages."""
PIECE = 64 * 1024


class Output:
    """The output of one attempt or one service."""

    def __init__(
        self, folder: Path | None, name: str, limit: int, masker: Masker, tell: Callable[[bytes], None] | None = None
    ) -> None:
        """`folder` is the run's, where None only the last lines are kept; `name` is the log's, as `log_name` spells it.

        `tell` is handed all of it, without secrets, as it comes.
        """
        self._folder = folder
        self._name = name
        self._limit = limit
        self._masker = masker
        self._tell = tell
        self._log: BoundedLog | None = None
        self._recent = b""

    def write(self, piece: bytes) -> bytes:
        """Take what was printed; answers it as it is kept, without secrets.

        Raises:
            RunnerFault: the file cannot be written.

        """
        masked = self._masker.feed(piece)
        self._keep(masked)
        return masked

    def close(self) -> str:
        """Write what was held back; answers the file's name, "" if nothing was printed."""
        self._keep(self._masker.flush())
        if self._log is None:
            return ""
        self._log.close()
        return f"logs/{self._name}"

    def last_lines(self, count: int) -> tuple[str, ...]:
        """Answer the newest lines that are not empty."""
        lines = re.split(r"[\r\n]+", self._recent.decode(errors="replace"))
        return tuple([line.rstrip() for line in lines if line.strip()][-count:])

    @property
    def last_line(self) -> str:
        """The newest line that is not empty, whole or not; asked often, so it looks at no more than that."""
        recent = self._recent.rstrip()
        start = max(recent.rfind(b"\n"), recent.rfind(b"\r")) + 1
        return recent[start:].decode(errors="replace")

    @property
    def recent(self) -> str:
        """The newest text."""
        return self._recent.decode(errors="replace")

    def _keep(self, piece: bytes) -> None:
        if not piece:
            return
        self._recent = (self._recent + piece)[-REMEMBERED:]
        if self._tell is not None:
            self._tell(piece)
        if self._folder is None:
            return
        try:
            if self._log is None:
                self._log = BoundedLog(self._folder / "logs" / self._name, self._limit)
            self._log.write(piece)
        except OSError as error:  # a border: the disk may be full
            raise RunnerFault(f"{self._folder}/logs/{self._name} cannot be written: {error.strerror}") from error


class BoundedLog:
    """A file that keeps the head and the tail of what is written to it: at most `limit` bytes and a line between."""

    def __init__(self, path: Path, limit: int) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = path
        self._head = limit // 2
        self._tail = max(1, limit - self._head)
        self._written = 0
        self._file = _create(path)
        self._ring: int | None = None

    def write(self, piece: bytes) -> None:
        """Take the next bytes."""
        room = max(0, self._head - self._written)
        if room:
            _write_all(self._file, piece[:room])
        if len(piece) > room:
            self._write_to_ring(piece[room:], max(self._written, self._head) - self._head)
        self._written += len(piece)

    def close(self) -> None:
        """Put the tail behind the head."""
        if self._ring is not None:
            beyond = self._written - self._head
            cut = max(0, beyond - self._tail)
            if cut:
                _write_all(self._file, f"\n[... {cut} bytes were cut here: the log is limited ...]\n".encode())
            for piece in self._unrolled(cut, beyond):
                _write_all(self._file, piece)
            os.close(self._ring)
            self._ring_path.unlink()
        os.close(self._file)

    @property
    def _ring_path(self) -> Path:
        return self.path.with_name(f".{self.path.name}.tail")

    def _write_to_ring(self, piece: bytes, at: int) -> None:
        if self._ring is None:
            self._ring = _create(self._ring_path)
        skipped = max(0, len(piece) - self._tail)  # it would be overwritten by its own end
        view, at = memoryview(piece)[skipped:], (at + skipped) % self._tail
        while view:
            written = os.pwrite(self._ring, view[: self._tail - at], at)
            view, at = view[written:], (at + written) % self._tail

    def _unrolled(self, start: int, end: int) -> Iterator[bytes]:
        assert self._ring is not None, "there is a tail"
        while start < end:
            at = start % self._tail
            piece = os.pread(self._ring, min(PIECE, end - start, self._tail - at), at)
            start += len(piece)
            yield piece


def log_name(*parts: str) -> str:
    """Spell ids as the name of a log."""
    return f"{stem_of(*parts)}.log"


def _create(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)


def _write_all(file: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(file, view) :]
