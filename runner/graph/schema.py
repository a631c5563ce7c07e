"""The JSON Schema of a graph file, for editors and other tools, made from the table of keys. Knows no file.

Draft 7, because that is what editors know best. A schema sees one value at a time: names, rings, expressions and pools
are left to `check`.
"""

from __future__ import annotations

from typing import Any

from runner.graph.fans import AXIS
from runner.graph.items import RESERVED
from runner.graph.keys import PARAM, PARAM_TYPES, READY, ROOT, SERVICE
from runner.graph.quantities import UNITS_OF_SIZE
from runner.graph.scalars import Scalar
from runner.graph.shape import (
    Arguments,
    Axes,
    Command,
    Condition,
    Duration,
    Either,
    Flag,
    Items,
    ListOf,
    MapOf,
    Number,
    Often,
    Plain,
    Record,
    Shape,
    Size,
    Text,
    Variables,
    Whole,
    Word,
)
from runner.graph.task_keys import TASK

_NUMBER = r"[0-9]+(\.[0-9]+)?"
_DURATION = rf"^(?=.)({_NUMBER}d)?({_NUMBER}h)?({_NUMBER}m(?!s))?({_NUMBER}s)?({_NUMBER}ms)?$"
_RATE = rf"^0*[1-9][0-9]*/((ms|s|m|h|d)|(?![0.]+[a-z]+$){_DURATION.removeprefix('^').removesuffix('$')})$"
_SIZE = rf"^{_NUMBER}({'|'.join(UNITS_OF_SIZE)})$"
_NO_EXPRESSION = {"not": {"pattern": r"\$\{\{"}}
_LONE_EXPRESSION = {"type": "string", "pattern": r"^\s*\$\{\{[\s\S]*\}\}\s*$"}


