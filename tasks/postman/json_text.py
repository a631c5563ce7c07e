"""JSON text with places: what is wrong with it and on which line, and where a value stands. Knows no meaning of a key.

Theory of operation. `json` parses, because it is strict and fast; it only says badly *where*. A missing comma it
reports at the next line, a missing brace at the end of the file. People lay their files out, so when parsing fails we
walk the tokens up to the failure and compare each line's indentation with the depth we are at: the first line that
contradicts tells where the missing bracket was.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]

_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"?|[{}\[\]:,]|[^\s{}\[\]:,"]+')


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something stands; both count from 1."""

    line: int
    column: int


class NotJson(ValueError):  # noqa: N818  # the text is not what it should be
    """The text is not JSON; says where, and what was expected there."""

    def __init__(self, message: str, place: Place) -> None:
        super().__init__(message)
        self.message = message
        self.place = place


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    text: str
    offset: int
    line: int
    column: int
    first: bool  # of its line


def parse(text: str) -> Any:
    """Parse JSON.

    Raises:
        NotJson: it is none, or it is nested too deeply.

    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise NotJson(error.msg, _blamed(text, error)) from None
    except RecursionError:
        raise NotJson("this is nested too deeply", Place(line=1, column=1)) from None
    except ValueError as error:  # a number of thousands of digits, NaN, Infinity
        raise NotJson(str(error), _first_match(text, r"\bNaN\b|-?\bInfinity\b|\d{4000,}")) from None


def places(text: str) -> dict[Path, list[Place]]:
    """Answer where each value of a JSON text stands, a member at its key; a key written twice has two places."""
    found: dict[Path, list[Place]] = {(): [Place(line=1, column=1)]}
    for path, token in _members(text):
        found.setdefault(path, []).append(Place(line=token.line, column=token.column))
    return found


def pointer(path: Sequence[str | int]) -> str:
    """Write a path as people do: `$.collections[0].uid`."""
    return "$" + "".join(_step(step) for step in path)


# -- the helpers -------------------------------------------------------------------------------------------------------


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if re.fullmatch(r"\w+", step) else f"[{json.dumps(step, ensure_ascii=False)}]"


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _tokens(text: str) -> Iterator[_Token]:
    line, line_start, last_line = 1, 0, 0
    at = 0
    for match in _TOKEN.finditer(text):
        start = match.start()
        breaks = text.count("\n", at, start)
        if breaks:
            line += breaks
            line_start = text.rfind("\n", at, start) + 1
        at = start
        yield _Token(text=match[0], offset=start, line=line, column=start - line_start + 1, first=line != last_line)
        last_line = line


def _members(text: str) -> Iterator[tuple[Path, _Token]]:
    """Yield each value of a valid JSON text with its path and the token it begins with; a member's is its key."""
    stack: list[str | int | None] = []  # of each open container: the key or index that is read; None between two
    arrays: list[bool] = []
    for token in _tokens(text):
        mark = token.text
        if mark == ",":
            stack[-1] = stack[-1] + 1 if arrays[-1] and isinstance(stack[-1], int) else None
            continue
        if mark in ("}", "]"):
            stack.pop()
            arrays.pop()
            continue
        if mark == ":":
            continue
        if stack and not arrays[-1] and stack[-1] is None:
            stack[-1] = str(json.loads(mark))
            yield _path(stack), token
            continue
        if stack and arrays[-1]:
            yield _path(stack), token
        if mark in ("{", "["):
            stack.append(0 if mark == "[" else None)
            arrays.append(mark == "[")


def _path(stack: Sequence[str | int | None]) -> Path:
    return tuple(step for step in stack if step is not None)


def _blamed(text: str, error: json.JSONDecodeError) -> Place:
    """Answer the line that is to blame for what `json` met at `error.pos`."""
    unit = _indentation(text)
    depth, last = 0, _Token(text="", offset=0, line=1, column=1, first=True)
    for token in _tokens(text):
        if token.offset > error.pos:
            break
        due = unit * (depth - (token.text in "}]"))
        if unit and token.first and token.column - 1 != due:
            if token.text in ",:":
                return Place(line=token.line, column=token.column)
            return _between(text, last, token.line)
        if token.offset == error.pos:
            return _at_token(text, error, last, token)
        depth += (token.text in "{[") - (token.text in "}]")
        last = token
    if error.pos >= len(text.rstrip()):
        return _between(text, last, text.count("\n") + 2)
    return Place(line=error.lineno, column=error.colno)


def _at_token(text: str, error: json.JSONDecodeError, last: _Token, token: _Token) -> Place:
    """Look behind the token: where a line begins wrongly, it is often the one before it that lacks something."""
    lacks_comma = "delimiter" in error.msg and token.text not in ",:"
    lacks_value = last.text in (":", ",") and token.text in ("}", "]")
    if token.first and last.text and (lacks_comma or lacks_value):
        return _between(text, last, token.line)
    return Place(line=error.lineno, column=error.colno)


def _between(text: str, last: _Token, line: int) -> Place:
    """Answer an empty line after the last token, if there is one before `line`; else the end of that token."""
    lines = text.split("\n")
    empty = next((each for each in range(last.line + 1, line) if each <= len(lines) and not lines[each - 1].strip()), 0)
    return Place(line=empty, column=1) if empty else _end_of(last)


def _end_of(token: _Token) -> Place:
    return Place(line=token.line, column=token.column + len(token.text))


def _indentation(text: str) -> int:
    found = re.search(r"\n([ \t]+)\S", text)
    return len(found[1]) if found else 0


def _first_match(text: str, pattern: str) -> Place:
    found = re.search(pattern, text)
    offset = found.start() if found else 0
    return Place(line=text.count("\n", 0, offset) + 1, column=offset - (text.rfind("\n", 0, offset) + 1) + 1)
