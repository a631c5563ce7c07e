"""JSON text to plain data; the places are looked for only when something is wrong. Knows no graph.

Theory of operation. Large generated graphs come as JSON, so the whole text is decoded in C. A place is found by
walking its path down the text: of each object or list on the way, `raw_decode` skips value after value, and where they
stand is remembered. Thus a file without faults costs nothing but its decoding.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from runner.errors import GraphError, Problem
from runner.graph.source import Document, Path, Source, Span, Spot

DEEPEST = 100
"""How deep objects and lists may lie inside each other."""

_BLANK = re.compile(r"[ \t\r\n]*")
_MESSAGES = {
    "Expecting value": "a value is missing here",
    "Expecting property name enclosed in double quotes": "a key in double quotes is missing here",
    "Expecting ':' delimiter": "a `:` is missing here",
    "Expecting ',' delimiter": "a `,` is missing here",
    "Illegal trailing comma before end of object": "this comma is one too many",
    "Illegal trailing comma before end of array": "this comma is one too many",
    "Unterminated string starting at": "this quote is never closed",
    "Invalid control character at": "a text cannot go over the end of a line or hold a tab",
    "Invalid \\escape": "this escape means nothing in JSON",
    "Invalid \\uXXXX escape": "this escape is not `\\u` and four digits",
    "Extra data": "the JSON text has ended before this",
}


class _Spoilt(ValueError):  # noqa: N818  # named for what it says of the text
    """The text is JSON, but something in it has to be looked for: a key twice, a number that is none."""


def read_json(source: Source) -> Document:
    """Read JSON text.

    Raises:
        GraphError: it is not JSON.

    """
    decoder = json.JSONDecoder(object_pairs_hook=_no_twins, parse_constant=_no_constant, parse_float=_finite)
    try:
        data = decoder.decode(source.text)
    except json.JSONDecodeError as error:
        raise GraphError([_explained(source, error)]) from None
    except (ValueError, RecursionError):
        return _with_faults(source)
    return Document(source=source, data=data, spot=_Spots(source.text))


class _Spots:
    """Finds places on demand and remembers what it walked over."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._inside: dict[int, dict[str | int, Spot]] = {}

    def __call__(self, path: Path) -> Spot:
        """Answer where a path leads."""
        start = _blank(self._text, 0)
        spot = Spot(key=None, value=(start, len(self._text.rstrip())))
        for step in path:
            start = spot.value[0]
            if start not in self._inside:
                self._inside[start] = dict(_items(self._text, start))
            spot = self._inside[start][step]
        return spot


def _items(text: str, start: int) -> Iterator[tuple[str | int, Spot]]:
    """Answer the items of the object or list that begins at `start`, in order, a key that comes twice twice."""
    mapping = text[start] == "{"
    at = _blank(text, start + 1)
    index = 0
    while text[at] not in "]}":
        key: str | int = index
        key_span: Span | None = None
        if mapping:
            key, end = _DECODER.raw_decode(text, at)
            key_span = (at, end)
            at = _blank(text, _blank(text, end) + 1)
        _, end = _DECODER.raw_decode(text, at)
        yield key, Spot(key=key_span, value=(at, end))
        at = _blank(text, end)
        if text[at] == ",":
            at = _blank(text, at + 1)
        index += 1


def _with_faults(source: Source) -> Document:
    """Read a text that is JSON but not ours, and say where."""
    text = source.text
    deep = _deepest(text)
    if deep is not None:
        raise GraphError([source.problem("too-deep", f"this lies deeper than {DEEPEST} levels", (deep, deep + 1))])
    problems: list[Problem] = []
    waiting = [_blank(text, 0)]
    while waiting:
        first: dict[str | int, Spot] = {}
        for key, spot in _items(text, waiting.pop()):
            if key in first and spot.key is not None:
                problems.append(_twice(source, str(key), first[key], spot.key))
            first.setdefault(key, spot)
            if text[spot.value[0]] in "{[":
                waiting.append(spot.value[0])
            elif not _is_number_of_json(text[slice(*spot.value)]):
                message = f"`{text[slice(*spot.value)][:40]}` is not a number that JSON knows"
                problems.append(source.problem("bad-number", message, spot.value))
    data = json.loads(text, parse_constant=lambda _name: None, parse_int=_short)
    return Document(source=source, data=data, spot=_Spots(text), problems=tuple(problems))


def _twice(source: Source, key: str, first: Spot, again: Span) -> Problem:
    assert first.key is not None
    related = source.related("first here", first.key)
    return source.problem(
        "duplicate-key", f"`{key}` is written twice", again, note="the second one", related=(related,)
    )


def _is_number_of_json(written: str) -> bool:
    """Answer true for all that is no number."""
    if written[0] in "NI" or written.startswith("-I"):
        return False
    return written[0] not in "-0123456789" or (len(written) < 4000 and math.isfinite(float(written)))


def _short(written: str) -> int:
    return int(written[:4000])


def _deepest(text: str) -> int | None:
    """Find the first bracket that lies too deep; texts are passed over whole."""
    depth = 0
    for found in re.finditer(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if depth > DEEPEST:
            return found.start()
    return None


def _explained(source: Source, error: json.JSONDecodeError) -> Problem:
    message = _MESSAGES.get(error.msg.removesuffix(" at"), _MESSAGES.get(error.msg, error.msg))
    at = error.pos
    before = source.text[:at].rstrip()
    hint = ""
    if error.msg.startswith("Expecting") and before.endswith(",") and source.text[at : at + 1] in ("}", "]"):
        message, at = "this comma is one too many", len(before) - 1
    elif source.text[at : at + 1] == "'":
        hint = "JSON has double quotes only"
    elif source.text[at : at + 1] in ("/", "#"):
        hint = "JSON has no comments"
    elif at >= len(source.text.rstrip()) and before:
        message, at = "the text ends before it is complete", len(before) - 1
    return source.problem("json-syntax", message, (at, at + 1), hint=hint)


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Spoilt
    return found


def _no_constant(_name: str) -> Any:
    raise _Spoilt


def _finite(written: str) -> float:
    number = float(written)
    if math.isinf(number):
        raise _Spoilt
    return number


def _blank(text: str, at: int) -> int:
    """Answer where the blanks that begin at `at` end."""
    return _BLANK.match(text, at).end()  # type: ignore[union-attr]  # it matches the empty text


_DECODER = json.JSONDecoder(parse_int=_short)
