"""`run`: a phase from its file to its report, with signals heard and a view of it while it runs."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from runner.cli.options import add_executor, add_parameters, add_selection, add_shuffle, params_of, shuffle_of, wish_of
from runner.cli.plan import add_failing, add_force, number
from runner.cli.view import MODES, for_whoever_reads, mode_of, watching
from runner.errors import UsageError

if TYPE_CHECKING:
    from runner.clock import WallClock
    from runner.crews import Hiring
    from runner.execute.ports import Crew
    from runner.opening import Options
    from runner.schedule.messages import CancelReason, Event
    from runner.wiring import Finished

COLLECTED_EVERY = (50_000, 20, 20)
"""How seldom the garbage collector looks: the graph, the schedule and what is told of a run live as long as it does,
and next to nothing of ours is a cycle. Python's own figure, 700, costs a large graph a sixth of its time."""

SIGNALS: dict[signal.Signals, CancelReason] = {
    signal.SIGINT: "interrupted",
    signal.SIGTERM: "terminated",
    signal.SIGHUP: "hung_up",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `run`."""
    parser.add_argument("graph", nargs="?", metavar="GRAPH", help="the graph file; a plan knows its own")
    parser.add_argument("--plan", metavar="FILE", help="run what `plan --out FILE` wrote, and nothing else")
    parser.add_argument("-j", "--jobs", type=number, metavar="N", help="how many tasks at once")
    add_parameters(parser)
    add_failing(parser)
    parser.add_argument("--json", action="store_true", help="print the report as JSON, and nothing else, on stdout")
    formats = "formats to write into the run's folder: html, junit, trace, or all (where CI is set, all are)"
    parser.add_argument("--report", metavar="FORMATS", default="", help=formats)
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="colours (default: auto)")
    parser.add_argument("--state-dir", default=".runner", metavar="DIR", help="where runs are kept (default: .runner)")
    modes = "; ".join(f"{name}: {text}" for name, text in MODES.items())
    parser.add_argument("-o", "--output", choices=MODES, help=modes)
    parser.add_argument("--events", metavar="FILE", help="write events as JSON lines, as they happen")
    parser.add_argument(
        "-n", "--dry-run", action="store_true", help="the same as `plan`: show what would run; start nothing"
    )
    parser.add_argument(
        "--resume",
        nargs="?",
        const="latest",
        metavar="RUN",
        help="go on with a run, the latest of this graph unless named (behind GRAPH): what succeeded then is kept",
    )
    add_force(parser)
    text = "start this task without asking, though it is `manual` (may be given several times)"
    parser.add_argument("--approve", action="append", default=[], metavar="TASK", help=text)
    add_shuffle(parser)
    parser.add_argument("--watch", action="store_true", help="run again what is affected whenever a file changes")
    parser.add_argument("--wait", action="store_true", help="wait while another run of this graph is going on")
    levels = ("DEBUG", "INFO", "WARNING", "ERROR")
    help_text = "what goes into runner.log; DEBUG has every decision (default: WARNING)"
    parser.add_argument("--log-level", choices=levels, default="WARNING", help=help_text)
    add_selection(parser)
    add_executor(parser)


def main(chosen: argparse.Namespace) -> int:
    """Run the phase; answers the exit code of the run."""
    if chosen.plan is None and chosen.graph is None:
        raise UsageError("say which graph to run, or which plan: `run GRAPH` or `run --plan FILE`")
    if chosen.watch:
        from runner.cli.rerun import rerun

        return rerun(chosen, _once, _options)
    return _planned(chosen) if chosen.dry_run else _once(chosen)


# -- the helpers -------------------------------------------------------------------------------------------------------


def _once(chosen: argparse.Namespace) -> int:
    from runner.cli.show import show_report, show_verdict
    from runner.clock import WallClock
    from runner.crews import crew_of
    from runner.errors import RunnerFault

    clock = WallClock()
    gc.set_threshold(*COLLECTED_EVERY)
    warden, chosen.warden = chosen.warden, None  # it serves one run
    with crew_of(_hiring(chosen), clock, warden, partial(print, file=sys.stderr, flush=True)) as pool:
        options = _options(chosen)
        with _signals_heard(pool) as heard:
            try:
                finished = _run(chosen, options, clock, pool, heard)
            except RunnerFault as fault:  # it was asked to end before there was anything to end in good order
                if not heard:
                    raise
                from runner.schedule.situation import CANCEL_EXIT

                print(f"error: {fault}", file=sys.stderr)
                return CANCEL_EXIT[heard[0]]
    _tell_github(finished)
    with for_whoever_reads(sys.stdout):
        if chosen.output == "quiet" and not chosen.json:
            show_verdict(finished.report, sys.stdout, chosen)
        else:
            show_report(finished.report, finished.folder, sys.stdout, chosen)
    return finished.exit_code


def _run(
    chosen: argparse.Namespace, options: Options, clock: WallClock, pool: Crew, heard: list[CancelReason]
) -> Finished:
    from runner.cli.asking import person_at
    from runner.schedule.messages import CancelAsked
    from runner.wiring import Company, run_graph

    stream = sys.stderr if chosen.json else sys.stdout
    mode = mode_of(stream, chosen.output)

    def outside(now: float) -> Sequence[Event]:
        asked = [CancelAsked(at=now, why=why) for why in heard]
        heard.clear()
        return (*asked, *person.heard(now))

    with person_at(mode, pool) as person, watching(stream, mode, chosen.color, clock) as watch:
        return run_graph(options, clock, pool, Company(watch=watch, outside=outside, person=person))


def _tell_github(finished: Finished) -> None:
    """Append to the summary of the job, where GitHub runs us; what it does not take costs a line, not the run."""
    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if not file:
        return
    from runner.errors import RunnerFault
    from runner.record.render.formats import append_summary

    try:
        append_summary(finished.report, finished.folder, Path(file))
    except RunnerFault as fault:
        print(f"warning: {fault}", file=sys.stderr)


def _planned(chosen: argparse.Namespace) -> int:
    """Show what would run instead of running it."""
    from runner.cli.plan import show_plan
    from runner.planning.planner import Question

    show_plan(_options(chosen), Question(), chosen)
    return 0


def _hiring(chosen: argparse.Namespace) -> Hiring:
    from runner.crews import PATIENCE, Hiring

    return Hiring(
        executor=chosen.executor,
        jobs=chosen.jobs,
        address=chosen.dask_address,
        ships=chosen.ship,
        store=chosen.dask_store,
        advertise=chosen.advertise,
        patience=PATIENCE if chosen.dask_wait is None else chosen.dask_wait,
    )


def _options(chosen: argparse.Namespace) -> Options:
    from runner.opening import Options
    from runner.record.render.formats import formats_named

    fail_fast = False if chosen.keep_going else True if chosen.fail_fast else None
    options = Options(
        graph=chosen.graph or "",
        params=params_of(chosen),
        wish=wish_of(chosen),
        jobs=chosen.jobs,
        fail_fast=fail_fast,
        state_dir=chosen.state_dir,
        events=chosen.events,
        log_level=chosen.log_level,
        wait=chosen.wait,
        resume=chosen.resume,
        force=chosen.force,
        reports=formats_named(chosen.report),
        shuffle=shuffle_of(chosen),
        approve=tuple(chosen.approve),
    )
    if chosen.plan is None:
        return options
    from runner.planning.approval import approved, read_approval

    return approved(options, read_approval(chosen.plan))


@contextmanager
def _signals_heard(pool: Crew) -> Iterator[list[CancelReason]]:
    """Turn signals into reasons in a list, waking the pool; the former handlers come back at the end."""
    heard: list[CancelReason] = []

    def hear(number: int, _frame: FrameType | None) -> None:
        heard.append(SIGNALS[signal.Signals(number)])
        pool.wake()

    before = {each: signal.signal(each, hear) for each in SIGNALS}
    try:
        yield heard
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
