"""JSON text to plain data; the places are looked for only when something is wrong. Knows no graph.

Theory of operation. Large generated graphs come as JSON, so each task is decoded in C, in one go. A place is found by
walking its path down the text: of each object or list on the way, `raw_decode` skips value after value, and where they
stand is remembered. Thus a file without faults costs little but its decoding. One with a fault is read again, slowly,
to say where the fault is.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from runner.errors import GraphError, Problem
from runner.graph.source import Document, Path, Source, Span, Spot
from runner.graph.tree import empty
from runner.task import Json

DEEPEST = 100
"""How deep objects and lists may lie inside each other."""

_BLANK = re.compile(r"[ \t\r\n]*")
_PLAIN_KEY = re.compile(r'"([^"\\\x00-\x1f]*)"[ \t\r\n]*:[ \t\r\n]*')
"""A key without escapes, as they mostly are, with all up to its value."""
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
    text = source.text
    spots = _Spots(text)
    try:
        data: Json = spots.decoded()
    except (ValueError, IndexError, RecursionError):
        return _with_faults(source)
    return Document(source=source, data=data, spot=spots)


class _Spots:
    """Decodes a text and finds places in it; remembers what it walked over."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._root = Spot(key=None, value=(_blank(text, 0), len(text.rstrip())))
        self._inside: dict[int, dict[str | int, Spot]] = {}

    def decoded(self) -> dict[str, Json]:
        """Decode the root key by key and its tasks one by one, so that their places are known on the way.

        Raises:
            ValueError, IndexError, RecursionError: something is wrong; these do not say what.

        """
        data, end = self._mapping(self._root.value[0])
        if _blank(self._text, end) != len(self._text):
            raise _Spoilt
        return data

    def __call__(self, path: Path) -> Spot:
        """Answer where a path leads."""
        spot = self._root
        for step in path:
            start = spot.value[0]
            if start not in self._inside:
                self._inside[start] = {key: found for key, _, found in _items(self._text, start, _LENIENT)}
            spot = self._inside[start][step]
        return spot

    def _mapping(self, start: int, *, root: bool = True) -> tuple[dict[str, Json], int]:
        if self._text[start] != "{":
            raise _Spoilt
        data: dict[str, Json] = {}
        spots: dict[str | int, Spot] = {}
        decode = self._value if root else None
        end = start + 1
        for key, value, spot in _items(self._text, start, _STRICT, decode):
            assert isinstance(key, str)
            if key in data:
                raise _Spoilt
            data[key] = value
            spots[key] = spot
            end = spot.value[1]
        self._inside[start] = spots
        return data, _after("}", self._text, _blank(self._text, end))

    def _value(self, key: str | int, at: int) -> tuple[Json, int]:
        if key == "tasks" and self._text[at] == "{":
            return self._mapping(at, root=False)
        return _STRICT.raw_decode(self._text, at)


_Decode: TypeAlias = Callable[[str | int, int], tuple[Json, int]]


def _items(
    text: str, start: int, decoder: json.JSONDecoder, decode: _Decode | None = None
) -> Iterator[tuple[str | int, Json, Spot]]:
    """Answer the items of the object or list that begins at `start`, in order, a key that comes twice twice."""
    mapping = text[start] == "{"
    at = _blank(text, start + 1)
    index, more = 0, text[at] != ("}" if mapping else "]")
    while more:
        key: str | int = index
        key_span: Span | None = None
        if mapping and (plain := _PLAIN_KEY.match(text, at)):
            key, key_span, at = plain[1], (at, plain.end(1) + 1), plain.end()
        elif mapping:
            _after('"', text, at)
            key, end = decoder.raw_decode(text, at)
            key_span = (at, end)
            at = _blank(text, _after(":", text, _blank(text, end)))
        value, end = decode(key, at) if decode else decoder.raw_decode(text, at)
        yield key, value, Spot(key=key_span, value=(at, end))
        at = _blank(text, end)
        more = text[at] == ","
        at = _blank(text, at + 1)
        index += 1


def _with_faults(source: Source) -> Document:
    """Read a text that is not JSON, or not ours, and say where."""
    text = source.text
    _refuse(source)
    problems: list[Problem] = []
    root = _blank(text, 0)
    waiting = [root] if text[root] in "{[" else []
    while waiting:
        first: dict[str | int, Spot] = {}
        for key, _, spot in _items(text, waiting.pop(), _LENIENT):
            if key in first and spot.key is not None:
                problems.append(_twice(source, str(key), first[key], spot.key))
            first.setdefault(key, spot)
            if text[spot.value[0]] in "{[":
                waiting.append(spot.value[0])
            elif not _is_number_of_json(text[slice(*spot.value)]):
                message = f"`{text[slice(*spot.value)][:40]}` is not a number that JSON knows"
                problems.append(source.problem("bad-number", message, spot.value))
    data = _LENIENT.decode(text)
    return Document(source=source, data=data, spot=_Spots(text), problems=tuple(problems))


def _refuse(source: Source) -> None:
    """Raise what ends the reading: no text, no JSON, no end of brackets."""
    if not source.text.strip():
        raise GraphError([empty(source)])
    deep = _deepest(source.text)
    if deep is not None:
        raise GraphError([source.problem("too-deep", f"this lies deeper than {DEEPEST} levels", (deep, deep + 1))])
    try:
        _LENIENT.decode(source.text)
    except json.JSONDecodeError as error:
        raise GraphError([_explained(source, error)]) from None


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


def _after(sign: str, text: str, at: int) -> int:
    if text[at] != sign:
        raise _Spoilt
    return at + 1


def _blank(text: str, at: int) -> int:
    """Answer where the blanks that begin at `at` end."""
    if text[at : at + 1] > " ":
        return at
    return _BLANK.match(text, at).end()  # type: ignore[union-attr]  # it matches the empty text


_STRICT = json.JSONDecoder(object_pairs_hook=_no_twins, parse_constant=_no_constant, parse_float=_finite)
_LENIENT = json.JSONDecoder(parse_constant=lambda _name: None, parse_int=_short)
