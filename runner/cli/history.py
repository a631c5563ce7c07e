"""`history`: the runs that are kept, the newest first: verdict, time, trend, what failed, what is flaky."""

from __future__ import annotations

import argparse
import sys


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `history`."""
    parser.add_argument("graph", nargs="?", metavar="GRAPH", help="only the runs of this graph file")
    parser.add_argument("--json", action="store_true", help="print the runs as JSON")
    parser.add_argument("--state-dir", default=".runner", metavar="DIR", help="where runs are kept (default: .runner)")


def main(chosen: argparse.Namespace) -> int:
    """Print a row a run."""
    import json
    from pathlib import Path

    import msgspec

    from runner.cli.style import width_of
    from runner.opening import runs_of
    from runner.record.chronicle import rows
    from runner.record.folder import StateFolder
    from runner.record.render.chronicle import render_chronicle

    state = StateFolder(path=Path(chosen.state_dir))
    found = rows(state.runs() if chosen.graph is None else runs_of(state, chosen.graph))
    if chosen.graph is not None:
        wanted = Path(chosen.graph).resolve()
        found = tuple(row for row in found if not row.file or Path(row.file).resolve() == wanted)
    if chosen.json:
        plain = msgspec.to_builtins(found[::-1])
        sys.stdout.write(json.dumps(plain, indent=2, ensure_ascii=False) + "\n")
    elif found:
        sys.stdout.write(render_chronicle(found, width_of(sys.stdout)))
    else:
        of_it = "" if chosen.graph is None else f" of {chosen.graph}"
        print(f"no run{of_it} is kept in {chosen.state_dir}")
    return 0
