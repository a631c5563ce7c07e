"""What is read from YAML events: plain data, and the place of each key and item beside it. Knows no YAML library."""

from __future__ import annotations

import math
import re
from typing import Any

from runner.errors import GraphError, Problem
from runner.graph.source import Document, Path, Source, Span, Spot
from runner.task import Json

DEEPEST = 100
"""How deep mappings and lists may lie inside each other."""
MOST_BY_ALIAS = 1_000_000
"""How many values all aliases together may stand for."""

LONGEST_NUMBER = 300
"""How many characters a number may have: more digits than a float can stand for are no number anybody meant."""

_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip  # one line for each kind
_NUMBER = re.compile(
    r"""[-+]?(?:
    (?P<whole>0|[1-9][0-9]*) | (?P<other>0x[0-9a-fA-F]+|0o[0-7]+)
  | (?P<float>(?:0|[1-9][0-9]*)?\.[0-9]+(?:[eE][-+]?[0-9]+)?|(?:0|[1-9][0-9]*)\.?(?:[eE][-+]?[0-9]+)?)
  | (?P<endless>\.inf|\.Inf|\.INF|\.nan|\.NaN|\.NAN)
    )""",
    re.VERBOSE,
)
"""YAML 1.2.2, section 10.3.2 (core schema), but a number does not begin with a needless 0: `012` is a text."""
_MAY_BE_NUMBER = frozenset("-+.0123456789")
_TEXT_TAG = "tag:yaml.org,2002:str"

_OPEN: tuple[Any, int, int] = (None, 1, 0)
"""Stands for what an anchor marks until it is complete."""


class _Frame:
    """One container that is still open."""

    __slots__ = ("anchor", "container", "height", "key", "key_span", "merged", "merging", "size", "spots", "start")

    def __init__(self, container: Any, start: int, anchor: str | None) -> None:
        self.container = container
        self.spots: Any = {} if isinstance(container, dict) else []
        self.start = start
        self.anchor = anchor
        self.key: str | None = None
        self.key_span: Span = (0, 0)
        self.merging = False
        self.merged: list[dict[str, Any]] = []
        self.size = 1
        self.height = 1


