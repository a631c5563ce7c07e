"""Values of the graph file: plain JSON whose texts may hold `${{ ... }}`.

Parsed when a graph is read, evaluated when it runs. A scope maps each root (`params`, `needs`, ...) to plain data.
Knows no YAML and no task.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from msgspec import Struct

from runner.graph import loose
from runner.graph.evaluation import result
from runner.graph.expression import Access, Call, ExpressionError, Node, children
from runner.graph.grammar import parse_expression
from runner.graph.loose import EvaluationError
from runner.graph.pieces import looked_at
from runner.task import PORT_MARK, Json

__all__ = [
    "EvaluationError",
    "Expression",
    "ExpressionError",
    "Reference",
    "Template",
    "Value",
    "command_text",
    "evaluate",
    "functions_called",
    "is_plain",
    "is_true",
    "parse",
    "parse_bare",
    "references",
]


class Expression(Struct, frozen=True, kw_only=True, eq=False):
    """One parsed `${{ ... }}`: `source` is the text between the braces, `span` offset and length with them.

    Two are equal that say the same, wherever they stand.
    """

    source: str
    tree: Node
    span: tuple[int, int] = (0, 0)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and (self.source, self.tree) == (other.source, other.tree)

    def __hash__(self) -> int:
        return hash(self.source)


class Template(Struct, frozen=True, kw_only=True):
    """A text with expressions inside; `source` is the whole of it as written."""

    source: str
    parts: tuple[str | Expression, ...]


Value: TypeAlias = Any
"""Plain JSON in which any text may be an Expression or a Template instead."""


class Reference(Struct, frozen=True, kw_only=True):
    """One `root.name...` that is read: `path` begins with the root, `spans` says offset and length of each piece.

    The path ends before a piece that is only known when running, as in `needs[params.which]`; then `cut` is true.
    """

    path: tuple[str | int, ...]
    spans: tuple[tuple[int, int], ...]
    cut: bool = False

    @property
    def root(self) -> str:
        """The first piece: `params`, `needs`, ..."""
        return str(self.path[0])


def parse(text: str) -> str | Expression | Template:
    """Read a text of the graph file: plain, one lone expression, or a text with expressions inside.

    Raises:
        ExpressionError: an expression in it is wrong, or is never closed.

    """
    if "${{" not in text:
        return text
    parts = list(_parts(text))
    if len(parts) == 1 and isinstance(parts[0], Expression):
        return parts[0]
    return Template(source=text, parts=tuple(parts))


def parse_bare(text: str) -> Expression:
    """Read a condition, with or without `${{ }}` around it.

    Raises:
        ExpressionError: it is not one expression.

    """
    stripped = text.strip()
    offset = len(text) - len(text.lstrip())
    if not stripped.startswith("${{"):
        tree = parse_expression(text, offset, offset + len(stripped))
        return Expression(source=stripped, tree=tree)
    end = _closing(text, offset)
    if text[end + 2 :].strip():
        raise ExpressionError(
            "a condition is one expression, with nothing after it",
            offset=end + 2,
            length=len(text.rstrip()) - end - 2,
            hint="write it without `${{ }}`",
        )
    return Expression(source=text[offset + 3 : end].strip(), tree=parse_expression(text, offset + 3, end))


def evaluate(value: Value, scope: Mapping[str, Json], *, folder: str = ".") -> Json:
    """Fill in every expression, however deep it stands; a lone one keeps its type. `folder` is where `hashFiles` looks.

    Raises:
        EvaluationError: a function met a value it cannot work with.

    """
    match value:
        case Expression(tree=tree):
            return result(tree, scope, folder)
        case Template(parts=parts):
            return "".join(loose.as_text(looked_at(evaluate(part, scope, folder=folder))) for part in parts)
        case list() | tuple():
            return [evaluate(item, scope, folder=folder) for item in value]
        case Mapping():
            return {key: evaluate(item, scope, folder=folder) for key, item in value.items()}
        case _:
            return value  # type: ignore[no-any-return]  # Value is Any at the JSON border


def command_text(value: Value, scope: Mapping[str, Json]) -> str:
    """Fill in a shell command: each value is quoted for the shell, a list as its items with blanks between them.

    Raises:
        EvaluationError: a function met a value it cannot work with.

    """
    match value:
        case Template(parts=parts):
            return "".join(command_text(part, scope) for part in parts)
        case Expression(tree=tree):
            found = looked_at(result(tree, scope, "."))
            items = found if isinstance(found, list) else [found]
            return " ".join(_quoted(item) for item in items)
        case _:
            return str(value)


def is_true(expression: Expression, scope: Mapping[str, Json]) -> bool:
    """Evaluate a condition, with GitHub's idea of truth.

    Raises:
        EvaluationError: a function met a value it cannot work with.

    """
    return loose.truth(looked_at(result(expression.tree, scope, ".")))


def is_plain(value: Value) -> bool:
    """Say whether nothing is to be filled in: no expression stands in a value, however deep."""
    match value:
        case Expression() | Template():
            return False
        case Mapping():
            return all(map(is_plain, value.values()))
        case list() | tuple():
            return all(map(is_plain, value))
        case _:
            return True


def references(value: Value) -> tuple[Reference, ...]:
    """Answer everything that a value reads, in the order it is written; a cut path as far as it is known."""
    return tuple(_reference(node) for node in _nodes(value) if isinstance(node, Access) and node.root is not None)


def functions_called(value: Value) -> tuple[Call, ...]:
    """Answer every call in a value, in the order it is written."""
    return tuple(node for node in _nodes(value) if isinstance(node, Call))


def _parts(text: str) -> Iterator[str | Expression]:
    at = 0
    while (start := text.find("${{", at)) >= 0:
        if start > at:
            yield text[at:start]
        end = _closing(text, start)
        tree = parse_expression(text, start + 3, end)
        yield Expression(source=text[start + 3 : end].strip(), tree=tree, span=(start, end + 2 - start))
        at = end + 2
    if at < len(text):
        yield text[at:]


def _closing(text: str, start: int) -> int:
    """Find the `}}` of the `${{` at `start`; one inside a quoted text does not count."""
    quoted = False
    for at in range(start + 3, len(text)):
        if text[at] == "'":
            quoted = not quoted
        elif not quoted and text.startswith("}}", at):
            return at
    raise ExpressionError(
        "this `${{` is never closed by `}}`",
        offset=start,
        length=3,
        hint="is a single quote left open?" if quoted else "",
    )


def _nodes(value: Value) -> Iterator[Node]:
    match value:
        case Expression(tree=tree):
            yield from _within(tree)
        case Template(parts=parts):
            for part in parts:
                yield from _nodes(part)
        case list() | tuple():
            for item in value:
                yield from _nodes(item)
        case Mapping():
            for item in value.values():
                yield from _nodes(item)
        case _:
            pass


def _within(node: Node) -> Iterator[Node]:
    yield node
    for child in children(node):
        yield from _within(child)


def _reference(node: Access) -> Reference:
    root = node.root or ""
    path: list[str | int] = [root]
    spans = [(node.offset, len(root))]
    for step in node.steps:
        if step.name is None:
            return Reference(path=tuple(path), spans=tuple(spans), cut=True)
        path.append(step.name)
        spans.append((step.offset, step.length))
    return Reference(path=tuple(path), spans=tuple(spans))


def _quoted(value: Json) -> str:
    text = loose.as_text(value)
    if "\0" in text.replace(PORT_MARK, ""):
        raise EvaluationError("a value with a NUL character cannot stand in a command")
    import shlex  # noqa: PLC0415  # only commands with expressions in them need it

    return shlex.quote(text)
