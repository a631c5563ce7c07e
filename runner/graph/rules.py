"""What must hold between the tasks, services and pools of one graph. Knows no text and no expression."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, pairwise

from msgspec.structs import replace

from runner.errors import Problem
from runner.graph.cycles import in_order, rings
from runner.graph.findings import Findings
from runner.graph.model import Graph, Group, ServiceSpec, TaskSpec, Trigger
from runner.graph.shells import is_closed
from runner.graph.source import Path

_MOST_EDGES_SHOWN = 8
_WITHOUT_REPETITION = frozenset({"artifacts", "env_file", "junit", "outputs"})
"""Lists in which nothing may stand twice; `needs` has a rule of its own."""


def check_rules(graph: Graph, findings: Findings) -> None:
    """Report every broken rule of a file; those it includes are in the graph, with what each needs as it is written."""
    _check_any_task(graph, findings)
    for name in graph.tasks.keys() & graph.services.keys():
        _same_id(name, findings)
    _check_lists((), _keys_of(findings, ()), findings)
    _check_shell(("defaults", "shell"), findings)
    written = _keys_of(findings, ("tasks",))
    known = {*graph.tasks, *(name for name, each in graph.services.items() if not each.scope), *graph.groups}
    for task in graph.tasks.values():
        if task.scope:
            continue  # its own file has been looked at
        keys = written.get(task.id)
        if isinstance(keys, dict):
            _check_task(task, keys, findings)
        _check_manual(task, findings)
        needs = set(task.needs)
        if len(needs) < len(task.needs) or task.id in needs or not needs <= known or graph.groups:
            check_needs(task, ("tasks", task.id), graph, findings)
        _check_claims(task, graph, findings)
    for service in graph.services.values():
        if not service.scope:
            _check_service(service, findings)
    _check_prefixes(graph, findings)
    _check_cycles(graph, findings)


def warnings(graph: Graph, findings: Findings) -> tuple[Problem, ...]:
    """Answer what is right, but probably not meant."""
    return tuple(
        _warning(findings, ("services", name), "unused-service", f"no task needs `{name}`, so it will never be started")
        for name, service in graph.services.items()
        if not service.scope and not graph.dependents[name]
    )


def check_needs(node: TaskSpec | Group, path: Path, graph: Graph, findings: Findings) -> None:
    """Report every need that is not there, or there twice; `path` leads to the task, or to the file that is included.

    What a group needs is not part of it.
    """
    seen: set[str] = {node.id}
    around = {need for need in node.needs if need in graph.groups}
    for index, need in enumerate(node.needs):
        group = next((name for name in around if need.startswith(f"{name}.")), None)
        known = (
            need in graph.tasks or need in graph.groups or (need in graph.services and not graph.services[need].scope)
        )
        if known and need not in seen and group is None and not need.startswith(f"{node.id}."):
            seen.add(need)
            continue
        _wrong_need(node, need, need_path(findings, path, index), graph, findings)


def need_path(findings: Findings, path: Path, index: int) -> Path:
    """Answer where one need stands: in a list, or alone."""
    return _item(findings, (*path, "needs"), index)


def _check_any_task(graph: Graph, findings: Findings) -> None:
    keys = _keys_of(findings, ())
    if "tasks" not in keys and "include" not in keys:
        findings.at_key((), "missing-key", "the file has no `tasks`")
    elif not graph.tasks and ("tasks",) not in findings.spoilt and "include" not in keys:
        findings.at_key(
            ("tasks",), "missing-key", "there is no task in `tasks`", hint="write one: `hello: {run: echo hello}`"
        )


def _check_task(task: TaskSpec, keys: Mapping[str, object], findings: Findings) -> None:
    path: Path = ("tasks", task.id)
    if "uses" in keys and "run" in keys:
        message = f"`{task.id}` has both `uses` and `run`, but a task is one of them"
        findings.at_key((*path, "run"), "uses-and-run", message, hint="make two tasks of it")
    elif "uses" not in keys and "run" not in keys:
        message = f"`{task.id}` has neither `uses` nor `run`, so there is nothing to do"
        findings.at_key(path, "missing-key", message)
    if "with" in keys and "uses" not in keys:
        findings.at_key((*path, "with"), "with-without-uses", "`with` holds the arguments of `uses`, which is missing")
    _check_command(task, keys, findings)
    _check_lists(path, keys, findings)
    _check_fan(task, keys, findings)
    if "needs" not in keys and task.trigger in (Trigger.ONE_SUCCESS, Trigger.ONE_FAILED):
        message = f"`{task.trigger.value}` asks for one of the needs, but `{task.id}` has none"
        findings.at_value((*path, "trigger"), "trigger-without-needs", message)
    if task.sources or task.generates:
        _check_files(task, findings)


def _check_files(task: TaskSpec, findings: Findings) -> None:
    path: Path = ("tasks", task.id)
    if task.sources and task.sources[0].startswith("!"):
        message = f"`{task.sources[0]}` takes files away, and there is nothing before it to take them from"
        hint = "begin with what there is: `sources: ['**/*', '!**/*.tmp']`"
        findings.at_value(_item(findings, (*path, "sources"), 0), "bad-value", message, hint=hint)
    for index, pattern in enumerate(task.generates):
        if pattern.startswith("!"):
            message = f"each pattern of `generates` names files that must be there, and `{pattern}` names none"
            findings.at_value(_item(findings, (*path, "generates"), index), "bad-value", message)
    spoilt = {(*path, key) for key in ("sources", "cache")} & findings.spoilt
    if task.generates and task.cache is None and not task.sources and not spoilt:
        message = f"`{task.id}` is never left out, so nobody looks at what it generates"
        hint = "name its `sources`, or write `cache: true`"
        findings.at_key((*path, "generates"), "generates-alone", message, hint=hint)


def _check_manual(task: TaskSpec, findings: Findings) -> None:
    if task.manual and task.trigger is Trigger.ALWAYS:
        message = f"`{task.id}` is for cleaning up, also while the run is being stopped, when nobody can be asked"
        hint = "leave `manual` out, or write `trigger: all_done`"
        findings.at_key(("tasks", task.id, "manual"), "manual-clean-up", message, hint=hint)


def _check_command(task: TaskSpec, keys: Mapping[str, object], findings: Findings) -> None:
    for key, what in (("shell", "runs a command"), ("outputs", "declares what a command hands on")):
        if key in keys and "uses" in keys and "run" not in keys:
            hint = "a function hands on what it returns" if key == "outputs" else ""
            message = f"`{key}` {what}, and `{task.id}` is a function"
            findings.at_key(("tasks", task.id, key), "without-run", message, hint=hint)
    if "shell" in keys:
        _check_shell(("tasks", task.id, "shell"), findings)


def _check_lists(path: Path, keys: Mapping[str, object], findings: Findings) -> None:
    """Report what stands twice in a list of one mapping."""
    for key in _WITHOUT_REPETITION & keys.keys():
        written = keys[key]
        items = written if isinstance(written, list) else []
        for index, item in enumerate(items):
            if item in items[:index]:
                findings.at_value((*path, key, index), "duplicate-item", f"`{item}` stands twice in `{key}`")


def _check_shell(path: Path, findings: Findings) -> None:
    shell = _at(findings, path)
    if isinstance(shell, str) and not is_closed(shell):
        hint = "it is read as a shell reads a line; a quote that is part of a name is written `\\'`"
        findings.at_value(path, "bad-value", "a quote in `shell` is never closed", hint=hint)


def _check_fan(task: TaskSpec, keys: Mapping[str, object], findings: Findings) -> None:
    path: Path = ("tasks", task.id)
    if "matrix" in keys and "foreach" in keys:
        message = f"`{task.id}` has both `matrix` and `foreach`"
        hint = "let one of them be an axis: `matrix: {item: …}`"
        findings.at_key((*path, "foreach"), "matrix-and-foreach", message, hint=hint)
    elif "max_parallel" in keys and not {"matrix", "foreach"} & keys.keys():
        message = f"`{task.id}` is done once, so there is nothing to hold to `max_parallel`"
        hint = "`workers` at the root limits all tasks, `pools` those that claim from one"
        findings.at_key((*path, "max_parallel"), "max-parallel-alone", message, hint=hint)


def _wrong_need(node: TaskSpec | Group, need: str, path: Path, graph: Graph, findings: Findings) -> None:
    around = (each for each in node.needs if each in graph.groups and need.startswith(f"{each}."))
    group = next(around, None) if need in graph.tasks else None
    if need == node.id:
        findings.at_value(path, "self-need", f"`{node.id}` needs itself, so it could never start")
    elif need.startswith(f"{node.id}.") and need in graph.tasks:
        message = f"`{node.id}` needs `{need}`, which is part of it, so it could never start"
        findings.at_value(path, "self-need", message)
    elif need in graph.services and graph.services[need].scope:
        message = f"`{need}` is a service of an included file, and only the tasks there may need it"
        findings.at_value(path, "inner-service", message, hint="write the service into this file, too")
    elif group is not None:
        message = f"`{node.id}` needs `{need}` beside all of `{group}`"
        findings.at_value(path, "duplicate-need", message, hint="name one of the two")
    elif need in graph.tasks or need in graph.services or need in graph.groups:
        findings.at_value(path, "duplicate-need", f"`{node.id}` needs `{need}` twice")
    elif not any(need.startswith(f"{name}.") for name in _unread(graph)):
        own = (name for name, each in graph.services.items() if not each.scope)
        hint = _instance_meant(need, graph) or findings.near(need, (*graph.tasks, *own, *graph.groups))
        what = "task" if isinstance(node, TaskSpec) else "the group"
        none = "no task, service or group" if graph.groups else "neither a task nor a service"
        findings.at_value(path, "unknown-need", f"{what} `{node.id}` needs `{need}`, which is {none}", hint=hint)


def _instance_meant(need: str, graph: Graph) -> str:
    template = graph.tasks.get(need.partition("[")[0])
    if template is not None and template.fan is not None:
        return f"need `{template.id}`: it is over when all its instances are"
    return ""


def _unread(graph: Graph) -> list[str]:
    """Answer the groups whose file could not be read: nobody knows what is in them."""
    return [name for name, group in graph.groups.items() if not group.tasks]


def _check_claims(task: TaskSpec, graph: Graph, findings: Findings) -> None:
    for pool, amount in task.claims.items():
        if pool in graph.pools and amount <= graph.pools[pool]:
            continue
        path = _claim_path(findings, task.id, pool)
        if path is None or ("pools",) in findings.spoilt or ("pools", pool) in findings.spoilt:
            continue
        if pool not in graph.pools and pool in _keys_of(findings, ("pools",)):
            continue  # it is there, but has no size, which is told where it stands
        if pool not in graph.pools:
            hint = findings.near(pool, graph.pools) or f"give it a size at the root: `pools: {{{pool}: 1}}`"
            findings.at_key(path, "unknown-pool", f"there is no pool `{pool}`", hint=hint)
        else:
            message = (
                f"`{task.id}` claims {amount} of `{pool}`, which has only {graph.pools[pool]}: it could never start"
            )
            findings.at_value(path, "too-many-claims", message)


def _check_service(service: ServiceSpec, findings: Findings) -> None:
    path: Path = ("services", service.id, "ready")
    ready = service.ready
    kinds = [kind for kind in ("http", "tcp", "log") if kind in _keys_of(findings, path)]
    if len(kinds) > 1:
        message = f"`ready` looks at one thing, but there are {' and '.join(f'`{kind}`' for kind in kinds)}"
        findings.at_key((*path, kinds[1]), "several-ready", message)
    wants_port = ready.tcp or (ready.http is not None and ready.http.startswith("/"))
    if wants_port and "port" not in _keys_of(findings, path[:-1]) and kinds:
        message = f"`{kinds[0]}` needs a port, and `{service.id}` has none"
        findings.at_key((*path, kinds[0]), "missing-key", message, hint="write `port: 0` to have a free one chosen")


def _check_prefixes(graph: Graph, findings: Findings) -> None:
    """Of sorted prefixes, one that begins another comes before it, with nothing between but what it begins too."""
    ordered = sorted((task.data_prefix, task.index, task.id) for task in graph.tasks.values() if task.data_prefix)
    begins: list[tuple[str, float, str]] = []
    for each in ordered:
        while begins and not each[0].startswith(begins[-1][0]):
            begins.pop()
        if begins:
            earlier, later = sorted((begins[-1], each), key=lambda entry: entry[1])
            one, other = (_group_of(graph.tasks[name]) for _, _, name in (earlier, later))
            if not one or one != other:  # else their own file has been looked at
                _overlap(earlier, later, graph, findings)
        begins.append(each)


def _overlap(earlier: tuple[str, float, str], later: tuple[str, float, str], graph: Graph, findings: Findings) -> None:
    how = "the same prefix as" if earlier[0] == later[0] else "a prefix that overlaps with that of"
    message = f"`{later[2]}` has {how} `{earlier[2]}`, so nobody could tell whose record is left behind"
    other, place = (_place_of_prefix(graph.tasks[each[2]], findings) for each in (earlier, later))
    related = (findings.document.source.related(f"that of {earlier[2]}", other),)
    hint = "give each task a prefix of its own, and end it with `_`"
    findings.at(place, "overlapping-prefix", message, hint=hint, related=related)


def _place_of_prefix(task: TaskSpec, findings: Findings) -> tuple[int, int]:
    """Answer where a prefix stands; of a task in an included file, where that is included."""
    if task.scope:
        return findings.document.key(("include", _group_of(task)))
    return findings.document.value(("tasks", task.id, "data_prefix"))


def _group_of(task: TaskSpec) -> str:
    """Answer through which include of this file a task is here, "" if it stands in it."""
    return task.scope.partition(".")[0]


def _check_cycles(graph: Graph, findings: Findings) -> None:
    if not graph.groups and in_order(((task.id, task.needs) for task in graph.tasks.values()), graph.services):
        return  # as mostly
    nodes: Iterable[TaskSpec | Group] = chain(graph.groups.values(), graph.tasks.values())
    own = [each for each in nodes if not each.scope]
    edges = {node.id: _edges(node, graph) for node in own}
    for ring in rings({node: list(ends) for node, ends in edges.items()}):
        steps = list(pairwise((*ring, ring[0])))
        spans = [_edge(node, edges[node][need], graph, findings) for node, need in _shown(steps)]
        notes = [f"{node} needs {need}" for node, need in _shown(steps)]
        source = findings.document.source
        related = [source.related(note, span) for note, span in zip(notes[1:], spans[1:], strict=True)]
        what = "tasks" if all(node in graph.tasks for node in ring) else "tasks and groups"
        findings.at(
            spans[0],
            "cycle",
            _ring_message(ring, what),
            note=notes[0],
            related=related,
            hint="remove one of these needs",
        )


def _edges(node: TaskSpec | Group, graph: Graph) -> dict[str, int]:
    """Answer what of the file itself a task or group needs, each with the number of that need; a group is one thing."""
    found: dict[str, int] = {}
    for index, need in enumerate(node.needs):
        end = (_group_of(graph.tasks[need]) if need in graph.tasks else "") or need
        if end != node.id and (end in graph.tasks or end in graph.groups):
            found.setdefault(end, index)
    return found


def _ring_message(ring: Sequence[str], what: str) -> str:
    if len(ring) > 4:
        return f"{len(ring)} {what} need each other in a ring, so none of them could ever start"
    names = [f"`{task}`" for task in ring]
    return f"{', '.join(names[:-1])} and {names[-1]} need each other, so none of them could ever start"


def _shown(edges: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    if len(edges) <= _MOST_EDGES_SHOWN:
        return edges
    return [*edges[: _MOST_EDGES_SHOWN - 2], *edges[-2:]]


def _edge(node: str, index: int, graph: Graph, findings: Findings) -> tuple[int, int]:
    path: Path = ("tasks", node) if node in graph.tasks else ("include", node)
    return findings.document.value(need_path(findings, path, index))


def _same_id(name: str, findings: Findings) -> None:
    source, document = findings.document.source, findings.document
    paths: list[Path] = [("services", name), ("tasks", name)]
    first, second = sorted(document.key(path) for path in paths)
    message = f"`{name}` is the id of a service and of a task, but `needs` could not tell them apart"
    findings.at(
        second, "duplicate-id", message, related=(source.related("the service", first),), hint="rename one of them"
    )


def _claim_path(findings: Findings, task: str, pool: str) -> Path | None:
    """Answer where a claim stands: with the task or among the defaults, in a list, a mapping or alone."""
    own: Path = ("tasks", task, "pools")
    path: Path = own if _stands(findings, own) else ("defaults", "pools")
    written = _at(findings, path)
    if isinstance(written, dict):
        return (*path, pool)
    return (*path, written.index(pool)) if isinstance(written, list) else path


def _item(findings: Findings, path: Path, index: int) -> Path:
    """Answer where one item stands: in a list, or alone."""
    return (*path, index) if isinstance(_at(findings, path), list) else path


def _keys_of(findings: Findings, path: Path) -> Mapping[str, object]:
    data = _at(findings, path)
    return data if isinstance(data, dict) else {}


def _stands(findings: Findings, path: Path) -> bool:
    return path[-1] in _keys_of(findings, path[:-1])


def _at(findings: Findings, path: Path) -> object:
    data: object = findings.document.data
    for step in path:
        if isinstance(data, dict):
            data = data.get(step)
        elif isinstance(data, list) and isinstance(step, int):
            data = data[step]
        else:
            return None
    return data


def _warning(findings: Findings, path: Path, code: str, message: str) -> Problem:
    document = findings.document
    return replace(document.source.problem(code, message, document.key(path)), severity="warning")
