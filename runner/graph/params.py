"""Parameters of a graph: what their types may hold, and their values for one run. Knows no file."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path as FilePath

from runner.errors import GraphError, Problem
from runner.graph.loose import as_text
from runner.graph.model import NOT_HANDED, Graph, ParamSpec
from runner.graph.near import nearest
from runner.graph.quantities import duration_meant, seconds, size, size_meant
from runner.graph.values import EvaluationError, evaluate, is_plain
from runner.task import Json

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/]\S*")
_WHOLE = re.compile(r"[-+]?[0-9]+")
_PASSWORD = re.compile(r"(?<=://)[^/@\s]*@")


class UnfitError(ValueError):
    """A value does not fit the type of its parameter; `hint` may help."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def resolve_params(graph: Graph, given: Mapping[str, Json]) -> dict[str, Json]:
    """Answer the value of every parameter: as given, else its default. A text is read by the parameter's type.

    Durations become seconds, sizes bytes. A path becomes absolute: a default lies beside its graph file, one that an
    include hands over beside the including file, a given one where the command was started.

    Raises:
        GraphError: a name is unknown, a required one is missing, a value does not fit.

    """
    problems = [_unknown(name, graph) for name in given if name not in graph.params]
    values: dict[str, Json] = {}
    for name, spec in graph.params.items():
        try:
            values[name] = _value(graph, spec, given, values)
        except UnfitError as error:
            handed = name not in given and spec.handed is not NOT_HANDED
            code = "bad-param" if handed or name in given else "missing-param"
            where = graph.groups[spec.scope].where if handed else spec.where
            problems.append(Problem(code=code, message=str(error), where=where, hint=error.hint))
    if problems:
        raise GraphError(problems)
    return values


def fit(kind: str, data: Json) -> Json:
    """Answer plain data as a value of a type; a text is read, as on the command line.

    Raises:
        UnfitError: it is no such value.

    """
    if isinstance(data, str):
        return _from_text(kind, data)
    fits: Mapping[str, bool] = {
        "integer": isinstance(data, int) and not isinstance(data, bool),
        "number": isinstance(data, int | float) and not isinstance(data, bool),
        "boolean": isinstance(data, bool),
        "list": isinstance(data, list),
        "map": isinstance(data, dict),
    }
    if fits.get(kind, False):
        return data
    numeric = isinstance(data, int | float) and not isinstance(data, bool)
    hint = "put it in quotes" if kind == "string" and numeric else ""
    if kind in ("duration", "size") and numeric:
        hint = "write a unit: `30s`" if kind == "duration" else "write a unit: `512MiB`"
    raise UnfitError(f"must be {_ARTICLES[kind]}, not {_shown(data)}", hint)


_ARTICLES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "`true` or `false`",
    "path": "a path",
    "url": "a URL",
    "duration": "a duration such as `30s`",
    "size": "a size such as `512MiB`",
    "list": "a list",
    "map": "a mapping",
}


def params_of(scope: str, values: Mapping[str, Json]) -> dict[str, Json]:
    """Answer the parameters of one file by the names it has for them, from those of the whole run."""
    if not scope:
        return {name: value for name, value in values.items() if "." not in name}
    begin = f"{scope}."
    own = {name.removeprefix(begin): value for name, value in values.items() if name.startswith(begin)}
    return {name: value for name, value in own.items() if "." not in name}


def _value(graph: Graph, spec: ParamSpec, given: Mapping[str, Json], values: Mapping[str, Json]) -> Json:
    if spec.name in given:
        return _fitting(spec, given[spec.name], ".")
    if spec.handed is not NOT_HANDED:
        return _handed(graph, spec, values)
    if spec.required:
        raise UnfitError(f"the parameter `{spec.name}` needs a value", f"give it with `-p {spec.name}=…`")
    return _absolute(graph.scopes[spec.scope].folder, spec.default) if spec.type == "path" else spec.default


