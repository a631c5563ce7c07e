"""Events as JSON lines, as they happen, for a program that follows a run. The journal is the truth, not these."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from runner.errors import RunnerFault
from runner.plain import to_plain
from runner.record.journal import Journal
from runner.schedule.messages import Event


class EventLines:
    """Lines beside the journal; they never wait for the disk."""

    def __init__(self, path: Path) -> None:
        """Open a file or a named pipe (which waits for its reader).

        Raises:
            RunnerFault: it cannot be written.

        """
        self._path = path
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        except OSError as error:  # a border: the path is the user's
            raise RunnerFault(f"--events {path}: {error.strerror}") from error

    def write(self, events: Sequence[Event]) -> None:
        """Write one line an event, as the journal keeps it: without secrets.

        Raises:
            RunnerFault: the file does not take them.

        """
        lines = [json.dumps(to_plain(event)) for event in events]
        rest = memoryview("".join(f"{line}\n" for line in lines).encode())
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:  # a border: whoever reads may have gone, or the disk is full
            raise RunnerFault(f"--events {self._path}: {error.strerror}") from error

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


class Both:
    """The journal and lines beside it as one recorder."""

    def __init__(self, first: Journal, second: EventLines) -> None:
        self._first, self._second = first, second

    def record(self, events: Sequence[Event]) -> Sequence[Event]:
        """Write to both; what the journal keeps is what is told."""
        kept = self._first.record(events)
        self._second.write(kept)
        return kept

    def due(self) -> float | None:
        """Answer when the first wants to be synced."""
        return self._first.due()

    def sync(self) -> None:
        """Sync the first."""
        self._first.sync()
