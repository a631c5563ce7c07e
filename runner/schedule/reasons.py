"""Why a task will not run, in sentences, and what its expressions may read. Pure. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from runner.graph.model import Trigger
from runner.graph.params import params_of
from runner.graph.pieces import pieces_of
from runner.schedule.board import Phase, TaskState
from runner.schedule.messages import RunOpened
from runner.schedule.rules import Need
from runner.task import Failed, Json

NAMED = 3
"""How many guilty needs a sentence names before it counts the rest."""


def blocked_by(needs: Mapping[str, Need], state: Callable[[str], str]) -> str:
    """Say which needs block a task, as in "`health` timed out"."""
    culprits = [name for name, need in needs.items() if need is Need.F]
    named = [f"`{name}` {_PAST.get(state(name), state(name))}" for name in culprits[:NAMED]]
    more = len(culprits) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def not_called(trigger: Trigger, needs: Mapping[str, Need]) -> str:
    """Say why a trigger had no reason to run its task."""
    match trigger:
        case Trigger.ONE_FAILED:
            return "nothing it needs failed"
        case Trigger.ONE_SUCCESS:
            return "nothing it needs succeeded"
        case Trigger.ALL_SUCCESS | Trigger.NONE_FAILED | Trigger.ALL_DONE | Trigger.ALWAYS:
            skipped = [f"`{name}`" for name, need in needs.items() if need is Need.K]
            return "skipped with " + ", ".join(skipped[:NAMED])


_PAST = {
    "blocked": "was blocked",
    "timed_out": "timed out",
    "cancelled": "was cancelled",
    "skipped": "was skipped",
    "stopping": "was stopped",
    "stopped": "was stopped",
    "unused": "was not started",
}


def need_scope(task: TaskState, opened: RunOpened) -> dict[str, Json]:
    """Answer what expressions may read under `needs.ID`; outputs are empty where the task returned none.

    Of a group they are a list, one of each of its instances, null where that returned nothing. A success that was taken
    over is a success: what is asked of a task must not depend on where a result is from.
    """
    outcome = task.outcome
    failed = outcome if isinstance(outcome, Failed) else None
    return {
        "state": "succeeded" if task.phase is Phase.SUCCEEDED else task.word,
        "cause": failed.cause.word if failed else None,
        "outputs": _several(task) if task.spec.fan is not None and task.spec.part is None else _outputs(task),
        "data_prefix": task.spec.data_prefix,
        "run": opened.run,
    }


def _outputs(task: TaskState) -> dict[str, Json]:
    outcome = task.outcome
    return {} if outcome is None else {**(outcome.outputs or {}), **pieces_of(task.spec.id, outcome.files)}


def _several(task: TaskState) -> list[Json]:
    return [] if task.spec.instances is None else [_outputs_or_null(each) for each in task.needs]


def _outputs_or_null(task: TaskState) -> Json:
    return None if task.outcome is None or task.outcome.outputs is None else _outputs(task)


def included_scope(state: str, opened: RunOpened) -> dict[str, Json]:
    """Answer what expressions may read of a whole included graph under `needs.ID`."""
    return {"state": state, "run": opened.run}


def scope_of(opened: RunOpened, needs: Mapping[str, Json], scope: str) -> dict[str, Json]:
    """Answer what an `if` may read: no secrets, and of the environment only what the run recorded.

    `scope` is the group in whose file it stands, "" for that of the run.
    """
    run: Json = {"id": opened.run, "started": opened.started}
    params: Json = params_of(scope, opened.params)
    return {"params": params, "env": dict(opened.environment), "needs": dict(needs), "run": run}
