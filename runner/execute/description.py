"""One question to a worker, seen from the runner: what a function takes and returns. Knows no pipe."""

from __future__ import annotations

from runner.errors import Problem
from runner.execute.command import signal_name
from runner.execute.wire import Described, Ended, Exited
from runner.task import Note, Signature


class Description:
    """The work of describing one function. `answer` is None until it is known."""

    def __init__(self, uses: str) -> None:
        self.uses = uses
        self._last = b""
        self.answer: Signature | Problem | None = None

    def begun(self, pid: int) -> None:
        """Hear nothing: describing does not begin."""

    def spawned(self, pid: int) -> None:
        """Hear nothing: describing runs no command."""

    def said(self, note: Note) -> None:
        """Hear nothing: a module that is imported has no way to say notes."""

    def printed(self, piece: bytes) -> None:
        """Remember the end of what the module prints, in case it dies."""
        self._last = (self._last + piece)[-4096:]

    def ended(self, reply: Ended | Described) -> None:
        """Take the answer."""
        assert isinstance(reply, Described), "a description was asked for"
        self.answer = reply.signature or Problem(code=reply.code, message=reply.message, hint=reply.hint)

    def lost(self, exited: Exited, fault: str) -> None:
        """Say what importing the module did to its process."""
        if exited.killed:
            self._fail("it took too long")
        elif exited.status < 0:
            self._fail(f"its process was killed by {signal_name(-exited.status)}")
        else:
            self._fail(exited.error or fault or f"its process ended with exit code {exited.status}")

    def _fail(self, reason: str) -> None:
        last = [line for line in self._last.decode(errors="replace").splitlines() if line.strip()]
        hint = f"the last it printed: {last[-1].strip()}" if last else ""
        message = f"`{self.uses}` cannot be imported: {reason}"
        self.answer = Problem(code="cannot-import", message=message, hint=hint)
