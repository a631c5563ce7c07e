"""`validate`: is a graph file right? Says everything that is wrong with it, and starts nothing of it."""

from __future__ import annotations

import argparse
import json
import sys

from runner.errors import Exit, GraphError, Problem


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `validate`."""
    parser.add_argument("graphs", nargs="+", metavar="GRAPH", help="graph files")
    parser.add_argument("--json", action="store_true", help="print the problems as JSON")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="colours (default: auto)")


def main(chosen: argparse.Namespace) -> int:
    """Check the files; answers 0 if all are right, else 3."""
    from runner.cli.style import coloured
    from runner.errors import render, render_coloured, to_json

    checked = {file: _problems(file) for file in chosen.graphs}
    if chosen.json:
        files = [{"file": file, "valid": valid, "problems": [to_json(each) for each in problems]}
                 for file, (valid, problems, _) in checked.items()]  # fmt: skip
        print(json.dumps(files, indent=2, ensure_ascii=False))
    else:
        show = render_coloured if coloured(sys.stdout, chosen.color) else render
        for file, (valid, problems, size) in checked.items():
            if problems:
                print(show(problems))
            print(f"{file}: {'valid, ' + size if valid else 'not valid'}")
    return Exit.PASSED if all(valid for valid, _, _ in checked.values()) else Exit.INVALID


def _problems(file: str) -> tuple[bool, tuple[Problem, ...], str]:
    """Answer whether a file is right, what is to be said of it, and how large the graph is."""
    from runner.graph.check import load

    try:
        loaded = load(file)
    except GraphError as error:  # a border: the file's author
        return False, error.problems, ""
    tasks, services = len(loaded.graph.tasks), len(loaded.graph.services)
    size = f"{tasks} task{'s' * (tasks != 1)}"
    return True, loaded.warnings, size + (f", {services} service{'s' * (services != 1)}" if services else "")
