"""`plan`: what a run would do, when, how long, on how many workers, and what if. Starts nothing of the graph."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from runner.cli.options import add_parameters, add_selection, add_shuffle, params_of, shuffle_of, wish_of

if TYPE_CHECKING:
    from runner.opening import Options
    from runner.planning.planner import Question


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `plan`."""
    parser.add_argument("graph", metavar="GRAPH", help="the graph file")
    several = "how many tasks at once; several, as in 1,2,3,4,8, are compared"
    parser.add_argument("-j", "--jobs", type=numbers, default=(), metavar="N[,N…]", help=several)
    add_parameters(parser)
    add_failing(parser)
    add_rehearsal(parser)
    parser.add_argument("--resume", nargs="?", const="latest", metavar="RUN", help="what would be kept of a run")
    add_force(parser)
    add_shuffle(parser)
    parser.add_argument("--out", metavar="FILE", help="write the plan down, for `run --plan FILE`")
    parser.add_argument("--json", action="store_true", help="print the plan as JSON")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="colours (default: auto)")
    parser.add_argument("--state-dir", default=".runner", metavar="DIR", help="where runs are kept (default: .runner)")
    add_selection(parser)


def add_failing(parser: argparse.ArgumentParser) -> None:
    """Add the two options that say what follows from a failure."""
    failing = parser.add_mutually_exclusive_group()
    text = "go on after a failure where nothing forbids it"
    failing.add_argument("-k", "--keep-going", action="store_true", help=text)
    failing.add_argument("--fail-fast", action="store_true", help="start nothing new after a failure")


def add_force(parser: argparse.ArgumentParser) -> None:
    """Add the option that does everything again."""
    parser.add_argument("-f", "--force", action="store_true", help="run also what is cached and has not changed")


def add_rehearsal(parser: argparse.ArgumentParser) -> None:
    """Add the options that rehearse what goes wrong."""
    group = parser.add_argument_group("what if (each may be given several times)")
    group.add_argument("--fail", action="append", default=[], metavar="TASK", help="it fails, in every attempt")
    group.add_argument("--crash", action="append", default=[], metavar="TASK", help="its process dies, every time")
    group.add_argument("--slow", action="append", default=[], metavar="TASK=3x", help="it takes so long (or =90s)")


def main(chosen: argparse.Namespace) -> int:
    """Plan a run and show it; answers 0 whatever the plan says of the run."""
    from runner.planning.planner import Question
    from runner.planning.what_if import what_if_of

    what_if = what_if_of(chosen.fail, chosen.crash, chosen.slow)
    show_plan(options_of(chosen), Question(what_if=what_if, workers=chosen.jobs), chosen)
    return 0


def show_plan(options: Options, question: Question, chosen: argparse.Namespace) -> None:
    """Make a plan, write it down where that is wished, and print it."""
    from runner.cli.style import coloured, width_of
    from runner.graph.check import without_collection
    from runner.planning.as_json import render_json
    from runner.planning.planner import plan_of
    from runner.planning.text import render_plan
    from runner.record.render.text import COLOURED, PLAIN

    with without_collection():  # a large plan only grows until it is printed
        made = plan_of(options, question, time.monotonic)
        if getattr(chosen, "out", None) is not None:
            from runner.planning.approval import write_approval

            write_approval(chosen.out, made.approval(), made.plan, made.masker)
        style = COLOURED if coloured(sys.stdout, chosen.color) else PLAIN
        if chosen.json:
            sys.stdout.write(render_json(made.plan))
        else:
            sys.stdout.write(render_plan(made.plan, style, width_of(sys.stdout)) + "\n")


def options_of(chosen: argparse.Namespace) -> Options:
    """Answer what was said about the run; several numbers of jobs say nothing about it."""
    from runner.opening import Options

    return Options(
        graph=chosen.graph,
        params=params_of(chosen),
        wish=wish_of(chosen),
        jobs=chosen.jobs[0] if len(chosen.jobs) == 1 else None,
        fail_fast=False if chosen.keep_going else True if chosen.fail_fast else None,
        state_dir=chosen.state_dir,
        resume=chosen.resume,
        force=chosen.force,
        shuffle=shuffle_of(chosen),
    )


def numbers(text: str) -> tuple[int, ...]:
    """Read `4` or `1,2,4`.

    Raises:
        ArgumentTypeError: it is neither.

    """
    return tuple(map(number, text.split(",")))


def number(text: str) -> int:
    """Read how many tasks may run at once.

    Raises:
        ArgumentTypeError: it is no number of tasks.

    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"`{text}` is not a number of tasks (1 or more)")
    return int(text)
