"""`matrix` and `foreach` of the graph file, read and judged as far as they are written out. Knows no other key.

What is read from parameters or needs is judged when it is known (`items`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from runner.graph.findings import Findings
from runner.graph.items import RESERVED, combined, meets, name_of
from runner.graph.loose import as_text
from runner.graph.model import Foreach, Matrix
from runner.graph.scalars import BAD, compiled, wrong
from runner.graph.shape import Text
from runner.graph.source import Path
from runner.graph.values import Expression, Template, Value, is_plain
from runner.task import Json

AXIS = Text(
    what="the name of an axis",
    pattern=r"[A-Za-z_][A-Za-z0-9_-]*",
    code="bad-name",
    hint="use letters, digits, `_` and `-`, and begin with no digit",
)
_LIST = "a list, an expression that answers one, or `{files: …}`"
_GLOB = re.compile(r"[*?\[]")

Read = Callable[[Json, Path], Value]
"""Reads a value with expressions in any text."""


def read_foreach(data: Json, path: Path, read: Read, findings: Findings) -> Any:
    """Read a `foreach`; `BAD` if it is none."""
    if isinstance(data, dict):
        return _files(data, path, findings)
    if isinstance(data, str):
        value = _lone(data, path, read, findings, _LIST)
        return BAD if value is BAD else Foreach(items=value)
    if not isinstance(data, list):
        return wrong(path, _LIST, data, findings)
    if not data:
        findings.at_value(path, "nothing-to-do", "there is no item in `foreach`, so there is nothing to do")
        return BAD
    values = [read(item, (*path, place)) for place, item in enumerate(data)]
    _twice(values, path, findings)
    return Foreach(items=values)


def read_matrix(data: Json, path: Path, read: Read, findings: Findings) -> Any:
    """Read a `matrix`; `BAD` if it is none."""
    if isinstance(data, str):
        value = _lone(data, path, read, findings, "a mapping from names to lists")
        return BAD if value is BAD else Matrix(axes=value)
    if not isinstance(data, dict):
        return wrong(path, "a mapping from names to lists", data, findings)
    axes = {
        name: _axis(name, values, (*path, name), read, findings)
        for name, values in data.items()
        if name not in RESERVED
    }
    include, exclude = (_entries(data.get(name), (*path, name), read, findings) for name in RESERVED)
    if BAD in axes.values() or include is BAD or exclude is BAD:
        return BAD
    if not axes and not include:
        findings.at_value(path, "nothing-to-do", "there is no axis in `matrix`, so there is nothing to do")
        return BAD
    _judge(axes, include, exclude, path, findings)
    return Matrix(axes=axes, include=include, exclude=exclude)


# -- the helpers -------------------------------------------------------------------------------------------------------


def _files(data: dict[str, Json], path: Path, findings: Findings) -> Any:
    for name in data:
        if name != "files":
            hint = findings.near(name, ("files",)) or "write a list, or `files:` with patterns"
            findings.at_key((*path, name), "unknown-key", f"there is no key `{name}` in `foreach`", hint=hint)
    given = data.get("files")
    if "files" not in data:
        return BAD
    patterns = [given] if isinstance(given, str) else given
    if not isinstance(patterns, list) or not all(isinstance(each, str) for each in patterns):
        return wrong((*path, "files"), "a pattern of files, or a list of them", given, findings)
    if not any(patterns):
        findings.at_value(
            (*path, "files"), "nothing-to-do", "there is no pattern in `files`, so there is nothing to do"
        )
        return BAD
    for place, each in enumerate(patterns):
        if "${{" in each:
            where = (*path, "files") if isinstance(given, str) else (*path, "files", place)
            hint = "let a task find the files, and read its output"
            message = "expressions are not filled in here"
            findings.inside(where, (each.index("${{"), 3), "expression-not-here", message, hint=hint)
            return BAD
    return Foreach(files=tuple(patterns))


def _lone(text: str, path: Path, read: Read, findings: Findings, wanted: str) -> Any:
    """Read a text that has to be one expression and nothing beside it."""
    value = read(text, path)
    if value is None:
        return BAD
    match value:
        case Expression():
            return value
        case Template():
            hint = "give nothing but the expression: only that keeps its type"
        case _ if text.startswith(("params.", "needs.")):
            hint = f"write `${{{{ {text} }}}}`"
        case _ if _GLOB.search(text):
            hint = f"write `{{files: '{text}'}}`"
        case _:
            hint = f"write `[{text}]`"
    return wrong(path, wanted, text, findings, hint=hint)


def _axis(name: str, values: Json, path: Path, read: Read, findings: Findings) -> Any:
    if not compiled(AXIS.pattern).fullmatch(name):
        findings.at_key(path, AXIS.code, f"`{name}` cannot be {AXIS.what}", hint=AXIS.hint)
    if isinstance(values, str) and "${{" in values:
        return _lone(values, path, read, findings, "a list of values")
    if not isinstance(values, list):
        hint = f"write `[{as_text(values)}]`" if isinstance(values, str | int | float) else ""
        return wrong(path, "a list of values", values, findings, hint=hint)
    if not values:
        findings.at_value(path, "nothing-to-do", f"there is no value in `{name}`, so there is nothing to do")
        return BAD
    found = [read(value, (*path, place)) for place, value in enumerate(values)]
    _twice(found, path, findings)
    return found


def _entries(data: Json, path: Path, read: Read, findings: Findings) -> Any:
    if data is None:
        return ()
    if not isinstance(data, list):
        return wrong(path, "a list of mappings", data, findings, hint="write `- ` before it")
    for place, entry in enumerate(data):
        if not isinstance(entry, dict):
            return wrong((*path, place), "a mapping from axes to values", entry, findings)
    return tuple(read(entry, (*path, place)) for place, entry in enumerate(data))


def _twice(values: Sequence[Value], path: Path, findings: Findings) -> None:
    """Report items that are called the same, as far as they are written out."""
    seen: dict[str, int] = {}
    for place, value in enumerate(values):
        if not is_plain(value):
            continue
        name = name_of(value)
        if name in seen:
            source, document = findings.document.source, findings.document
            related = (source.related("the other one", document.value((*path, seen[name]))),)
            where = document.value((*path, place))
            hint = "" if values[seen[name]] == value else "give each a `name` of its own"
            findings.at(where, "duplicate-item", f"two are called `{name}`", related=related, hint=hint)
        seen.setdefault(name, place)


def _judge(
    axes: Mapping[str, Any], include: Sequence[Any], exclude: Sequence[Any], path: Path, findings: Findings
) -> None:
    """Report what `exclude` leaves, as far as it is written out."""
    for place, entry in enumerate(exclude):
        for name in entry:
            if name not in axes:
                hint = findings.near(name, axes) or f"the axes are {', '.join(axes)}"
                where = (*path, "exclude", place, name)
                findings.at_key(where, "unknown-name", f"there is no axis `{name}` in this matrix", hint=hint)
    if not all(map(is_plain, axes.values())) or not is_plain(list(exclude)):
        return
    every = combined(axes, (), ())
    for place, entry in enumerate(exclude):
        if entry.keys() <= axes.keys() and not any(meets(entry, each) for each in every):
            told = ", ".join(f"{name} is {as_text(value)}" for name, value in entry.items())
            message = f"there is no combination in which {told}, so this excludes nothing"
            findings.at_value((*path, "exclude", place), "excludes-nothing", message)
    if not combined(axes, exclude, include):
        message = "`exclude` leaves no combination, so there is nothing to do"
        findings.at_value((*path, "exclude"), "nothing-to-do", message)
