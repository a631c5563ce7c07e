"""`show`: a run in full, every check, attempt, output and ledger row; and the reports that other commands print."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, TextIO

from runner.cli.style import coloured, width_of

if TYPE_CHECKING:
    from runner.record.folder import RunFolder
    from runner.record.report import Report


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `show`."""
    parser.add_argument("run", metavar="RUN", help="a run's id, the beginning of it, or `latest`")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="colours (default: auto)")
    parser.add_argument("--state-dir", default=".runner", metavar="DIR", help="where runs are kept (default: .runner)")


def main(chosen: argparse.Namespace) -> int:
    """Show the run; answers 0 whatever the verdict."""
    from pathlib import Path

    from runner.cli.reading import report_to_read
    from runner.record.folder import StateFolder
    from runner.record.render.full import render_full

    folder = StateFolder(path=Path(chosen.state_dir)).find(chosen.run)
    report = report_to_read(folder)
    show_report(report, folder, sys.stdout, chosen)
    if not chosen.json:
        sys.stdout.write("\n" + render_full(report, width_of(sys.stdout)) + "\n")
    return 0


def show_report(report: Report, folder: RunFolder, stream: TextIO, chosen: argparse.Namespace) -> None:
    """Print a report: JSON with `--json`, else the summary in the stream's width and colours."""
    from runner.record.render.json import render_json
    from runner.record.render.text import COLOURED, PLAIN, render_text

    if chosen.json:
        stream.write(render_json(report))
        return
    style = COLOURED if coloured(stream, chosen.color) else PLAIN
    stream.write(render_text(report, folder.path, style, width_of(stream)) + "\n")


def show_verdict(report: Report, stream: TextIO, chosen: argparse.Namespace) -> None:
    """Print the verdict of a run, and nothing else."""
    from runner.record.render.text import COLOURED, PLAIN, render_verdict

    style = COLOURED if coloured(stream, chosen.color) else PLAIN
    stream.write(render_verdict(report, style, width_of(stream)) + "\n")
