"""In which order, and how long to rest: pure arithmetic. Knows no phase and no event.

Order and the question whether a task runs at all are independent choices (after "Build Systems à la Carte"): nothing
here can make a task run or not run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import blake2b
from heapq import heapify, heappop, heappush
from itertools import repeat
from math import prod
from typing import Generic, TypeAlias, TypeVar

from runner.graph.cycles import in_order
from runner.graph.model import Backoff, Graph, Retry, TaskSpec

UNKNOWN_SECONDS = 1.0
"""What a task is thought to take when nothing was measured and nothing estimated: only the order depends on it."""

Claims: TypeAlias = tuple[tuple[str, float], ...]
EVERY_SLOT = ""
"""What an attempt that runs alone claims besides its pools: a pool of one that is full as long as anything runs."""
STAGGER = " "
"""What an attempt with a `stagger` claims besides its pools: so many seconds since the start before."""
Key: TypeAlias = tuple[float, float, float]
Item = TypeVar("Item")


def seconds_expected(task: TaskSpec, durations: Mapping[str, float]) -> float:
    """Answer the measured seconds of a task, else its estimate, else `UNKNOWN_SECONDS`; a group takes none itself."""
    if task.instances is not None:
        return 0.0
    measured = durations.get(task.id)
    if measured is None and task.part is not None:
        measured = durations.get(task.part.of)  # an instance that came to be while running
    if measured is not None:
        return measured
    return UNKNOWN_SECONDS if task.estimate is None else task.estimate


def ranks(graph: Graph, durations: Mapping[str, float]) -> dict[str, float]:
    """Answer for each task the seconds of the longest path from its start to the end of the graph."""
    found = dict.fromkeys(graph.tasks, 0.0)  # first the longest path behind each
    for spec in _backwards(graph):
        path = found[spec.id] = found[spec.id] + seconds_expected(spec, durations)
        for need in spec.needs:
            if found.get(need, path) < path:
                found[need] = path
    return found


def _backwards(graph: Graph) -> Iterable[TaskSpec]:
    """Answer the tasks, each before all it needs; mostly that is the file's order, read from its end."""
    if in_order(((spec.id, spec.needs) for spec in graph.tasks.values()), graph.services):
        yield from reversed([*graph.tasks.values()])
        return
    missing = {task: len(graph.dependents[task]) for task in graph.tasks}
    ready = [task for task, count in missing.items() if count == 0]
    while ready:
        spec = graph.tasks[ready.pop()]
        yield spec
        for need in spec.needs:
            if need in missing:
                missing[need] -= 1
                if missing[need] == 0:
                    ready.append(need)


def urgency(task: TaskSpec, rank: float, shuffle: int | None) -> Key:
    """Answer what ready tasks are ordered by, the smallest first; with a seed to `shuffle` by, chance alone orders."""
    if shuffle is None:
        return (-task.priority, -rank, task.index)
    return (chance(f"shuffle {shuffle}", task.id, 0), 0.0, task.index)


def rest_before(retry: Retry, run: str, task: str, attempt: int) -> float:
    """Answer the seconds to rest after failed `attempt`; a hash stands in for chance, so a replay agrees.

    Source of full jitter: "Exponential Backoff And Jitter", AWS Architecture Blog (2015).
    """
    match retry.backoff:
        case Backoff.FIXED:
            longest = retry.delay
        case Backoff.LINEAR:
            longest = retry.delay * attempt
        case Backoff.EXPONENTIAL:
            # A product ends at infinity, where a power raises: 2.0 ** 1024.
            longest = prod(repeat(retry.factor, attempt - 1), start=retry.delay)
    longest = min(longest, retry.max_delay)
    return longest if retry.jitter == "none" else longest * chance(run, task, attempt)


def chance(run: str, task: str, attempt: int) -> float:
    """Answer a number in [0, 1) that looks random and depends on nothing but its arguments."""
    digest = blake2b(f"{run}\0{task}\0{attempt}".encode(), digest_size=7).digest()
    return int.from_bytes(digest) / 2**56


class ReadyQueue(Generic[Item]):
    """Tasks that could start, the most urgent first; a task whose claims do not fit lets the next one pass.

    One heap for each distinct set of claims: when a pool is full, all that wait for it are passed over in one step.
    """

    def __init__(self) -> None:
        self._heaps: dict[Claims, list[tuple[Key, Item]]] = {}

    def push(self, claims: Claims, key: Key, task: Item) -> None:
        """Add a task; the smallest key is taken first, and no two are equal."""
        heappush(self._heaps.setdefault(claims, []), (key, task))

    def lines(self) -> Iterator[Claims]:
        """Answer the different claims that tasks wait with."""
        return iter(self._heaps)

    def forget(self, stale: Callable[[Item], bool]) -> None:
        """Forget all that are no longer ready: they may become so again, and then they are added again."""
        for claims, heap in list(self._heaps.items()):
            self._heaps[claims] = [each for each in heap if not stale(each[1])]
            heapify(self._heaps[claims])

    def pop(
        self, fits: Callable[[Claims], bool], stale: Callable[[Item], bool], place: Callable[[Item], bool]
    ) -> Item | None:
        """Take the most urgent task whose claims fit, forgetting those that are no longer ready.

        Where there is no `place` for that one, nobody overtakes it.
        """
        best: Claims | None = None
        for claims, heap in list(self._heaps.items()):
            while heap and stale(heap[0][1]):
                heappop(heap)
            if not heap:
                del self._heaps[claims]
            elif (best is None or heap[0] < self._heaps[best][0]) and fits(claims):
                best = claims
        if best is None or not place(self._heaps[best][0][1]):
            return None
        return heappop(self._heaps[best])[1]
