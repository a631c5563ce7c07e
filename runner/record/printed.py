"""What tasks print, among the lines of progress: as it comes, or in one piece at its end. Knows no process.

Both are handed the lines that progress has for an event, and answer all that is to be written for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from runner.graph.model import Graph
from runner.record.render.legible import legible
from runner.schedule.messages import AttemptEnded, AttemptReturned, AttemptStarted, Event, ServiceEnded

LONGEST_LINE = 64 * 1024
"""Bytes after which a line that does not end is written all the same."""


class Printed(Protocol):
    """Puts what tasks print around and between the lines of progress."""

    def around(self, event: Event, lines: Iterable[str]) -> Iterator[str]:
        """Answer the lines of an event, with what is printed before and after them."""

    def meanwhile(self) -> Iterator[str]:
        """Answer what was printed since."""

    @property
    def waiting(self) -> bool:
        """Whether there is something to write though nothing happened."""


class Unprinted:
    """Shows nothing of it."""

    waiting = False

    def around(self, _event: Event, lines: Iterable[str]) -> Iterator[str]:
        """Answer the lines of an event alone."""
        yield from lines

    def meanwhile(self) -> Iterator[str]:
        """Answer nothing."""
        yield from ()


class Streamed:
    """Each line as soon as it is whole, behind the id of the task or service that printed it.

    Two pipes bring what a task prints and that it has begun. What comes too early waits for the line that says so.
    """

    def __init__(self, graph: Graph, wide: int) -> None:
        """`wide` is the width of the column of ids."""
        self._wide = wide
        self._begun = set(graph.services)
        self._unfinished: dict[str, bytes] = {}
        self._whole: list[tuple[str, str]] = []

    def hear(self, name: str, piece: bytes) -> None:
        """Take the next bytes that somebody printed."""
        *lines, rest = (self._unfinished.pop(name, b"") + piece).split(b"\n")
        if len(rest) > LONGEST_LINE:
            lines, rest = [*lines, rest], b""
        if rest:
            self._unfinished[name] = rest
        self._whole += [(name, self._line(name, line)) for line in lines]

    def around(self, event: Event, lines: Iterable[str]) -> Iterator[str]:
        """Answer the lines of an event; before those of an end comes everything that was printed until then."""
        match event:
            case AttemptStarted(task=name):
                self._begun.add(name)
            case AttemptEnded(task=name) | AttemptReturned(task=name):
                yield from self._all_of(name)
                self._begun.discard(name)
            case ServiceEnded(service=name):
                yield from self._all_of(name)
            case _:
                pass
        yield from lines

    def meanwhile(self) -> Iterator[str]:
        """Answer the lines of all that have begun, in the order they were printed."""
        ready = [line for name, line in self._whole if name in self._begun]
        self._whole = [(name, line) for name, line in self._whole if name not in self._begun]
        yield from ready

    @property
    def waiting(self) -> bool:
        """Whether somebody who has begun has printed a whole line."""
        return any(name in self._begun for name, _ in self._whole)

    def _all_of(self, name: str) -> Iterator[str]:
        rest = self._unfinished.pop(name, b"")
        own = [line for other, line in self._whole if other == name]
        self._whole = [(other, line) for other, line in self._whole if other != name]
        yield from own
        if rest:
            yield self._line(name, rest)

    def _line(self, name: str, line: bytes) -> str:
        last = line.rstrip(b"\r").rpartition(b"\r")[2]  # as a terminal shows it: each part is written over the former
        return f"{name:<{self._wide}} │ {legible(last.decode(errors='replace'))}"


class Grouped:
    """All that an attempt or a service has printed, once it is over, from its log; for GitHub as a group to unfold."""

    waiting = False

    def __init__(self, run_folder: Path, *, github: bool) -> None:
        self._folder = run_folder
        self._github = github

    def around(self, event: Event, lines: Iterable[str]) -> Iterator[str]:
        """Answer the lines of an event; behind those of an end comes everything that was printed until then."""
        match event:
            case AttemptEnded(log=log) | ServiceEnded(log=log) if log and self._github:
                yield f"::group::{' '.join(lines)}"
                yield from _lines_of(self._folder / log)  # as they are: GitHub shows colours, and obeys commands
                yield "::endgroup::"
            case AttemptEnded(log=log) | ServiceEnded(log=log) if log:
                yield from lines
                yield from (f"  │ {legible(line)}" for line in _lines_of(self._folder / log))
            case _:
                yield from lines

    def meanwhile(self) -> Iterator[str]:
        """Answer nothing: whoever has not ended has to wait."""
        yield from ()


def _lines_of(log: Path) -> Iterator[str]:
    try:
        with log.open("rb") as file:
            while line := file.readline(LONGEST_LINE):
                yield line.rstrip(b"\r\n").decode(errors="replace")
    except OSError as error:  # a border: the log may be gone
        yield f"{log} cannot be read: {error.strerror}"
