"""`explain`: why a task of a run ran, waited, was skipped, tried again or stopped. Folds the run anew."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.record.report import Report, ServiceReport, TaskReport


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `explain`."""
    parser.add_argument("run", metavar="RUN", help="a run's id, the beginning of it, or `latest`")
    parser.add_argument("task", metavar="TASK", help="a task or a service of that run")
    parser.add_argument("--json", action="store_true", help="print the task as JSON, what happened to it under `story`")
    parser.add_argument("--state-dir", default=".runner", metavar="DIR", help="where runs are kept (default: .runner)")


def main(chosen: argparse.Namespace) -> int:
    """Explain the task; answers 0 however it went."""
    import json
    from pathlib import Path

    import msgspec

    from runner.cli.reading import report_to_read
    from runner.cli.style import width_of
    from runner.record.folder import StateFolder
    from runner.record.render.explained import explain_service, explain_task
    from runner.record.report import TaskReport

    folder = StateFolder(path=Path(chosen.state_dir)).find(chosen.run)
    report = report_to_read(folder)
    found = _find(report, chosen.task)
    if chosen.json:
        said = msgspec.to_builtins(found)
        sys.stdout.write(json.dumps({"run": report.run, **said}, indent=2, ensure_ascii=False) + "\n")
    elif isinstance(found, TaskReport):
        sys.stdout.write(explain_task(report, found, folder.path, width_of(sys.stdout)))
    else:
        sys.stdout.write(explain_service(found, folder.path))
    return 0


def _find(report: Report, name: str) -> TaskReport | ServiceReport:
    from runner.errors import UsageError
    from runner.graph.near import nearest

    nodes: dict[str, TaskReport | ServiceReport] = {each.id: each for each in report.services}
    nodes |= {each.id: each for each in report.tasks}
    if name in nodes:
        return nodes[name]
    if name in (each.id for each in report.included):
        inside = [each for each in nodes if each.startswith(f"{name}.")]
        raise UsageError(f"`{name}` is an included graph, not a task; it has {', '.join(inside[:10])}")
    near = nearest(name, nodes)
    hint = f"; did you mean `{near}`?" if near else f"; it has {', '.join(list(nodes)[:10])}"
    raise UsageError(f"run `{report.run}` has no task `{name}`{hint}")
