"""A text read from a file, its data, and where each piece of the data stands. Knows no YAML, no JSON and no graph.

A path leads from the root of the data to a key or an item: `("tasks", "build", "needs", 0)`. Whoever read the text
answers for a path where its key and its value stand, as offsets into the text; lines and columns are counted here, and
only when something is wrong.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import cache, cached_property
from itertools import accumulate, chain
from typing import TypeAlias

from msgspec import Struct, field

from runner.errors import Place, Problem, Related
from runner.graph.codes import CODES
from runner.task import Json

Path: TypeAlias = tuple[str | int, ...]
Span: TypeAlias = tuple[int, int]
"""Offsets of the first character and of the one behind the last."""


class Spot(Struct, frozen=True, kw_only=True):
    """Where something stands: its key (None for an item of a list and for the root) and its value."""

    key: Span | None
    value: Span


class Source(Struct, frozen=True, kw_only=True, dict=True):
    """The text of a file; `file` as it was named."""

    file: str
    text: str

    @cached_property
    def _starts(self) -> array[int]:
        """Four bytes a line: a file of nothing but line ends has millions."""
        if "\r" in self.text:
            return array("I", chain([0], (found.end() for found in re.finditer(r"\r\n|\n|\r", self.text))))
        return array("I", accumulate((len(line) + 1 for line in self.text.split("\n")), initial=0))[:-1]

    def place(self, span: Span) -> Place:
        """Answer line and columns; of a span over several lines, what stands on the first."""
        start, end = span
        starts = self._starts
        line = bisect_right(starts, start)
        begin = starts[line - 1]
        if line < len(starts) and end >= starts[line]:
            end = max(start, begin + len(self.line(line)))
        return Place(file=self.file, line=line, column=start - begin + 1, end=end - begin + 1)

    def line(self, number: int) -> str:
        """Answer one line, without its end; lines count from 1."""
        ends = self._starts[number] if number < len(self._starts) else len(self.text)
        return self.text[self._starts[number - 1] : ends].rstrip("\r\n")

    def problem(
        self, code: str, message: str, span: Span, *, hint: str = "", note: str = "", related: Sequence[Related] = ()
    ) -> Problem:
        """Make a problem with its place and its line."""
        assert code in CODES, code
        where = self.place(span)
        return Problem(
            code=code,
            message=message,
            where=where,
            excerpt=self.line(where.line),
            hint=hint,
            note=note,
            related=tuple(related),
        )

    def related(self, note: str, span: Span) -> Related:
        """Make another place that a problem is about."""
        where = self.place(span)
        return Related(note=note, where=where, excerpt=self.line(where.line))


class Document(Struct, frozen=True, kw_only=True, dict=True):
    """The data of a file and where they stand. `problems` were met while reading; what they hit is null in `data`."""

    source: Source
    data: Json
    spot: Callable[[Path], Spot]
    problems: tuple[Problem, ...] = field(default=())

    def written(self, path: Path) -> str:
        """Answer the value at a path as it is written in the file, without its anchor; `*name` for an alias."""
        written = self.source.text[slice(*self.spot(path).value)]
        return written[_properties(written) :]

    def key(self, path: Path) -> Span:
        """Answer where the key at the end of a path stands; for an item of a list, where the item does."""
        spot = self.spot(path)
        return spot.key or spot.value

    def value(self, path: Path) -> Span:
        """Answer where the value at a path stands; one over several lines is shown by its key."""
        spot = self.spot(path)
        written = self.source.text[slice(*spot.value)].rstrip()
        if spot.key is not None and "\n" in self.source.text[spot.key[1] : spot.value[0] + len(written)]:
            return spot.key
        if spot.key is not None and not written:
            return spot.key
        return spot.value[0], spot.value[0] + len(written)

    def inside(self, path: Path, offset: int, length: int) -> Span:
        """Answer where some characters of the text at a path stand in the file, however the text is quoted there."""
        start, end = self.spot(path).value
        data: Json = self.data
        for step in path:
            data = data[step]  # type: ignore[index]  # a path that was walked before
        assert isinstance(data, str), path
        where = list(_characters(self.source.text[start:end]))
        before, token = (sum(not c.isspace() for c in part) for part in (data[:offset], data[offset : offset + length]))
        if before >= len(where):
            behind = start + where[-1][1] if where else start
            return behind, behind + 1
        last = where[min(before + max(token, 1), len(where)) - 1]
        return start + where[before][0], start + last[1]


_PROPERTIES = cache(lambda: re.compile(r"(?:[&!]\S*\s+)*"))
_IN_DOUBLE_QUOTES = cache(
    lambda: re.compile(
        r"""\\(?:u[dD][89abAB]..\\u....|x..|u....|U.{8}|\r?\n\s*|.)|.""",
        re.DOTALL,
    )
)
_BLANK_ESCAPES = frozenset("ntrvf _NLP\t\r\n")


def _characters(written: str) -> Iterator[Span]:
    """Answer where the characters of a text stand in what is written for it, all but the blank ones.

    Blanks are what folding, indentation and line ends change; every other character of a text stands in the file, in
    the same order, as itself or as one escape.
    """
    begin = _properties(written)
    opening = written[begin : begin + 1]
    if opening == '"':
        for found in _IN_DOUBLE_QUOTES().finditer(written, begin + 1, len(written) - 1):
            token = found[0]
            if not (token.isspace() or (token[0] == "\\" and token[1] in _BLANK_ESCAPES)):
                yield found.span()
    elif opening == "'":
        yield from (found.span() for found in re.compile(r"''|\S").finditer(written, begin + 1, len(written) - 1))
    elif opening in ("|", ">"):
        header = re.compile(r".*(?:\r\n|\n|\r|$)").match(written, begin)
        yield from (found.span() for found in re.compile(r"\S").finditer(written, header.end() if header else begin))
    elif opening != "*":
        yield from (found.span() for found in re.compile(r"\S").finditer(written, begin))


def _properties(written: str) -> int:
    """Answer how long the anchor and the tag before a YAML value are."""
    return _PROPERTIES().match(written).end()  # type: ignore[union-attr]  # it matches the empty text
