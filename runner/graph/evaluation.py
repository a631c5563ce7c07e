"""What an expression is worth in a scope. Knows no text it was parsed from and no file it stands in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.graph import loose
from runner.graph.digests import digest_of_files
from runner.graph.expression import Access, Call, Chain, Comparison, Literal, Node, Not
from runner.graph.loose import EvaluationError
from runner.graph.pieces import Piece, looked_at
from runner.task import Json


def result(node: Node, scope: Mapping[str, Json], folder: str) -> Json:
    """Evaluate a tree; what is missing in the scope's data is null. `folder` is where `hashFiles` looks.

    Raises:
        EvaluationError: a root is not in the scope, or a function met a value it cannot work with.

    """
    match node:
        case Literal(value=value):
            return value
        case Access():
            return _reached(node, scope, folder)
        case Call(function=function, arguments=arguments):
            return _called(function, [looked_at(result(argument, scope, folder)) for argument in arguments], folder)
        case Not(of=inner):
            return not loose.truth(looked_at(result(inner, scope, folder)))
        case Comparison(operator=operator, left=left, right=right):
            sides = (looked_at(result(side, scope, folder)) for side in (left, right))
            return loose.compare(operator, *sides)
        case Chain(operator=operator, operands=operands):
            for operand in operands[:-1]:
                answer = result(operand, scope, folder)
                if loose.truth(looked_at(answer)) == (operator == "||"):
                    return answer
            return result(operands[-1], scope, folder)


def _reached(node: Access, scope: Mapping[str, Json], folder: str) -> Json:
    if node.root is None:
        assert node.of is not None
        value = result(node.of, scope, folder)
    elif node.root in scope:
        value = scope[node.root]
    else:
        raise EvaluationError(f"`{node.root}` is not known at this point of the run")
    for step in node.steps:
        value = _part(value, looked_at(result(step.key, scope, folder)))
    return value


def _part(value: Any, key: Json) -> Any:
    if isinstance(value, Piece):
        return value.part(key)
    if isinstance(value, Mapping):
        return value.get(key) if isinstance(key, str) else None
    if isinstance(value, list) and isinstance(key, int | float) and not isinstance(key, bool):
        return value[int(key)] if key == int(key) and 0 <= key < len(value) else None
    return None


def _called(function: str, arguments: list[Any], folder: str) -> Json:
    match function:
        case "contains":
            return loose.contains(arguments[0], arguments[1])
        case "startsWith":
            return loose.as_text(arguments[0]).upper().startswith(loose.as_text(arguments[1]).upper())
        case "endsWith":
            return loose.as_text(arguments[0]).upper().endswith(loose.as_text(arguments[1]).upper())
        case "format":
            return loose.fill(arguments[0], arguments[1:])
        case "join":
            return loose.join(*arguments)
        case "toJSON":
            return loose.to_json(arguments[0])
        case "fromJSON":
            return loose.from_json(arguments[0])  # type: ignore[no-any-return]  # Json by what it does
        case _:
            assert function == "hashFiles", function
            return digest_of_files(folder, [loose.as_text(argument) for argument in arguments])
