"""Whether a stream is to be coloured, and how wide it is: `NO_COLOR`, `FORCE_COLOR`, `COLUMNS`, the terminal."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from runner.errors import Problem

NARROWEST, WIDEST, ELSEWHERE = 40, 200, 100
"""Columns: what we still format for, what is pleasant to read at most, and what a pipe gets."""


def coloured(stream: TextIO, wish: str) -> bool:
    """Say whether a stream is to be coloured, given the word of `--color` (auto, always, never).

    Source: no-color.org and force-color.org; an empty variable counts as not set.
    """
    if wish != "auto":
        return wish == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def colour_system(stream: TextIO, wish: str) -> str | None:
    """Answer how many colours a stream is to be given, as rich names them, None for none."""
    if not coloured(stream, wish):
        return None
    if os.environ.get("COLORTERM", "") in {"truecolor", "24bit"}:
        return "truecolor"
    return "256" if "256color" in os.environ.get("TERM", "") else "standard"


def size_of(stream: TextIO) -> tuple[int, int]:
    """Answer the columns and rows of the terminal a stream leads to, as it is now; `COLUMNS` and `LINES` win."""
    try:
        columns, rows = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):  # a border: it is no terminal, or closed
        columns, rows = 80, 24
    return _given("COLUMNS", columns), _given("LINES", rows)


def _given(name: str, otherwise: int) -> int:
    value = os.environ.get(name, "")
    return int(value) if value.isdecimal() and int(value) > 0 else otherwise or 1


def width_of(stream: TextIO) -> int:
    """Answer how many columns to write for."""
    if os.environ.get("COLUMNS", "").isdecimal():
        return max(NARROWEST, int(os.environ["COLUMNS"]))
    return min(WIDEST, max(NARROWEST, size_of(stream)[0])) if stream.isatty() else ELSEWHERE


def annotate(problems: Sequence[Problem], stream: TextIO) -> None:
    """Tell GitHub, where it runs us, of problems as notes beside the lines they are about."""
    from runner.errors import annotation

    if os.environ.get("GITHUB_ACTIONS") == "true":
        stream.writelines(f"{annotation(problem)}\n" for problem in problems)
