"""What a task is done for: the items of a `foreach`, the combinations of a `matrix`, and what each is called. Pure.

Only patterns of files look outside. Knows no graph and no run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import product
from pathlib import Path
from typing import Any

from runner.graph.digests import files_met
from runner.graph.loose import EvaluationError, as_text
from runner.graph.model import Foreach, Matrix
from runner.graph.pieces import looked_into
from runner.graph.values import Expression, Template, evaluate
from runner.task import Json

LONGEST_NAME = 60
"""Characters of an item's name; a longer one is cut and told by a digest."""
CALLED = ("name", "id")
"""Keys whose value is what a mapping is called by."""
RESERVED = ("include", "exclude")
"""Keys of a `matrix` that are no axes."""


def items_of(fan: Matrix | Foreach, scope: Mapping[str, Json], folder: str) -> list[Json]:
    """Answer what a task is done for, in order; patterns of files are met from `folder`.

    Raises:
        EvaluationError: it is no list, holds what cannot be told apart, or an expression cannot be evaluated.

    """
    match fan:
        case Foreach(files=files) if files:
            found: list[Json] = [str(Path(folder, name).absolute()) for name in files_met(folder, files)]
        case Foreach(items=items):
            found = _listed(looked_into(evaluate(items, scope, folder=folder)), "`foreach`", _written(items))
        case Matrix():
            found = [*_combinations(fan, scope, folder)]
    names_of(fan, found, folder)
    return found


def names_of(fan: Matrix | Foreach, items: Sequence[Json], folder: str) -> list[str]:
    """Answer what each item is called.

    Raises:
        EvaluationError: two are called the same.

    """
    axes = fan.axes if isinstance(fan, Matrix) and isinstance(fan.axes, Mapping) else {}
    root = str(Path(folder).absolute()) + "/" if isinstance(fan, Foreach) and fan.files else None
    found: dict[str, int] = {}
    for place, item in enumerate(items):
        name = name_of(item, axes) if root is None else _short(_plain(str(item).removeprefix(root)))
        earlier = found.setdefault(name, place)
        if earlier != place:
            same = "the same" if items[earlier] == item else "not the same, and a `name` of their own would tell them"
            raise EvaluationError(f"items {earlier + 1} and {place + 1} are both called `{name}`; they are {same}")
    return list(found)


def name_of(item: Json, axes: Iterable[str] = ()) -> str:
    """Answer what one item is called; a combination by its values of the `axes`, where it has them all."""
    return _short(_plain(_spelled(item, list(axes))))


def combined(
    axes: Mapping[str, Sequence[Json]], exclude: Sequence[Any], include: Sequence[Any]
) -> list[dict[str, Json]]:
    """Answer the combinations of a matrix: all of the axes, but for those excluded, then what is included.

    An entry of `include` is added to every combination whose axes it leaves alone; if there is none it is one itself.
    Source: GitHub, Workflow syntax, jobs.<job_id>.strategy.matrix.include.
    """
    every = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())] if axes else []
    every = [each for each in every if not any(meets(entry, each) for entry in exclude)]
    plain, alone = [dict(each) for each in every], list[dict[str, Json]]()
    for entry in include:
        own = {name: value for name, value in entry.items() if name in axes}
        fitting = [place for place, each in enumerate(plain) if meets(own, each)]
        for place in fitting:
            every[place].update(entry)
        if not fitting:
            alone.append(dict(entry))
    return [*every, *alone]


def meets(entry: Mapping[str, Json], combination: Mapping[str, Json]) -> bool:
    """Say whether a combination has all the values of an entry."""
    return all(name in combination and _same(combination[name], value) for name, value in entry.items())


# -- the helpers -------------------------------------------------------------------------------------------------------


def _combinations(fan: Matrix, scope: Mapping[str, Json], folder: str) -> Iterator[Json]:
    whole: Any = evaluate(fan.axes, scope, folder=folder)
    if not isinstance(whole, Mapping):
        raise EvaluationError(f"`matrix` must be a mapping from names to lists, not {_kind(whole)}")
    told = {**whole, **({} if isinstance(fan.axes, Expression) else {"include": fan.include, "exclude": fan.exclude})}
    include, exclude = (_entries(name, evaluate(list(told.get(name) or ()), scope, folder=folder)) for name in RESERVED)
    axes = {
        name: _listed(looked_into(values), f"`matrix.{name}`", _written(fan.axes, name))
        for name, values in told.items()
        if name not in RESERVED
    }
    yield from combined(axes, exclude, include)


def _entries(name: str, entries: Any) -> list[Any]:
    for entry in entries:
        if not isinstance(entry, Mapping):
            raise EvaluationError(f"`matrix.{name}` holds mappings, not {_kind(entry)}")
    return list(entries)


def _listed(value: Any, what: str, written: str) -> list[Json]:
    if isinstance(value, list):
        return value
    told = f"{written} is " if written else ""
    raise EvaluationError(f"{what} must be a list: {told}{_kind(value)}")


def _written(value: Any, name: str = "") -> str:
    inner = value.get(name) if name and isinstance(value, Mapping) else value
    return f"`{inner.source}`" if isinstance(inner, Expression | Template) else ""


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a truth"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case Mapping():
            return "a mapping"
        case _:
            return "a list"


def _same(one: Json, other: Json) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _spelled(item: Any, axes: Sequence[str]) -> str:
    match item:
        case None:
            return "null"
        case "":
            return "''"
        case Mapping():
            called = next((item[key] for key in CALLED if not axes and isinstance(item.get(key), str | int)), None)
            if called is not None:
                return as_text(called)
            values = [item[name] for name in axes] if axes and item.keys() >= set(axes) else list(item.values())
            return ",".join(_spelled(value, ()) for value in values)
        case list():
            return json.dumps(item, ensure_ascii=False, separators=(",", ":"))
        case _:
            return as_text(item)


def _plain(text: str) -> str:
    """Write characters that no terminal should get by their numbers."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else f"%{ord(each):02X}" for each in text)


def _short(text: str) -> str:
    if len(text) <= LONGEST_NAME:
        return text
    return f"{text[: LONGEST_NAME - 9]}~{blake2b(text.encode(errors='surrogatepass'), digest_size=4).hexdigest()}"