def _handed(graph: Graph, spec: ParamSpec, values: Mapping[str, Json]) -> Json:
    """Answer what an including file hands over; what its own parameters are worth has been read already."""
    outer = graph.groups[spec.scope].scope
    scope: dict[str, Json] = {"params": params_of(outer, values)}
    try:
        found = evaluate(spec.handed, scope)
    except EvaluationError as error:  # a border: the file's author wrote it
        raise UnfitError(f"the parameter `{spec.name}` cannot be filled in: {error}") from None
    read = spec.type in {"duration", "size"} and isinstance(found, int | float) and not is_plain(spec.handed)
    if read or (found is None and not spec.required):
        return found
    return _fitting(spec, found, graph.scopes[outer].folder)


def _fitting(spec: ParamSpec, given: Json, folder: str) -> Json:
    try:
        value = fit(spec.type, given)
    except UnfitError as error:
        raise UnfitError(f"the parameter `{spec.name}` {error}", error.hint) from None
    if spec.enum and value not in spec.enum:
        allowed = ", ".join(f"`{as_text(each)}`" for each in spec.enum)
        raise UnfitError(f"the parameter `{spec.name}` must be one of {allowed}, not {_shown(value)}")
    return _absolute(folder, value) if spec.type == "path" else value


def _absolute(folder: str, path: Json) -> Json:
    if not isinstance(path, str) or not path:
        return path
    return str(FilePath(folder, path).expanduser().absolute())


def _from_text(kind: str, text: str) -> Json:
    match kind:
        case "string" | "path":
            return text
        case "url":
            return _url(text)
        case "integer" if _WHOLE.fullmatch(text) and len(text) < 1000:
            return int(text)
        case "boolean" if text.lower() in ("true", "false"):
            return text.lower() == "true"
        case "number":
            return _number(text)
        case "duration" if (found := seconds(text)) is not None:
            return found
        case "size" if (found := size(text)) is not None:
            return found
        case "list" | "map":
            return _collection(kind, text)
        case _:
            meant = duration_meant(text) if kind == "duration" else size_meant(text) if kind == "size" else None
            hint = f"did you mean `{meant}`?" if meant else ""
            raise UnfitError(f"must be {_ARTICLES[kind]}, not {_shown(text)}", hint)


def _url(text: str) -> str:
    if text and not _URL.fullmatch(text):
        raise UnfitError(f"must be a URL, not {_shown(text)}", "write it with its scheme: `http://…`")
    return text


def _number(text: str) -> Json:
    try:
        number = int(text) if _WHOLE.fullmatch(text) else float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or "_" in text:
        raise UnfitError(f"must be a number, not {_shown(text)}")
    return number


def _collection(kind: str, text: str) -> Json:
    if kind == "list" and not text.lstrip().startswith("["):
        return [each.strip() for each in text.split(",")] if text.strip() else []
    data: Json = None
    with suppress(ValueError, RecursionError):  # then it stays None, which is neither
        data = json.loads(text, parse_constant=_no_constant)
    if isinstance(data, list if kind == "list" else dict):
        return data
    hint = 'write JSON, such as `{"a": 1}`' if kind == "map" else 'write `a,b` or JSON, such as `["a", "b"]`'
    raise UnfitError(f"must be {_ARTICLES[kind]}, not {_shown(text)}", hint)


def _no_constant(name: str) -> Json:
    raise ValueError(name)


def _unknown(name: str, graph: Graph) -> Problem:
    near = nearest(name, graph.params)
    known = f"the parameters are {', '.join(graph.params)}" if graph.params else "this graph has no parameters"
    hint = f"did you mean `{near}`?" if near else known
    return Problem(code="unknown-param", message=f"there is no parameter `{name}`", hint=hint)


def _shown(data: Json) -> str:
    if isinstance(data, list | dict):
        return "a list" if isinstance(data, list) else "a mapping"
    if data is None:
        return "nothing"
    text = _PASSWORD.sub("***@", as_text(data))
    return f"`{text if len(text) <= 60 else text[:59] + '…'}`"
