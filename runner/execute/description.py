"""Questions to workers, seen from the runner: what functions take and return. Knows no pipe."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

from runner.errors import Problem
from runner.execute.child import Child
from runner.execute.command import signal_name
from runner.execute.ports import Clock
from runner.execute.wire import Describe, Described, Ended, Exited, setting_of
from runner.execute.workers import Workers
from runner.task import Note, Request, Signature

IMPORT_LIMIT = 60.0
"""Seconds a module may take to be imported for its description."""


def describe_all(
    wanted: Mapping[str, Request], workers: Workers, places: int, clock: Clock, turn: Callable[[float], None]
) -> dict[str, Signature | Problem]:
    """Describe functions, as many at once as there are places; `turn` lets happen what happens until a moment."""
    waiting = deque(wanted)
    asked: dict[str, tuple[Description, Child, float]] = {}
    told: dict[str, Signature | Problem] = {}
    while waiting or asked:
        while waiting and len(asked) < places:
            uses = waiting.popleft()
            child = workers.take(setting_of(wanted[uses]), uses, places)
            asked[uses] = Description(uses), child, clock.now() + IMPORT_LIMIT
            child.ask(asked[uses][0], Describe(uses=uses))
        turn(min(limit for _, _, limit in asked.values()))
        for uses, (description, child, limit) in list(asked.items()):
            if description.answer is not None:
                told[uses] = description.answer
                del asked[uses]
            elif clock.now() >= limit:
                description.give_up()
                child.stop(0.0)
                asked[uses] = description, child, clock.now() + IMPORT_LIMIT
    return {uses: told[uses] for uses in wanted}


class Description:
    """The work of describing one function. `answer` is None until it is known."""

    def __init__(self, uses: str) -> None:
        self._uses = uses
        self._last = b""
        self._given_up = False
        self.answer: Signature | Problem | None = None

    def give_up(self) -> None:
        """Wait no longer: however its worker ends now, it took too long."""
        self._given_up = True

    def begun(self, pid: int) -> None:
        """Hear nothing: describing does not begin."""

    def spawned(self, pid: int) -> None:
        """Hear nothing: describing runs no command."""

    def said(self, note: Note) -> None:
        """Hear nothing: a module that is imported has no way to say notes."""

    def returned(self) -> None:
        """Hear nothing: its worker is asked for nothing before it."""

    def printed(self, piece: bytes) -> None:
        """Remember the end of what the module prints, in case it dies."""
        self._last = (self._last + piece)[-4096:]

    def ended(self, reply: Ended | Described) -> None:
        """Take the answer."""
        assert isinstance(reply, Described), "a description was asked for"
        self.answer = reply.signature or Problem(code=reply.code, message=reply.message, hint=reply.hint)

    def lost(self, exited: Exited, fault: str) -> None:
        """Say what importing the module did to its process."""
        if self._given_up:
            self._fail("it took too long")
        elif exited.status < 0:
            self._fail(f"its process was killed by {signal_name(-exited.status)}")
        else:
            self._fail(exited.error or fault or f"its process ended with exit code {exited.status}")

    def _fail(self, reason: str) -> None:
        last = [line for line in self._last.decode(errors="replace").splitlines() if line.strip()]
        hint = f"the last it printed: {last[-1].strip()}" if last else ""
        message = f"`{self._uses}` cannot be imported: {reason}"
        self.answer = Problem(code="cannot-import", message=message, hint=hint)
