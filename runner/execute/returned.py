"""What a function returned, as plain data; or the place in it that is not. Knows no task and no pipe."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from runner.task import Json

DEEPEST = 200
"""Levels of nesting that are still data; JSON readers give up at some depth, and what refers to itself has no end."""


class NotPlain(TypeError):  # noqa: N818  # the data is not what it should be
    """A value that JSON does not know; the message says where it is and what."""


def outputs_of(value: Any) -> dict[str, Json]:
    """Turn what a function returned into outputs: a mapping as it is, nothing as none, anything else as `value`.

    Raises:
        NotPlain: some of it is not plain data.

    """
    found = plain(value, "")
    if found is None:
        return {}
    return found if isinstance(found, dict) else {"value": found}


def plain(value: Any, at: str, depth: int = 0) -> Json:
    """Turn models, structs, dataclasses, mappings, lists and tuples into plain data; `at` names the place of `value`.

    Raises:
        NotPlain: something in it is not plain data.

    """
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int | float):
        return _number(value, at)
    if depth > DEEPEST:
        raise NotPlain(f"{_place(at[:60])} is nested more than {DEEPEST} levels deep, or refers to itself")
    if isinstance(value, list | tuple):
        return [plain(item, f"{at}[{index}]", depth + 1) for index, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {_key(key, at): plain(item, f"{at}.{key}" if at else str(key), depth + 1) for key, item in value.items()}
    if isinstance(value, Struct):
        return plain(asdict(value), at, depth)
    if hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        from dataclasses import fields  # noqa: PLC0415  # whoever made one has loaded it; nobody else pays

        return plain({each.name: getattr(value, each.name) for each in fields(value)}, at, depth)
    if hasattr(value, "model_dump") and not isinstance(value, type):  # a pydantic model, without importing pydantic
        return plain(value.model_dump(mode="json"), at, depth)
    raise NotPlain(f"{_place(at)} is a {_kind(value)}, and only plain data (JSON) can be handed on")


def _number(value: float, at: str) -> Json:
    if isinstance(value, float) and not math.isfinite(value):
        raise NotPlain(f"{_place(at)} is {value}, and JSON knows no such number")
    if isinstance(value, int) and value.bit_length() > 10_000:  # Python refuses to spell it as text
        raise NotPlain(f"{_place(at)} is a number of more than 3,000 digits")
    return value


def _key(key: Any, at: str) -> str:
    if not isinstance(key, str):
        raise NotPlain(f"{_place(at)} has the key {key!r}, a {_kind(key)}, and keys must be text")
    return key


def _place(at: str) -> str:
    return f"`{at}`" if at else "what it returned"


def _kind(value: Any) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
