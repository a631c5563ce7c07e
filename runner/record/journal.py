"""The durable log of events: one line each, written before anything follows from it. Knows no rule and no report.

Theory of operation. A line is `CRC32 JSON`; the first one names the format. The checksum goes on from that of the line
before, so a line that is lost, written twice or moved is as damaged as one with a flipped bit. `record` writes all
events of a turn with one system call, so they survive the runner's death; the disk is told to keep them (`sync`) at
most 50 ms later, which is grouped because a chain of short tasks would otherwise wait for the disk at every link. A
power cut may cost the last lines, never one in the middle: what is read is always a prefix of what was written. A torn
last line is cut; damage anywhere else is not ours, and is reported with its line.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol
from zlib import crc32

from msgspec import Struct

from runner.errors import DamagedJournal, RunnerFault
from runner.mask import Masker
from runner.plain import NotThisShape, decode, encode
from runner.record.masked import without_secrets
from runner.schedule.messages import Event

FORMAT = b'{"journal":2}'
EARLIER = b'{"journal":1}'
"""The format in which each line was summed up by itself. It is still read: runs are reviewed years later."""
GROUPED = 0.05
"""Seconds for which written events may wait for the disk (DESIGN section 3, Durable)."""

_NEW_FOLDERS = 3
"""The run's folder, the folder of runs and the state folder may all be new: the disk must know their entries, too."""


class _Clock(Protocol):
    def now(self) -> float: ...


class Journal:
    """The writing side; a recorder of the driver."""

    def __init__(self, path: Path, clock: _Clock, masker: Masker) -> None:
        """Begin a journal.

        Raises:
            RunnerFault: the file cannot be made.

        """
        self._path, self._clock, self._masker = path, clock, masker
        self._due: float | None = None
        self._entered = False
        self._sum = 0
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:  # a border: the disk
            raise RunnerFault(f"{path} cannot be made: {error.strerror}") from error
        self._write(self._line(FORMAT))

    def record(self, events: Sequence[Event]) -> Sequence[Event]:
        """Write events without secrets; answers them as they were written. They survive the runner's death now.

        Raises:
            RunnerFault: the disk does not take them.

        """
        kept = [without_secrets(event, self._masker) for event in events]
        self._write(b"".join(self._line(encode(event)) for event in kept))
        if self._due is None:
            self._due = self._clock.now() + GROUPED
        return kept

    def due(self) -> float | None:
        """Answer when the disk is to be told, None if it knows all."""
        return self._due

    def sync(self) -> None:
        """Make everything written survive the machine's death.

        Raises:
            RunnerFault: the disk does not take it.

        """
        self._due = None
        try:
            os.fdatasync(self._file)
            if not self._entered:
                _enter_folders(self._path)
                self._entered = True
        except OSError as error:  # a border: the disk
            raise self._fault(error) from error

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def _line(self, text: bytes) -> bytes:
        self._sum = crc32(text, self._sum)
        return b"%08x %b\n" % (self._sum, text)

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:  # a border: the disk
            raise self._fault(error) from error

    def _fault(self, error: OSError) -> RunnerFault:
        return RunnerFault(f"{self._path} cannot be written: {error.strerror}; the run was ended")


def _enter_folders(path: Path) -> None:
    for folder in path.absolute().parents[:_NEW_FOLDERS]:
        with suppress(OSError):  # a border: some file systems cannot; then the entries are safe, or nothing helps
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


class Recorded(Struct, frozen=True, kw_only=True):
    """What a journal holds; `torn` says that its last line was cut short, as by a power cut."""

    events: tuple[Event, ...]
    torn: bool = False


def read(path: Path) -> Recorded:
    """Read a journal as far as it was written.

    Raises:
        DamagedJournal: a line before the last one is damaged, or it is no journal.

    """
    *lines, rest = path.read_bytes().split(b"\n")
    whole = list(_whole(lines))
    if len(whole) < len(lines) - 1:
        raise DamagedJournal(str(path), len(whole) + 1, "its checksum does not fit")
    torn = bool(rest) or len(whole) < len(lines)  # damage at the very end cannot be told from a torn line
    return Recorded(events=tuple(_events(path, whole)), torn=torn)


def _whole(lines: Sequence[bytes]) -> Iterator[bytes]:
    """Answer what the lines hold, up to the first that is damaged."""
    last, goes_on = 0, True
    for line in lines:
        checksum, _, text = line.partition(b" ")
        last = crc32(text, last if goes_on else 0)
        if checksum != b"%08x" % last:
            return
        goes_on = goes_on and text != EARLIER
        yield text


def _events(path: Path, texts: Sequence[bytes]) -> Iterator[Event]:
    for number, text in enumerate(texts, start=1):
        if number == 1:
            if text not in (FORMAT, EARLIER):
                raise DamagedJournal(str(path), number, f"it does not begin with {FORMAT.decode()}")
            continue
        try:
            yield decode(Event, text)
        except NotThisShape as error:
            raise DamagedJournal(str(path), number, str(error)) from error
