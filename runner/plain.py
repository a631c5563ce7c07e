"""Frozen data to JSON and back, led by the type hints. Knows no file, no pipe and no meaning.

Journal and wire share it; msgspec does the work. What crosses a border is a `Struct` whose class stands under a tag
and which leaves out fields that have their defaults. Reading follows the declared types, never the data, so a task
that returns `{"is": "Failed"}` gets just that back as its output.

JSON is UTF-8 and knows no half of a surrogate pair; Python's texts do, in file names above all. The few texts that hold
one take a slower way through the standard library, which spells it as an escape.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec


class NotThisShape(ValueError):  # noqa: N818  # the data is not of the shape that was asked for
    """The data does not fit the type it should be read as; the message says where and what."""


def encode(value: Any) -> bytes:
    """Write frozen or plain data as JSON, in one line.

    Raises:
        NotThisShape: some of it is not plain data.

    """
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:  # half a surrogate pair
        return json.dumps(to_plain(value), separators=(",", ":")).encode()
    except TypeError as error:
        raise NotThisShape(str(error)) from None


def decode(kind: Any, data: bytes) -> Any:
    """Read JSON as `kind`: a class of frozen data or a union of some.

    Raises:
        NotThisShape: it is no JSON, or does not fit.

    """
    try:
        return _decoder(kind).decode(data)
    except msgspec.ValidationError as error:
        raise NotThisShape(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _decoded_slowly(kind, data)


def to_plain(value: Any) -> Any:
    """Turn frozen data into what `json.dumps` takes; plain data stays as it is.

    Raises:
        NotThisShape: some of it is not plain data.

    """
    try:
        return msgspec.to_builtins(value, enc_hook=_plain)
    except TypeError as error:
        raise NotThisShape(str(error)) from None


def from_plain(kind: Any, data: Any) -> Any:
    """Read plain data as `kind`: a class of frozen data or a union of some.

    Raises:
        NotThisShape: the data does not fit.

    """
    try:
        return msgspec.convert(data, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise NotThisShape(str(error)) from None


# -- the helpers -------------------------------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    """Turn what only looks plain into what is: a task may return a mapping or a text of a kind of its own."""
    match value:
        case str():
            return str.__str__(value)
        case int():
            return int.__int__(value)
        case float():
            return float.__float__(value)
        case Mapping():
            return dict(value)
        case _:
            raise TypeError(f"{type(value).__name__} is not plain data")


_ENCODER = msgspec.json.Encoder(enc_hook=_plain)


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def _decoded_slowly(kind: Any, data: bytes) -> Any:
    try:
        return from_plain(kind, json.loads(data))
    except (ValueError, RecursionError) as error:  # a border: anybody may have written anything
        raise NotThisShape(str(error)) from None
