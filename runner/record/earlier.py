"""What earlier runs of a graph are good for: results that a new run takes over, and a comparison. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from msgspec.structs import replace

from runner.errors import DamagedJournal, GraphError, Problem, UsageError
from runner.graph.fan_out import fanned_out, opened
from runner.graph.loose import EvaluationError
from runner.graph.model import Graph
from runner.graph.select import Selection
from runner.record.changes import compare
from runner.record.definitions import definition_changes
from runner.record.flaky import flaky_runs
from runner.record.folder import RunFolder
from runner.record.former import Former, former
from runner.record.kept import graph_kept
from runner.record.remembered import Remembered, remembered, runs_before
from runner.record.report import Change, Previous, Report
from runner.schedule.messages import Kept
from runner.task import Json


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


def with_borrowed_fans(
    runs: Sequence[RunFolder], selection: Selection, items: Mapping[str, tuple[Json, ...]]
) -> tuple[Selection, dict[str, tuple[Json, ...]]]:
    """Answer a selection that borrows, instead of a fan-out, all its instances in the latest run where all succeeded.

    What fans out while running is not decided again where its results are borrowed; `items` grow by what it was.
    """
    graph, known = selection.graph, dict(items)
    borrowed = [name for name in selection.borrowed if not graph.tasks[name].is_template]
    for name in [each for each in selection.borrowed if graph.tasks[each].is_template]:
        found = next((each for run in reversed(runs) if (each := _fan_of(run, graph, name)) is not None), None)
        if found is not None:
            graph = opened(graph, {name: found})
            known[name] = found
        borrowed += (name,) if found is None else graph.tasks[name].instances or ()
    return replace(selection, graph=graph, borrowed=tuple(borrowed)), known


def with_previous(report: Report, runs: Sequence[RunFolder]) -> Report:
    """Compare a report with the runs of the same graph before it that have one; `runs` are the oldest first.

    It learns what has changed since the latest, and which tasks are flaky.
    """
    any_ran = any(task.attempts for task in report.tasks)  # else nothing can be slower or flaky
    past = list(islice(runs_before(runs, report.run, report.graph.file), None if any_ran else 1))
    if not past:
        return report
    now = remembered(report)
    others = flaky_runs(now, past)
    tasks = tuple(
        replace(task, flaky=True, flaky_runs=others[task.id]) if task.id in others else task for task in report.tasks
    )
    report = replace(report, tasks=tasks)
    changes = changes_between(past[0], remembered(report), past, runs)
    return replace(report, previous=Previous(run=past[0].run, changes=changes))


def changes_between(
    old: Remembered, new: Remembered, past: Sequence[Remembered], runs: Sequence[RunFolder]
) -> tuple[Change, ...]:
    """Answer what changed between two runs, with the definitions in their graph files, if both can be read.

    `past` are runs before the new one, the latest first; `runs` the folders, in which those of both are found.
    """
    return compare(old, new, past, _definitions(old, new, {run.name: run for run in runs}))


def _definitions(old: Remembered, new: Remembered, runs: Mapping[str, RunFolder]) -> Sequence[Change]:
    if old.graph.digest == new.graph.digest or not {old.run, new.run} <= runs.keys():
        return ()
    try:
        one, other = (graph_kept(runs[name]).graph for name in (old.run, new.run))
    except (GraphError, UsageError, OSError):  # a border: these copies may be damaged, or of another version
        return ()
    return tuple(definition_changes(one, other))


def _successes(run: RunFolder) -> Mapping[str, Kept]:
    found = _left(run)
    return {} if found is None else found.successes


def _fan_of(run: RunFolder, graph: Graph, task: str) -> tuple[Json, ...] | None:
    """Answer the items of a fan-out in a run in which all of its instances succeeded."""
    found = _left(run)
    if found is None or task not in found.items:
        return None
    try:
        grown = fanned_out(graph, task, found.items[task])
    except EvaluationError:  # a border: the file has changed, and now two of these are called the same
        return None
    return found.items[task] if found.successes.keys() >= set(grown.tasks[task].instances or ()) else None


def _left(run: RunFolder) -> Former | None:
    try:
        return former(run)
    except (OSError, DamagedJournal):  # a border: a run that cannot be read is no source
        return None


def _never(task: str, selection: Selection) -> Problem:
    message = f"`{task}` is needed by what `--from` names, and no kept run has a success of it"
    where = selection.graph.tasks[task].where
    return Problem(code="no-earlier-success", message=message, where=where, hint=f"run `--until {task}` first")
