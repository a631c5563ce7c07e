"""What programs have printed, made fit to be shown: it neither controls a terminal nor breaks it. Knows no layout."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

LOOKED_AT = 16384
"""Bytes at the end of a log in which its last lines are looked for."""

_SEQUENCES = cache(
    lambda: re.compile(
        r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, cursor, screen (ECMA-48)
        r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"  # titles, links and other strings
        r"|\x1b[ -/]*[0-~]?"
    )
)
_UNSEEN = cache(lambda: re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"))
"""Controls that are left, and marks that turn the direction of a text: what one reads would not be what is there."""
_BROKEN = cache(lambda: re.compile("[\ud800-\udfff]"))


def legible(text: str) -> str:
    """Answer a text as one line that shows what it holds and does nothing to a terminal."""
    return " ".join(_cleaned(text).split("\n")) if "\n" in text else _cleaned(text)


def legible_text(text: str) -> str:
    """Answer a text of several lines that shows what it holds, and nothing that only looks so."""
    return _cleaned(text)


def shortened(text: str, longest: int) -> str:
    """Cut a text to this many characters, the sign of cutting included."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def last_lines(log: Path, number: int) -> Sequence[str]:
    """Answer the last lines of a log that are not blank, () if it cannot be read."""
    return legible_lines(end_of(log, LOOKED_AT)[0])[-number:]


def end_of(log: Path, most: int) -> tuple[str, int]:
    """Answer the last so many bytes of a log as text, and how many bytes stand before; "" if it cannot be read."""
    try:
        with log.open("rb") as file:
            before = max(0, file.seek(0, 2) - most)
            file.seek(before)
            return file.read().decode("utf-8", "replace"), before
    except OSError:  # a border: the log may be gone
        return "", 0


def legible_lines(text: str) -> list[str]:
    """Answer the lines of a text that are not blank; a line that was written over another is a line of its own."""
    return [line for line in (_cleaned(line).rstrip() for line in text.splitlines()) if line]


def _cleaned(text: str) -> str:
    if text.isprintable():  # neither controls nor marks of direction nor halves of surrogate pairs
        return text
    text = _SEQUENCES().sub("", text) if "\x1b" in text else text
    text = re.sub("[\t\r\v\f]", " ", text.replace("\r\n", "\n").expandtabs())
    return _BROKEN().sub("\ufffd", _UNSEEN().sub("", text))
