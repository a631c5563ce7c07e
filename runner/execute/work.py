"""What a worker may be asked to do, as a protocol: an attempt, a service, a description. No code."""

from __future__ import annotations

from typing import Protocol

from runner.execute.wire import Described, Ended, Exited
from runner.task import Note


class Work(Protocol):
    """What a worker is asked to do, as told what becomes of it."""

    def begun(self, pid: int) -> None:
        """Hear that it begins, in this worker."""

    def spawned(self, pid: int) -> None:
        """Hear that it is a command, and runs now."""

    def said(self, note: Note) -> None:
        """Hear what it says."""

    def printed(self, piece: bytes) -> None:
        """Take what it prints."""

    def ended(self, reply: Ended | Described) -> None:
        """Hear that it is over: nothing more will be said or printed."""

    def lost(self, exited: Exited, fault: str) -> None:
        """Hear that its worker is gone, without a reply; `fault` is what it was seen to do wrong before."""

    def returned(self) -> None:
        """Hear that it comes back: it had not begun, and its worker is gone."""
