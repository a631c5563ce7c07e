"""GitHub's loose meaning of values: what counts as true, as equal, as a number, as text; and its functions.

The rules are those of actions/runner, `src/Sdk/DTExpressions2` (EvaluationResult.cs and the functions beside it), so
what people know from there holds here: texts are compared without regard to case, null counts as 0, lists and mappings
equal only themselves.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any

from runner.graph.tokens import number_of
from runner.task import Json

_NUMBER = re.compile(r"[-+]?(0x[0-9a-fA-F]+|0o[0-7]+|(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?)", re.ASCII)
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{(\d+)\}|[{}]")


class EvaluationError(Exception):
    """An expression met a value at run time that it cannot work with; the message is for people."""


def truth(value: Json) -> bool:
    """Answer whether a value counts as true: all but false, null, 0 and the empty text."""
    return isinstance(value, list | dict) or bool(value)


def as_text(value: Json) -> str:
    """Write a value into text: null is empty, numbers have at most 15 digits, lists and mappings become JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15G}"
    return json.dumps(value, ensure_ascii=False)


def compare(operator: str, left: Json, right: Json) -> bool:
    """Compare two values as `== != < <= > >=` do."""
    if operator == "==":
        return equal(left, right)
    if operator == "!=":
        return not equal(left, right)
    if operator.endswith("=") and equal(left, right):
        return True
    return _less(left, right) if operator.startswith("<") else _less(right, left)


def equal(left: Json, right: Json) -> bool:
    """Answer whether two values are the same, loosely."""
    left, right = _alike(left, right)
    if isinstance(left, str) and isinstance(right, str):
        return left.upper() == right.upper()
    if isinstance(left, list | dict) or isinstance(right, list | dict):
        return left is right
    return _kind(left) == _kind(right) and left == right


def contains(search: Json, item: Json) -> bool:
    """Answer whether a list holds an equal item, or a text another one, whatever the case."""
    if isinstance(search, list):
        return any(equal(each, item) for each in search)
    return not isinstance(search, dict) and as_text(item).upper() in as_text(search).upper()


def join(values: Json, separator: Json = ",") -> str:
    """Join the items of a list."""
    return as_text(separator).join(as_text(each) for each in values) if isinstance(values, list) else as_text(values)


def fill(pattern: Json, arguments: Sequence[Json]) -> str:
    """Put the arguments in place of `{0}`, `{1}`, ...; `{{` and `}}` are braces.

    Raises:
        EvaluationError: a brace stands alone or a number has no argument.

    """

    def replacement(found: re.Match[str]) -> str:
        if found[0] in ("{{", "}}"):
            return found[0][0]
        if found[1] is None or int(found[1]) >= len(arguments):
            raise EvaluationError(f"format: `{found[0]}` in '{as_text(pattern)}' stands for no argument")
        return as_text(arguments[int(found[1])])

    return _PLACEHOLDER.sub(replacement, as_text(pattern))


def from_json(text: Json) -> Any:
    """Read JSON.

    Raises:
        EvaluationError: it is none.

    """
    try:
        return json.loads(as_text(text), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise EvaluationError(f"fromJSON: the text is not JSON ({error})") from None


def to_json(value: Json) -> str:
    """Write JSON over several lines, two blanks deep, as GitHub does."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _alike(left: Json, right: Json) -> tuple[Json, Json]:
    """Bring two values of different kinds to one: numbers, where that is possible."""
    kinds = _kind(left), _kind(right)
    if kinds[0] == kinds[1]:
        return left, right
    if kinds[0] in ("null", "bool"):
        return _alike(_number(left), right)
    if kinds[1] in ("null", "bool"):
        return _alike(left, _number(right))
    if kinds == ("number", "text"):
        return _alike(left, _number(right))
    if kinds == ("text", "number"):
        return _alike(_number(left), right)
    return left, right


def _less(left: Json, right: Json) -> bool:
    left, right = _alike(left, right)
    if isinstance(left, str) and isinstance(right, str):
        return left.upper() < right.upper()
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left < right
    return False


def _kind(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case int() | float():
            return "number"
        case str():
            return "text"
        case list():
            return "list"
        case dict():
            return "map"


def _number(value: Any) -> int | float:
    """Answer what a null, a truth or a text is worth; NaN where it is no number."""
    if value is None:
        return 0
    if isinstance(value, bool):
        return int(value)
    text = value.strip()
    if not text:
        return 0
    return number_of(text) if _NUMBER.fullmatch(text) else math.nan
