"""What a task was asked to do, as a digest: two attempts with the same one can be compared in time. Knows no result.

Only what a task *does* counts: its function or command with arguments as written, its variables and its folder. Its
needs, limits, retries and words for people may change without the past becoming worthless.
"""

from __future__ import annotations

from enum import Enum
from hashlib import blake2b
from typing import Any

from msgspec import Struct
from msgspec.json import Encoder

from runner.graph.model import Graph, TaskSpec, variables_around
from runner.graph.shells import DEFAULT_SHELL
from runner.graph.values import Expression, Template, Value

_ENCODER = Encoder(order="deterministic")


def definition_of(graph: Graph, spec: TaskSpec) -> str:
    """Answer the digest of what a task does, as it is written: twelve hexadecimal digits.

    It is asked of every task of every run, so expressions go in as they were parsed: nothing is faster.
    """
    home = graph.scopes[spec.scope]
    envs: Value = tuple(variables_around(graph, spec.scope)) if spec.scope else home.env
    said: Value = (spec.uses, spec.arguments, spec.run, spec.env, spec.workdir, envs, home.workdir)
    if spec.shell != DEFAULT_SHELL or spec.env_file or home.env_file:
        said = (*said, spec.shell, spec.env_file, home.env_file)
    return blake2b(_encoded(said), digest_size=6).hexdigest()


def _encoded(said: Value) -> bytes:
    try:
        return _ENCODER.encode(said)
    except UnicodeEncodeError:  # half a surrogate pair is no UTF-8
        return repr(as_written(said)).encode("utf-8", "surrogatepass")


def as_written(value: Value) -> Any:
    """Answer a value with expressions as they are written, which is the same in every version of ours."""
    match value:
        case Expression(source=source):
            return ("${{", source)
        case Template(source=source):
            return ("text", source)
        case Enum():
            return value.name
        case frozenset():
            return sorted(map(as_written, value))
        case Struct():
            return {name: as_written(getattr(value, name)) for name in value.__struct_fields__}
        case dict():
            return {name: as_written(item) for name, item in value.items()}
        case list() | tuple():
            return [as_written(item) for item in value]
        case _:
            return value
