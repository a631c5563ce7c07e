"""Plain data to the values of the model, led by shapes. Knows no rule that spans two keys.

What does not fit becomes a problem and is left out, so one reading finds all problems. Texts that hold expressions are
parsed here, and remembered: which names an expression may use is judged when the whole file has been read.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from runner.graph.expression import ExpressionError, Literal
from runner.graph.findings import Findings
from runner.graph.keys import ALL_KEYS
from runner.graph.loose import as_text
from runner.graph.quantities import duration_meant, seconds, size, size_meant
from runner.graph.shape import (
    Arguments,
    Command,
    Condition,
    Duration,
    Either,
    Flag,
    ListOf,
    MapOf,
    Number,
    Plain,
    Record,
    Shape,
    Size,
    Text,
    Variables,
    Whole,
    Word,
)
from runner.graph.source import Path
from runner.graph.tree import DEEPEST
from runner.graph.values import Expression, Template, Value, parse, parse_bare
from runner.task import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A text with expressions, and where it stands."""

    path: Path
    value: Expression | Template


class _Bad:
    """What is answered for a value that does not fit."""


BAD = _Bad()
_CONSTANTS = (Text, Flag, Whole, Number, Duration, Size, Word, Plain)


class Reader:
    """Reads values by their shapes; what is wrong goes into `findings`, what holds expressions into `parsed`."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.parsed: list[Parsed] = []

    def read(self, shape: Shape, data: Json, path: Path) -> Any:
        """Read one value; `BAD` if it does not fit."""
        if isinstance(data, str) and "${{" in data and isinstance(shape, _CONSTANTS):
            return self._not_here(data, path)
        match shape:
            case Text():
                return self._text(shape, data, path)
            case ListOf():
                return self._list(shape, data, path)
            case Record():
                return self._record(shape, data, path)
            case Arguments():
                return self._arguments(data, path)
            case Duration():
                return self._duration(shape, data, path)
            case Flag():
                return data if isinstance(data, bool) else self._wrong(path, "`true` or `false`", data)
            case Whole():
                return self._whole(shape, data, path)
            case Number():
                return self._number(shape, data, path)
            case Size():
                return self._size(data, path)
            case Word():
                return self._word(shape, data, path)
            case MapOf():
                return self._map(shape, data, path)
            case Either():
                return self._either(shape, data, path)
            case Plain():
                return data
            case Variables():
                return self._variables(data, path)
            case Command():
                return self._command(data, path)
            case Condition():
                return self._condition(data, path)

    # -- mappings and lists ----------------------------------------------------------------------------------------

    def _record(self, shape: Record, data: Json, path: Path) -> Any:
        if not isinstance(data, dict):
            return self._wrong(path, shape.what, data)
        fields: dict[str, Any] = {}
        for name, item in data.items():
            key = shape.keys.get(name)
            if key is None or key.shape is None:
                self._no_key(shape, name, (*path, name))
                continue
            value = self.read(key.shape, item, (*path, name))
            if value is not BAD:
                fields[key.field or name] = value
        for name in shape.required:
            if name not in data:
                self._missing(name, path)
        return fields

    def _no_key(self, shape: Record, name: str, path: Path) -> None:
        report = self.findings.at_key
        if shape.extra and name.startswith(shape.extra):
            return
        if name in shape.keys:
            report(path, "not-supported-yet", f"`{name}` is not supported yet", hint="leave it out for now")
        elif name in shape.foreign:
            ours = shape.foreign[name]
            hint = f"here it is called `{ours}`" if ours in shape.keys else ours
            if name in ALL_KEYS:
                report(path, "misplaced-key", f"`{name}` does not belong {_within(path)}", hint=hint)
            else:
                report(path, "foreign-key", f"`{name}` is a key of other tools", hint=hint)
        else:
            hint = self.findings.near(name, shape.keys) or f"the keys here are {', '.join(_supported(shape))}"
            report(path, "unknown-key", f"there is no key `{name}` {_within(path)}", hint=hint)

    def _missing(self, name: str, path: Path) -> None:
        owner = f"`{path[-1]}`" if path else "the file"
        self.findings.at_key(path, "missing-key", f"{owner} has no `{name}`")

    def _map(self, shape: MapOf, data: Json, path: Path) -> Any:
        if not isinstance(data, dict):
            return self._wrong(path, shape.what, data)
        found: dict[str, Any] = {}
        for name, item in data.items():
            self._name(shape.name, name, (*path, name))
            found[name] = self.read(shape.item, item, (*path, name))
            if found[name] is BAD:
                self.findings.spoilt.add((*path, name))
        return found

    def _name(self, shape: Text, name: str, path: Path) -> None:
        if not _compiled(shape.pattern).fullmatch(name):
            self.findings.at_key(path, shape.code, f"`{name}` cannot be {shape.what}", hint=shape.hint)

    def _list(self, shape: ListOf, data: Json, path: Path) -> Any:
        if isinstance(data, str):
            value = self.read(shape.item, data, path)
            return BAD if value is BAD else (value,)
        if not isinstance(data, list):
            return self._wrong(path, shape.what, data)
        values = [self.read(shape.item, item, (*path, index)) for index, item in enumerate(data)]
        return BAD if BAD in values else tuple(values)

    def _either(self, shape: Either, data: Json, path: Path) -> Any:
        if isinstance(data, dict):
            return self.read(shape.record, data, path)
        fits = isinstance(data, list | str) if isinstance(shape.short, ListOf) else isinstance(data, int)
        if fits and not isinstance(data, bool):
            return self.read(shape.short, data, path)
        return self._wrong(path, shape.what, data)

    # -- single values -----------------------------------------------------------------------------------------------

    def _text(self, shape: Text, data: Json, path: Path) -> Any:
        if not isinstance(data, str):
            hint = "put it in quotes" if isinstance(data, int | float) else ""
            return self._wrong(path, shape.what, data, hint=hint)
        if shape.pattern and not _compiled(shape.pattern).fullmatch(data):
            self.findings.at_value(path, shape.code, f"`{data}` cannot be {shape.what}", hint=shape.hint)
            return BAD
        return data

    def _whole(self, shape: Whole, data: Json, path: Path) -> Any:
        if isinstance(data, bool) or not isinstance(data, int):
            return self._wrong(path, "a whole number", data)
        least = -math.inf if shape.least is None else shape.least
        most = math.inf if shape.most is None else shape.most
        if least <= data <= most:
            return data
        wanted = (
            f"{least}" if least == most else f"a number from {least} to {most}" if shape.most else f"{least} or more"
        )
        self.findings.at_value(path, "bad-value", f"{_named(path)} takes {wanted}, not {data}", hint=shape.hint)
        return BAD

    def _number(self, shape: Number, data: Json, path: Path) -> Any:
        if isinstance(data, bool) or not isinstance(data, int | float):
            return self._wrong(path, "a number", data)
        if data < shape.least:
            self.findings.at_value(path, "bad-value", f"{_named(path)} takes {shape.least:g} or more, not {data}")
            return BAD
        return float(data)

    def _duration(self, shape: Duration, data: Json, path: Path) -> Any:
        if isinstance(data, int | float) and not isinstance(data, bool):
            message = f"{_named(path)} has no unit"
            self.findings.at_value(
                path, "bad-duration", message, hint=f"write `{data}s` for seconds, `{data}m` for minutes"
            )
            return BAD
        if not isinstance(data, str):
            return self._wrong(path, "a duration such as `30s`", data)
        found = seconds(data)
        if found is None:
            meant = duration_meant(data)
            hint = f"did you mean `{meant}`?" if meant else "write `250ms`, `30s`, `5m` or `1h30m`"
            self.findings.at_value(path, "bad-duration", f"`{data}` is not a duration", hint=hint)
            return BAD
        if found == 0 and not shape.zero:
            hint = "leave the key out for no limit"
            self.findings.at_value(path, "bad-value", f"{_named(path)} must be longer than nothing", hint=hint)
            return BAD
        return found

    def _size(self, data: Json, path: Path) -> Any:
        if isinstance(data, int | float) and not isinstance(data, bool):
            hint = f"write `{data}MiB` or `{data}GiB`"
            self.findings.at_value(path, "bad-size", f"{_named(path)} has no unit", hint=hint)
            return BAD
        if not isinstance(data, str):
            return self._wrong(path, "a size such as `512MiB`", data)
        found = size(data)
        if not found:
            meant = size_meant(data)
            hint = f"did you mean `{meant}`?" if meant else "write `512MiB` or `1GiB`"
            self.findings.at_value(path, "bad-size", f"`{data}` is not a size", hint=hint)
            return BAD
        return found

    def _word(self, shape: Word, data: Json, path: Path) -> Any:
        if isinstance(data, str) and data in shape.words:
            return shape.words[data]
        words = ", ".join(f"`{word}`" for word in shape.words)
        if not isinstance(data, str):
            return self._wrong(path, f"one of {words}", data)
        meant = shape.foreign.get(data)
        hint = f"did you mean `{meant}`?" if meant else self.findings.near(data, shape.words)
        self.findings.at_value(path, "bad-value", f"{_named(path)} takes one of {words}, not `{data}`", hint=hint)
        return BAD

    # -- values with expressions -------------------------------------------------------------------------------------

    def _arguments(self, data: Json, path: Path) -> Any:
        if not isinstance(data, dict):
            return self._wrong(path, "a mapping from arguments to values", data)
        return {name: self._value(item, (*path, name)) for name, item in data.items()}

    def _value(self, data: Json, path: Path) -> Value:
        if isinstance(data, str):
            return self._parsed(data, path) if "${{" in data else data
        if isinstance(data, list | dict):
            if len(path) > DEEPEST:
                self.findings.at_value(path, "too-deep", f"this lies deeper than {DEEPEST} levels")
                return None
            if isinstance(data, list):
                return [self._value(item, (*path, index)) for index, item in enumerate(data)]
            return {name: self._value(item, (*path, name)) for name, item in data.items()}
        return data

    def _not_here(self, text: str, path: Path) -> Any:
        message = "expressions are not filled in here"
        hint = "they are in `with`, `env`, `run` and `if`"
        self.findings.inside(path, (text.index("${{"), 3), "expression-not-here", message, hint=hint)
        return BAD

    def _parsed(self, text: str, path: Path) -> Value:
        try:
            value = parse(text)
        except ExpressionError as error:
            self._expression_error(error, path)
            return None
        if not isinstance(value, str):
            self.parsed.append(Parsed(path=path, value=value))
        return value

    def _variables(self, data: Json, path: Path) -> Any:
        if not isinstance(data, dict):
            return self._wrong(path, "a mapping from variables to texts", data)
        return {name: self._variable(name, item, (*path, name)) for name, item in data.items()}

    def _variable(self, name: str, data: Json, path: Path) -> Value:
        if "=" in name or not name:
            self.findings.at_key(path, "bad-name", f"`{name}` cannot be the name of a variable")
        if isinstance(data, str):
            return self._parsed(data, path)
        if isinstance(data, bool):
            return as_text(data)
        if isinstance(data, int | float):
            written = self.findings.document.written(path)  # `1.10` stays `1.10`
            return as_text(data) if written.startswith("*") else written
        hint = "write '' for an empty one" if data is None else ""
        return self._wrong(path, "a text", data, hint=hint)

    def _command(self, data: Json, path: Path) -> Any:
        if not isinstance(data, str):
            hint = "write all of it as one text; `|` lets it go over several lines" if isinstance(data, list) else ""
            return self._wrong(path, "a shell command", data, hint=hint)
        if not data.strip():
            self.findings.at_value(path, "bad-value", f"{_named(path)} is empty")
            return BAD
        return self._parsed(data, path)

    def _condition(self, data: Json, path: Path) -> Any:
        if isinstance(data, bool):
            return Expression(source=as_text(data), tree=Literal(value=data))
        if not isinstance(data, str):
            return self._wrong(path, "a condition", data)
        try:
            value = parse_bare(data)
        except ExpressionError as error:
            self._expression_error(error, path)
            return BAD
        self.parsed.append(Parsed(path=path, value=value))
        return value

    def _expression_error(self, error: ExpressionError, path: Path) -> None:
        span = (error.offset, error.length)
        self.findings.inside(path, span, "expression-syntax", error.message, hint=error.hint)

    def _wrong(self, path: Path, what: str, data: Json, *, hint: str = "") -> Any:
        if data is None and not hint:
            hint = "give it a value"
        takes = f"{_named(path)} takes" if path else "a graph is"
        self.findings.at_value(path, "wrong-type", f"{takes} {what}, not {_kind(data)}", hint=hint)
        self.findings.spoilt.add(path)
        return BAD


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _named(path: Path) -> str:
    """Name what a path leads to: its key, or the key of the list it is an item of."""
    names = [step for step in path if isinstance(step, str)]
    if not path:
        return "the file"
    return f"`{names[-1]}`" if isinstance(path[-1], str) else f"each item of `{names[-1]}`"


def _within(path: Path) -> str:
    return "at the root of a graph" if len(path) == 1 else f"in `{path[-2]}`"


def _supported(shape: Record) -> list[str]:
    return [name for name, key in shape.keys.items() if key.shape is not None]


def _kind(data: Json) -> str:
    match data:
        case None:
            return "nothing"
        case bool():
            return f"`{as_text(data)}`"
        case int() | float():
            return f"the number {as_text(data)}"
        case str():
            return "a text"
        case list():
            return "a list"
        case dict():
            return "a mapping"
