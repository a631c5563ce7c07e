"""Secrets out of bytes, text and plain data. Knows no stream, no file and no task.

Theory of operation. A secret leaks in many spellings: as it is, line by line, inside base64, a URL or JSON. All
spellings of all secrets become one pattern. Every byte that belongs to an occurrence of a spelling is masked, also
where two occurrences overlap: a run of overlapping ones becomes one `***`. Whether a byte is masked therefore depends
on the text alone, never on how it was cut into pieces: `feed` holds back from the first byte on which a spelling
could still begin, decides everything before it, and remembers how much of what it holds is masked already.

Base64 turns three bytes into four characters, so a secret inside longer data has three spellings, by where it begins
among three bytes. Of each only the characters that the secret alone decides are looked for.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, AnyStr, TypeAlias

Json: TypeAlias = Any  # plain data; `runner.task` spells it out, but on floor 0 nobody knows anybody

STARS = "***"
SHORTEST = 4
"""Characters a secret, or one line of it, must have: shorter ones would be found in every text (DESIGN section 5)."""

_WRAPS = (76, 64)  # columns at which `base64` and `openssl` break their lines (RFC 2045, RFC 7468)
_QUERY_SAFE = (
    "!$%&()*+,/:;=?@[\\]^`{|}~"  # what browsers and Postman leave in a query (WHATWG URL, query percent-encode set)
)
_URL_SAFES = (
    *("", "/", "!'()*~"),  # Python's quote, and JavaScript's encodeURIComponent
    *(_QUERY_SAFE, f"{_QUERY_SAFE}'"),
)
"""The characters that one or the other leaves as they are when a text becomes part of a URL."""


class Masker:
    """Replaces the values of secrets, in every usual spelling, by `***`. One masker serves one stream at a time."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        """`secrets` maps the name of a variable to its value.

        Raises:
            ValueError: a value is shorter than 4 characters; the message names its variable.

        """
        for name, value in secrets.items():
            if len(value) < SHORTEST:
                raise ValueError(f"the secret `{name}` has fewer than {SHORTEST} characters, so it cannot be masked")
        self._names = {form: name for name, value in reversed(list(secrets.items())) for form in _spellings(value)}
        self._forms = [_encoded(form) for form in self._names]
        self._in_text = re.compile(_pattern(self._names))
        self._in_bytes = re.compile(_pattern(form.decode("latin-1") for form in self._forms).encode("latin-1"))
        self._held = b""
        self._covered = 0  # how many bytes at the start of _held are masked already

    def __bool__(self) -> bool:
        return bool(self._names)

    def feed(self, piece: bytes) -> bytes:
        """Take the next piece of a stream and answer what is certain by now."""
        if not self._forms:
            return piece
        data = self._held + piece
        return self._decide(data, len(data) - max(_begun(form, data) for form in self._forms))

    def flush(self) -> bytes:
        """Answer what was held back; the next piece begins a new stream."""
        return self._decide(self._held, len(self._held))

    def text(self, text: str) -> str:
        """Mask a whole text."""
        return "".join(_mask(self._in_text, text, STARS, 0, len(text))[0]) if self._names else text

    def plain(self, data: Json) -> Json:
        """Mask nested data: texts, keys, and numbers that are a secret. Data without secrets comes back as it is."""
        return self._plain(data) if self._names else data

    def found_in(self, data: Json) -> str | None:
        """Answer the name of a variable whose value occurs in nested data."""
        if not self._names:
            return None
        found = (self._in_text.search(text) for text in _texts(data))
        return next((self._names[match[0]] for match in found if match), None)

    def _plain(self, data: Json) -> Json:
        match data:
            case str():
                return self.text(data)
            case list():
                return [self._plain(item) for item in data]
            case dict():
                return {self.text(key): self._plain(item) for key, item in data.items()}
            case bool() | None:
                return data
            case int() | float():
                return STARS if str(data) in self._names else data

    def _decide(self, data: bytes, certain: int) -> bytes:
        pieces, done = _mask(self._in_bytes, data, STARS.encode(), self._covered, certain)
        self._held, self._covered = data[certain:], done - certain
        return b"".join(pieces)


def _mask(
    pattern: re.Pattern[AnyStr], data: AnyStr, stars: AnyStr, done: int, certain: int
) -> tuple[list[AnyStr], int]:
    """Mask what begins before `certain`; answer the pieces, and how far the data is dealt with (`done` comes in)."""
    pieces = []
    for start, end in _occurrences(pattern, data):
        if start >= certain:
            break
        if start >= done:
            pieces += [data[done:start], stars]
        done = max(done, end)
    pieces.append(data[done:certain])
    return pieces, max(done, certain)


def _occurrences(pattern: re.Pattern[AnyStr], text: AnyStr) -> Iterator[tuple[int, int]]:
    match = pattern.search(text)
    while match:
        yield match.span()
        match = pattern.search(text, match.start() + 1)


def _begun(form: bytes, data: bytes) -> int:
    """Answer how many bytes at the end of `data` could begin `form` and need more to decide."""
    start = data.find(form[:1], max(len(data) - len(form) + 1, 0))
    while start >= 0:
        if form.startswith(data[start:]):
            return len(data) - start
        start = data.find(form[:1], start + 1)
    return 0


def _texts(data: Json) -> Iterator[str]:
    match data:
        case str():
            yield data
        case list():
            for item in data:
                yield from _texts(item)
        case dict():
            yield from data
            for item in data.values():
                yield from _texts(item)
        case bool() | None:
            pass
        case int() | float():
            yield str(data)


def _pattern(forms: Iterable[str], depth: int = 3) -> str:
    """Spell "any of these, the longest first" so that a thousand forms cost hardly more than ten.

    They branch on their first characters. Each has more than `depth` of them, so none ends on the way.
    """
    if depth == 0:
        return "|".join(map(re.escape, sorted(forms, key=len, reverse=True)))
    tails: dict[str, list[str]] = {}
    for form in forms:
        tails.setdefault(form[0], []).append(form[1:])
    return "|".join(f"{re.escape(head)}(?:{_pattern(rest, depth - 1)})" for head, rest in tails.items())


def _spellings(value: str) -> set[str]:
    lines = [line.strip() for line in value.splitlines()]
    parts = {value, *(line for line in lines if len(line) >= SHORTEST)}
    forms = {*parts, *_base64(_encoded(value)), *_url(_encoded(value))}
    for part in parts:
        for escaped in (json.dumps(part)[1:-1], json.dumps(part, ensure_ascii=False)[1:-1]):
            forms |= {escaped, escaped.replace("/", "\\/")}
    return forms


def _base64(value: bytes) -> Iterator[str]:
    for before in range(3):
        encoded = b64encode(bytes(before) + value).decode()
        first = -(-8 * before // 6)  # the characters before it hold bits of what comes before
        last = 8 * (before + len(value)) // 6  # and from here on bits of what comes after
        for form in (encoded[first:last], encoded[first:], encoded[first:].rstrip("=")):
            broken = [] if before else [part for width in _WRAPS for part in _chunks(form, width)]
            for each in (form, *broken):
                yield from (each, each.replace("+", "-").replace("/", "_"))


def _chunks(encoded: str, width: int) -> list[str]:
    chunks = [encoded[at : at + width] for at in range(0, len(encoded), width)]
    return [chunk for chunk in chunks if len(chunk) >= SHORTEST]


def _url(value: bytes) -> Iterator[str]:
    from urllib.parse import quote, quote_plus  # noqa: PLC0415  # most runs have no secret

    for encoded in (quote_plus(value), *(quote(value, safe=safe) for safe in _URL_SAFES)):
        yield encoded
        yield re.sub("%..", lambda match: match[0].lower(), encoded)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")  # as the environment spells bytes that are no UTF-8
