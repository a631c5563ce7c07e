"""An expression as a tree. Knows no text it was parsed from, no scope and no meaning of a name.

What can be wrong with a name is seen long after parsing, so a node knows where it stands: offsets count characters of
the whole text that holds the expression.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal as OneOf
from typing import TypeAlias

from msgspec import Struct

ARITY: Mapping[str, tuple[int, int]] = {
    "contains": (2, 2),
    "startsWith": (2, 2),
    "endsWith": (2, 2),
    "format": (1, 255),
    "join": (1, 2),
    "toJSON": (1, 1),
    "fromJSON": (1, 1),
    "hashFiles": (1, 255),
}
"""The functions and how many arguments each takes, least and most."""


class ExpressionError(ValueError):
    """The author of an expression is at fault; `offset` and `length` say which characters of the text are meant."""

    def __init__(self, message: str, *, offset: int, length: int = 1, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.length = length
        self.hint = hint


class Literal(Struct, frozen=True, kw_only=True):
    """A value written out."""

    value: bool | int | float | str | None


class Step(Struct, frozen=True, kw_only=True):
    """One `.name` or `[...]` behind a value; `name` is None where it is only known when running."""

    key: Node
    name: str | int | None
    offset: int
    length: int


class Access(Struct, frozen=True, kw_only=True):
    """A root such as `params`, or another value, and the steps down from there."""

    root: str | None
    of: Node | None = None
    steps: tuple[Step, ...] = ()
    offset: int
    length: int


class Call(Struct, frozen=True, kw_only=True):
    """A function with its arguments; `function` is spelled as in `ARITY`."""

    function: str
    arguments: tuple[Node, ...]
    offset: int
    length: int


class Not(Struct, frozen=True, kw_only=True):
    """`!` before a value."""

    of: Node


class Comparison(Struct, frozen=True, kw_only=True):
    """Two values and what stands between them."""

    operator: str
    left: Node
    right: Node


class Chain(Struct, frozen=True, kw_only=True):
    """`a && b && c` or `a || b || c`; answers one of its operands."""

    operator: OneOf["&&", "||"]
    operands: tuple[Node, ...]


Node: TypeAlias = Literal | Access | Call | Not | Comparison | Chain


def children(node: Node) -> Iterator[Node]:
    """Answer the nodes directly inside this one, in the order they are written."""
    match node:
        case Literal():
            pass
        case Access(of=of, steps=steps):
            if of is not None:
                yield of
            yield from (step.key for step in steps)
        case Call(arguments=arguments):
            yield from arguments
        case Not(of=inner):
            yield inner
        case Comparison(left=left, right=right):
            yield left
            yield right
        case Chain(operands=operands):
            yield from operands
