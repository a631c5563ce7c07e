"""`validate`: is a graph file right? Says everything that is wrong with it, and starts nothing of it."""

from __future__ import annotations

import argparse
import json

from runner.errors import Exit, GraphError


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `validate`."""
    parser.add_argument("graphs", nargs="+", metavar="GRAPH", help="graph files")
    parser.add_argument("--json", action="store_true", help="print the problems as JSON")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="colours (default: auto)")


def main(chosen: argparse.Namespace) -> int:
    """Check the files; answers 0 if all are right, else 3."""
    raise NotImplementedError
