"""What is different from an earlier run of the same graph. Pure. Says what changed, never why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct

from runner.record.report import FAILED_STATES, SCHEMA, Change, Previous, Report, TaskReport
from runner.task import Json

Class = Literal["good", "bad", "idle"]

KINDS: dict[tuple[Class, Class], str] = {
    ("good", "bad"): "newly_failing",
    ("idle", "bad"): "newly_failing",
    ("bad", "good"): "fixed",
    ("idle", "good"): "runs_again",
    ("good", "idle"): "no_longer_runs",
    ("bad", "idle"): "no_longer_runs",
}
"""How a task went before and goes now; what is not here is no change."""


class Remembered(Struct, frozen=True, kw_only=True):
    """What of an earlier run is compared: the states of its tasks, and the verdicts of their checks by name."""

    run: str
    file: str
    digest: str
    params: Mapping[str, Json]
    states: Mapping[str, str]
    checks: Mapping[str, Mapping[str, str]]


def remembered(report: Any) -> Remembered | None:
    """Read the report.json of an earlier run, None if it is of another schema or no report at all."""
    try:
        if report["schema"] != SCHEMA:
            return None
        checks = {task["id"]: {check["name"]: check["verdict"] for check in task["checks"]} for task in report["tasks"]}
        states = {task["id"]: str(task["state"]) for task in report["tasks"]}
        params, graph = dict(report["params"]), report["graph"]
        return Remembered(
            run=report["run"],
            file=graph["file"],
            digest=graph["digest"],
            params=params,
            states=states,
            checks=checks,
        )
    except (KeyError, TypeError, ValueError):  # a border: anybody may have written this file
        return None


def compare(before: Remembered, after: Report) -> Previous:
    """Answer what changed between two runs: parameters, tasks in the order of the file, and their checks."""
    return Previous(run=before.run, changes=(*_params(before, after), *_tasks(before, after)))


def _params(before: Remembered, after: Report) -> Iterator[Change]:
    for name in (*after.params, *(name for name in before.params if name not in after.params)):
        old, new = before.params.get(name), after.params.get(name)
        if old != new:
            yield Change(kind="param", name=name, before=old, after=new)


def _tasks(before: Remembered, after: Report) -> Iterator[Change]:
    other_graph = before.digest != after.graph.digest  # else what is missing was not selected
    for task in after.tasks:
        old = before.states.get(task.id)
        if old is None:
            if other_graph:
                yield Change(kind="added", task=task.id, after=task.state)
        elif kind := KINDS.get((_class(old), _class(task.state))):
            yield Change(kind=kind, task=task.id, before=old, after=task.state)
        else:
            yield from _checks(before.checks[task.id], task)
    left = {task.id for task in after.tasks}
    for name in (name for name in before.states if other_graph and name not in left):
        yield Change(kind="removed", task=name, before=before.states[name])


def _checks(before: Mapping[str, str], after: TaskReport) -> Iterator[Change]:
    """Answer the checks that flipped in a task that went as before; else its own change says it all."""
    for name, verdict in {check.name: check.verdict for check in after.checks}.items():
        old = before.get(name, verdict)
        if "failed" in {old, verdict} and old != verdict:
            kind = "check_failing" if verdict == "failed" else "check_fixed"
            yield Change(kind=kind, task=after.id, name=name, before=old, after=verdict)


def _class(state: str) -> Class:
    if state in FAILED_STATES:
        return "bad"
    return "good" if state in {"succeeded", "kept", "cached"} else "idle"
