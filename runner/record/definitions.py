"""What is different in the definitions of two graphs, key by key, in the words of the graph file. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from msgspec import Struct

from runner.graph.model import Graph
from runner.graph.values import Expression, Template
from runner.record.report import Change
from runner.task import Json

WORDS: Mapping[str, str] = {"arguments": "with", "condition": "if", "claims": "pools", "ready": "ready"}
"""Keys of the graph file where our name for the field is another."""
ELSEWHERE = frozenset({"id", "index", "where", "title", "desc"})
"""Fields that change nothing about what happens."""
OF_THE_GRAPH = ("env", "env_file", "secrets", "workdir", "workers", "pools", "rates", "fail_fast", "deadline")
"""Keys at the root of a graph that are compared."""
HIDDEN = "•••"
"""Stands for what a variable that is called a secret was set to."""


def definition_changes(old: Graph, new: Graph) -> Iterator[Change]:
    """Answer each key of the graph, and of the tasks and services that are in both, that is another one now."""
    secret = frozenset({*old.secrets, *new.secrets})
    for name in OF_THE_GRAPH:
        yield from _changed(None, name, getattr(old, name), getattr(new, name), secret)
    for nodes, others in ((old.services, new.services), (old.tasks, new.tasks)):
        for name, spec in others.items():
            if name in nodes:
                yield from _spec_changes(nodes[name], spec, secret)


# -- the helpers -------------------------------------------------------------------------------------------------------


def _spec_changes(old: Struct, new: Any, secret: frozenset[str]) -> Iterator[Change]:
    hidden = secret | {*getattr(old, "secrets", ()), *getattr(new, "secrets", ())}
    for name in old.__struct_fields__:
        if name not in ELSEWHERE:
            yield from _changed(new.id, WORDS.get(name, name), getattr(old, name), getattr(new, name), hidden)


def _changed(task: str | None, name: str, old: Any, new: Any, secret: frozenset[str]) -> Iterator[Change]:
    """Answer a difference of one key, of a mapping each of its own keys by itself."""
    one, other = _plain(old), _plain(new)
    if one == other:
        return
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in dict.fromkeys((*one, *other)):
            if one.get(key) != other.get(key):
                hide = name == "env" and key in secret
                before, after = (HIDDEN if hide else each.get(key) for each in (one, other))
                yield Change(kind="definition", task=task, name=f"{name}.{key}", before=before, after=after)
    else:
        yield Change(kind="definition", task=task, name=name, before=one, after=other)


def _plain(value: Any) -> Json:
    match value:
        case Expression(source=source):
            return f"${{{{ {source} }}}}"
        case Template(source=source):
            return source
        case Enum():
            return str(value.name).lower()
        case Struct():
            return {name: _plain(getattr(value, name)) for name in value.__struct_fields__ if name not in ELSEWHERE}
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case frozenset():
            return sorted((_plain(item) for item in value), key=str)
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return value  # type: ignore[no-any-return]  # Value is Any at the JSON border
