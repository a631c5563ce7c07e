"""What a condition saw: each value it reads, as it is named there. Knows no run and decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from runner.graph.evaluation import result
from runner.graph.expression import Access, Node, Step, children
from runner.graph.loose import EvaluationError
from runner.graph.values import Expression
from runner.task import Json


def seen(expression: Expression, scope: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    """Answer every value that an expression reads in a scope, by its name, in the order it is written."""
    told: set[str] = set()
    for node in _accesses(expression.tree):
        name = "".join((node.root or "", *map(_step, node.steps)))
        if name in told:
            continue
        told.add(name)
        try:
            yield name, result(node, scope, ".")
        except EvaluationError:  # a border: the file's author wrote it, and its error is told elsewhere
            continue


def _accesses(node: Node) -> Iterator[Access]:
    if isinstance(node, Access) and node.root is not None:
        yield node
    for child in children(node):
        yield from _accesses(child)


def _step(step: Step) -> str:
    match step.name:
        case None:
            return "[…]"
        case int() as index:
            return f"[{index}]"
        case str() as name:
            plain = name.replace("_", "").replace("-", "").isalnum() and not name[0].isdecimal()
            return f".{name}" if plain else f"['{name}']"
