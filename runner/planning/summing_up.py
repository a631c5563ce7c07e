"""What a virtual run comes to: the plan that is shown. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct, field

from runner.graph.model import NOT_HANDED, Graph, TaskSpec
from runner.mask import Masker
from runner.planning.durations import Expected
from runner.planning.fans import FanPlanned
from runner.planning.foresight import Foresight
from runner.planning.model import (
    Kept,
    Memory,
    NeededParameter,
    NeededSecret,
    Plan,
    PlannedAttempt,
    PlannedPool,
    PlannedService,
    PlannedTask,
    PlannedWorker,
)
from runner.planning.resampling import Range
from runner.planning.spans import Span
from runner.planning.timing import Timing, peaks
from runner.planning.virtual import VirtualRun
from runner.planning.what_if import WhatIf
from runner.record.former import Former
from runner.record.render.words import how_often
from runner.schedule.board import Phase
from runner.schedule.machine import Schedule
from runner.schedule.messages import Kept as KeptResult
from runner.schedule.messages import Outdated, Recalled, RunOpened
from runner.schedule.rules import Need

DIGITS = 6
"""How many digits of a second are told: what is beyond is but the noise of adding."""


class Given(Struct, frozen=True, kw_only=True):
    """What a plan is made from, beside the virtual run itself; `machine` is the bytes of memory it has."""

    graph: Graph
    fans: tuple[FanPlanned, ...]
    assumptions: tuple[str, ...]
    digest: str
    tasks: Mapping[str, Expected]
    services: Mapping[str, Expected]
    past: Former | None
    foresight: Foresight
    what_if: WhatIf
    environment: Mapping[str, str]
    machine: int | None
    masker: Masker
    recalled: Mapping[str, KeptResult | Outdated] = field(default_factory=dict)


def sum_up(run: VirtualRun, given: Given, spread: Range) -> Plan:
    """Answer the plan that a virtual run comes to."""
    graph, schedule = given.graph, run.schedule
    opened = _opened(schedule)
    timing = Timing(graph, run.events, opened.slots, run.rounds)
    sequential = sum(span.seconds for span in timing.spans if span.worker)
    most = peaks(graph, timing.spans)
    bad = frozenset(name for name in graph.tasks if schedule.task(name).need is not Need.S)
    return Plan(
        name=graph.name,
        file=graph.file,
        digest=given.digest,
        makespan=_round(run.seconds),
        sequential_seconds=_round(sequential),
        speedup=_round(sequential / run.seconds) if run.seconds else 1.0,
        workers=opened.slots,
        busiest=most.running,
        critical_path=timing.critical,
        range=spread,
        tasks=tuple(_task(spec, run, given, timing, bad) for spec in _shown(run, given, timing)),
        services=tuple(_service(name, given, timing) for name in graph.services),
        lanes=_lanes(timing.spans),
        pools=tuple(_pools(graph, timing, most.pools)),
        memory=Memory(peak=most.memory, unlimited=most.unlimited, machine=given.machine),
        params=tuple(_parameters(graph, opened, given.masker)),
        secrets=tuple(_secrets(graph, given.environment)),
        resumes=opened.resumes,
        shuffle=opened.shuffle,
        kept=tuple(_kept(graph, opened, given.past)),
        cached=tuple(_cached(run, given)),
        curve=(),
        enough=None,
        what_if=given.what_if,
        verdict=schedule.verdict,
        exit_code=int(schedule.exit_code),
        assumptions=(*given.assumptions, *given.foresight.assumptions, *_assumed(graph, given, timing)),
        fans=given.fans,
    )


def _shown(run: VirtualRun, given: Given, timing: Timing) -> Iterator[TaskSpec]:
    """Answer the tasks that a run would have: a fan-out that it never comes to decide on has no instances."""
    foreseen = {fan.task for fan in given.fans}
    undecided = {
        name
        for name in foreseen
        if run.schedule.task(name).phase is Phase.SKIPPED
        and not any(each in timing.by_name for each in given.graph.tasks[name].instances or ())
    }
    for spec in given.graph.tasks.values():
        if spec.part is None or spec.part.of not in undecided:
            yield spec


# -- tasks and services ------------------------------------------------------------------------------------------------


def _task(spec: TaskSpec, run: VirtualRun, given: Given, timing: Timing, bad: frozenset[str]) -> PlannedTask:
    """Sum up one task; `bad` are those that did not do well."""
    name, schedule = spec.id, run.schedule
    expected, state, spans = given.tasks[name], schedule.task(name), timing.by_name.get(name, ())
    whole = [*spans, *(span for each in spec.instances or () for span in timing.by_name.get(each, ()))]
    start, end = min((span.start for span in whole), default=0.0), max((span.end for span in whole), default=0.0)
    kept = given.recalled.get(name) if state.cached else _opened(schedule).kept.get(name)
    return PlannedTask(
        id=name,
        start=round(start, DIGITS) if whole else None,
        seconds=round(end - start, DIGITS),
        slack=_slack(timing, name),
        source=expected.source,
        runs=expected.runs,
        state=state.word,
        attempts=tuple(map(_attempt, spans)),
        reason=state.reason,
        critical=timing.is_critical(name),
        sees={} if bad.isdisjoint(spec.needs) or not spans else _sees(schedule, spec),
        kept=kept.run if isinstance(kept, KeptResult) else None,
        title=spec.title,
        asks=spec.manual and bool(spans) and name not in _opened(schedule).approved,
        of="" if spec.part is None else spec.part.of,
        instances=None if spec.instances is None else len(spec.instances),
    )


def _attempt(span: Span) -> PlannedAttempt:
    return PlannedAttempt(start=span.start, seconds=span.end - span.start, worker=span.worker, outcome=span.outcome)


def _sees(schedule: Schedule, spec: TaskSpec) -> dict[str, str]:
    """Answer how the needs of a task ended."""
    return {need: _how(schedule, need) for need in spec.needs if need in schedule.graph.tasks}


def _how(schedule: Schedule, name: str) -> str:
    word, cause = schedule.state(name), schedule.task(name).cause
    return word if cause is None or cause.word == word else f"{word} ({cause.word})"


def _service(name: str, given: Given, timing: Timing) -> PlannedService:
    spans = timing.by_name.get(name, [])
    return PlannedService(
        id=name,
        start=_round(spans[0].start) if spans else None,
        seconds=_round(spans[0].seconds) if spans else 0.0,
        slack=_slack(timing, name),
        source=given.services[name].source,
        runs=given.services[name].runs,
        critical=timing.is_critical(name),
    )


# -- workers, pools, memory --------------------------------------------------------------------------------------------


def _lanes(spans: Iterable[Span]) -> tuple[PlannedWorker, ...]:
    by_worker: dict[int, list[Span]] = {}
    for span in spans:
        if span.worker:
            by_worker.setdefault(span.worker, []).append(span)
    return tuple(
        PlannedWorker(number=number, tasks=tuple(span.name for span in mine), busy=_busy(mine))
        for number, mine in sorted(by_worker.items())
    )


def _busy(spans: Iterable[Span]) -> float:
    return _round(sum(span.seconds for span in spans))


def _pools(graph: Graph, timing: Timing, peaks: Mapping[str, int]) -> Iterator[PlannedPool]:
    holding: dict[str, list[tuple[Span, int]]] = {pool: [] for pool in graph.pools}
    for span in timing.spans if holding else ():
        for pool, amount in graph.tasks[span.name].claims.items() if span.worker else ():
            holding[pool].append((span, amount))
    for name, size in graph.pools.items():
        used = sum(span.seconds * amount for span, amount in holding[name])
        part = _round(used / (size * timing.end)) if timing.end else 0.0
        tasks = tuple(dict.fromkeys(span.name for span, _ in holding[name]))
        often = how_often(graph.rates[name]) if name in graph.rates else ""
        yield PlannedPool(name=name, size=size, peak=peaks[name], used=part, tasks=tasks, rate=often)


# -- what is needed, kept, assumed -------------------------------------------------------------------------------------


def _parameters(graph: Graph, opened: RunOpened, masker: Masker) -> Iterator[NeededParameter]:
    for spec in graph.params.values():
        given = spec.name in opened.given or spec.handed is not NOT_HANDED
        shown = masker.plain(opened.params[spec.name])
        yield NeededParameter(name=spec.name, value=shown, given=given, desc=spec.desc)


def _secrets(graph: Graph, environment: Mapping[str, str]) -> Iterator[NeededSecret]:
    for name in graph.every_secret:
        yield NeededSecret(name=name, is_set=bool(environment.get(name)))


def _kept(graph: Graph, opened: RunOpened, past: Former | None) -> Iterator[Kept]:
    if past is None:
        return
    for spec in (each for each in graph.tasks.values() if each.instances is None):
        result, before = opened.kept.get(spec.id), past.successes.get(spec.id)
        again = [need for need in spec.needs if need in graph.tasks and need not in opened.kept]
        if result is not None:
            why = "the same is asked as then, and all it rests upon is kept"
        elif spec.id in past.doubtful:
            why = "it was under way when that run ended"
        elif before is None:
            why = "it had not succeeded then"
        elif again:
            why = f"it rests upon {', '.join(again)}, which is done again"
        else:
            why = "what is asked of it has changed: its definition, a parameter, its module or a file it names"
        yield Kept(task=spec.id, run=None if result is None else result.run, why=why)


def _cached(run: VirtualRun, given: Given) -> Iterator[Kept]:
    """Yield what was found of each task that was looked up; what rests upon something that runs is only thought so."""
    sure = {*_opened(run.schedule).kept}
    for event in run.events:
        if not isinstance(event, Recalled):
            continue
        for task, result in event.kept.items():
            above = [need for need in given.graph.tasks[task].needs if need in given.graph.tasks]
            if sure.issuperset(above):
                sure.add(task)
            guess = "" if task in sure else ", if what runs before it hands on the same as then"
            yield Kept(task=task, run=result.run, why=f"nothing it rests upon has changed{guess}")
        for task, outdated in event.outdated.items():
            yield Kept(task=task, run=None, why=outdated.because)


def _assumed(graph: Graph, given: Given, timing: Timing) -> Iterator[str]:
    tasks = [name for name in graph.tasks if given.tasks[name].source == "default" and name in timing.by_name]
    if tasks:
        seconds = given.tasks[tasks[0]].course.seconds
        more = f" and {len(tasks) - 5} more" if len(tasks) > 5 else ""
        names = ", ".join(tasks[:5])
        yield f"{names}{more}: taken as {seconds:g} s, for nothing was measured yet and no `estimate` is given"
    for name in graph.services:
        if given.services[name].source == "default" and name in timing.by_name:
            yield f"service {name}: taken to be ready after {given.services[name].course.seconds:g} s"


def _opened(schedule: Schedule) -> RunOpened:
    assert schedule.opened is not None, "a run that is over was opened"
    return schedule.opened


def _slack(timing: Timing, name: str) -> float | None:
    slack = timing.slack(name)
    return None if slack is None else _round(slack)


def _round(seconds: float) -> float:
    return round(seconds, DIGITS)
