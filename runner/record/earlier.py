"""What earlier runs of a graph are good for: results that a new run takes over, and a comparison. Decides nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from runner.errors import DamagedJournal, GraphError, Problem
from runner.graph.select import Selection
from runner.record.changes import compare, remembered
from runner.record.folder import RunFolder
from runner.record.former import former
from runner.record.report import Report
from runner.schedule.messages import Kept


def borrow(runs: Sequence[RunFolder], selection: Selection) -> Mapping[str, Kept]:
    """Answer the latest success of each task that a selection borrows; `runs` are the oldest first.

    Raises:
        GraphError: a task has never succeeded; nothing was started.

    """
    missing, found = set(selection.borrowed), dict[str, Kept]()
    for run in reversed(runs):
        if not missing:
            break
        found.update({task: kept for task, kept in _successes(run).items() if task in missing})
        missing -= found.keys()
    if missing:
        raise GraphError([_never(task, selection) for task in selection.borrowed if task in missing])
    return found


def with_previous(report: Report, runs: Sequence[RunFolder]) -> Report:
    """Compare a report with the latest run of the same graph before it that has one; `runs` are the oldest first."""
    for run in reversed([run for run in runs if run.name < report.run]):
        try:
            before = remembered(json.loads(run.report.read_bytes()))
        except (OSError, ValueError):  # a border: a run that was killed has no report
            continue
        if before is not None and before.file == report.graph.file:
            return replace(report, previous=compare(before, report))
    return report


def _successes(run: RunFolder) -> Mapping[str, Kept]:
    try:
        found = former(run)
    except (OSError, DamagedJournal):  # a border: a run that cannot be read is no source
        return {}
    return {} if found is None else found.successes


def _never(task: str, selection: Selection) -> Problem:
    message = f"`{task}` is needed by what `--from` names, and no kept run has a success of it"
    where = selection.graph.tasks[task].where
    return Problem(code="no-earlier-success", message=message, where=where, hint=f"run `--until {task}` first")
