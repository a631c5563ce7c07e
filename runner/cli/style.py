"""Whether a stream is to be coloured, and how wide it is: `NO_COLOR`, `FORCE_COLOR`, `COLUMNS`, the terminal."""

from __future__ import annotations

import os
import shutil
from typing import TextIO

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


def width_of(stream: TextIO) -> int:
    """Answer how many columns to write for."""
    if os.environ.get("COLUMNS", "").isdecimal():
        return max(NARROWEST, int(os.environ["COLUMNS"]))
    if not stream.isatty():
        return ELSEWHERE
    return min(WIDEST, max(NARROWEST, shutil.get_terminal_size().columns))
