"""What a person can meet when something is wrong: problems as data, a few exceptions, the exit codes.

Knows no graph; a problem carries its place with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


class Exit(IntEnum):
    """The exit codes of the command line (DESIGN section 6); 129, 130 and 143 are 128 plus the signal."""

    PASSED = 0
    FAILED = 1
    USAGE = 2
    INVALID = 3
    NOTHING_SELECTED = 4
    RUNNER_FAULT = 5
    LOCKED = 6
    PLAN_CHANGED = 7
    DEADLINE = 124
    HUNG_UP = 129
    INTERRUPTED = 130
    TERMINATED = 143


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """Where in a file something stands: `line` and `column` count from 1 in characters; `end` is one past the token."""

    file: str
    line: int = 1
    column: int = 1
    end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong, as data: a code, a sentence, where, the line of the file, and what to do about it."""

    code: str
    message: str
    where: Place | None = None
    excerpt: str = ""
    hint: str = ""


class GraphError(Exception):
    """The graph file or its parameters are at fault; holds all problems, sorted by place."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = tuple(problems)


class UsageError(Exception):
    """The command line is at fault: exit 2."""


class RunnerFault(Exception):  # noqa: N818  # named for whose fault it is
    """The runner could not do its work (disk full, folder read-only, no worker starts): exit 5."""


class DamagedJournal(Exception):  # noqa: N818  # named for whose fault it is
    """The disk is at fault: a journal is damaged before its last line. Holds the file and the line number."""

    def __init__(self, file: str, line: int, reason: str) -> None:
        super().__init__(f"{file}:{line}: the journal is damaged here: {reason}")
        self.file = file
        self.line = line


class IllegalMove(Exception):  # noqa: N818  # named for whose fault it is
    """We are at fault: the schedule was asked for a move that its table does not have. Carries the task's story."""
