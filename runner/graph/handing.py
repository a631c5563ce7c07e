"""What must hold between a file and those it includes: parameters, pools, ids. Knows no file and no rule within one."""

from __future__ import annotations

from collections.abc import Mapping

from runner.graph.findings import Findings
from runner.graph.loose import as_text
from runner.graph.model import Graph, Group, ParamSpec, Trigger
from runner.graph.params import UnfitError, fit
from runner.graph.rules import check_needs
from runner.graph.values import Value, is_plain


def check_includes(own: Graph, inner: Mapping[str, Graph], joined: Graph, findings: Findings) -> None:
    """Report what is wrong with the includes of a file; those whose file could not be read are not in `inner`."""
    for name, group in own.groups.items():
        _check_id(name, own, findings)
        if not group.needs and group.trigger in (Trigger.ONE_SUCCESS, Trigger.ONE_FAILED):
            message = f"`{group.trigger.value}` asks for one of the needs, but `{name}` has none"
            findings.at_value(("include", name, "trigger"), "trigger-without-needs", message)
        check_needs(group, ("include", name), joined, findings)
        if name in inner and ("include", name) not in findings.spoilt:
            _check_handed(group, inner[name], findings)
    _check_pools(own, inner, findings)


def _check_id(name: str, own: Graph, findings: Findings) -> None:
    for nodes, what in ((own.tasks, "tasks"), (own.services, "services")):
        for taken in (each for each in nodes if each == name or each.startswith(f"{name}.")):
            message = f"`{taken}` reads as if it were of the group `{name}`, which is a file of its own"
            if taken == name:
                message = f"`{name}` is the name of a group, too, and `needs` could not tell them apart"
            source, document = findings.document.source, findings.document
            related = (source.related("the group", document.key(("include", name))),)
            place = document.key((what, taken))
            findings.at(place, "duplicate-id", message, hint="rename one of them", related=related)


def _check_handed(group: Group, graph: Graph, findings: Findings) -> None:
    params = {name: spec for name, spec in graph.params.items() if not spec.scope}
    for name, value in group.handed.items():
        if name in params:
            _check_value(group, params[name], value, findings)
            continue
        known = f"its parameters are {', '.join(params)}" if params else "it has no parameters"
        message = f"{graph.file} has no parameter `{name}`"
        hint = findings.near(name, params) or known
        findings.at_key(("include", group.id, "with", name), "unknown-param", message, hint=hint)
    for name in (name for name, spec in params.items() if spec.required and name not in group.handed):
        message = f"{graph.file} needs a value for its parameter `{name}`"
        hint = f"hand it over: `with: {{{name}: …}}`"
        findings.at_key(("include", group.id), "missing-param", message, hint=hint)


def _check_value(group: Group, spec: ParamSpec, value: Value, findings: Findings) -> None:
    """Report a constant that does not fit; what an expression is worth is known when the run begins."""
    if not is_plain(value):
        return
    path = ("include", group.id, "with", spec.name)
    try:
        fitted = fit(spec.type, value)
    except UnfitError as error:
        findings.at_value(path, "bad-param", f"`{spec.name}` {error}", hint=error.hint)
        return
    if spec.enum and fitted not in spec.enum:
        allowed = ", ".join(f"`{as_text(each)}`" for each in spec.enum)
        findings.at_value(path, "bad-param", f"`{spec.name}` must be one of {allowed}, not `{as_text(fitted)}`")


def _check_pools(own: Graph, inner: Mapping[str, Graph], findings: Findings) -> None:
    """Of one pool there is one size: that of the outermost file that gives it; files beside each other must agree."""
    sizes: dict[str, tuple[str, int]] = {}
    for name, graph in inner.items():
        for pool, size in graph.pools.items():
            first, known = sizes.setdefault(pool, (name, size))
            if pool not in own.pools and size != known:
                message = f"`{name}` has {size} of the pool `{pool}`, and `{first}` has {known}: it is one and the same"
                hint = f"say here how many there are: `pools: {{{pool}: {max(size, known)}}}`"
                findings.at_key(("include", name), "pool-sizes", message, hint=hint)
        for task in graph.tasks.values():
            for pool, amount in task.claims.items():
                if amount > own.pools.get(pool, amount):
                    message = f"`{name}.{task.id}` claims {amount} of `{pool}`, which has only {own.pools[pool]} here"
                    findings.at_value(("pools", pool), "too-many-claims", message)
