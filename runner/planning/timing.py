"""What a virtual run says of time: spans, slack, critical path, and what each worker and pool is busy with. Pure.

Theory of operation. Each attempt is a span, and so is each service until it is ready. A span could not have begun
before those that gave it its place had ended: its needs, the attempt before it, the span before it on its worker, and
those that held its share of a pool; nor before it had its distance (`stagger`, `rate`) from the start of another one.
Which worker a virtual attempt has is not said by the events, because it does not matter to them; here it has that of a
span it waits for anyway, else one that nobody had, else the one that has been idle longest: so a span follows at once
upon a strange one only where no other worker was free. Going through the spans backwards, each may end as late as the
earliest span behind it allows; what is left between that and its end is its slack. Without slack it is critical, and
walking back from the last end over what ended just when a span began is the critical path.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from itertools import pairwise

from msgspec import Struct

from runner.graph.model import Graph
from runner.planning.rounds import Rounds, follow_rounds
from runner.planning.spans import CLOSE, END, Span, spans_of
from runner.schedule.messages import Event


class Timing:
    """The spans of one virtual run, in the order of their starts, and all that follows from them.

    `rounds` says which attempts began another round of an included graph; `critical` are the tasks and services that
    hold the end of the run up, first to last.
    """

    def __init__(self, graph: Graph, events: Sequence[Event], slots: int, rounds: Rounds) -> None:
        self.spans = spans_of(events)
        self.by_name: dict[str, list[Span]] = {}
        for span in self.spans:
            self.by_name.setdefault(span.name, []).append(span)
        self.end = max((span.end for span in self.spans), default=0.0)
        self._number_workers(graph)
        self._follow_needs(graph)
        follow_rounds(graph, self.by_name, rounds)
        self._follow_workers(slots)
        self._follow_pools(graph)
        self._follow_paces(graph)
        self._work_backwards()
        self.critical = self._critical_path()
        self._critical = frozenset(self.critical)

    def slack(self, name: str) -> float | None:
        """Answer by how much a task or service could end later and nothing else would, None if it never begins."""
        spans = self.by_name.get(name)
        return None if spans is None else max(0.0, min([span.latest - span.end for span in spans]))

    def is_critical(self, name: str) -> bool:
        """Say whether a task or service is on the critical path."""
        return name in self._critical

    # -- what makes room for what ----------------------------------------------------------------------------------

    def _follow_needs(self, graph: Graph) -> None:
        last = {span.name: span for span in self.spans}
        behind: dict[str, tuple[Span, ...]] = {}
        for span in self.spans:
            if span.number > 1:
                earlier = self.by_name[span.name][span.number - 2]
                span.before, span.rest = [earlier], span.start - earlier.end
            elif span.name in graph.tasks:
                needs = graph.tasks[span.name].needs
                found = [last.get(need) for need in needs]
                spans = [each for each in found if each is not None]
                if len(spans) < len(needs):  # what did not run has waited for others itself
                    spans = list(dict.fromkeys(each for need in needs for each in self._last(need, graph, behind)))
                spans.sort(key=END, reverse=True)
                span.before = spans
            else:
                span.before = [*self._asked_for(span, graph)]

    def _last(self, need: str, graph: Graph, behind: dict[str, tuple[Span, ...]]) -> Sequence[Span]:
        """Answer the last span of a need, or of one that did not run those behind it; `behind` remembers these."""
        waiting = [need]
        while waiting:
            name = waiting[-1]
            spans, spec = self.by_name.get(name), graph.tasks.get(name)
            needs = spec.needs if spans is None and spec is not None else ()
            unknown = [above for above in needs if above not in behind]
            if unknown:
                waiting += unknown
                continue
            waiting.pop()
            found = dict.fromkeys(each for above in needs for each in behind[above])
            behind[name] = tuple(found) if spans is None else (spans[-1],)
        return behind[need]

    def _asked_for(self, service: Span, graph: Graph) -> Iterable[Span]:
        """Answer the ends after which a service was started: the tasks that need it needed nothing else any more."""
        for task in graph.dependents[service.name]:
            needs = [need for need in graph.tasks[task].needs if need in graph.tasks and need in self.by_name]
            last = max((self.by_name[need][-1] for need in needs), key=END, default=None)
            if last is not None and abs(last.end - service.start) <= CLOSE:
                yield last

    def _follow_workers(self, slots: int) -> None:
        """Let each attempt follow one it waits for anyway, else the one on the worker that has been idle longest."""
        unused = slots
        idle = OrderedDict[Span, None]()  # the last attempt of each idle worker, the longest idle first
        busy: list[tuple[float, int, Span]] = []
        for number, span in enumerate(self.spans):
            if not span.worker:
                continue
            while busy and busy[0][0] <= span.start:
                idle[heappop(busy)[2]] = None
            known = next((one for one in span.before if one in idle), None)
            if known is not None:
                del idle[known]
            elif unused:
                unused -= 1
            else:
                span.before.append(idle.popitem(last=False)[0])
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
        place = {pool: number for number, pool in enumerate(graph.pools)}
        claims = [(span, graph.tasks[span.name].claims) for span in self.spans if span.worker] if place else []
        wanted = Counter[str]()
        for _, claimed in claims:
            wanted.update(claimed)
        free: dict[str, list[tuple[float, int, Span | None]]] = {
            pool: [(0.0, unit, None) for unit in range(min(size, wanted[pool]))] for pool, size in graph.pools.items()
        }
        for span, claimed in claims:
            for pool in sorted(claimed, key=place.__getitem__):
                taken = [heappop(free[pool]) for _ in range(claimed[pool])]
                span.before += [last for _, _, last in taken if last is not None and last.name != span.name]
                for _, unit, _ in taken:
                    heappush(free[pool], (span.end, unit, span))

    def _follow_paces(self, graph: Graph) -> None:
        """Note for each attempt from whose starts it had to have a distance."""
        if not graph.rates and not any(task.stagger for task in graph.tasks.values()):
            return  # as mostly
        attempts = [(span, graph.tasks[span.name]) for span in self.spans if span.worker]
        staggered = [(span, task.stagger) for span, task in attempts if task.stagger]
        for (earlier, _), (span, distance) in pairwise(staggered):
            span.behind = ((earlier, distance),)
        for pool, rate in graph.rates.items():
            claims = [span for span, task in attempts if pool in task.claims]
            for earlier, span in zip(claims, claims[rate.count :], strict=False):
                span.behind += ((earlier, rate.seconds),)

    def _critical_path(self) -> tuple[str, ...]:
        """Answer the tasks and services that hold the end of the run up, first to last."""
        if not self.spans:
            return ()
        span: Span | None = max(self.spans, key=END)
        names: list[str] = []
        while span is not None:
            if not names or names[-1] != span.name:
                names.append(span.name)
            span = next(_holding_up(span), None)
        return tuple(reversed(names))

    def _work_backwards(self) -> None:
        for span in reversed(self.spans):
            span.latest = min(span.latest, self.end)
            starts = span.latest - span.end + span.start
            for earlier in span.before:
                earlier.latest = min(earlier.latest, starts)
            if span.rest:
                span.before[0].latest = min(span.before[0].latest, starts - span.rest)
            for earlier, distance in span.behind:
                earlier.latest = min(earlier.latest, starts - distance + earlier.seconds)


class Peaks(Struct, frozen=True, kw_only=True):
    """The most there is at once: claimed of each pool, memory allowed (bytes), tasks, and tasks without a limit."""

    pools: Mapping[str, int]
    memory: int
    running: int
    unlimited: int


def peaks(graph: Graph, spans: Sequence[Span]) -> Peaks:
    """Answer the most of everything that there is at once; what ends makes room before what begins takes it."""
    attempts = [(span, graph.tasks[span.name]) for span in spans if span.worker]
    moments = [(span.start, 1, number) for number, (span, _) in enumerate(attempts)]
    moments += [(span.end, -1, number) for number, (span, _) in enumerate(attempts)]
    moments.sort()
    running = memory = unlimited = most_running = most_memory = most_unlimited = 0
    claimed, most = dict.fromkeys(graph.pools, 0), dict.fromkeys(graph.pools, 0)
    for _, sign, number in moments:
        task = attempts[number][1]
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


def _holding_up(span: Span) -> Iterator[Span]:
    """Answer the spans without which this one would have begun earlier."""
    yield from (one for one in span.before if one.end >= _room(span, one) - CLOSE)
    yield from (one for one, distance in span.behind if one.start + distance >= span.start - CLOSE)


def _room(span: Span, before: Span) -> float:
    """Answer when another span had to have ended for this one to begin when it did."""
    return span.start - span.rest if before is span.before[0] else span.start
