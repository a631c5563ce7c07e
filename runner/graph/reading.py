"""Plain data to the values of the model, led by shapes. Knows no rule that spans two keys.

What does not fit becomes a problem and is left out, so one reading finds all problems. Texts that hold expressions are
parsed here, and remembered: which names an expression may use is judged when the whole file has been read.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from runner.graph.expression import ExpressionError, Literal
from runner.graph.fans import read_foreach, read_matrix
from runner.graph.findings import Findings
from runner.graph.keys import ALL_KEYS
from runner.graph.loose import as_text
from runner.graph.scalars import BAD, compiled, named, read_scalar, wrong
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
from runner.graph.source import Path
from runner.graph.tree import DEEPEST
from runner.graph.values import Expression, Template, Value, parse, parse_bare
from runner.task import Json

_ANY_TEXT = Text()


class Parsed(Struct, frozen=True, kw_only=True):
    """A text with expressions, and where it stands."""

    path: Path
    value: Expression | Template


class Reader:
    """Reads values by their shapes; what is wrong goes into `findings`, what holds expressions into `parsed`."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.parsed: list[Parsed] = []

    def read(self, shape: Shape, data: Json, path: Path) -> Any:
        """Read one value; `BAD` if it does not fit."""
        match shape:
            case ListOf():
                return self._list(shape, data, path)
            case Record():
                return self._record(shape, data, path)
            case Arguments():
                return self._arguments(data, path)
            case Text() | Duration() | Flag() | Whole() | Number() | Size() | Often() | Word() | Plain():
                return read_scalar(shape, data, path, self.findings)
            case MapOf():
                return self._map(shape, data, path)
            case Either():
                return self._either(shape, data, path)
            case Variables():
                return self._variables(data, path)
            case Command():
                return self._command(data, path)
            case Condition():
                return self._condition(data, path)
            case Axes():
                return read_matrix(data, path, self._value, self.findings)
            case Items():
                return read_foreach(data, path, self._value, self.findings)

    # -- mappings and lists ----------------------------------------------------------------------------------------

    def _record(self, shape: Record, data: Json, path: Path) -> Any:
        if not isinstance(data, dict):
            return wrong(path, shape.what, data, self.findings)
        fields: dict[str, Any] = {}
        for name, item in data.items():
            key = shape.keys.get(name)
            if key is None:
                self._no_key(shape, name, (*path, name))
                continue
            value = self.read(key.shape, item, (*path, name))
            if value is BAD:
                self.findings.spoilt.add((*path, name))
            else:
                fields[key.field or name] = value
        for name in shape.required:
            if name not in data:
                self._missing(name, path)
        return fields

    def _no_key(self, shape: Record, name: str, path: Path) -> None:
        report = self.findings.at_key
        if shape.extra and name.startswith(shape.extra):
            return
        if name in shape.foreign:
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
            return wrong(path, shape.what, data, self.findings)
        found: dict[str, Any] = {}
        fits = compiled(shape.name.pattern).fullmatch
        for name, item in data.items():
            below = (*path, name)
            if not fits(name):
                message = f"`{name}` cannot be {shape.name.what}"
                self.findings.at_key(below, shape.name.code, message, hint=shape.name.hint)
            value = found[name] = self.read(shape.item, item, below)
            if value is BAD:
                self.findings.spoilt.add(below)
        return found

    def _list(self, shape: ListOf, data: Json, path: Path) -> Any:
        if isinstance(data, str):
            value = self.read(shape.item, data, path)
            return BAD if value is BAD else (value,)
        if not isinstance(data, list):
            return wrong(path, shape.what, data, self.findings)
        if shape.item == _ANY_TEXT and {*map(type, data)} <= {str} and "${{" not in " ".join(map(str, data)):
            return tuple(data)  # long lists of needs are of this kind
        values = [self.read(shape.item, item, (*path, index)) for index, item in enumerate(data)]
        return BAD if BAD in values else tuple(values)

    def _either(self, shape: Either, data: Json, path: Path) -> Any:
        if isinstance(data, dict):
            return self.read(shape.record, data, path)
        short = {ListOf: list | str, Text: str}.get(type(shape.short), int)
        if isinstance(data, short) and not isinstance(data, bool):
            return self.read(shape.short, data, path)
        return wrong(path, shape.what, data, self.findings)

    # -- values with expressions -------------------------------------------------------------------------------------

    def _arguments(self, data: Json, path: Path) -> Any:
        if not isinstance(data, dict):
            return wrong(path, "a mapping from arguments to values", data, self.findings)
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
            return wrong(path, "a mapping from variables to texts", data, self.findings)
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
        return wrong(path, "a text", data, self.findings, hint=hint)

    def _command(self, data: Json, path: Path) -> Any:
        if not isinstance(data, str):
            hint = "write all of it as one text; `|` lets it go over several lines" if isinstance(data, list) else ""
            return wrong(path, "a shell command", data, self.findings, hint=hint)
        if not data.strip():
            self.findings.at_value(path, "bad-value", f"{named(path)} is empty")
            return BAD
        return self._parsed(data, path)

    def _condition(self, data: Json, path: Path) -> Any:
        if isinstance(data, bool):
            return Expression(source=as_text(data), tree=Literal(value=data))
        if not isinstance(data, str):
            return wrong(path, "a condition", data, self.findings)
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


def _within(path: Path) -> str:
    return "at the root of a graph" if len(path) == 1 else f"in `{path[-2]}`"


def _supported(shape: Record) -> list[str]:
    return [name for name, key in shape.keys.items() if key.shape is not None]