class Tree:
    """Takes what is met in the text, one after the other, and builds the data."""

    def __init__(self, source: Source) -> None:
        self.problems: list[Problem] = []
        self._source = source
        self._frames: list[_Frame] = []
        self._spots: dict[int, Any] = {}
        self._anchors: dict[str, tuple[Any, int, int]] = {}
        self._by_alias = 0
        self._documents = 0
        self._root: tuple[Json, Span] | None = None

    def document(self) -> Document:
        """Answer what was read.

        Raises:
            GraphError: there was nothing but comments.

        """
        if self._root is None:
            raise GraphError([*self.problems, empty(self._source)])
        data, span = self._root
        return Document(
            source=self._source,
            data=data,
            spot=lambda path: self._spot(path, data, span),
            problems=tuple(self.problems),
        )

    def begin(self, start: int, end: int) -> None:
        """Take the beginning of a document; there may be one."""
        self._documents += 1
        if self._documents == 2:
            message = "a second document begins here, but a graph file holds one"
            self._stop("yaml-syntax", message, (start, end), hint="put each graph into a file of its own")

    def scalar(self, text: str, start: int, end: int, *, plain: bool, anchor: str | None, tag: str | None) -> None:
        """Take a key or a value that is neither list nor mapping; `plain` without quotes."""
        frame = self._frames[-1] if self._frames else None
        if frame is not None and frame.key is None and isinstance(frame.container, dict):
            self._key(frame, text, (start, end), plain=plain, tag=tag)
            return
        value: Json = self._plain(text, (start, end)) if plain and tag is None else text
        if tag is not None and tag != _TEXT_TAG:
            self._tag(start, end)
            value = None
        if anchor is not None:
            self._anchors[anchor] = (value, 1, 0)
        self._put(value, start, end, 1, 0)

    def open(
        self, container: dict[str, Json] | list[Json], start: int, end: int, *, anchor: str | None, tag: str | None
    ) -> None:
        """Take the beginning of a list or a mapping."""
        frame = self._frames[-1] if self._frames else None
        if tag is not None:
            self._tag(start, end)
        if frame is not None and frame.key is None and isinstance(frame.container, dict):
            self._stop("yaml-syntax", "a key is a text, not a list or a mapping", (start, end))
        if len(self._frames) == DEEPEST:
            self._stop("too-deep", f"this lies deeper than {DEEPEST} levels", (start, end))
        if anchor is not None:
            self._anchors[anchor] = _OPEN
        self._frames.append(_Frame(container, start, anchor))

    def close(self, end: int) -> None:
        """Take the end of the innermost list or mapping."""
        frame = self._frames.pop()
        if frame.merged:
            self._merge(frame)
        self._spots[id(frame.container)] = frame.spots
        if frame.anchor is not None:
            self._anchors[frame.anchor] = (frame.container, frame.size, frame.height)
        self._put(frame.container, frame.start, end, frame.size, frame.height)

    def alias(self, name: str, start: int, end: int) -> None:
        """Take `*name`, which stands for what `&name` marked before."""
        if self._frames and self._frames[-1].key is None and isinstance(self._frames[-1].container, dict):
            self._stop("yaml-syntax", "a key is a text, not an alias", (start, end))
        value, size, height = self._anchored(name, (start, end))
        self._by_alias += size
        if self._by_alias > MOST_BY_ALIAS:
            message = f"with `*{name}` the aliases of this file stand for more than {MOST_BY_ALIAS:,} values"
            self._stop("too-big", message, (start, end), hint="write fewer aliases of aliases")
        if len(self._frames) + height > DEEPEST:
            self._stop("too-deep", f"with `*{name}` this lies deeper than {DEEPEST} levels", (start, end))
        self._put(value, start, end, size, height)

    def _anchored(self, name: str, span: Span) -> tuple[Any, int, int]:
        if name not in self._anchors:
            message = f"`*{name}` stands for nothing: no `&{name}` comes before it"
            self._report("unknown-anchor", message, span)
        elif self._anchors[name] is _OPEN:
            message = f"`*{name}` stands inside what `&{name}` marks, so it would never end"
            self._report("anchor-loop", message, span)
        return self._anchors.get(name, _OPEN)

    def _key(self, frame: _Frame, text: str, span: Span, *, plain: bool, tag: str | None) -> None:
        if tag is not None:
            self._tag(*span)
        if not text:
            self._report("yaml-syntax", "a key is missing before this `:`", span)
        frame.merging = plain and text == "<<"
        frame.key, frame.key_span = text, span
        if text in frame.container and not frame.merging:
            first = frame.spots[text]
            related = self._source.related("the first one", first[0:2])
            message = f"`{text}` is written twice"
            self.problems.append(
                self._source.problem("duplicate-key", message, span, note="the second one", related=(related,))
            )

    def _put(self, value: Json, start: int, end: int, size: int, height: int) -> None:
        if not self._frames:
            self._root = (value, (start, end))
            return
        frame = self._frames[-1]
        frame.size += size
        frame.height = max(frame.height, height + 1)
        if frame.key is None:
            frame.container.append(value)
            frame.spots.append((start, end))
            return
        if frame.merging:
            self._remember_merge(frame, value, (start, end))
        elif frame.key not in frame.container:
            frame.container[frame.key] = value
            frame.spots[frame.key] = (*frame.key_span, start, end)
        frame.key = None

    def _remember_merge(self, frame: _Frame, value: Any, span: Span) -> None:
        several = value if isinstance(value, list) else [value]
        if any(not isinstance(each, dict) for each in several):
            message = "`<<` takes a mapping, or a list of mappings, such as `*defaults`"
            self._report("yaml-syntax", message, span)
            return
        frame.merged += several

    def _merge(self, frame: _Frame) -> None:
        """Lay a mapping over those it merges; of two of them the earlier one counts. It stays the same object."""
        own, own_spots = dict(frame.container), frame.spots
        frame.container.clear()
        frame.spots = {}
        for each in reversed(frame.merged):
            frame.container.update(each)
            frame.spots.update(self._spots[id(each)])
        frame.container.update(own)
        frame.spots.update(own_spots)

    def _plain(self, text: str, span: Span) -> Json:
        if text in _WORDS:
            return _WORDS[text]
        if text[0] not in _MAY_BE_NUMBER or not (found := _NUMBER.fullmatch(text)):
            return text
        number = _number(found)
        if not math.isfinite(number):
            shown = text if len(text) <= 40 else f"{text[:39]}…"
            message = f"`{shown}` is not a number that JSON knows"
            self._report("bad-number", message, span, hint="put it in quotes to make it a text")
            return None
        return number

    def _tag(self, start: int, end: int) -> None:
        written = self._source.text[start:end].split(maxsplit=1)[0]
        message = f"`{written}` is a YAML tag, and a graph file knows none"
        hint = "to begin a text with `!`, put the whole of it in quotes"
        self._report("yaml-syntax", message, (start, start + len(written)), hint=hint)

    def _report(self, code: str, message: str, span: Span, *, hint: str = "") -> None:
        problem = self._source.problem(code, message, span, hint=hint)
        if not self.problems or self.problems[-1].where != problem.where:  # one complaint about one thing
            self.problems.append(problem)

    def _stop(self, code: str, message: str, span: Span, *, hint: str = "") -> None:
        self._report(code, message, span, hint=hint)
        raise GraphError(self.problems)

    def _spot(self, path: Path, data: Any, span: Span) -> Spot:
        key: Span | None = None
        for step in path:
            found = self._spots[id(data)][step]
            key, span = (found[0:2], found[2:4]) if len(found) == 4 else (None, found)
            data = data[step]
        return Spot(key=key, value=span)


def _number(found: re.Match[str]) -> int | float:
    sign = -1 if found[0][0] == "-" else 1
    if len(found[0]) > LONGEST_NUMBER:
        return math.inf
    if found["whole"]:
        return sign * int(found["whole"])
    if found["other"]:
        return sign * int(found["other"], 0)
    return math.inf if found["endless"] else sign * float(found["float"])


def empty(source: Source) -> Problem:
    """Say that there is nothing in a file."""
    hint = "a first graph is `tasks: {hello: {run: echo hello}}`"
    return source.problem("empty-file", "this file is empty", (0, 0), hint=hint)
