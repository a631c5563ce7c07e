"""A graph grown by a fan-out: the template becomes the group of its instances, each a task of its own. Pure.

Knows no run; what the items are is said by whoever asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b

from msgspec.structs import replace

from runner.graph.items import names_of
from runner.graph.model import Graph, Group, Matrix, Part, Retry, TaskSpec
from runner.graph.values import Value, references
from runner.task import Json


def fanned_out(graph: Graph, task: str, items: Sequence[Json]) -> Graph:
    """Answer a graph in which a template is the group of its instances, one for each item.

    Raises:
        EvaluationError: two items are called the same.

    """
    template = graph.tasks[task]
    instances = _instances(template, items, graph.scopes[template.scope].folder)
    tasks = {**graph.tasks, task: _group(template, tuple(instances)), **instances}
    grown = replace(graph, tasks=tasks, groups=_with_instances(graph, template, tuple(instances)))
    if "dependents" in graph.__dict__:
        grown.__dict__["dependents"] = _dependents(graph.dependents, template, tuple(instances))
    return grown


def opened(graph: Graph, items: Mapping[str, Sequence[Json]]) -> Graph:
    """Answer the graph of a run as it is when that is opened, in the order of the file.

    Raises:
        EvaluationError: two items are called the same.

    """
    for task in items:
        graph = fanned_out(graph, task, items[task])
    return in_order(graph) if items else graph


def in_order(graph: Graph) -> Graph:
    """Answer a graph whose tasks are in the order of the file, each group before its instances."""
    ordered = sorted(graph.tasks.values(), key=lambda task: task.index)
    return replace(graph, tasks={task.id: task for task in ordered})


def is_known_before(spec: TaskSpec) -> bool:
    """Say whether the items of a template are known before the run: they are not read from what it needs."""
    return not any(each.root == "needs" for each in references(read_by_fan(spec)))


def read_by_fan(spec: TaskSpec) -> list[Value]:
    """Answer the values from which the items of a template are made."""
    match spec.fan:
        case None:
            return []
        case Matrix(axes=axes, include=include, exclude=exclude):
            return [axes, include, exclude]
        case foreach:
            return [foreach.items]


def reads_its_item(spec: TaskSpec) -> bool:
    """Say whether the `if` of a task hangs on its item, so that each instance must be asked."""
    return any(each.root in ("item", "matrix") for each in references(spec.condition))


def only_for_items(spec: TaskSpec) -> frozenset[str]:
    """Answer the needs that nothing of a task reads but its `foreach` or `matrix`: of them the item is all it sees."""
    by_fan = _needs_read(read_by_fan(spec))
    found = by_fan - _needs_read([spec.arguments, spec.env, spec.run, spec.condition])
    return frozenset(f"{spec.scope}.{need}" for need in found) if spec.scope else found


def reads_only_its_item(spec: TaskSpec) -> bool:
    """Say whether a task reads nothing but its item, and parameters, in what it is asked to do."""
    read = references([dict(spec.arguments), spec.run])
    return all(each.root in ("item", "matrix", "params") for each in read)


def template_of(task: str) -> str:
    """Answer the id of the fan-out that an id is of an instance of; that of any other task is its own."""
    return task.partition("[")[0]


def pool_of(task: str) -> str:
    """Answer the pool that every instance of a task with `max_parallel` claims one of; no graph file can name it."""
    return f"max_parallel of {task}"


# -- the helpers -------------------------------------------------------------------------------------------------------


def _instances(template: TaskSpec, items: Sequence[Json], folder: str) -> dict[str, TaskSpec]:
    assert template.fan is not None, f"{template.id} has neither `matrix` nor `foreach`"
    names, root = names_of(template.fan, items, folder), "matrix" if isinstance(template.fan, Matrix) else "item"
    step = 1 / (len(items) + 1)
    return {
        (name := f"{template.id}[{label}]"): replace(
            template,
            id=name,
            index=template.index + place * step,
            part=Part(of=template.id, root=root, value=item),  # type: ignore[arg-type]  # one of the two
            data_prefix=None if template.data_prefix is None else f"{template.data_prefix}{_mark(label)}_",
        )
        for place, (label, item) in enumerate(zip(names, items, strict=True), start=1)
    }


def _group(template: TaskSpec, instances: tuple[str, ...]) -> TaskSpec:
    """Answer the group: it does nothing itself, so it has no claims, no prefix, no limits and takes no time."""
    return replace(
        template,
        needs=instances,
        outer=(),
        groups=(),
        instances=instances,
        condition=None,
        claims={},
        data_prefix=None,
        retry=Retry(),
        timeout=None,
        memory=None,
        estimate=0.0,
    )


def _with_instances(graph: Graph, template: TaskSpec, instances: tuple[str, ...]) -> Mapping[str, Group]:
    """Answer the included graphs, in which the instances are, too, where their template is."""
    if not template.scope:
        return graph.groups
    return {
        name: replace(group, tasks=(*group.tasks, *instances)) if template.id in group.tasks else group
        for name, group in graph.groups.items()
    }


def _dependents(
    known: Mapping[str, tuple[str, ...]], template: TaskSpec, instances: tuple[str, ...]
) -> dict[str, tuple[str, ...]]:
    """Answer who needs what, changed only where it changes: what the template needs, its instances need now."""
    above = {need: _instead(known[need], template.id, instances) for need in template.needs}
    return {**known, **above, **dict.fromkeys(instances, (template.id,))}


def _instead(names: tuple[str, ...], old: str, new: tuple[str, ...]) -> tuple[str, ...]:
    place = names.index(old)
    return (*names[:place], *new, *names[place + 1 :])


def _needs_read(values: Sequence[Value]) -> frozenset[str]:
    paths = [reference.path for value in values for reference in references(value)]
    return frozenset(str(path[1]) for path in paths if path[0] == "needs" and len(path) > 1)


def _mark(label: str) -> str:
    """Answer ten digits: all of one length, so that no prefix of test data begins another."""
    return blake2b(label.encode(errors="surrogatepass"), digest_size=5).hexdigest()
