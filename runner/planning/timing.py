"""What a virtual run says of time: spans, slack, critical path, and what each worker and pool is busy with. Pure.

Theory of operation. Each attempt is a span, and so is each service until it is ready. A span could not have begun
before those that gave it its place had ended: its needs, the attempt before it, the span before it on its worker, and
those that held its share of a pool. Which worker a virtual attempt has is not said by the events, because it does not
matter to them; here it has that of a span it waits for anyway, else one that nobody had, else the one that has been
idle longest: so a span follows at once upon a strange one only where no other worker was free. Going through the spans
backwards, each may end as late as the earliest span behind it allows; what is left between that and its end is its
slack. Without slack it is critical, and walking back from the last end over what ended just when a span began is the
critical path.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush

from msgspec import Struct, field

from runner.graph.model import Graph
from runner.schedule.messages import AttemptEnded, AttemptStarted, Event, ServiceReady
from runner.task import Failed

CLOSE = 1e-6
"""Seconds within which two moments are one."""


class Span(Struct, kw_only=True, eq=False):
    """One attempt, or a service until it is ready; workers count from 1, a service has 0; `latest` is when it may end.

    `before` are the spans that made room for it, the most telling first, each with the rest that lay between.
    """

    name: str
    number: int
    start: float
    end: float
    worker: int = 0
    outcome: str = ""
    latest: float = float("inf")
    before: list[tuple[Span, float]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """How long it takes."""
        return self.end - self.start


class Timing:
    """The spans of one virtual run, in the order of their starts, and all that follows from them.

    `critical` are the tasks and services that hold the end of the run up, first to last.
    """

    def __init__(self, graph: Graph, events: Sequence[Event], slots: int) -> None:
        self.spans = _spans(events)
        self.by_name: dict[str, list[Span]] = {}
        for span in self.spans:
            self.by_name.setdefault(span.name, []).append(span)
        self.end = max((span.end for span in self.spans), default=0.0)
        self._number_workers(graph)
        self._follow_needs(graph)
        self._follow_workers(slots)
        self._follow_pools(graph)
        self._work_backwards()
        self.critical = self._critical_path()
        self._critical = frozenset(self.critical)

    def slack(self, name: str) -> float | None:
        """Answer by how much a task or service could end later and nothing else would, None if it never begins."""
        spans = self.by_name.get(name)
        return None if spans is None else max(0.0, min(span.latest - span.end for span in spans))

    def is_critical(self, name: str) -> bool:
        """Say whether a task or service is on the critical path."""
        return name in self._critical

    # -- what makes room for what ----------------------------------------------------------------------------------

    def _follow_needs(self, graph: Graph) -> None:
        for span in self.spans:
            if span.number > 1:
                earlier = self.by_name[span.name][span.number - 2]
                span.before.append((earlier, span.start - earlier.end))
            elif span.name in graph.tasks:
                spans = self._above(span.name, graph)
                spans.sort(key=lambda each: -each.end)
                span.before += [(each, 0.0) for each in spans]
            else:
                span.before += [(each, 0.0) for each in self._asked_for(span, graph)]

    def _above(self, name: str, graph: Graph) -> list[Span]:
        """Answer what a task waited for: its needs, and behind those that did not run what these had waited for."""
        needs = graph.tasks[name].needs
        if all(need in self.by_name for need in needs):
            return [self.by_name[need][-1] for need in needs]
        found: dict[Span, None] = {}
        waiting, seen = [*needs], set[str]()
        while waiting:
            need = waiting.pop()
            if need in self.by_name:
                found[self.by_name[need][-1]] = None
            elif need in graph.tasks and need not in seen:
                seen.add(need)
                waiting += graph.tasks[need].needs
        return list(found)

    def _asked_for(self, service: Span, graph: Graph) -> Iterable[Span]:
        """Answer the ends after which a service was started: the tasks that need it needed nothing else any more."""
        for task in graph.dependents[service.name]:
            needs = [need for need in graph.tasks[task].needs if need in graph.tasks and need in self.by_name]
            last = max((self.by_name[need][-1] for need in needs), key=lambda each: each.end, default=None)
            if last is not None and abs(last.end - service.start) <= CLOSE:
                yield last

    def _follow_workers(self, slots: int) -> None:
        """Let each attempt follow one it waits for anyway, else the one on the worker that has been idle longest."""
        unused = slots
        idle: dict[Span, None] = {}  # the last attempt of each idle worker, the longest idle first
        busy: list[tuple[float, int, Span]] = []
        for number, span in enumerate(self.spans):
            if not span.worker:
                continue
            while busy and busy[0][0] <= span.start:
                idle[heappop(busy)[2]] = None
            known = next((one for one, _ in span.before if one in idle), None)
            if known is not None:
                del idle[known]
            elif unused:
                unused -= 1
            else:
                longest = next(iter(idle))
                del idle[longest]
                span.before.append((longest, 0.0))
            heappush(busy, (span.end, number, span))

    def _number_workers(self, graph: Graph) -> None:
        """Give each attempt a worker to be shown on: the first that is free, so that as few as possible are shown."""
        free: list[int] = []
        busy: list[tuple[float, int]] = []
        count = 0
        for span in self.spans:
            if span.name in graph.services:
                continue
            while busy and busy[0][0] <= span.start:
                heappush(free, heappop(busy)[1])
            if not free:
                count += 1
                heappush(free, count)
            span.worker = heappop(free)
            heappush(busy, (span.end, span.worker))

    def _follow_pools(self, graph: Graph) -> None:
        for pool, size in graph.pools.items():
            claims = {task.id: task.claims[pool] for task in graph.tasks.values() if pool in task.claims}
            free: list[tuple[float, int, Span | None]] = [(0.0, unit, None) for unit in range(size)]
            for span in self.spans if claims else ():
                taken = [heappop(free) for _ in range(claims.get(span.name, 0))]
                span.before += [(last, 0.0) for _, _, last in taken if last is not None and last.name != span.name]
                for _, unit, _ in taken:
                    heappush(free, (span.end, unit, span))

    def _critical_path(self) -> tuple[str, ...]:
        """Answer the tasks and services that hold the end of the run up, first to last."""
        if not self.spans:
            return ()
        span: Span | None = max(self.spans, key=lambda each: each.end)
        names: list[str] = []
        while span is not None:
            if not names or names[-1] != span.name:
                names.append(span.name)
            start = span.start
            span = next((one for one, rest in span.before if one.end + rest >= start - CLOSE), None)
        return tuple(reversed(names))

    def _work_backwards(self) -> None:
        for span in reversed(self.spans):
            span.latest = min(span.latest, self.end)
            starts = span.latest - span.seconds
            for earlier, rest in span.before:
                earlier.latest = min(earlier.latest, starts - rest)


class Peaks(Struct, frozen=True, kw_only=True):
    """The most there is at once: claimed of each pool, memory allowed (bytes), tasks, and tasks without a limit."""

    pools: Mapping[str, int]
    memory: int
    running: int
    unlimited: int


def peaks(graph: Graph, spans: Sequence[Span]) -> Peaks:
    """Answer the most of everything that there is at once; what ends makes room before what begins takes it."""
    attempts = [(span, graph.tasks[span.name]) for span in spans if span.worker]
    moments = [(span.start, 1, task) for span, task in attempts] + [(span.end, -1, task) for span, task in attempts]
    running = memory = unlimited = most_running = most_memory = most_unlimited = 0
    claimed, most = dict.fromkeys(graph.pools, 0), dict.fromkeys(graph.pools, 0)
    for _, sign, task in sorted(moments, key=lambda moment: moment[:2]):
        running += sign
        most_running = max(most_running, running)
        if task.memory is None:
            unlimited += sign
            most_unlimited = max(most_unlimited, unlimited)
        else:
            memory += sign * task.memory
            most_memory = max(most_memory, memory)
        for pool, amount in task.claims.items():
            claimed[pool] += sign * amount
            most[pool] = max(most[pool], claimed[pool])
    return Peaks(pools=most, memory=most_memory, running=most_running, unlimited=most_unlimited)


# -- the helpers -------------------------------------------------------------------------------------------------------


def _spans(events: Sequence[Event]) -> list[Span]:
    """Answer the spans in the order of their starts; among those of one moment, in the order of the events."""
    open_spans: dict[tuple[str, int], Span] = {}
    found: list[Span] = []
    for event in events:
        match event:
            case AttemptStarted(task=name, attempt=number):
                span = Span(name=name, number=number, start=event.since, end=event.since)
                open_spans[name, number] = span
                found.append(span)
            case AttemptEnded(task=name, attempt=number) if (name, number) in open_spans:
                span = open_spans[name, number]
                span.end = event.at
                span.outcome = event.outcome.cause.word if isinstance(event.outcome, Failed) else "succeeded"
            case ServiceReady(service=name):
                start = event.at if event.asked is None else event.asked
                found.append(Span(name=name, number=1, start=start, end=event.at))
            case _:
                pass
    return sorted(found, key=lambda span: span.start)
