"""The command line: which command, which options, which exit code. Imports nothing that a `--help` does not need."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from io import TextIOWrapper
from typing import TYPE_CHECKING, NoReturn

from runner.cli.words import COMMANDS, command_of, with_command
from runner.version import VERSION

if TYPE_CHECKING:
    from runner.errors import GraphError
    from runner.execute.start import WardenProcess

WELCOME = """\
Run a phase:      python -m runner graphs/phase2.yaml
Plan it first:    python -m runner plan graphs/phase2.yaml
Check its file:   python -m runner validate graphs/phase2.yaml
Read its report:  python -m runner report
All commands:     python -m runner --help"""

FULL = frozenset({errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC})
"""How the kernel says that a disk takes no more."""
SPENT = frozenset({errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM})
"""How it says that there are no more descriptors, no more processes or no more memory: nobody's bug, wherever."""


class _Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line and a place to look."""

    def error(self, message: str) -> NoReturn:
        from runner.errors import UsageError

        raise UsageError(f"{message}; `{self.prog} --help` shows what there is")


class _Help(argparse.HelpFormatter):
    """Help as wide as the terminal; asked every time an option is added, so it loads nothing to know that."""

    def __init__(self, prog: str) -> None:
        columns = os.environ.get("COLUMNS", "")
        width = int(columns) if columns.isdecimal() and int(columns) else 0
        with suppress(OSError, ValueError):  # a border: stdout may be no terminal, or closed
            width = width or os.get_terminal_size(1).columns
        super().__init__(prog, width=(width or 80) - 2)


def parser(only: str | None = None) -> argparse.ArgumentParser:
    """Build the parser of the whole command line, with the options of one command only, or of all."""
    whole = _Parser(
        prog="python -m runner",
        description="Runs work that comes in phases, and says what happened.",
        formatter_class=_Help,
    )
    whole.add_argument("--version", action="version", version=f"taskgraph-runner {VERSION}")
    commands = whole.add_subparsers(dest="command", metavar="COMMAND", prog=whole.prog)
    for name, text in COMMANDS.items():
        summary, _, example = text.partition(": ")
        command = commands.add_parser(name, help=summary, description=f"Example: {example}", formatter_class=_Help)
        if only in {None, name}:
            import_module(f"runner.cli.{name}").arguments(command)
    return whole


def main(arguments: Sequence[str] | None = None, warden: WardenProcess | None = None) -> int:
    """Run one command line; answers its exit code. `warden` is one that was started for it already."""
    if sys.platform == "win32":
        print("taskgraph-runner needs Linux or macOS; on Windows run it inside WSL", file=sys.stderr)
        return 5
    words = list(sys.argv[1:] if arguments is None else arguments)
    chosen = argparse.Namespace(warden=warden)
    try:
        with _handed_over():
            return _obeyed(words, chosen)
    except Exception as error:  # noqa: BLE001  # a border: what is nobody's fault is raised again
        return complain(error, chosen)


def _obeyed(words: Sequence[str], chosen: argparse.Namespace) -> int:
    if not words:
        print(WELCOME)
        return 2
    words = with_command(words)
    parser(command_of(words) or "").parse_args(words, chosen)
    _fit_streams(chosen)
    command: Callable[[argparse.Namespace], int] = import_module(f"runner.cli.{chosen.command}").main
    return command(chosen)


@contextmanager
def _handed_over() -> Iterator[None]:
    """Let what was printed go out before we end: the interpreter could only complain, with an exit code of its own."""
    try:
        yield
    finally:
        try:
            sys.stdout.flush()
        except OSError as error:  # a border: whoever reads is not ours
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left would be tried once more
            if not isinstance(error, BrokenPipeError):
                raise


def complain(error: Exception, chosen: argparse.Namespace) -> int:
    """Say what is wrong, and answer the exit code that tells whose fault it is."""
    from runner.errors import (
        DamagedJournal,
        Exit,
        GraphError,
        Locked,
        NothingSelected,
        PlanChanged,
        RunnerFault,
        UsageError,
    )

    match error:
        case GraphError():
            return _complain_about_graph(error, chosen)
        case BrokenPipeError():  # whoever read our output has had enough
            return Exit.PASSED
        case Locked():
            code = error.exit_code
        case NothingSelected():
            code = Exit.NOTHING_SELECTED
        case PlanChanged():
            code = Exit.PLAN_CHANGED
        case UsageError():
            code = Exit.USAGE
        case RunnerFault() | DamagedJournal():
            code = Exit.RUNNER_FAULT
        case OSError(errno=number, filename=None) if number in FULL:  # files have names: it is where we print to
            print(f"error: what was printed cannot be written: {error.strerror}", file=sys.stderr)
            return Exit.RUNNER_FAULT
        case OSError(errno=number) if number in SPENT:
            print(f"error: {error.strerror}: the limits of this machine or shell leave too little", file=sys.stderr)
            return Exit.RUNNER_FAULT
        case _:
            raise error
    print(f"error: {error}", file=sys.stderr)
    return code


def _fit_streams(chosen: argparse.Namespace) -> None:
    """Let a narrow encoding cost signs, never the run: words stand beside them. JSON is UTF-8 (RFC 8259, 8.1)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            if getattr(chosen, "json", False):
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # of half a surrogate pair: JSON's own
            else:
                stream.reconfigure(errors="replace")


def _complain_about_graph(error: GraphError, chosen: argparse.Namespace) -> int:
    from runner.cli.style import annotate, coloured
    from runner.errors import Exit, render, render_coloured

    show = render_coloured if coloured(sys.stderr, getattr(chosen, "color", "auto")) else render
    print(show(error.problems), file=sys.stderr)
    if not getattr(chosen, "json", False):  # then stdout is for JSON alone
        annotate(error.problems, sys.stdout)
    return Exit.INVALID
