"""Frozen data to plain JSON data and back, led by the type hints. Knows no file, no pipe and no meaning.

Journal and wire share it. A dataclass becomes a mapping of the fields that differ from their defaults, with its name
under `is`; an Enum member its name in lower case. Reading follows the declared types, never the data, so a task that
returns `{"is": "Failed"}` gets just that back as its output.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

Convert = Callable[[Any], Any]

TAG = "is"

_ATOMS = frozenset({str, int, float, bool, type(None)})  # asked first: nearly everything is one of them


class NotThisShape(ValueError):  # noqa: N818  # the data is not of the shape that was asked for
    """The data does not fit the type it should be read as; the message says where and what."""


def to_plain(value: Any) -> Any:
    """Turn frozen data into what `json.dumps` takes; plain data stays as it is."""
    if value.__class__ in _ATOMS or isinstance(value, str | int | float):
        return value
    if is_dataclass(value):
        return _tagged(value)
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, frozenset):
        return sorted(to_plain(item) for item in value)
    raise NotThisShape(f"{type(value).__name__} is not plain data")


def from_plain(kind: Any, data: Any) -> Any:
    """Read plain data as `kind`: a dataclass or a union of some.

    Raises:
        NotThisShape: the data does not fit.

    """
    return _converter(kind)(data)


def _tagged(value: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {TAG: type(value).__name__}
    for name, default in _defaults(value.__class__):
        item = getattr(value, name)
        if item != default or item.__class__ is not default.__class__:
            plain[name] = item if item.__class__ in _ATOMS else to_plain(item)
    return plain


@cache
def _defaults(kind: type) -> tuple[tuple[str, Any], ...]:
    return tuple((field.name, _default(field)) for field in fields(kind))


def _default(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default


@cache
def _converter(hint: Any) -> Convert:
    origin, inner = get_origin(hint), get_args(hint)
    if isinstance(hint, type) and is_dataclass(hint):
        return _dataclass_converter(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum_converter(hint)
    if origin in (Union, types.UnionType):
        return (
            _as_is if list[Any] in inner else _union_converter(inner)
        )  # with a list in it, it is Json: all plain data
    if origin is tuple:
        return _tuple_converter(_converter(inner[0]))
    if origin is frozenset:
        item = _converter(inner[0])
        return lambda data: frozenset(item(each) for each in _list(data))
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping_converter(_converter(inner[1]))
    if origin is Literal:
        return _literal_converter(inner)
    if hint in (str, int, float, bool):
        return _primitive_converter(hint)
    return _as_is


def _as_is(data: Any) -> Any:
    return data


def _dataclass_converter(kind: type) -> Convert:
    # Resolved at the first reading: a dataclass may name itself or one declared further down.
    converters: dict[str, Convert] = {}
    required = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}

    def convert(data: Any) -> Any:
        if not converters:
            hints = get_type_hints(kind)
            converters.update({field.name: _converter(hints[field.name]) for field in fields(kind)})
        if not isinstance(data, dict) or data.get(TAG) != kind.__name__:
            raise NotThisShape(f"expected {kind.__name__}, got {_short(data)}")
        given = {name: item for name, item in data.items() if name != TAG}
        if not required <= given.keys() or not given.keys() <= converters.keys():
            raise NotThisShape(f"{kind.__name__} has other fields than {sorted(given)}")
        return kind(**{name: converters[name](item) for name, item in given.items()})

    return convert


def _enum_converter(kind: type[Enum]) -> Convert:
    members = {member.name.lower(): member for member in kind}

    def convert(data: Any) -> Any:
        if not isinstance(data, str) or data not in members:
            raise NotThisShape(f"{_short(data)} is none of {', '.join(members)}")
        return members[data]

    return convert


def _union_converter(inner: tuple[Any, ...]) -> Convert:
    tagged = {kind.__name__: _converter(kind) for kind in inner if isinstance(kind, type) and is_dataclass(kind)}
    plain = [_converter(kind) for kind in inner if not is_dataclass(kind) and kind is not type(None)]
    optional = type(None) in inner

    def convert(data: Any) -> Any:
        if data is None and optional:
            return None
        if tagged and isinstance(data, dict) and (chosen := tagged.get(str(data.get(TAG)))):
            return chosen(data)
        for each in plain:
            try:
                return each(data)
            except NotThisShape:  # the next member of the union may fit
                continue
        raise NotThisShape(f"{_short(data)} is none of {', '.join(tagged) or 'the types allowed here'}")

    return convert


def _tuple_converter(item: Convert) -> Convert:
    return lambda data: tuple(item(each) for each in _list(data))


def _mapping_converter(item: Convert) -> Convert:
    def convert(data: Any) -> Any:
        if not isinstance(data, dict):
            raise NotThisShape(f"expected a mapping, got {_short(data)}")
        return {key: item(each) for key, each in data.items()}

    return convert


def _literal_converter(allowed: tuple[Any, ...]) -> Convert:
    def convert(data: Any) -> Any:
        if data not in allowed:
            raise NotThisShape(f"{_short(data)} is none of {', '.join(map(str, allowed))}")
        return data

    return convert


def _primitive_converter(kind: type) -> Convert:
    accepted = (int, float) if kind is float else kind

    def convert(data: Any) -> Any:
        if not isinstance(data, accepted) or (isinstance(data, bool) and kind is not bool):
            raise NotThisShape(f"expected {kind.__name__}, got {_short(data)}")
        return data

    return convert


def _list(data: Any) -> list[Any]:
    if not isinstance(data, list):
        raise NotThisShape(f"expected a list, got {_short(data)}")
    return data


def _short(data: Any) -> str:
    text = repr(data)
    return text if len(text) <= 60 else text[:57] + "..."
