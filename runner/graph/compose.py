"""Several files put together as one graph: every id behind the name of its group, every need tied. Knows no file.

Each file was read as a graph of its own. `joined` lays those it includes beside its own tasks, with what each needs as
it is written; so names can be looked up, and said to be missing. `tied` makes of needs and gates what a schedule goes
by: a need that names a group stands for all its tasks, and the tasks with which a group begins need what their group
needs. Composed from the inside out, a graph with groups in it is included as any other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeVar

from msgspec.structs import replace

from runner.graph.model import NOT_HANDED, Graph, Group, ParamSpec, Rate, Scope, ServiceSpec, TaskSpec

T = TypeVar("T", TaskSpec, Group)


def joined(own: Graph, inner: Mapping[str, Graph]) -> Graph:
    """Lay the tied graphs of included files beside the tasks of the file that includes them, needs as written."""
    tasks: list[TaskSpec] = []
    services: list[ServiceSpec] = []
    params: dict[str, ParamSpec] = dict(own.params)
    groups: dict[str, Group] = {}
    pools: dict[str, int] = {}
    rates: dict[str, Rate] = {}
    for name, group in own.groups.items():
        groups[name] = _filled(group, inner[name]) if name in inner else group
        if name in inner:
            graph = inner[name]
            tasks += [_task_behind(name, task) for task in graph.tasks.values()]
            services += [_service_behind(name, service) for service in graph.services.values()]
            params |= {each.name: each for each in _params_behind(group, graph)}
            groups |= {f"{name}.{each.id}": _group_behind(name, each) for each in graph.groups.values()}
            pools |= graph.pools
            rates |= {pool: rate for pool, rate in graph.rates.items() if pool not in own.pools}
    ordered = (*tasks, *own.tasks.values())
    return replace(
        own,
        tasks={task.id: replace(task, index=index) for index, task in enumerate(ordered)} if groups else own.tasks,
        services={**{service.id: service for service in services}, **own.services},
        params=params,
        groups=groups,
        pools={**pools, **own.pools},
        rates={**rates, **own.rates},
    )


def tied(graph: Graph) -> Graph:
    """Answer a joined graph with every need a task or a service."""
    if not graph.groups:
        return graph
    groups = {name: each if each.scope else _expanded(each, graph.groups) for name, each in graph.groups.items()}
    tasks = {task.id: task if task.scope else _expanded(task, graph.groups) for task in graph.tasks.values()}
    for group in (each for each in groups.values() if not each.scope and each.needs):
        for name in group.tasks:
            tasks[name] = _waiting(tasks[name], group, graph.services)
    return replace(graph, tasks=tasks, groups=groups)


def known_needs(needs: Iterable[str], groups: Mapping[str, Group]) -> Iterable[str]:
    """Answer needs as they are written, and for each that names a group all its tasks."""
    for need in needs:
        yield need
        if need in groups:
            yield from groups[need].tasks


# -- the helpers -------------------------------------------------------------------------------------------------------


def _filled(group: Group, graph: Graph) -> Group:
    """Answer a group with what its file says."""
    name = group.id
    return replace(
        group,
        inside=_scope_behind(name, graph.scopes[""]),
        tasks=tuple(f"{name}.{task}" for task in graph.tasks),
        services=tuple(f"{name}.{service}" for service in graph.services),
    )


def _behind(name: str, ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{name}.{each}" for each in ids)


def _inside(name: str, scope: str) -> str:
    return f"{name}.{scope}" if scope else name


def _task_behind(name: str, task: TaskSpec) -> TaskSpec:
    needs = {part: _behind(name, getattr(task, part)) for part in ("needs", "outer", "groups")}
    return replace(task, id=f"{name}.{task.id}", scope=_inside(name, task.scope), **needs)


def _service_behind(name: str, service: ServiceSpec) -> ServiceSpec:
    return replace(service, id=f"{name}.{service.id}", scope=_inside(name, service.scope))


def _group_behind(name: str, group: Group) -> Group:
    lists = {part: _behind(name, getattr(group, part)) for part in ("needs", "groups", "tasks", "services")}
    inside = _scope_behind(name, group.inside)
    return replace(group, id=f"{name}.{group.id}", scope=_inside(name, group.scope), inside=inside, **lists)


def _scope_behind(name: str, scope: Scope) -> Scope:
    return replace(
        scope, name=_inside(name, scope.name), outer="" if scope.outer is None else _inside(name, scope.outer)
    )


def _params_behind(group: Group, graph: Graph) -> Iterable[ParamSpec]:
    for spec in graph.params.values():
        handed: dict[str, Any] = {} if spec.scope else {"handed": group.handed.get(spec.name, NOT_HANDED)}
        yield replace(spec, name=f"{group.id}.{spec.name}", scope=_inside(group.id, spec.scope), **handed)


def _expanded(node: T, groups: Mapping[str, Group]) -> T:
    named = tuple(need for need in node.needs if need in groups)
    if not named:
        return node
    needs = (each for need in node.needs for each in (groups[need].tasks if need in groups else (need,)))
    return replace(node, needs=tuple(dict.fromkeys(needs)), groups=named)


def _waiting(task: TaskSpec, group: Group, services: Collection[str]) -> TaskSpec:
    """Let a task need what its group does: servers each of them, tasks those with which the group begins.

    Servers are up for whoever of the group could run, so they are needed by all and count as the task's own need.
    """
    begins = all(need in services for need in task.needs)
    added = [need for need in group.needs if need in services or begins]
    outer = [need for need in added if need not in services]
    return replace(task, needs=(*task.needs, *added), outer=(*task.outer, *outer))
