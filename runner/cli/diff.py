"""`diff`: what changed from one run to another. Reads reports where they are whole, and folds the others anew."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.record.folder import RunFolder
    from runner.record.remembered import Remembered
    from runner.record.report import Change


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `diff`."""
    parser.add_argument("before", nargs="?", metavar="RUN", help="the earlier run (default: the one before the other)")
    parser.add_argument("after", nargs="?", metavar="RUN", help="the later run (default: the latest)")
    parser.add_argument("--json", action="store_true", help="print the two runs and the changes as JSON")
    parser.add_argument("--state-dir", default=".runner", metavar="DIR", help="where runs are kept (default: .runner)")


def main(chosen: argparse.Namespace) -> int:
    """Print what changed; answers 0 whatever it is.

    Raises:
        UsageError: there is no such run, or none before it.
        DamagedJournal, GraphError: neither report nor journal of a run can be read.

    """
    from pathlib import Path

    from runner.cli.style import width_of
    from runner.record.earlier import changes_between
    from runner.record.folder import StateFolder
    from runner.record.remembered import recalled, runs_before
    from runner.record.render.difference import render_difference

    state = StateFolder(path=Path(chosen.state_dir))
    new = recalled(state.find(chosen.after))
    runs = state.runs()
    old = _before(new, runs) if chosen.before is None else recalled(state.find(chosen.before))
    changes = changes_between(old, new, list(runs_before(runs, new.run, new.graph.file)), runs)
    if chosen.json:
        sys.stdout.write(_json(old, new, changes))
    else:
        sys.stdout.write(render_difference(old, new, changes, width_of(sys.stdout)))
    return 0


def _before(new: Remembered, runs: Sequence[RunFolder]) -> Remembered:
    from runner.errors import UsageError
    from runner.record.remembered import runs_before

    found = next(iter(runs_before(runs, new.run, new.graph.file)), None)
    if found is None:
        raise UsageError(f"there is no run of {new.graph.file} before `{new.run}` to compare it with")
    return found


def _json(old: Remembered, new: Remembered, changes: Sequence[Change]) -> str:
    import json

    import msgspec

    def told(run: Remembered) -> dict[str, object]:
        return {
            "run": run.run,
            "file": run.graph.file,
            "verdict": run.verdict,
            "exit_code": run.exit_code,
            "started": run.started,
            "seconds": run.seconds,
        }

    said = {"before": told(old), "after": told(new), "changes": msgspec.to_builtins(changes)}
    return json.dumps(said, indent=2, ensure_ascii=False) + "\n"
