"""Rings of tasks that need each other. Knows only ids."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence


def in_order(needs: Iterable[tuple[str, Collection[str]]], above: Iterable[str]) -> bool:
    """Say whether each task comes behind all it needs, some of which is `above`: then there is no ring."""
    seen = set(above)
    for task, needed in needs:
        if not seen.issuperset(needed):
            return False
        seen.add(task)
    return True


def rings(needs: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """Answer a ring of every knot of tasks that need each other: each task needs the next one, the last the first.

    Tasks that can be done are taken away (Kahn 1962); mostly none is left. What is left falls into knots, in which each
    task can be reached from each (Tarjan 1972), and going on from need to need inside a knot comes back somewhere.
    Takes time in proportion to the edges, and no recursion: chains may be long.
    """
    stuck = _stuck(needs)
    order = {task: index for index, task in enumerate(needs)}
    for knot in _knots(stuck, needs) if stuck else ():
        task = min(knot, key=order.__getitem__)
        path: dict[str, None] = {}
        while task not in path:
            path[task] = None
            task = next(need for need in needs[task] if need in knot)
        walked = list(path)
        ring = walked[walked.index(task) :]
        first = ring.index(min(ring, key=order.__getitem__))
        yield (*ring[first:], *ring[:first])


def _knots(tasks: Iterable[str], needs: Mapping[str, Sequence[str]]) -> Iterator[set[str]]:
    """Answer the strongly connected components of more than one task, by Tarjan's algorithm with a stack of its own.

    `low` is the earliest task, by number, that a task reaches among those not yet in a component; one that reaches
    none before itself closes a component: itself and all numbered after it.
    """
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    unassigned: dict[str, None] = {}
    for start in tasks:
        walk = [] if start in number else [(start, iter(needs[start]))]
        while walk:
            task, above = walk[-1]
            if task not in number:
                number[task] = low[task] = len(number)
                unassigned[task] = None
            need = next(above, None)
            if need is None:
                walk.pop()
                if walk:
                    low[walk[-1][0]] = min(low[walk[-1][0]], low[task])
                if low[task] == number[task]:
                    knot = _taken_down_to(task, unassigned)
                    if len(knot) > 1:
                        yield knot
            elif need not in number:
                walk.append((need, iter(needs[need])))
            elif need in unassigned:
                low[task] = min(low[task], number[need])


def _taken_down_to(task: str, unassigned: dict[str, None]) -> set[str]:
    taken = set[str]()
    while task not in taken:
        taken.add(unassigned.popitem()[0])
    return taken


def _stuck(needs: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Answer the tasks that could never start, with the number of needs that hold each."""
    waiting = {task: len(above) for task, above in needs.items()}
    dependents: dict[str, list[str]] = {task: [] for task in needs}
    for task, above in needs.items():
        for need in above:
            dependents[need].append(task)
    done = [task for task, count in waiting.items() if count == 0]
    while done:
        task = done.pop()
        del waiting[task]
        for dependent in dependents[task]:
            waiting[dependent] -= 1
            if waiting[dependent] == 0:
                done.append(dependent)
    return waiting
