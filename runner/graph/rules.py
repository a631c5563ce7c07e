"""What must hold between the tasks, services and pools of one graph. Knows no text and no expression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from msgspec.structs import replace

from runner.errors import Problem
from runner.graph.cycles import in_order, rings
from runner.graph.findings import Findings
from runner.graph.model import Graph, ServiceSpec, TaskSpec, Trigger
from runner.graph.shells import is_closed
from runner.graph.source import Path

_MOST_EDGES_SHOWN = 8
_WITHOUT_REPETITION = frozenset({"artifacts", "env_file", "junit", "outputs"})
"""Lists in which nothing may stand twice; `needs` has a rule of its own."""


def check_rules(graph: Graph, findings: Findings) -> None:
    """Report every broken rule."""
    if not graph.tasks and ("tasks",) not in findings.spoilt and "tasks" in _keys_of(findings, ()):
        findings.at_key(
            ("tasks",), "missing-key", "there is no task in `tasks`", hint="write one: `hello: {run: echo hello}`"
        )
    for name in graph.tasks.keys() & graph.services.keys():
        _same_id(name, findings)
    _check_lists((), _keys_of(findings, ()), findings)
    _check_shell(("defaults", "shell"), findings)
    written = _keys_of(findings, ("tasks",))
    known = {*graph.tasks, *graph.services}
    for task in graph.tasks.values():
        keys = written.get(task.id)
        if isinstance(keys, dict):
            _check_task(task, keys, findings)
        _check_manual(task, findings)
        needs = set(task.needs)
        if len(needs) < len(task.needs) or task.id in needs or not needs <= known:
            _check_needs(task, graph, findings)
        _check_claims(task, graph, findings)
    for service in graph.services.values():
        _check_service(service, findings)
    _check_prefixes(graph, findings)
    _check_cycles(graph, findings)


def warnings(graph: Graph, findings: Findings) -> tuple[Problem, ...]:
    """Answer what is right, but probably not meant."""
    return tuple(
        _warning(findings, ("services", name), "unused-service", f"no task needs `{name}`, so it will never be started")
        for name in graph.services
        if not graph.dependents[name]
    )


def need_path(findings: Findings, task: str, index: int) -> Path:
    """Answer where one need stands: in a list, or alone."""
    return _item(findings, ("tasks", task, "needs"), index)


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


def _check_needs(task: TaskSpec, graph: Graph, findings: Findings) -> None:
    seen: set[str] = {task.id}
    for index, need in enumerate(task.needs):
        known = need in graph.tasks or need in graph.services
        if known and need not in seen:
            seen.add(need)
            continue
        path = need_path(findings, task.id, index)
        if need == task.id:
            findings.at_value(path, "self-need", f"`{task.id}` needs itself, so it could never start")
        elif known:
            findings.at_value(path, "duplicate-need", f"`{task.id}` needs `{need}` twice")
        else:
            message = f"task `{task.id}` needs `{need}`, which is neither a task nor a service"
            findings.at_value(path, "unknown-need", message, hint=_meant(need, graph, findings))


def _meant(need: str, graph: Graph, findings: Findings) -> str:
    template = graph.tasks.get(need.partition("[")[0])
    if template is not None and template.fan is not None:
        return f"need `{template.id}`: it is over when all its instances are"
    return findings.near(need, (*graph.tasks, *graph.services))


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
            _overlap(earlier, later, findings)
        begins.append(each)


def _overlap(earlier: tuple[str, float, str], later: tuple[str, float, str], findings: Findings) -> None:
    how = "the same prefix as" if earlier[0] == later[0] else "a prefix that overlaps with that of"
    message = f"`{later[2]}` has {how} `{earlier[2]}`, so nobody could tell whose record is left behind"
    other = findings.document.value(("tasks", earlier[2], "data_prefix"))
    related = (findings.document.source.related(f"that of {earlier[2]}", other),)
    place = findings.document.value(("tasks", later[2], "data_prefix"))
    findings.at(
        place,
        "overlapping-prefix",
        message,
        hint="give each task a prefix of its own, and end it with `_`",
        related=related,
    )


def _check_cycles(graph: Graph, findings: Findings) -> None:
    if in_order(((task.id, task.needs) for task in graph.tasks.values()), graph.services):
        return  # as mostly
    needs = {
        task.id: [need for need in task.needs if need in graph.tasks and need != task.id]
        for task in graph.tasks.values()
    }
    for ring in rings(needs):
        edges = list(pairwise((*ring, ring[0])))
        spans = [_edge(graph, findings, task, need) for task, need in _shown(edges)]
        notes = [f"{task} needs {need}" for task, need in _shown(edges)]
        source = findings.document.source
        related = [source.related(note, span) for note, span in zip(notes[1:], spans[1:], strict=True)]
        findings.at(
            spans[0], "cycle", _ring_message(ring), note=notes[0], related=related, hint="remove one of these needs"
        )


def _ring_message(ring: Sequence[str]) -> str:
    if len(ring) > 4:
        return f"{len(ring)} tasks need each other in a ring, so none of them could ever start"
    names = [f"`{task}`" for task in ring]
    return f"{', '.join(names[:-1])} and {names[-1]} need each other, so none of them could ever start"


def _shown(edges: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    if len(edges) <= _MOST_EDGES_SHOWN:
        return edges
    return [*edges[: _MOST_EDGES_SHOWN - 2], *edges[-2:]]


def _edge(graph: Graph, findings: Findings, task: str, need: str) -> tuple[int, int]:
    return findings.document.value(need_path(findings, task, graph.tasks[task].needs.index(need)))


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