def schema() -> dict[str, Any]:
    """Answer the schema as plain data."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Task graph",
        "description": "A graph of tasks for `python -m runner`.",
        **_of(ROOT),
    }


def _of(shape: Shape) -> dict[str, Any]:
    match shape:
        case Text() | Flag() | Whole() | Number() | Duration() | Size() | Often() | Word() | Plain():
            return _scalar(shape)
        case ListOf(item=item, unique=unique):
            several = {"type": "array", "items": _of(item), **({"uniqueItems": True} if unique else {})}
            return {"anyOf": [_of(item), several]}
        case Either(short=short, record=record):
            return {"anyOf": [_of(short), _of(record)]}
        case MapOf(name=name, item=item):
            return {"type": "object", "propertyNames": _of(name), "additionalProperties": _of(item)}
        case Record():
            return {**_record(shape), **_rules(shape)}
        case Arguments():
            return {"type": "object"}
        case Variables():
            return {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
        case Command():
            return {"type": "string", "pattern": r"\S"}
        case Condition():
            return {"type": ["string", "boolean"], "pattern": r"\S"}
        case Axes():
            return _axes()
        case Items():
            files = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
            mapping = {"type": "object", "properties": {"files": files}, "required": ["files"]}
            several = {"type": "array", "minItems": 1}
            return {"anyOf": [several, _LONE_EXPRESSION, {**mapping, "additionalProperties": False}]}


def _scalar(shape: Scalar) -> dict[str, Any]:
    match shape:
        case Text(pattern=pattern):
            return {"type": "string", **({"pattern": f"^(?:{pattern})$"} if pattern else {}), **_NO_EXPRESSION}
        case Flag():
            return {"type": "boolean"}
        case Whole(least=least, most=most):
            return {"type": "integer", **_given(minimum=least, maximum=most)}
        case Number(least=least):
            return {"type": "number", "minimum": least}
        case Duration(zero=zero):
            return {"type": "string", "pattern": _DURATION if zero else f"^(?![0.]+[a-z]+$){_DURATION}"}
        case Size():
            return {"type": "string", "pattern": _SIZE}
        case Often():
            return {"type": "string", "pattern": _RATE}
        case Word(words=words):
            return {"enum": list(words)}
        case Plain():
            return {}


def _axes() -> dict[str, Any]:
    """Describe a matrix: its axes have values, one at least."""
    values = {"anyOf": [{"type": "array", "minItems": 1}, _LONE_EXPRESSION]}
    entries = {"type": "array", "items": {"type": "object", "minProperties": 1}}
    mapping = {
        "type": "object",
        "minProperties": 1,
        "properties": dict.fromkeys(RESERVED, entries),
        "propertyNames": {"pattern": f"^(?:{AXIS.pattern})$"},
        "additionalProperties": values,
    }
    return {"anyOf": [mapping, _LONE_EXPRESSION]}


def _record(shape: Record) -> dict[str, Any]:
    """Describe a mapping whose keys are known; what is not supported yet is not in it."""
    properties = {
        name: {"description": key.desc, "examples": [key.example], **_of(key.shape)}
        for name, key in shape.keys.items()
        if key.shape is not None
    }
    ignored: dict[str, Any] = {"patternProperties": {f"^{shape.extra}": {}}} if shape.extra else {}
    required = {"required": list(shape.required)} if shape.required else {}
    return {"type": "object", "properties": properties, **ignored, "additionalProperties": False, **required}


def _rules(shape: Record) -> dict[str, Any]:
    """Answer what a schema can say of the rules between the keys of one mapping."""
    if shape is ROOT:
        return {
            "allOf": [{"properties": {"tasks": {"minProperties": 1}}}],
            "anyOf": [{"required": ["tasks"]}, {"required": ["include"]}],
        }
    if shape is TASK:
        waiting = {"properties": {"trigger": {"enum": ["one_success", "one_failed"]}}, "required": ["trigger"]}
        return {
            "oneOf": [{"required": ["uses"]}, {"required": ["run"]}],
            "dependencies": {
                "with": ["uses"],
                "shell": ["run"],
                "outputs": ["run"],
                "max_parallel": {"anyOf": _FANS},
                "matrix": {"not": _FANS[1]},
            },
            "if": waiting,
            "then": {"required": ["needs"]},
        }
    if shape is SERVICE:
        path = {"properties": {"http": {"type": "string", "pattern": "^/"}}, "required": ["http"]}
        tcp = {"properties": {"tcp": {"const": True}}, "required": ["tcp"]}
        return {
            "if": {"properties": {"ready": {"anyOf": [path, tcp]}}, "required": ["ready"]},
            "then": {"required": ["port"]},
        }
    if shape is READY:
        pairs = (["http", "tcp"], ["http", "log"], ["tcp", "log"])
        return {"not": {"anyOf": [{"required": pair} for pair in pairs]}}
    return {"allOf": [_param_rule(kind) for kind in PARAM_TYPES]} if shape is PARAM else {}


def _param_rule(kind: str) -> dict[str, Any]:
    """Say what default and enum of a parameter may be, when it is of this type; without one it is a string."""
    value = _PARAM_VALUES[kind]
    is_kind = {"properties": {"type": {"const": kind}}, **({} if kind == "string" else {"required": ["type"]})}
    fits = {"default": {"anyOf": [{"type": "null"}, value]}, "enum": {"type": "array", "items": value}}
    return {"if": is_kind, "then": {"properties": fits}}


_FANS: list[dict[str, Any]] = [{"required": ["matrix"]}, {"required": ["foreach"]}]


def _given(**limits: int | None) -> dict[str, int]:
    return {name: limit for name, limit in limits.items() if limit is not None}


_PARAM_VALUES: dict[str, dict[str, Any]] = {
    "string": {"type": "string", **_NO_EXPRESSION},
    "integer": {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": "^[-+]?[0-9]+$"}]},
    "number": {"anyOf": [{"type": "number"}, {"type": "string", "pattern": "^[-+]?[0-9.]+([eE][-+]?[0-9]+)?$"}]},
    "boolean": {"anyOf": [{"type": "boolean"}, {"enum": ["true", "false"]}]},
    "path": {"type": "string", **_NO_EXPRESSION},
    "url": {"type": "string", "pattern": r"^$|^[A-Za-z][A-Za-z0-9+.-]*://[^\s/]\S*$", **_NO_EXPRESSION},
    "duration": {"type": "string", "pattern": _DURATION},
    "size": {"type": "string", "pattern": _SIZE},
    "list": {"anyOf": [{"type": "array"}, {"type": "string", **_NO_EXPRESSION}]},
    "map": {"anyOf": [{"type": "object"}, {"type": "string", **_NO_EXPRESSION}]},
}
