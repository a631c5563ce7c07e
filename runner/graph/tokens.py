"""The words and signs of an expression. Knows no grammar."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import cache

from msgspec import Struct

from runner.graph.expression import ExpressionError

LONGEST_NUMBER = 300
"""How many characters a number may have; a float stands for no larger one."""

FOREIGN_SIGNS = {
    '"': "texts stand in single quotes: 'like this'",
    "=": "`==` compares",
    "&": "write `&&`",
    "|": "write `||`; there are no filters",
    "*": "there is no `.*`; name one part, or give the whole list to a Python task",
    "$": "inside `${{ }}` names stand bare: `params.x`",
    "+": "there is no arithmetic; compute in a task",
    "-": "there is no arithmetic; compute in a task",
    "/": "there is no arithmetic; compute in a task",
    "?": "write `condition && a || b`",
}
"""What people write that has no meaning here, and what to write instead."""

_TOKEN = cache(
    lambda: re.compile(
        r"""\s*(?:
    (?P<number>[-+]?(?:0x[0-9a-fA-F]+|0o[0-7]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)(?![\w.]))
  | (?P<text>'(?:[^']|'')*')
  | (?P<word>[A-Za-z_][\w-]*)
  | (?P<sign>&&|\|\||==|!=|<=|>=|[<>!()\[\].,])
    )""",
        re.VERBOSE | re.ASCII,
    )
)


class Token(Struct, frozen=True):
    """One word, text, number or sign; `offset` counts characters of the whole text."""

    kind: str
    text: str
    offset: int


def tokens(text: str, start: int, end: int) -> Iterator[Token]:
    """Answer the tokens of `text[start:end]`.

    Raises:
        ExpressionError: a character has no meaning.

    """
    at = start
    while found := _TOKEN().match(text, at, end):
        kind = found.lastgroup or ""
        token = Token(kind, found[kind], found.start(kind))
        if token.text[0] == "." and kind == "number" and at > start and found.start(kind) == at:
            message = f"an item of a list is written `[{token.text[1:]}]`"
            raise ExpressionError(message, offset=token.offset, length=len(token.text))
        yield token
        at = found.end()
    rest = text[at:end]
    if not rest.strip():
        return
    at += len(rest) - len(rest.lstrip())
    if text[at] == "'":
        raise ExpressionError(
            "this quote is never closed", offset=at, hint="a quote inside a text is written twice: ''"
        )
    raise ExpressionError(f"`{text[at]}` has no meaning here", offset=at, hint=FOREIGN_SIGNS.get(text[at], ""))


def number_of(text: str) -> int | float:
    """Read a number as expressions and texts write it: `12`, `-1.5e3`, `0xff`, `0o7`; endless if it is too large."""
    if len(text) > LONGEST_NUMBER:
        return math.inf
    sign, digits = (-1, text[1:]) if text[0] == "-" else (1, text.removeprefix("+"))
    if digits[:2] in ("0x", "0o"):
        return sign * int(digits, 0)
    return sign * (int(digits) if digits.isdigit() else float(digits))
