"""What a value of the graph file may look like. Data only: read by `reading`, written as JSON Schema by `schema`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from runner.task import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text that is no expression. `pattern` must match the whole of it; `code` is the problem's if it does not."""

    what: str = "a text"
    pattern: str = ""
    code: str = "bad-value"
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """`true` or `false`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A whole number from `least` to `most`; `hint` is for those who wrote one beyond."""

    least: int | None = None
    most: int | None = None
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number, `least` or more."""

    least: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """A time such as `30s`, read as seconds; `zero` says whether `0s` makes sense."""

    zero: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A size such as `512MiB`, read as bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One of a few words, each read as what it stands for; `foreign` answers words of other tools."""

    words: Mapping[str, Any]
    foreign: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOf:
    """A list; a single item may stand without its brackets. `unique`: no item comes twice, as a rule checks."""

    item: Shape
    what: str
    unique: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MapOf:
    """A mapping from names that people choose; `name` says what a name may look like."""

    name: Text
    item: Shape
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A mapping whose keys are known. `foreign` answers keys of other tools; `extra` is how ignored keys begin."""

    what: str
    keys: Mapping[str, Key]
    foreign: Mapping[str, str]
    required: tuple[str, ...] = ()
    extra: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Either:
    """A mapping (`record`), or something short in its place."""

    short: Shape
    record: Shape
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """Any plain data, without expressions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """A mapping whose values are any data, with expressions in any text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variables:
    """A mapping from environment variables to texts, with expressions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A shell command, with expressions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One expression, with or without `${{ }}` around it, or a truth."""


Shape: TypeAlias = (
    Text
    | Flag
    | Whole
    | Number
    | Duration
    | Size
    | Word
    | ListOf
    | MapOf
    | Record
    | Either
    | Plain
    | Arguments
    | Variables
    | Command
    | Condition
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of the graph file. `shape` None means that it is not supported yet; `field` is its name in the model."""

    shape: Shape | None
    desc: str
    example: Json = None
    field: str = ""
