"""Which files a run of a graph rests upon, and which of them look otherwise than before. Reads no content.

The same files count as in a result's key (`keeping`): the graph, files of variables, the modules of functions, sources,
what `hashFiles`, `foreach` over files and parameters of type `path` name. What a task makes is left out, or each run
would be the reason for the next.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct

from runner.files import met
from runner.graph.digests import files_met
from runner.graph.expression import Literal
from runner.graph.model import Foreach, Graph
from runner.graph.values import functions_called
from runner.keeping import Keys
from runner.task import Json

WILD = "*?["
Patterns: TypeAlias = tuple[str, tuple[str, ...]]


class Inputs(Struct, frozen=True, kw_only=True):
    """Files by name, and patterns of files behind the folder they are looked for in; `made` are left out of both.

    `listed` are patterns of expressions and of `foreach`, which are read by a rule of their own, GitHub's.
    """

    files: frozenset[str]
    patterns: frozenset[Patterns] = frozenset()
    listed: frozenset[Patterns] = frozenset()
    made: frozenset[Patterns] = frozenset()


class Look(Struct, frozen=True):
    """How a file looks from outside: bytes, nanoseconds, inode."""

    size: int
    modified: int
    inode: int


class Changes(Struct, frozen=True, kw_only=True):
    """The files that look otherwise than before, by what happened to them, sorted."""

    changed: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.changed or self.new or self.gone)

    @property
    def all(self) -> frozenset[str]:
        """Answer every one of them."""
        return frozenset((*self.changed, *self.new, *self.gone))


def inputs_of(graph: Graph, keys: Keys, params: Mapping[str, Json], started_in: str) -> Inputs:
    """Answer what a run of a graph with these parameters rests upon."""
    files = {os.path.join(started_in, graph.file)}  # noqa: PTH118  # as text
    files |= {os.path.join(started_in, path) for path in _given(graph, params)}  # noqa: PTH118  # the same
    files |= {os.path.join(folder, name) for folder, name in _beside(graph)}  # noqa: PTH118  # the same
    modules = {(task.uses.partition(":")[0], task.scope) for task in graph.tasks.values() if task.uses}
    files |= {str(file) for name, scope in modules if (file := keys.file_of(name, scope)) is not None}
    patterns = {(keys.folder_of(task), task.sources) for task in graph.tasks.values() if task.sources}
    made = {(keys.folder_of(task), task.generates) for task in graph.tasks.values() if task.generates}
    listed = set(_listed(graph))
    return Inputs(files=frozenset(files), patterns=frozenset(patterns), listed=frozenset(listed), made=frozenset(made))


def looks_of(inputs: Inputs) -> dict[str, Look]:
    """Answer how each file of these looks now; what is not there is not among them."""
    listed = {os.path.join(folder, name) for folder, each in inputs.listed for name in files_met(folder, each)}  # noqa: PTH118  # thousands of them
    names = {*inputs.files, *_met(inputs.patterns), *listed} - {*_met(inputs.made)}
    return {name: look for name in names if (look := _look(name)) is not None}


def changes(before: Mapping[str, Look], now: Mapping[str, Look]) -> Changes:
    """Answer what is otherwise."""
    return Changes(
        changed=tuple(sorted(name for name in now if name in before and before[name] != now[name])),
        new=tuple(sorted(now.keys() - before.keys())),
        gone=tuple(sorted(before.keys() - now.keys())),
    )


def folders_of(inputs: Inputs) -> tuple[frozenset[str], frozenset[str]]:
    """Answer the folders in which changes can be seen: those in which files lie, and those with all that is below."""
    flat = {str(Path(name).parent) for name in inputs.files}
    deep: set[str] = set()
    for folder, patterns in inputs.patterns | inputs.listed:
        for pattern in patterns:
            if not pattern.startswith("!"):
                _add(Path(folder), pattern, flat, deep)
    return frozenset(filter(os.path.isdir, flat)), frozenset(filter(os.path.isdir, deep))


# -- the helpers -------------------------------------------------------------------------------------------------------


def _given(graph: Graph, params: Mapping[str, Json]) -> Iterator[str]:
    for spec in graph.params.values():
        path = params.get(spec.name)
        if spec.type == "path" and isinstance(path, str) and path:
            yield path


def _beside(graph: Graph) -> Iterator[tuple[str, str]]:
    """Yield the files that lie beside a file of the graph, each behind its folder: those included, and of variables."""
    for group in graph.groups.values():
        yield graph.scopes[group.scope].folder, group.file
    for home in graph.scopes.values():
        for name in home.env_file:
            yield home.folder, name
    for task in graph.tasks.values():
        for name in task.env_file:
            yield graph.scopes[task.scope].folder, name


def _listed(graph: Graph) -> Iterator[Patterns]:
    for task in graph.tasks.values():
        folder = graph.scopes[task.scope].folder
        if isinstance(task.fan, Foreach) and task.fan.files:
            yield folder, task.fan.files
        for call in (*functions_called(task.arguments), *functions_called(task.env)):
            if call.function == "hashFiles":
                yield folder, tuple(str(each.value) for each in call.arguments if isinstance(each, Literal))


def _met(patterns: frozenset[Patterns]) -> Iterator[str]:
    for folder, each in patterns:
        for name in met(folder, each):
            yield os.path.join(folder, name)  # noqa: PTH118  # thousands of them


def _look(name: str) -> Look | None:
    try:
        found = os.stat(name)  # noqa: PTH116  # thousands of them
    except OSError:  # a border: the files are the user's
        return None
    return Look(found.st_size, found.st_mtime_ns, found.st_ino)


def _add(folder: Path, pattern: str, flat: set[str], deep: set[str]) -> None:
    """Enter where the files of a pattern lie: the folder before its first `*`, and what is below where it goes on."""
    parts = Path(pattern).parts
    fixed = next((number for number, part in enumerate(parts) if any(sign in part for sign in WILD)), len(parts))
    base = folder.joinpath(*parts[:fixed])
    if fixed == len(parts):  # a file, or a folder with everything in it
        (deep if base.is_dir() else flat).add(str(base if base.is_dir() else base.parent))
    elif fixed == len(parts) - 1 and parts[-1] != "**":
        flat.add(str(base))
    else:
        deep.add(str(base))
