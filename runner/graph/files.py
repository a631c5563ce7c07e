"""A graph file and all that it includes: each is read and checked by itself, then they are put together.

An included file is found from the folder of the one that names it. A run keeps a copy of each, called after its group;
there the same files are read from `kept`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath

from msgspec import Struct
from msgspec.structs import replace

from runner.errors import GraphError, Problem, UsageError
from runner.graph.build import graph_of
from runner.graph.compose import joined, tied
from runner.graph.file import read_document
from runner.graph.findings import Findings
from runner.graph.handing import check_includes
from runner.graph.keys import ROOT
from runner.graph.model import Graph, Group
from runner.graph.names import check_names
from runner.graph.reading import Parsed, Reader
from runner.graph.rules import check_rules, warnings
from runner.graph.scalars import BAD
from runner.graph.source import Document

DEEPEST = 20
"""How many files may include each other, one inside the other."""
MOST = 1000
"""How many groups a graph may be put together from."""


class GraphFile(Struct, frozen=True, kw_only=True):
    """One file that was read: its graph with all it includes, None where that could not be made out.

    `identity` tells it from others however it is named; `inner` are the files it includes, by group. `digest` is
    sha256 of its bytes. `problems` are its own, `lost` those of included files that could not be read at all.
    """

    identity: str
    document: Document
    digest: str
    expressions: tuple[Parsed, ...]
    problems: tuple[Problem, ...]
    lost: tuple[Problem, ...]
    graph: Graph | None
    inner: Mapping[str, GraphFile]

    def all(self, group: str = "") -> Iterator[tuple[str, GraphFile]]:
        """Answer this file and all inside of it by their groups, an outer one before those it includes."""
        yield group, self
        for name, file in self.inner.items():
            yield from file.all(f"{group}.{name}" if group else name)

    @property
    def whole_digest(self) -> str:
        """The digest of this file and of all it includes."""
        if not self.inner:
            return self.digest
        lines = "".join(f"{group} {file.digest}\n" for group, file in self.all())
        return hashlib.sha256(lines.encode()).hexdigest()


class Reading:
    """Reads a file and those it includes; each is looked at once, however often it is included."""

    def __init__(self, kept: str | None = None) -> None:
        """`kept` is the folder where a run keeps its copies of included files, None where they are read in place."""
        self._kept = kept
        self._known: dict[str, GraphFile | GraphError] = {}

    def read(self, path: str, group: str = "", around: tuple[str, ...] = ()) -> GraphFile:
        """Read a file as the file of a group; `around` are those that include it.

        Raises:
            UsageError: there is no such file.
            GraphError: it cannot be read, or not as YAML or JSON.

        """
        identity = _real(path)
        if identity not in self._known:
            try:
                self._known[identity] = self._looked_at(path, identity, group, around)
            except GraphError as error:
                self._known[identity] = error
        known = self._known[identity]
        if isinstance(known, GraphError):
            raise known
        return known

    # -- the helpers -----------------------------------------------------------------------------------------------

    def _looked_at(self, path: str, identity: str, group: str, around: tuple[str, ...]) -> GraphFile:
        document, digest = read_document(path)
        findings = Findings(document)
        reader = Reader(findings)
        fields = reader.read(ROOT, document.data, ())
        graph, inner = None, dict[str, GraphFile]()
        lost: list[Problem] = []
        if fields is not BAD:
            own = graph_of(fields, findings, digest)
            hide_secrets(own, findings)
            inner = {
                name: file
                for name, each in own.groups.items()
                if (file := self._included(each, group, (*around, identity), findings, lost)) is not None
            }
            graph = _put_together(own, inner, reader.parsed, findings)
        return GraphFile(
            identity=identity,
            document=document,
            digest=digest,
            expressions=tuple(reader.parsed),
            problems=findings.sorted(),
            lost=tuple(lost),
            graph=graph,
            inner=inner,
        )

    def _included(
        self, entry: Group, group: str, around: tuple[str, ...], findings: Findings, lost: list[Problem]
    ) -> GraphFile | None:
        """Read the file of one include; None, and a problem, where that is not possible."""
        if not entry.file:
            return None
        name = f"{group}.{entry.id}" if group else entry.id
        path = self._path(findings.document.source.file, entry.file, name)
        where = ("include", entry.id, "file") if _is_mapping(findings, entry.id) else ("include", entry.id)
        if _real(path) in around:
            by = "" if _real(path) == around[-1] else f", by way of {findings.document.source.file}"
            message = f"{path} includes itself{by}"
            findings.at_value(where, "include-cycle", message, hint="move what both need into a file of its own")
        elif len(around) > DEEPEST:
            findings.at_value(where, "too-deep", f"this file lies deeper than {DEEPEST} files in each other")
        else:
            try:
                return self.read(path, name, around)
            except UsageError as error:  # a border: the file's author
                message, _, hint = str(error).partition("; ")
                findings.at_value(where, "no-such-file", message, hint=hint)
            except GraphError as error:
                lost += [each for each in error.problems if each.where is not None]
                for each in (each for each in error.problems if each.where is None):
                    findings.at_value(where, each.code, each.message, hint=each.hint)
        return None

    def _path(self, outer: str, written: str, group: str) -> str:
        if self._kept is not None:
            return str(FilePath(self._kept, kept_name(group, written)))
        return str(FilePath(outer).parent / written)


def kept_name(group: str, file: str) -> str:
    """Answer what the copy is called that a run keeps of an included file."""
    return f"{group}{'.json' if file.endswith('.json') else '.yaml'}"


def problems_of(file: GraphFile) -> tuple[Problem, ...]:
    """Answer what is wrong with a file and all it includes, file by file, each once."""
    return tuple(dict.fromkeys(problem for _, each in file.all() for problem in (*each.problems, *each.lost)))


def warnings_of(file: GraphFile) -> tuple[Problem, ...]:
    """Answer what is odd about a file and all it includes, where nothing is wrong."""
    found: dict[Problem, None] = {}
    for group, each in file.all():
        assert each.graph is not None, "nothing is wrong"
        odd = warnings(each.graph, Findings(each.document))
        found |= dict.fromkeys((*odd, *(_only_alone(each) if group else ())))
    return tuple(found)


def hide_secrets(graph: Graph, findings: Findings) -> None:
    """Keep values out of what is said that stand in the file although their variables are secret."""
    secret = {*graph.secrets, *(name for task in graph.tasks.values() for name in task.secrets)}
    services, tasks = graph.services.values(), graph.tasks.values()
    for env in (graph.env, *(each.env for each in services), *(each.env for each in tasks)):
        for name in secret & env.keys():
            if isinstance(env[name], str):
                findings.keep_out(env[name])


def _put_together(own: Graph, inner: Mapping[str, GraphFile], parsed: list[Parsed], findings: Findings) -> Graph:
    graphs = {name: file.graph for name, file in inner.items() if file.graph is not None}
    graph = joined(own, graphs)
    if sum(len(each.groups) + 1 for each in graphs.values()) > MOST:
        findings.at_key(("include",), "too-big", f"with all that these include, there are more than {MOST} files")
    check_rules(graph, findings)
    check_includes(own, graphs, graph, findings)
    check_names(graph, parsed, findings)
    return graph if findings.any else tied(graph)


def _only_alone(file: GraphFile) -> Iterator[Problem]:
    """Warn of what a file says about a whole run, of which it is only a part where it is included."""
    data, source = file.document.data, file.document.source
    for key in ("fail_fast", "deadline"):
        if isinstance(data, dict) and data.get(key):
            message = f"`{key}` counts where this file is run by itself, not where it is included"
            problem = source.problem("only-alone", message, file.document.key((key,)))
            yield replace(problem, severity="warning")


def _is_mapping(findings: Findings, name: str) -> bool:
    data = findings.document.data
    return isinstance(data, dict) and isinstance(data["include"][name], dict)


def _real(path: str) -> str:
    return path if "\0" in path else os.path.realpath(path)  # no file has such a name, as reading it will say
