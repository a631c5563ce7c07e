"""What was read, put together as a Graph. Knows no text, and judges only what one entry says of itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

from runner.errors import Place
from runner.graph.fan_out import pool_of
from runner.graph.findings import Findings
from runner.graph.model import Graph, Group, ParamSpec, Ready, Retry, Scope, ServiceSpec, TaskSpec
from runner.graph.params import UnfitError, fit
from runner.graph.scalars import BAD
from runner.graph.source import Path
from runner.task import Json

Fields = Mapping[str, Any]


def graph_of(fields: Fields, findings: Findings, digest: str) -> Graph:
    """Build the graph, as far as it could be read: what was wrong with it is in `findings` and simply left out."""
    file = findings.document.source.file
    defaults = _limits(fields.get("defaults", {}), ("defaults",), findings)
    tasks = {
        name: _task(name, index, {**defaults, **_limits(each, ("tasks", name), findings)}, findings)
        for index, (name, each) in enumerate(_entries(fields, "tasks"))
    }
    return Graph(
        name=fields.get("name", FilePath(file).stem),
        file=file,
        folder=str(FilePath(file).absolute().parent),
        digest=digest,
        title=fields.get("title", ""),
        desc=fields.get("desc", ""),
        params={name: _param(name, each, findings) for name, each in _entries(fields, "params")},
        env=fields.get("env", {}),
        env_file=fields.get("env_file", ()),
        secrets=fields.get("secrets", ()),
        workdir=fields.get("workdir"),
        workers=fields.get("workers"),
        pools={
            **{name: each["size"] if isinstance(each, dict) else each for name, each in _pools(fields)},
            **{pool_of(name): spec.max_parallel for name, spec in tasks.items() if spec.max_parallel is not None},
        },
        rates={name: each["rate"] for name, each in _pools(fields) if isinstance(each, dict) and "rate" in each},
        fail_fast=fields.get("fail_fast", False),
        deadline=fields.get("deadline"),
        services={name: _service(name, each, findings) for name, each in _entries(fields, "services")},
        tasks=tasks,
        groups={name: _group(name, each, findings) for name, each in fields.get("include", {}).items()},
    )


def _entries(fields: Fields, key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Answer what stands under a key; an entry that could not be read has no fields, but it is there."""
    for name, each in fields.get(key, {}).items():
        yield name, {} if each is BAD else each


def _pools(fields: Fields) -> Iterator[tuple[str, Any]]:
    for name, each in fields.get("pools", {}).items():
        if each is not BAD and (not isinstance(each, dict) or "size" in each):
            yield name, each


def _limits(fields: Fields, path: Path, findings: Findings) -> Fields:
    """Turn what is short in the file into what the model holds."""
    if "retry" not in fields and "claims" not in fields:
        return fields
    found = dict(fields)
    retry, claims = found.pop("retry", None), found.pop("claims", None)
    if retry is not None:
        found["retry"] = _retry(retry, (*path, "retry"), findings)
    if claims is not None:
        amounts = claims if isinstance(claims, dict) else dict.fromkeys(claims, 1)
        found["claims"] = {pool: amount for pool, amount in amounts.items() if amount is not BAD}
    return found


def _retry(given: int | dict[str, Any], path: Path, findings: Findings) -> Retry:
    if isinstance(given, int):
        return Retry(attempts=given)
    fields = dict(given)
    delay, longest = fields.get("delay", Retry().delay), fields.get("max_delay")
    if longest is None:
        fields["max_delay"] = max(delay, Retry().max_delay)
    elif longest < delay:
        message = "`max_delay` is shorter than the first rest, `delay`"
        findings.at_value((*path, "max_delay"), "bad-value", message)
    if "on" in fields:
        fields["on"] = frozenset(fields["on"])
    return Retry(**fields)


def _param(name: str, fields: dict[str, Any], findings: Findings) -> ParamSpec:
    path = ("params", name)
    kind = fields.get("type", "string")
    enum = _enum(kind, fields.get("enum", []), (*path, "enum"), findings)
    default = fields.get("default")
    if default is not None:
        default = _fitted(name, kind, default, (*path, "default"), findings)
        if enum and default is not None and default not in enum:
            findings.at_value((*path, "default"), "bad-param", f"the default of `{name}` is none of its `enum`")
    return ParamSpec(
        name=name,
        type=kind,
        default=default,
        required="default" not in fields,
        enum=enum,
        desc=fields.get("desc", ""),
        where=_place(path, findings),
    )


def _enum(kind: str, data: Json, path: Path, findings: Findings) -> tuple[Json, ...]:
    if not isinstance(data, list):
        findings.at_value(path, "wrong-type", "`enum` takes a list of values")
        return ()
    return tuple(_fitted(str(path[1]), kind, each, (*path, index), findings) for index, each in enumerate(data))


def _fitted(name: str, kind: str, data: Json, path: Path, findings: Findings) -> Json:
    try:
        return fit(kind, data)
    except UnfitError as error:
        findings.at_value(path, "bad-param", f"`{name}` {error}", hint=error.hint)
        return None


def _service(name: str, fields: dict[str, Any], findings: Findings) -> ServiceSpec:
    ready = Ready(**fields.pop("ready", {}))
    if fields.get("port") is not None and not (ready.http or ready.tcp or ready.log):
        ready = Ready(tcp=True, timeout=ready.timeout)
    fields.pop("desc", None)
    return ServiceSpec(
        id=name, where=_place(("services", name), findings), run=fields.pop("run", None), ready=ready, **fields
    )


def _group(name: str, given: Any, findings: Findings) -> Group:
    """Build a group of which nothing but its entry is known yet."""
    entry: dict[str, Any] = {"file": given} if isinstance(given, str) else {} if given is BAD else dict(given)
    fields = {"file": "", **_limits(entry, ("include", name), findings)}
    inside = Scope(name=name, outer="", folder="")
    return Group(id=name, scope="", where=_place(("include", name), findings), inside=inside, **fields)


def _task(name: str, index: int, fields: dict[str, Any], findings: Findings) -> TaskSpec:
    if isinstance(outputs := fields.get("outputs", {}), tuple):
        fields["outputs"] = dict.fromkeys(outputs, "string")
    elif outputs:
        fields["outputs"] = {output: kind for output, kind in outputs.items() if kind is not BAD}
    if "max_parallel" in fields:
        fields = {**fields, "claims": {**fields.get("claims", {}), pool_of(name): 1}}
    return TaskSpec(id=name, index=index, where=_place(("tasks", name), findings), **fields)


def _place(path: Path, findings: Findings) -> Place:
    document = findings.document
    return document.source.place(document.key(path))
