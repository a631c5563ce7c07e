"""The one way in: a file to a Graph that can be run, or every problem it has. Starts nothing."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from msgspec import Struct
from msgspec.structs import replace

from runner.errors import GraphError, Problem
from runner.graph.build import graph_of
from runner.graph.fan_out import is_known_before, opened
from runner.graph.file import read_document
from runner.graph.findings import Findings
from runner.graph.items import items_of
from runner.graph.keys import ROOT
from runner.graph.loose import EvaluationError
from runner.graph.model import Graph, Matrix
from runner.graph.names import check_names
from runner.graph.params import resolve_params
from runner.graph.reading import Parsed, Reader
from runner.graph.rules import check_rules, warnings
from runner.graph.scalars import BAD
from runner.graph.source import Document
from runner.task import Json

__all__ = ["Loaded", "fanned_out_for", "load", "resolve_params"]


class Loaded(Struct, frozen=True, kw_only=True):
    """A graph that can be run, what is odd about it, and its file; `digest` is sha256 of the bytes."""

    graph: Graph
    warnings: tuple[Problem, ...]
    text: str
    digest: str
    document: Document
    expressions: tuple[Parsed, ...] = ()


def load(path: str) -> Loaded:
    """Read and check a graph file; a name that ends in `.json` is read as JSON, any other as YAML.

    Raises:
        UsageError: there is no such file.
        GraphError: it is wrong; holds everything that is, in the order of the file.

    """
    with without_collection():
        return _loaded(path)


def fanned_out_for(loaded: Loaded, params: Mapping[str, Json]) -> tuple[Graph, dict[str, tuple[Json, ...]]]:
    """Answer the graph of a run with these parameters: with the instances that are known before, and their items.

    Raises:
        GraphError: a parameter is no list, or its items cannot be told apart.

    """
    findings = Findings(replace(loaded.document, problems=()))
    items: dict[str, tuple[Json, ...]] = {}
    for spec in loaded.graph.tasks.values():
        if spec.fan is not None and is_known_before(spec):
            try:
                items[spec.id] = tuple(items_of(spec.fan, {"params": dict(params)}, loaded.graph.folder))
            except EvaluationError as error:  # a border: the file's author, or whoever gave the parameters
                key = "matrix" if isinstance(spec.fan, Matrix) else "foreach"
                findings.at_value(("tasks", spec.id, key), "bad-items", str(error))
    if problems := findings.sorted():
        raise GraphError(problems)
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


def _loaded(path: str) -> Loaded:
    document, digest = read_document(path)
    findings = Findings(document)
    reader = Reader(findings)
    fields = reader.read(ROOT, document.data, ())
    if fields is BAD:
        raise GraphError(findings.sorted())
    graph = graph_of(fields, findings, digest)
    _hide_secrets(graph, findings)
    check_rules(graph, findings)
    check_names(graph, reader.parsed, findings)
    problems = findings.sorted()
    if problems:
        raise GraphError(problems)
    return Loaded(
        graph=graph,
        warnings=warnings(graph, findings),
        text=document.source.text,
        digest=digest,
        document=document,
        expressions=tuple(reader.parsed),
    )


def _hide_secrets(graph: Graph, findings: Findings) -> None:
    """Keep values out of what is said that stand in the file although their variables are secret."""
    secret = {*graph.secrets, *(name for task in graph.tasks.values() for name in task.secrets)}
    services, tasks = graph.services.values(), graph.tasks.values()
    for env in (graph.env, *(each.env for each in services), *(each.env for each in tasks)):
        for name in secret & env.keys():
            if isinstance(env[name], str):
                findings.keep_out(env[name])
