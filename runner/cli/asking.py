"""A person at the terminal who is asked before a task starts: one key, `y` or `n`, while everything else goes on.

Theory of operation. While a question is open the terminal hands over each key at once and shows none; Ctrl-C goes on to
interrupt. What was typed before a question is thrown away: nobody says yes to what he has not read. Which question is
open is read from the schedule, so one that nobody has to answer any more is gone, and with the last one the terminal is
as it was before.
"""

from __future__ import annotations

import os
import sys
import termios
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from select import select
from typing import TYPE_CHECKING, Any

from runner.driver import Nobody
from runner.record.outlet import Outlet
from runner.record.render.legible import legible
from runner.schedule.messages import Answered, Event

if TYPE_CHECKING:
    from runner.execute.ports import Crew
    from runner.graph.model import TaskSpec
    from runner.schedule.machine import Schedule

KEYS = {"y": True, "n": False}


class AtTerminal:
    """A person; keys come from a terminal's descriptor, and questions go to an outlet, None where a view shows them."""

    def __init__(self, terminal: int, pool: Crew, outlet: Outlet | None) -> None:
        self._terminal = terminal
        self._pool = pool
        self._outlet = outlet
        self._open: str | None = None
        self._before: list[Any] | None = None
        self._gone = False

    def ask(self, task: str, now: float) -> Sequence[Event]:
        """Leave the answer for later, unless the terminal has gone."""
        return Nobody().ask(task, now) if self._gone else ()

    def observe(self, _events: Sequence[Event], schedule: Schedule) -> None:
        """Put the question that is open now, one at a time."""
        first = next(iter(schedule.asking), None)
        if first == self._open:
            return
        self._open = first
        if first is None or self._gone:
            self.close()
            return
        self._listen()
        others = f" ({len(schedule.asking) - 1} more to come)" if len(schedule.asking) > 1 else ""
        if self._outlet is not None:
            self._outlet.write(f"? {question(schedule.graph.tasks[first])} Press y or n.{others}\n")
            self._outlet.flush()

    def heard(self, now: float) -> Sequence[Event]:
        """Answer what was said since, if anything; what was typed behind that is nobody's answer."""
        if self._open is None or self._gone or not select([self._terminal], [], [], 0)[0]:
            return ()
        try:
            keys = os.read(self._terminal, 1024).decode(errors="replace")
        except OSError:  # a border: the terminal was closed
            keys = ""
        if not keys:
            self._gone = True
            self.close()
            return Nobody().ask(self._open, now)
        said = next((KEYS[key] for key in keys.lower() if key in KEYS), None)
        return () if said is None else (Answered(at=now, task=self._open, approved=said, by="terminal"),)

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._before is not None:
            self._pool.unheed(self._terminal)
            with suppress(termios.error):  # a border: the terminal was closed, and there is nothing to put back
                termios.tcsetattr(self._terminal, termios.TCSADRAIN, self._before)
            self._before = None

    def _listen(self) -> None:
        with suppress(termios.error):  # a border: the terminal was closed, as we shall be told
            if self._before is None:
                self._before = termios.tcgetattr(self._terminal)
                self._pool.heed(self._terminal)
                tty.setcbreak(self._terminal, termios.TCSADRAIN)
            termios.tcflush(self._terminal, termios.TCIFLUSH)


def question(spec: TaskSpec) -> str:
    """Write what a person is asked about a task."""
    what = legible(spec.title or spec.desc).rstrip(".")
    return f"{spec.id} asks before it starts{f': {what}' if what else ''}. May it?"


class NobodyThere(Nobody):
    """Nobody, who never says anything."""

    def heard(self, _now: float) -> Sequence[Event]:
        """Hear nothing."""
        return ()


@contextmanager
def person_at(mode: str, pool: Crew) -> Iterator[AtTerminal | NobodyThere]:
    """Answer the person at the terminal that this command was started from; in the end that is as it was before.

    A live view shows questions itself; any other needs a place to show them that is a terminal, too.
    """
    terminal = _terminal()
    if terminal is None or not (mode == "live" or sys.stderr.isatty()):
        yield NobodyThere()
        return
    person = AtTerminal(terminal, pool, None if mode == "live" else Outlet(sys.stderr))
    try:
        yield person
    finally:
        person.close()


def _terminal() -> int | None:
    """Answer the terminal that keys come from, None where nobody could answer: there is none, or we are behind."""
    try:
        terminal = sys.stdin.fileno()
        return terminal if os.isatty(terminal) and os.tcgetpgrp(terminal) == os.getpgrp() else None
    except (OSError, ValueError, AttributeError):  # a border: there is no stdin, or its terminal is not ours
        return None
