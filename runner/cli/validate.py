"""`validate`: is a graph file right? Says everything that is wrong with it, and starts nothing of it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING

from runner.errors import Exit, GraphError, Problem

if TYPE_CHECKING:
    from runner.graph.check import Loaded


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `validate`."""
    parser.add_argument("graphs", nargs="+", metavar="GRAPH", help="graph files")
    parser.add_argument("--static", action="store_true", help="start no process: do not ask functions what they take")
    parser.add_argument("--json", action="store_true", help="print the problems as JSON")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="colours (default: auto)")


def main(chosen: argparse.Namespace) -> int:
    """Check the files; answers 0 if all are right, else 3."""
    from runner.cli.style import annotate, coloured
    from runner.errors import render, render_coloured, to_json

    checked = {file: _problems(file, _ask_nobody if chosen.static else _ask_functions) for file in chosen.graphs}
    if chosen.json:
        files = [{"file": file, "valid": valid, "problems": [to_json(each) for each in problems]}
                 for file, (valid, problems, _) in checked.items()]  # fmt: skip
        print(json.dumps(files, indent=2, ensure_ascii=False))
    else:
        show = render_coloured if coloured(sys.stdout, chosen.color) else render
        for file, (valid, problems, size) in checked.items():
            if problems:
                print(show(problems))
                annotate(problems, sys.stdout)
            print(f"{file}: {'valid, ' + size if valid else 'not valid'}")
    return Exit.PASSED if all(valid for valid, _, _ in checked.values()) else Exit.INVALID


def _problems(file: str, ask: Callable[[Loaded], None]) -> tuple[bool, tuple[Problem, ...], str]:
    """Answer whether a file is right, what is to be said of it, and how large the graph is."""
    from runner.graph.check import load
    from runner.graph.env_files import read_env_files

    try:
        loaded = load(file)
        read_env_files(loaded, {})
        ask(loaded)
    except GraphError as error:  # a border: the file's author
        return False, error.problems, ""
    tasks, services = len(loaded.graph.tasks), len(loaded.graph.services)
    size = f"{tasks} task{'s' * (tasks != 1)}"
    return True, loaded.warnings, size + (f", {services} service{'s' * (services != 1)}" if services else "")


def _ask_nobody(_loaded: Loaded) -> None:
    """Take the functions on trust."""


def _ask_functions(loaded: Loaded) -> None:
    """Let workers import the functions and say what they take.

    Raises:
        GraphError: the graph's arguments do not fit.

    """
    from runner.clock import WallClock
    from runner.execute.pool import Pool
    from runner.opening import Options, slots_of, with_env_files
    from runner.wiring import check_functions

    options = with_env_files(Options(graph=loaded.graph.file), loaded)
    defaults = {name: spec.default for name, spec in loaded.graph.params.items()}
    with closing(Pool(None, WallClock())) as pool:
        pool.slots = slots_of(loaded.graph, options)
        check_functions(loaded, defaults, options, pool)
