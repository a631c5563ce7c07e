"""The one way in: a file to a Graph that can be run, or every problem it has. Starts nothing."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from msgspec import Struct, field
from msgspec.structs import replace

from runner.errors import GraphError, Problem
from runner.graph.fan_out import is_known_before, opened
from runner.graph.files import GraphFile, Reading, problems_of, warnings_of
from runner.graph.findings import Findings
from runner.graph.items import items_of
from runner.graph.loose import EvaluationError
from runner.graph.model import Graph, Matrix
from runner.graph.params import params_of, resolve_params
from runner.graph.reading import Parsed
from runner.graph.source import Document
from runner.task import Json

__all__ = ["Loaded", "fanned_out_for", "load", "resolve_params"]


class Loaded(Struct, frozen=True, kw_only=True):
    """A graph that can be run, what is odd about it, and its file.

    `digest` is sha256 of its bytes; with `included` files, by group, it is one over the digests of them all.
    """

    graph: Graph
    warnings: tuple[Problem, ...]
    text: str
    digest: str
    document: Document
    expressions: tuple[Parsed, ...] = ()
    included: Mapping[str, Loaded] = field(default_factory=dict)


def load(path: str, kept: str | None = None) -> Loaded:
    """Read and check a graph file; a name that ends in `.json` is read as JSON, any other as YAML.

    `kept` is the folder with a run's copies of included files, None to read them where they are.

    Raises:
        UsageError: there is no such file.
        GraphError: it is wrong; holds everything that is, file by file, each in its order.

    """
    with without_collection():
        file = Reading(kept).read(path)
        problems = problems_of(file)
        if problems:
            raise GraphError(problems)
        included = {group: _loaded(each) for group, each in file.all() if group}
        return replace(_loaded(file), warnings=warnings_of(file), included=included)


def fanned_out_for(loaded: Loaded, params: Mapping[str, Json]) -> tuple[Graph, dict[str, tuple[Json, ...]]]:
    """Answer the graph of a run with these parameters: with the instances that are known before, and their items.

    Raises:
        GraphError: a parameter is no list, or its items cannot be told apart.

    """
    items: dict[str, tuple[Json, ...]] = {}
    problems: dict[Problem, None] = {}
    for scope, file in {"": loaded, **loaded.included}.items():
        findings = Findings(replace(file.document, problems=()))
        own: dict[str, Json] = {"params": params_of(scope, params)}
        for spec in file.graph.tasks.values():
            if spec.fan is not None and not spec.scope and is_known_before(spec):
                try:
                    found = tuple(items_of(spec.fan, own, file.graph.folder))
                    items[f"{scope}.{spec.id}" if scope else spec.id] = found
                except EvaluationError as error:  # a border: the file's author, or whoever gave the parameters
                    key = "matrix" if isinstance(spec.fan, Matrix) else "foreach"
                    findings.at_value(("tasks", spec.id, key), "bad-items", str(error))
        problems |= dict.fromkeys(findings.sorted())
    if problems:
        raise GraphError(tuple(problems))
    return opened(loaded.graph, items), items


@contextmanager
def without_collection() -> Iterator[None]:
    """Keep the garbage collector from walking, again and again, over a large graph that is only growing.

    What there is in the end counts as old: else the very next object would have all of it walked over after all.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            if gc.get_freeze_count() == 0:  # else it is somebody else's, and not ours to thaw
                gc.freeze()
                gc.unfreeze()
            gc.enable()


def _loaded(file: GraphFile) -> Loaded:
    assert file.graph is not None, "nothing is wrong with it"
    return Loaded(
        graph=replace(file.graph, digest=file.whole_digest),
        warnings=(),
        text=file.document.source.text,
        digest=file.whole_digest,
        document=file.document,
        expressions=file.expressions,
    )
