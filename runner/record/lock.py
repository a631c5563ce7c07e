"""One run of a graph at a time: a lock that the kernel lets go when its holders are gone. Knows no process but by id.

The lock is on an open file, not on its existence, so there is never one left to clear. The warden is handed a copy of
the descriptor: when a runner is killed, the lock lives on until everything it had started is gone.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from runner.errors import Locked, RunnerFault

SECONDS = len("2026-01-01T00:00:00")
"""Characters of a moment in ISO-8601 up to its seconds."""


class Holder(Struct, frozen=True, kw_only=True):
    """Who holds a lock: process id, and since when (ISO-8601 UTC)."""

    pid: int
    since: str


class GraphLock:
    """The lock of one graph file in one state folder, open but perhaps not held."""

    def __init__(self, state: Path, graph: str) -> None:
        """Open the lock's file.

        Raises:
            RunnerFault: the state folder cannot be written.

        """
        path = str(Path(graph).resolve())
        self._graph = graph
        self._file = state / "locks" / f"{sha256(os.fsencode(path)).hexdigest()[:16]}.lock"
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:  # a border: the disk
            raise RunnerFault(f"the state folder cannot be written: {self._file}: {error.strerror}") from error

    def take(self, own: Holder, wait: Callable[[Holder | None], bool]) -> None:
        """Take the lock. As long as another run holds it, `wait` is called with that; it says whether to try again.

        Raises:
            Locked: another run holds it, and `wait` said no.
            RunnerFault: the disk takes no word of who holds it now.

        """
        while not self._try():
            holder = self._holder()
            if not wait(holder):
                raise Locked(_words(self._graph, holder))
        try:
            os.ftruncate(self.descriptor, 0)
            os.pwrite(self.descriptor, json.dumps({"pid": own.pid, "since": own.since}).encode(), 0)
        except OSError as error:  # a border: the disk
            raise RunnerFault(f"{self._file} cannot be written: {error.strerror}") from error

    def close(self) -> None:
        """Let go of this copy."""
        os.close(self.descriptor)

    def _try(self) -> bool:
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:  # a border: file systems without locks
            raise RunnerFault(f"{self._file} cannot be locked: {error.strerror}") from error
        return True

    def _holder(self) -> Holder | None:
        """Answer who holds it, None if that has not been written yet."""
        return _parsed(os.pread(self.descriptor, 4096, 0))


def _parsed(data: bytes) -> Holder | None:
    try:
        said = json.loads(data)
        return Holder(pid=int(said["pid"]), since=str(said["since"]))
    except (ValueError, KeyError, TypeError):  # a border: a run that was killed while it wrote
        return None


def _words(graph: str, holder: Holder | None) -> str:
    who = "another run" if holder is None else f"another run (process {holder.pid}, since {holder.since})"
    return f"{who} of {graph} is going on; `--wait` waits for its end"


def going_on(state: Path, started: str) -> int | None:
    """Answer the process of the run that began at this moment (ISO-8601) if it is going on. Takes no lock."""
    for file in sorted((state / "locks").glob("*.lock")):
        holder = _said(file)
        if holder is not None and holder.since[:SECONDS] == started[:SECONDS] and _lives(holder.pid):
            return holder.pid
    return None


def _said(file: Path) -> Holder | None:
    try:
        return _parsed(file.read_bytes())
    except OSError:  # a border: it may be gone, or not ours to read
        return None


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # a border: it is somebody else's, or no process id at all
        return pid < 2**31
    return True
