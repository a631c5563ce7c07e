"""The command line: which command, which options, which exit code. Imports nothing that a `--help` does not need."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import NoReturn

from runner.errors import DamagedJournal, Exit, GraphError, Locked, NothingSelected, RunnerFault, UsageError

COMMANDS = {
    "run": "run a phase: python -m runner run graphs/phase2.yaml",
    "validate": "check graph files: python -m runner validate graphs/phase2.yaml",
    "report": "show what happened in a run: python -m runner report",
    "show": "show every check and attempt of a run: python -m runner show latest",
    "logs": "print what a task has printed: python -m runner logs latest power",
    "history": "list the runs that are kept: python -m runner history",
    "list": "list the tasks of a graph: python -m runner list graphs/phase2.yaml",
    "graph": "draw a graph: python -m runner graph graphs/phase2.yaml --format mermaid",
    "schema": "print the JSON Schema of the graph file, for editors: python -m runner schema > graph.schema.json",
    "doctor": "look whether this machine is fit for a phase: python -m runner doctor graphs/phase2.yaml",
}

WELCOME = """\
Run a phase:      python -m runner graphs/phase2.yaml
Check its file:   python -m runner validate graphs/phase2.yaml
Read its report:  python -m runner report
All commands:     python -m runner --help"""


class _Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line and a place to look."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; `{self.prog} --help` shows what there is")


def parser() -> argparse.ArgumentParser:
    """Build the parser of the whole command line."""
    whole = _Parser(prog="python -m runner", description="Runs work that comes in phases, and says what happened.")
    whole.add_argument("--version", action="version", version=f"taskgraph-runner {_version()}")
    commands = whole.add_subparsers(dest="command", metavar="COMMAND")
    for name, text in COMMANDS.items():
        summary, _, example = text.partition(": ")
        command = commands.add_parser(name, help=summary, description=f"Example: {example}")
        import_module(f"runner.cli.{name}").arguments(command)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; answers its exit code."""
    if sys.platform == "win32":
        print("taskgraph-runner needs Linux or macOS; on Windows run it inside WSL", file=sys.stderr)
        return Exit.RUNNER_FAULT
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words:
        print(WELCOME)
        return Exit.USAGE
    chosen: argparse.Namespace | None = None
    try:
        chosen = parser().parse_args(_with_command(words))
        _fit_streams(chosen)
        command: Callable[[argparse.Namespace], int] = import_module(f"runner.cli.{chosen.command}").main
        return command(chosen)
    except GraphError as error:
        return _complain_about_graph(error, chosen)
    except Locked as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except NothingSelected as error:
        print(f"error: {error}", file=sys.stderr)
        return Exit.NOTHING_SELECTED
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return Exit.USAGE
    except (RunnerFault, DamagedJournal) as error:
        print(f"error: {error}", file=sys.stderr)
        return Exit.RUNNER_FAULT
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.PASSED


def _fit_streams(chosen: argparse.Namespace) -> None:
    """Let a narrow encoding cost signs, never the run: words stand beside them. JSON is UTF-8 (RFC 8259, 8.1)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            if getattr(chosen, "json", False):
                stream.reconfigure(encoding="utf-8")
            else:
                stream.reconfigure(errors="replace")


def _with_command(words: list[str]) -> list[str]:
    """Put `run` before a graph file that stands where a command could."""
    for word in words:
        if word in COMMANDS or word in {"-h", "--help", "--version"}:
            return words
        if not word.startswith("-"):
            break
    return ["run", *words]


def _complain_about_graph(error: GraphError, chosen: argparse.Namespace | None) -> int:
    from runner.cli.style import annotate, coloured
    from runner.errors import render, render_coloured

    show = render_coloured if coloured(sys.stderr, getattr(chosen, "color", "auto")) else render
    print(show(error.problems), file=sys.stderr)
    if not getattr(chosen, "json", False):  # then stdout is for JSON alone
        annotate(error.problems, sys.stdout)
    return Exit.INVALID


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("taskgraph-runner")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "(not installed)"
