"""Rings of tasks that need each other. Knows only ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence


def rings(needs: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """Answer rings without a common task: each task needs the next one, the last needs the first. None: no cycle.

    Tasks that can be done are taken away (Kahn 1962). Each task that remains needs one that remains, so whoever goes
    from a task to its first such need, and on, comes to a ring, or to where an earlier walk has been. Takes time in
    proportion to the edges, and no recursion: chains may be long.
    """
    stuck = _stuck(needs)
    order = {task: index for index, task in enumerate(needs)}
    walked: set[str] = set()
    for start in stuck:
        path: dict[str, None] = {}
        task = start
        while task not in walked:
            walked.add(task)
            path[task] = None
            task = next(need for need in needs[task] if need in stuck)
        if task in path:
            tasks = list(path)
            ring = tasks[tasks.index(task) :]
            first = ring.index(min(ring, key=order.__getitem__))
            yield (*ring[first:], *ring[:first])


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
