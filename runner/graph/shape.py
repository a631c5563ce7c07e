"""What a value of the graph file may look like. Data only: read by `reading`, written as JSON Schema by `schema`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from msgspec import Struct, field

from runner.task import Json


class Text(Struct, frozen=True, kw_only=True):
    """A text that is no expression. `pattern` must match the whole of it; `code` is the problem's if it does not."""

    what: str = "a text"
    pattern: str = ""
    code: str = "bad-value"
    hint: str = ""


class Flag(Struct, frozen=True, kw_only=True):
    """`true` or `false`."""


class Whole(Struct, frozen=True, kw_only=True):
    """A whole number from `least` to `most`; `hint` is for those who wrote one beyond."""

    least: int | None = None
    most: int | None = None
    hint: str = ""


class Number(Struct, frozen=True, kw_only=True):
    """A number, `least` or more."""

    least: float


class Duration(Struct, frozen=True, kw_only=True):
    """A time such as `30s`, read as seconds; `zero` says whether `0s` makes sense."""

    zero: bool = True


class Size(Struct, frozen=True, kw_only=True):
    """A size such as `512MiB`, read as bytes."""


class Often(Struct, frozen=True, kw_only=True):
    """How often something may happen, such as `10/m`, read as a `Rate`."""


class Word(Struct, frozen=True, kw_only=True):
    """One of a few words, each read as what it stands for; `foreign` answers words of other tools."""

    words: Mapping[str, Any]
    foreign: Mapping[str, str] = field(default_factory=dict)


class ListOf(Struct, frozen=True, kw_only=True):
    """A list; a single item may stand without its brackets. `unique`: no item comes twice, as a rule checks."""

    item: Shape
    what: str
    unique: bool = False


class MapOf(Struct, frozen=True, kw_only=True):
    """A mapping from names that people choose; `name` says what a name may look like."""

    name: Text
    item: Shape
    what: str


class Record(Struct, frozen=True, kw_only=True):
    """A mapping whose keys are known. `foreign` answers keys of other tools; `extra` is how ignored keys begin."""

    what: str
    keys: Mapping[str, Key]
    foreign: Mapping[str, str]
    required: tuple[str, ...] = ()
    extra: str = ""


class Either(Struct, frozen=True, kw_only=True):
    """A mapping (`record`), or something short in its place."""

    short: Shape
    record: Shape
    what: str


class Plain(Struct, frozen=True, kw_only=True):
    """Any plain data, without expressions."""


class Arguments(Struct, frozen=True, kw_only=True):
    """A mapping whose values are any data, with expressions in any text."""


class Variables(Struct, frozen=True, kw_only=True):
    """A mapping from environment variables to texts, with expressions."""


class Command(Struct, frozen=True, kw_only=True):
    """A shell command, with expressions."""


class Condition(Struct, frozen=True, kw_only=True):
    """One expression, with or without `${{ }}` around it, or a truth."""


class Axes(Struct, frozen=True, kw_only=True):
    """A matrix: a mapping from names to lists, with `include` and `exclude`, or an expression that answers one."""


class Items(Struct, frozen=True, kw_only=True):
    """A list of any data, an expression that answers one, or `{files: …}`."""


Shape: TypeAlias = (
    Text
    | Flag
    | Whole
    | Number
    | Duration
    | Size
    | Often
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
    | Axes
    | Items
)


class Key(Struct, frozen=True, kw_only=True):
    """One key of the graph file; `field` is its name in the model."""

    shape: Shape
    desc: str
    example: Json = None
    field: str = ""
