"""`history`: the runs that are kept, the newest first. Reads reports; a run without one was killed."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runner.record.folder import RunFolder


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `history`."""
    parser.add_argument("graph", nargs="?", metavar="GRAPH", help="only the runs of this graph file")
    parser.add_argument("--json", action="store_true", help="print the runs as JSON")
    parser.add_argument("--state-dir", default=".runner", metavar="DIR", help="where runs are kept (default: .runner)")


def main(chosen: argparse.Namespace) -> int:
    """Print a row a run."""
    from pathlib import Path

    from runner.record.folder import StateFolder
    from runner.record.render.words import duration

    rows = [_row(folder) for folder in reversed(StateFolder(path=Path(chosen.state_dir)).runs())]
    if chosen.graph is not None:
        wanted = Path(chosen.graph).resolve()
        rows = [row for row in rows if row["file"] and Path(row["file"]).resolve() == wanted]
    if chosen.json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return 0
    wide = max((len(row["run"]) for row in rows), default=0)
    for row in rows:
        time = duration(row["seconds"]) if row["seconds"] is not None else ""
        failed = f"  {', '.join(row['failed'][:5])}" if row["failed"] else ""
        print(f"{row['run']:<{wide}}  {row['verdict']:<11}  {time:>10}{failed}")
    if not rows:
        print(f"no run is kept in {chosen.state_dir}")
    return 0


def _row(folder: RunFolder) -> dict[str, Any]:
    from runner.errors import DamagedJournal, GraphError, UsageError

    try:
        report = json.loads(folder.report.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # a border: the run was killed before its report was written, or it was damaged
        try:
            report = _folded(folder)
        except (DamagedJournal, GraphError, UsageError) as error:
            return {"run": folder.name, "file": "", "verdict": "unreadable", "seconds": None, "failed": [str(error)]}
    failed = [task["id"] for task in report["tasks"] if task["state"] in {"failed", "timed_out", "crashed"}]
    return {
        "run": folder.name,
        "file": report["graph"]["file"],
        "verdict": report["verdict"],
        "seconds": report["seconds"],
        "failed": failed,
    }


def _folded(folder: RunFolder) -> Any:
    from runner.record.render.json import render_json
    from runner.wiring import report_of

    return json.loads(render_json(report_of(folder)))
