"""`report`: what happened in a run, folded anew from its folder, in any format."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.record.folder import RunFolder
    from runner.record.report import Report

PRINTED = ("text", "md", "json")
"""Formats that are printed unless a file is named; the others become files of the run's folder."""
FORMATS = (*PRINTED, "html", "junit", "trace")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `report`."""
    parser.add_argument("run", nargs="?", metavar="RUN", help="a run's id or the beginning of it (default: the latest)")
    files = "html, junit and trace become files of the run's folder, the others are printed"
    parser.add_argument("--format", choices=FORMATS, help=f"how (default: text); {files}")
    parser.add_argument("-o", "--output", metavar="FILE", help="write to this file instead; `-` prints any format")
    parser.add_argument("--open", action="store_true", help="show the page in a browser")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="colours (default: auto)")
    parser.add_argument("--state-dir", default=".runner", metavar="DIR", help="where runs are kept (default: .runner)")


def main(chosen: argparse.Namespace) -> int:
    """Show the report; answers 0 whatever the verdict, for reading is no failure.

    Raises:
        UsageError: what was asked for does not go together, or there is no such run.
        RunnerFault: a file cannot be written.

    """
    from pathlib import Path

    from runner.cli.reading import report_to_read
    from runner.cli.show import show_report
    from runner.errors import UsageError
    from runner.record.folder import StateFolder

    wanted = chosen.format or ("json" if chosen.json else "html" if chosen.open else "text")
    if chosen.open and wanted != "html":
        raise UsageError("`--open` shows the page: it goes with `--format html` alone")
    if chosen.json and wanted != "json":
        raise UsageError("`--json` is `--format json`: it goes with no other format")
    folder = StateFolder(path=Path(chosen.state_dir)).find(chosen.run)
    report = report_to_read(folder)
    if wanted == "text" and chosen.output in {None, "-"}:
        show_report(report, folder, sys.stdout, chosen)
    else:
        _deliver(report, folder, wanted, chosen)
    return 0


# -- the helpers -------------------------------------------------------------------------------------------------------


def _deliver(report: Report, folder: RunFolder, wanted: str, chosen: argparse.Namespace) -> None:
    from pathlib import Path

    from runner.record.folder import write_whole
    from runner.record.render.formats import FILES

    text = _text(report, folder, wanted)
    if chosen.output == "-" or (chosen.output is None and wanted in PRINTED):
        _print(text)
        return
    file = folder.path / FILES[wanted] if chosen.output is None else Path(chosen.output)
    write_whole(file, text)
    print(file)
    if chosen.open:
        _open(file.resolve().as_uri())


def _text(report: Report, folder: RunFolder, wanted: str) -> str:
    if wanted == "text":
        from runner.cli.style import ELSEWHERE
        from runner.record.render.text import PLAIN, render_text

        return render_text(report, folder.path, PLAIN, ELSEWHERE) + "\n"
    from runner.record.render.formats import rendered

    return rendered(report, folder, wanted)


def _print(text: str) -> None:
    """Print a file's text as the file would be: in UTF-8, whatever the terminal speaks."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.buffer.flush()


def _open(address: str) -> None:
    import webbrowser

    try:
        shown = webbrowser.open(address)
    except webbrowser.Error:  # a border: the browser is the person's
        shown = False
    if not shown:
        print("no browser could be opened here", file=sys.stderr)
