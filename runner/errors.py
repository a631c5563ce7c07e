"""What a person can meet when something is wrong: problems as data and as text, a few exceptions, the exit codes.

Knows no graph; a problem carries its place with it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Literal

from msgspec import Struct


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


class Place(Struct, frozen=True, kw_only=True, order=True):
    """Where in a file something stands: `line` and `column` count from 1 in characters; `end` is one past the token."""

    file: str
    line: int = 1
    column: int = 1
    end: int = 0


class Related(Struct, frozen=True, kw_only=True):
    """Another place that a problem is about: the first of two equal keys, one edge of a ring."""

    note: str
    where: Place
    excerpt: str = ""


class Problem(Struct, frozen=True, kw_only=True):
    """One thing that is wrong, as data: a code, a sentence, where, the line of the file, and what to do about it.

    `note` stands beside the mark under the excerpt.
    """

    code: str
    message: str
    where: Place | None = None
    excerpt: str = ""
    hint: str = ""
    note: str = ""
    related: tuple[Related, ...] = ()
    severity: Literal["error", "warning"] = "error"


class GraphError(Exception):
    """The graph file or its parameters are at fault; holds all problems, sorted by place."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = tuple(problems)


class UsageError(Exception):
    """The command line is at fault: exit 2."""


class Locked(Exception):  # noqa: N818  # named for what happened
    """Another run of the same graph is going on: exit 6, or that of the signal which ended the wait for it."""

    def __init__(self, message: str, exit_code: Exit = Exit.LOCKED) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class NothingSelected(Exception):  # noqa: N818  # named for what happened
    """No task of the graph is what was asked for: exit 4. The message offers the nearest name."""


class PlanChanged(Exception):  # noqa: N818  # named for what happened
    """What would run is not what was approved: exit 7. Holds every difference, a sentence each."""

    def __init__(self, file: str, differences: Sequence[str]) -> None:
        super().__init__(f"{file} is not what would run now:\n" + "\n".join(f"  {each}" for each in differences))
        self.differences = tuple(differences)


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


def render(problems: Sequence[Problem]) -> str:
    """Write problems for people, each with its line and a mark under the token; "" for none."""
    return "\n".join(_rendered(problem, _PLAIN) for problem in problems)


def render_coloured(problems: Sequence[Problem]) -> str:
    """Write the same for a terminal that knows ANSI colours."""
    return "\n".join(_rendered(problem, _COLOURED) for problem in problems)


def to_json(problem: Problem) -> dict[str, Any]:
    """Write a problem as plain data; place and related places only where there are some."""
    return {
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
        "hint": problem.hint,
        **_place_to_json(problem.where, problem.excerpt),
        "related": [{"note": each.note, **_place_to_json(each.where, each.excerpt)} for each in problem.related],
    }


def annotation(problem: Problem) -> str:
    """Write a problem as a command that GitHub Actions shows beside the line (workflow commands, `::error`)."""
    parts = [f"title={_escaped(problem.code, ':,')}"]
    if problem.where is not None:
        where = problem.where
        parts = [f"file={_escaped(where.file, ':,')}", f"line={where.line}", f"col={where.column}", *parts]
        parts[3:3] = [f"endColumn={where.end}"] if where.end > where.column else []
    text = f"{problem.message} ({problem.hint})" if problem.hint else problem.message
    return f"::{problem.severity} {','.join(parts)}::{_escaped(text)}"


class _Style(Struct, frozen=True, kw_only=True):
    """What is written before and after each part."""

    error: str = ""
    warning: str = ""
    strong: str = ""
    faint: str = ""
    hint: str = ""
    off: str = ""


_PLAIN = _Style()
_COLOURED = _Style(
    error="\x1b[1;31m", warning="\x1b[1;33m", strong="\x1b[1m", faint="\x1b[34m", hint="\x1b[36m", off="\x1b[0m"
)
_WIDEST_EXCERPT = 120
_TAB = "→   "


def _rendered(problem: Problem, style: _Style) -> str:
    loud = style.error if problem.severity == "error" else style.warning
    head = f"{loud}{problem.severity}[{problem.code}]{style.off}{style.strong}: {_visible(problem.message)}{style.off}"
    lines = [head, *_spots(problem, style, loud)]
    if problem.hint:
        lines.append(f"  {style.hint}hint:{style.off} {_visible(problem.hint)}")
    return "\n".join(lines) + "\n"


def _spots(problem: Problem, style: _Style, loud: str) -> list[str]:
    if problem.where is None:
        return []
    gutter = len(str(max(problem.where.line, *(each.where.line for each in problem.related), 0)))
    lines = [f"  {_visible(problem.where.file)}:{problem.where.line}:{problem.where.column}"]
    lines += _marked(Related(note=problem.note, where=problem.where, excerpt=problem.excerpt), gutter, style, loud)
    for each in problem.related:
        if each.where.file != problem.where.file:
            lines.append(f"  {_visible(each.where.file)}:{each.where.line}:{each.where.column}")
        lines += _marked(each, gutter, style, style.faint)
    return lines


def _marked(spot: Related, gutter: int, style: _Style, loud: str) -> list[str]:
    where, note = spot.where, spot.note
    if not spot.excerpt.strip():
        return []
    text, start, end = _window(spot.excerpt, where.column - 1, max(where.end, where.column + 1) - 1)
    before, token = _width(_visible(text[:start])), max(1, _width(_visible(text[start:end])))
    mark = f"{loud}{'^' * token}{' ' if note else ''}{_visible(note)}{style.off}"
    return [
        f"    {style.faint}{where.line:>{gutter}} |{style.off} {_visible(text)}",
        f"    {style.faint}{'':>{gutter}} |{style.off} {' ' * before}{mark}",
    ]


def _window(line: str, start: int, end: int) -> tuple[str, int, int]:
    """Cut a long line down to what stands around the token."""
    if len(line) <= _WIDEST_EXCERPT:
        return line, start, end
    first = max(0, min(start - 40, len(line) - _WIDEST_EXCERPT))
    left, right = "…" if first else "", "…" if first + _WIDEST_EXCERPT < len(line) else ""
    end = min(end, first + _WIDEST_EXCERPT)
    text = line[first : first + _WIDEST_EXCERPT]
    return f"{left}{text}{right}", start - first + len(left), end - first + len(left)


def _visible(text: str) -> str:
    """Show every character as one that a terminal cannot be tricked by."""
    if text.isprintable():
        return text
    return "".join(
        _TAB if each == "\t" else each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text
    )


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text
    )


def _place_to_json(where: Place | None, excerpt: str) -> dict[str, Any]:
    if where is None:
        return {}
    return {"file": where.file, "line": where.line, "column": where.column, "end": where.end, "excerpt": excerpt}


def _escaped(text: str, also: str = "") -> str:
    for each in ("%", "\r", "\n", *also):
        text = text.replace(each, f"%{ord(each):02X}")
    return text
