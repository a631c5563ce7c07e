"""`report`: what happened in a run, folded anew from its folder."""

from __future__ import annotations

import argparse
import sys


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `report`."""
    parser.add_argument("run", nargs="?", metavar="RUN", help="a run's id or the beginning of it (default: the latest)")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="colours (default: auto)")
    parser.add_argument("--state-dir", default=".runner", metavar="DIR", help="where runs are kept (default: .runner)")


def main(chosen: argparse.Namespace) -> int:
    """Show the report; answers 0 whatever the verdict, for reading is no failure."""
    from pathlib import Path

    from runner.cli.show import show_report
    from runner.record.folder import StateFolder
    from runner.wiring import report_of

    folder = StateFolder(path=Path(chosen.state_dir)).find(chosen.run)
    show_report(report_of(folder), folder, sys.stdout, chosen)
    return 0
