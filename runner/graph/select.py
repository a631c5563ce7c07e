"""Which tasks of a graph are wanted: `--only`, `--until`, `--from`, `--skip`, `--tag`. Pure. Knows no earlier run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from runner.errors import NothingSelected
from runner.graph.model import Graph, Group, TaskSpec
from runner.graph.near import nearest

T = TypeVar("T", TaskSpec, Group)


class Wish(Struct, frozen=True, kw_only=True):
    """What a person asks for, each a list of task ids, `tag` of tags. Several wishes add up; `skip` takes away last."""

    only: tuple[str, ...] = ()
    until: tuple[str, ...] = ()
    since: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()


class Selection(Struct, frozen=True, kw_only=True):
    """What comes of a wish: `graph` holds the tasks that belong to the run, `partial` if they are not all.

    `borrowed` are tasks of it that will not run because their results are taken from an earlier run, `skipped` those
    that were skipped by name.
    """

    graph: Graph
    partial: bool = False
    borrowed: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()


def select(graph: Graph, wish: Wish) -> Selection:
    """Answer the part of a graph that a wish names; everything where it names nothing.

    Raises:
        NothingSelected: a name or a tag is not in the graph.

    """
    check_named((*wish.only, *wish.until, *wish.since, *wish.skip), graph)
    wish = _without_groups(wish, graph)
    tags = {tag for task in graph.tasks.values() for tag in task.tags}
    for tag in wish.tag:
        if tag not in tags:
            raise NothingSelected(f"no task in {graph.file} has the tag `{tag}`{_near(tag, tags)}")
    wanted = _wanted(graph, wish)
    later = {name for start in wish.since for name in _below(graph, start)}
    needed = [need for name in later for need in graph.tasks[name].needs if need in graph.tasks and need not in wanted]
    borrowed = {name for need in needed for name in _with_instances(graph, need)} - wanted
    skipped = [name for each in wish.skip for name in _with_instances(graph, each)]
    return Selection(
        partial=len(wanted | borrowed) < len(graph.tasks),
        graph=restricted(graph, wanted | borrowed),
        borrowed=tuple(name for name in graph.tasks if name in borrowed and not graph.tasks[name].instances),
        skipped=tuple(name for name in dict.fromkeys(skipped) if not graph.tasks[name].instances),
    )


def check_named(names: Iterable[str], graph: Graph) -> None:
    """See that tasks or groups which were named on the command line are there.

    Raises:
        NothingSelected: one is not.

    """
    known = {**graph.tasks, **graph.groups}
    unknown = next((name for name in names if name not in known), None)
    if unknown is not None:
        raise NothingSelected(f"there is no task `{unknown}` in {graph.file}{_meant(unknown, graph)}")


def spelled_out(names: Iterable[str], graph: Graph) -> tuple[str, ...]:
    """Answer the tasks that were named, all of those in the groups that were."""
    return tuple(task for name in names for task in (graph.groups[name].tasks if name in graph.groups else (name,)))


def restricted(graph: Graph, names: Collection[str]) -> Graph:
    """Answer a graph with only these tasks, and the groups they are in; what they need beyond them is left away."""
    if len(names) == len(graph.tasks):
        return graph
    kept = {*names, *graph.services}
    left = {name for name, group in graph.groups.items() if not kept.isdisjoint(group.tasks)}
    tasks = {task.id: _less_task(task, kept, left) for task in graph.tasks.values() if task.id in kept}
    groups = {
        name: _less(replace(group, tasks=tuple(task for task in group.tasks if task in kept)), kept, left)
        for name, group in graph.groups.items()
        if name in left
    }
    return replace(graph, tasks=tasks, groups=groups)


# -- the helpers -------------------------------------------------------------------------------------------------------


def _less(node: T, kept: Collection[str], groups: Collection[str]) -> T:
    """Answer a task or a group without what it needs beyond these."""
    needs = tuple(need for need in node.needs if need in kept)
    return replace(node, needs=needs, groups=tuple(group for group in node.groups if group in groups))


def _less_task(task: TaskSpec, kept: Collection[str], groups: Collection[str]) -> TaskSpec:
    """Answer the same for a task; the instances of a group are what it needs."""
    less = _less(task, kept, groups)
    return less if task.instances is None else replace(less, instances=less.needs)


def _without_groups(wish: Wish, graph: Graph) -> Wish:
    """Answer a wish in which each group that is named stands for all its tasks."""
    if not graph.groups:
        return wish
    kinds = {"only": wish.only, "until": wish.until, "since": wish.since, "skip": wish.skip}
    return replace(wish, **{kind: spelled_out(names, graph) for kind, names in kinds.items()})


def _wanted(graph: Graph, wish: Wish) -> set[str]:
    if not (wish.only or wish.until or wish.since or wish.tag):
        return set(graph.tasks)
    wanted = {name for each in wish.only for name in _with_instances(graph, each)}
    wanted.update(task.id for task in graph.tasks.values() if set(wish.tag) & set(task.tags))
    for name in wish.until:
        wanted.update(_reached(name, lambda each: graph.tasks[each].needs if each in graph.tasks else ()))
    for name in wish.since:
        wanted.update(_below(graph, name))
    return wanted.intersection(graph.tasks)


def _with_instances(graph: Graph, name: str) -> tuple[str, ...]:
    """Answer a task; of a group its instances too."""
    return (name, *(graph.tasks[name].instances or ()))


def _below(graph: Graph, start: str) -> set[str]:
    """Answer a task, all that rests upon it and, of a group, its instances."""
    return {*_reached(start, lambda each: graph.dependents[each]), *_with_instances(graph, start)}


def _reached(start: str, following: Callable[[str], Iterable[str]]) -> set[str]:
    """Answer a node and all that can be reached from it."""
    found, waiting = {start}, [start]
    while waiting:
        fresh = [name for name in following(waiting.pop()) if name not in found]
        found.update(fresh)
        waiting += fresh
    return found


def _meant(name: str, graph: Graph) -> str:
    template = graph.tasks.get(name.partition("[")[0])
    if template is not None and template.is_template:
        return f": what `{template.id}` is done for is known only while it runs"
    return _near(name, (*graph.tasks, *graph.groups))


def _near(name: str, known: Iterable[str]) -> str:
    near = nearest(name, known)
    return f"; did you mean `{near}`?" if near else ""
