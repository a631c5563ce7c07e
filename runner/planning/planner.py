"""From a graph file to its plan: what a run is opened with, driven in virtual time, and what that comes to.

Reads the graph file and what is kept of past runs, and starts nothing. The plan is made of the very schedule that a run
has; what differs is who says how long things take.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import fields, replace

from runner.errors import UsageError
from runner.graph.check import fanned_out_for, load, without_collection
from runner.graph.model import Graph
from runner.graph.params import resolve_params
from runner.graph.select import check_named, select
from runner.keeping import Keys
from runner.mask import Masker
from runner.opening import Options, check_items, opened_of, runs_of, secret_values, with_env_files
from runner.planning.approval import Approval, ground_of
from runner.planning.durations import expected_services, expected_tasks, order_from
from runner.planning.fans import fan_foreseen
from runner.planning.foresight import Foresight, foresee
from runner.planning.model import CurvePoint, Plan
from runner.planning.resampling import Drawn, Range, range_of
from runner.planning.summing_up import Given, sum_up
from runner.planning.virtual import Script, virtual_run, without_chance
from runner.planning.what_if import WhatIf, check_known, of_instances
from runner.recalling import Memory
from runner.record.earlier import borrow, with_borrowed_fans
from runner.record.folder import RunFolder, StateFolder
from runner.record.former import Former
from runner.record.measured import History
from runner.resuming import Wanted, parameters, past_of, results_of
from runner.schedule.messages import Kept, Outdated, Planned, RunOpened

NEARLY_BEST = 1.05
"""How much longer than with the best number of workers still counts as good enough."""


class Question(Struct, frozen=True, kw_only=True):
    """What is asked of a plan beside what a run may be told: a rehearsal, and numbers of workers to compare."""

    what_if: WhatIf = field(default_factory=WhatIf)
    workers: tuple[int, ...] = ()


class Made(Struct, frozen=True, kw_only=True):
    """A plan that was made, and what is to be known to write it down."""

    plan: Plan
    options: Options
    opened: RunOpened
    graph: Graph
    keys: Keys
    masker: Masker
    recalled: Mapping[str, Kept | Outdated] = field(default_factory=dict)

    def approval(self) -> Approval:
        """Answer what is written down to be approved.

        Raises:
            UsageError: it is a rehearsal.

        """
        if self.plan.what_if:
            raise UsageError(
                "--out writes down what will run, and a rehearsal will not: leave out --fail, --crash, --slow"
            )
        wish = self.options.wish
        planned = {
            task.id: Planned(started=task.start, seconds=task.seconds)
            for task in self.plan.tasks
            if task.start is not None
        }
        return Approval(
            graph=self.options.graph,
            ground=ground_of(self.graph, self.plan.digest, self.opened, self.keys, self.recalled),
            planned=planned,
            given=self.opened.given,
            wish={each.name: getattr(wish, each.name) for each in fields(wish)},
            resume=self.opened.resumes or self.options.resume,
            force=self.options.force,
        )


def plan_of(options: Options, question: Question, now: Callable[[], float]) -> Made:
    """Plan a run; `now` says the seconds that go by here, for resampling stops after one.

    Raises:
        GraphError: the graph file or a parameter is wrong.
        NothingSelected: a task that was asked for is not there.
        UsageError: there is no such file, or no run to go on with.

    """
    with without_collection():  # a large graph with all that follows from it only grows
        return _made(options, question, now)


# -- the helpers -------------------------------------------------------------------------------------------------------


def _made(options: Options, question: Question, now: Callable[[], float]) -> Made:
    run = _prepared(options, question.what_if)
    counts = sorted(set(question.workers))
    points = {workers: _makespan(run, workers) for workers in counts} if len(counts) > 1 else {}
    enough = _enough(points) if points else None
    run = replace(run, opened=replace(run.opened, slots=run.opened.slots if enough is None else enough))
    gone = virtual_run(without_chance(run.foresight.graph), run.opened, run.script)
    plan = sum_up(gone, run.given, _range(run, gone.seconds, now))
    points = points or {workers: _makespan(run, workers) for workers in counts if workers != run.opened.slots}
    points = points or dict.fromkeys(counts, gone.seconds)
    sequential = plan.sequential_seconds
    curve = tuple(
        CurvePoint(
            workers=workers, makespan=round(seconds, 6), speedup=round(sequential / seconds, 6) if seconds else 1.0
        )
        for workers, seconds in points.items()
    )
    plan = replace(plan, curve=() if enough is None else curve, enough=enough)
    return Made(
        plan=plan,
        options=options,
        opened=run.opened,
        graph=run.graph,
        keys=run.keys,
        masker=run.given.masker,
        recalled=run.script.recalled,
    )


class _Prepared(Struct, frozen=True, kw_only=True):
    """A run that could be opened: its first event, what is foreseen of it, and everything the plan says of it.

    `graph` is the one that it would be opened with, without the instances that are only foreseen.
    """

    given: Given
    graph: Graph
    keys: Keys
    opened: RunOpened
    foresight: Foresight
    script: Script


def _prepared(options: Options, what_if: WhatIf) -> _Prepared:
    loaded = load(options.graph)
    options = with_env_files(options, loaded)
    state = StateFolder(path=Path(options.started_in, options.state_dir))
    runs = runs_of(state, options.graph)
    past = _past(state, runs, options)
    wanted = parameters(past, loaded.graph, options.params)
    params = resolve_params(loaded.graph, wanted)
    known, items = fanned_out_for(loaded, params)
    if items:
        check_items(known, items, options)
    selection = select(known, options.wish)
    selection, items = with_borrowed_fans(runs, selection, items)
    check_named(options.approve, known)
    measured = History(state, Path(options.started_in, options.graph)).caught_up(runs)
    fanned = fan_foreseen(selection.graph, runs, past, measured)
    graph = fanned.graph
    check_known(what_if, graph.tasks, graph.file)
    what_if = of_instances(what_if, graph)
    tasks, services = expected_tasks(graph, measured), expected_services(graph, measured)
    memory = Memory(state, Path(options.started_in, options.graph), loaded.graph, runs)
    keys = Keys(graph, options.environment, options.started_in, params, memory.digests, files=options.files)
    kept = {**results_of(past, keys, params, selection.skipped).kept(graph), **borrow(runs, selection)}
    opened = replace(opened_of(selection, params, options), run="plan", started="1970-01-01T00:00:00.000Z", kept=kept)
    opened = replace(opened, durations=order_from(tasks), given=wanted, resumes=_resumes(options, past), items=items)
    recalled = memory.recollection(graph, keys, forced=options.force).foreseen(kept)
    results = {*kept, *(name for name, each in recalled.items() if isinstance(each, Kept))}
    foresight = foresee(graph, runs, results, what_if)
    script = Script(
        courses={name: each.course for name, each in tasks.items()},
        services={name: each.course.seconds for name, each in services.items()},
        outputs=foresight.outputs,
        what_if=what_if,
        recalled=recalled,
    )
    given = Given(
        graph=graph, fans=fanned.fans, assumptions=fanned.assumptions, digest=loaded.digest,
        tasks=tasks, services=services, past=past, foresight=foresight,
        what_if=what_if, recalled=recalled, environment={**_of_tasks(options), **options.environment},
        masker=Masker(secret_values(graph, options)),
        machine=_memory(),
    )  # fmt: skip
    return _Prepared(given=given, graph=selection.graph, keys=keys, opened=opened, foresight=foresight, script=script)


def _of_tasks(options: Options) -> dict[str, str]:
    """Answer the variables that tasks have from files of their own."""
    return {name: value for own in options.files.tasks.values() for name, value in own.items()}


def _past(state: StateFolder, runs: Sequence[RunFolder], options: Options) -> Former | None:
    if options.resume is None:
        return None
    return past_of(state, runs, Wanted(run=options.resume, graph=options.graph, started_in=options.started_in))


def _resumes(options: Options, past: Former | None) -> str | None:
    return None if options.resume is None else "" if past is None else past.opened.run


def _makespan(run: _Prepared, workers: int) -> float:
    opened = replace(run.opened, slots=workers)
    return virtual_run(without_chance(run.foresight.graph), opened, run.script).seconds


def _enough(points: Mapping[int, float]) -> int | None:
    """Answer the smallest number of workers that comes near the best of these, None where none was asked for."""
    best = min(points.values(), default=0.0)
    return next((workers for workers, seconds in points.items() if seconds <= best * NEARLY_BEST), None)


def _range(run: _Prepared, makespan: float, now: Callable[[], float]) -> Range:
    drawn = Drawn(
        graph=run.foresight.graph,
        opened=run.opened,
        tasks=run.given.tasks,
        services=run.given.services,
        script=run.script,
    )
    return range_of(drawn, makespan, now)


def _memory() -> int | None:
    """Answer the bytes of memory that this machine has."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):  # a border: not every system says so
        return None
