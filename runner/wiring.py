"""One run, from file to report: chooses the parts and joins them. Decides nothing that a part could decide.

The order matters. The pool starts its warden first, so that its start-up and the reading of the graph overlap. The run
folder exists before the journal, the journal before the first event, and the report is folded from the journal as it
was written, never from memory: what was not recorded is not reported.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from runner.clock import WallClock
from runner.driver import Nobody, Outside, Together, Unwatched, Witness, World, drive, nothing_outside
from runner.errors import GraphError, Locked
from runner.execute.ports import Crew, Observer, Person
from runner.graph.arguments import check_all_arguments
from runner.graph.check import Loaded, fanned_out_for, load, without_collection
from runner.graph.model import Graph
from runner.graph.params import resolve_params
from runner.graph.select import Selection, check_named, select
from runner.keeping import Keys
from runner.kept import Past
from runner.mask import Masker
from runner.opening import Options, check_items, most_of, opened_of, runs_of, secret_values, stem_of, with_env_files
from runner.recalling import Memory
from runner.record.carried import carried, carry
from runner.record.decisions import Decisions
from runner.record.earlier import borrow, with_borrowed_fans, with_previous
from runner.record.events import Both, EventLines
from runner.record.folder import RunFolder, StateFolder
from runner.record.folding import Telling
from runner.record.former import Former
from runner.record.journal import Journal
from runner.record.kept import keep_graph
from runner.record.lock import GraphLock, Holder
from runner.record.measured import History
from runner.record.render.formats import formats_of, write_reports
from runner.record.report import Report
from runner.requests import Requests
from runner.resuming import Wanted, parameters, past_of, results_of
from runner.schedule.history import Stories
from runner.schedule.machine import Schedule
from runner.schedule.messages import CancelAsked, RunOpened
from runner.schedule.situation import CANCEL_EXIT
from runner.site import Surroundings
from runner.task import Json

if TYPE_CHECKING:
    from logging import Logger


class Finished(Struct, frozen=True, kw_only=True):
    """A run that is over: its report, where it is kept, and the exit code."""

    report: Report
    folder: RunFolder
    exit_code: int


PAUSE = 0.1
"""Seconds between two tries to take a lock: the kernel tells nobody that it is free."""

Watch = Callable[[Loaded, RunFolder, Crew], Observer]
"""Makes the view of a run from its graph, its folder and the pool, which knows what tasks print."""


class Company(Struct, frozen=True, kw_only=True):
    """Who is there while a run goes on: who watches it, who may interrupt it, who is asked."""

    watch: Watch = lambda *_: Unwatched()
    outside: Outside = nothing_outside
    person: Person = Nobody()


def run_graph(options: Options, clock: WallClock, pool: Crew, company: Company) -> Finished:
    """Run a graph to its end and write its report; the pool is left for its owner to close.

    Raises:
        GraphError: the graph file or a parameter is wrong; nothing was started.
        Locked: another run of the same graph is going on.
        PlanChanged: what would run is not what was approved.
        RunnerFault: the runner could not do its work.

    """
    state = StateFolder(path=Path(options.started_in, options.state_dir))
    checked = _checked(state, options, pool)
    options = checked.options
    with _turn(state, options, clock, pool, company.outside):
        before = _before(state, checked, options)  # once more: a run may have ended while we waited
        opened = _opened(checked, options, before, clock)
        folder = state.create_run(stem_of(options.graph), clock.started, os.urandom(2).hex())
        keep_graph(checked.loaded, options.graph, folder)
        carry(opened.kept, before.runs, folder)
        pool.open(folder.path)
        place = _Place(before=before, folder=folder, clock=clock, pool=pool, company=company)
        telling = _driven(checked, replace(opened, run=folder.name, at=clock.now(), slots=pool.slots), options, place)
        pool.let_go()  # its processes end while the report is written
        with without_collection():  # what is told and written only grows
            report = with_previous(telling.report(), runs_of(state, options.graph))
            write_reports(report, folder, formats_of(options.reports, options.environment))
        before.history.add(folder.name, telling.stories, checked.loaded.graph)
        before.memory.add(folder, telling.stories)
        state.prune(runs_of(state, options.graph))
    return Finished(report=report, folder=folder, exit_code=report.exit_code)


def check_functions(loaded: Loaded, params: Mapping[str, Json], options: Options, pool: Crew) -> None:
    """Hold the graph's arguments against what its functions say of themselves; workers import them, we do not.

    Raises:
        GraphError: a function or a shell is not there, or a function's parameters are not those of the graph.

    """
    around = Surroundings(
        environment=options.environment, files=options.files, started_in=options.started_in, python=sys.executable
    )
    requests = Requests(loaded.graph, around, params)
    wanted, shells = requests.describing(), requests.commanding()
    told = {folder: pool.describe(functions) for folder, functions in wanted.items() if functions}
    problems = check_all_arguments(loaded, told) if told else ()
    if shells:
        from runner.graph.programs import check_all_shells  # noqa: PLC0415  # most graphs name none

        problems = (*check_all_shells(loaded, shells), *problems)
    if any(problem.severity == "error" for problem in problems):
        raise GraphError(problems)


# -- the helpers -------------------------------------------------------------------------------------------------------


class _Checked(Struct, frozen=True, kw_only=True):
    """A graph in which nothing is wrong, what was chosen of it, and its parameters, as given and as they are.

    `options` have what its files of variables give, `items` are those of its fan-outs that are known.
    """

    loaded: Loaded
    options: Options
    selection: Selection
    given: Mapping[str, Json]
    params: Mapping[str, Json]
    items: Mapping[str, tuple[Json, ...]]


class _Before(Struct, frozen=True, kw_only=True):
    """What is known before a run: the runs of its graph, the oldest first, and what is derived from them."""

    state: StateFolder
    runs: Sequence[RunFolder]
    history: History
    memory: Memory
    keys: Keys
    past: Former | None
    results: Past


class _Place(Struct, frozen=True, kw_only=True):
    """Where a run happens: its folder, its clock and its processes, and who is there."""

    before: _Before
    folder: RunFolder
    clock: WallClock
    pool: Crew
    company: Company


def _past(state: StateFolder, options: Options) -> Former | None:
    if options.resume is None:
        return None
    wanted = Wanted(run=options.resume, graph=options.graph, started_in=options.started_in)
    return past_of(state, runs_of(state, options.graph), wanted)


def _checked(state: StateFolder, options: Options, pool: Crew) -> _Checked:
    past, loaded = _past(state, options), load(options.graph)
    options = with_env_files(options, loaded)
    given = parameters(past, loaded.graph, options.params)
    params = resolve_params(loaded.graph, given)
    graph, items = fanned_out_for(loaded, params)
    if items:
        check_items(graph, items, options)
    selection = select(graph, options.wish)
    check_named(options.approve, graph)
    if any(graph.tasks[name].is_template for name in selection.borrowed):
        selection, items = with_borrowed_fans(runs_of(state, options.graph), selection, items)
    pool.gather(most_of(selection.graph, options))
    check_functions(replace(loaded, graph=selection.graph), params, options, pool)
    return _Checked(loaded=loaded, options=options, selection=selection, given=given, params=params, items=items)


def _before(state: StateFolder, checked: _Checked, options: Options) -> _Before:
    runs, file = runs_of(state, options.graph), Path(options.started_in, options.graph)
    memory = Memory(state, file, checked.loaded.graph, runs)
    around, params = (options.environment, options.started_in), checked.params
    keys = Keys(checked.selection.graph, *around, params, memory.digests, files=options.files)
    past, selection = _past(state, options), checked.selection
    results = results_of(past, keys, params, selection.skipped)
    return _Before(
        state=state, runs=runs, history=History(state, file), memory=memory, keys=keys, past=past, results=results
    )


def _opened(checked: _Checked, options: Options, before: _Before, clock: WallClock) -> RunOpened:
    """Answer the first event of the run, but for its id: with what is kept, what is known of times, what was approved.

    Raises:
        PlanChanged: this is not what was approved.

    """
    past, selection, keys = before.past, checked.selection, before.keys
    graph = selection.graph
    opened = replace(
        opened_of(checked.selection, checked.params, options),
        started=clock.started.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        given=checked.given,
        items=checked.items,
        kept={**before.results.kept(graph), **borrow(before.runs, selection)},
        durations=_durations(graph, before.history),
    )
    if options.resume is not None:
        run, doubtful = ("", ()) if past is None else (past.opened.run, past.doubtful)
        opened = replace(opened, resumes=run, doubtful=doubtful)
    if options.approval is not None:
        from runner.planning.approval import ground_of, planned_now  # noqa: PLC0415  # few runs are runs of a plan

        recalled = before.memory.recollection(graph, keys, forced=options.force).foreseen(opened.kept)
        ground = ground_of(graph, checked.loaded.digest, opened, keys, recalled)
        opened = replace(opened, planned=planned_now(options.approval, ground, clock.now()))
    return opened


def _durations(graph: Graph, history: History) -> Mapping[str, float]:
    measured = history.read()
    if not measured:
        return {}
    from runner.planning.durations import measured_seconds  # noqa: PLC0415  # a first run has no use for it

    return measured_seconds(graph, measured)


@contextmanager
def _turn(state: StateFolder, options: Options, clock: WallClock, pool: Crew, outside: Outside) -> Iterator[None]:
    """Be the only run of this graph; the warden shares the lock until all that was started is gone."""
    state.prepare()
    lock = GraphLock(state.path, options.graph)
    said: list[Holder | None] = []

    def wait(holder: Holder | None) -> bool:
        for event in outside(clock.now()):
            if isinstance(event, CancelAsked):
                raise Locked("stopped while it waited for another run", CANCEL_EXIT[event.why])
        if options.wait and not said:
            said.append(holder)
            sys.stderr.write(f"waits for the run of process {holder.pid if holder else '?'} to end\n")
        pool.wait(PAUSE if options.wait else 0.0)  # returns at once when a signal is heard
        return options.wait

    try:
        lock.take(Holder(pid=os.getpid(), since=clock.started.isoformat(timespec="seconds")), wait)
        pool.hold(lock.descriptor)
        yield
    finally:
        lock.close()


def _driven(checked: _Checked, opened: RunOpened, options: Options, place: _Place) -> Telling:
    tellings: list[Telling] = []

    def summon(schedule: Schedule, stories: Stories) -> Witness:
        tellings.append(Telling(schedule, stories))
        return tellings[0].turn

    graph, before, folder, pool = checked.selection.graph, place.before, place.folder, place.pool
    secrets = secret_values(graph, options)
    masker = Masker(secrets)
    pool.hide(secrets)
    with _recorder(folder, place.clock, masker, options) as recorder:
        recollection = before.memory.recollection(graph, before.keys, forced=options.force)
        bring = partial(carried, runs=before.runs, folder=folder)
        recall, past = replace(recollection, carry=bring), replace(before.results, carry=bring)
        requests = Requests(
            graph, _surroundings(options, folder), checked.params, recall=recall, keys=before.keys, past=past
        )
        decisions = Decisions(partial(_log, before.state, options, masker), options.log_level)
        observer = Together(place.company.watch(replace(checked.loaded, graph=graph), folder, pool), decisions)
        world = World(
            executor=pool,
            clock=place.clock,
            recorder=recorder,
            observer=observer,
            outside=place.company.outside,
            person=place.company.person,
            summon=summon,
        )
        drive(graph, opened, requests, world)
    return tellings[0]


def _log(state: StateFolder, options: Options, masker: Masker) -> Logger:
    from runner.record.log import open_log  # noqa: PLC0415  # most runs have nothing to log

    return open_log(state.path / "runner.log", options.log_level, masker)


@contextmanager
def _recorder(folder: RunFolder, clock: WallClock, masker: Masker, options: Options) -> Iterator[Journal | Both]:
    journal = Journal(folder.journal, clock, masker)
    lines = None
    try:
        lines = None if options.events is None else EventLines(Path(options.events))
        yield journal if lines is None else Both(journal, lines)
        journal.sync()  # always before a verdict is printed
    finally:
        journal.close()
        if lines is not None:
            lines.close()


def _surroundings(options: Options, folder: RunFolder) -> Surroundings:
    return Surroundings(
        environment=options.environment,
        files=options.files,
        started_in=options.started_in,
        run_folder=str(folder.path.resolve()),
        python=sys.executable,
    )
