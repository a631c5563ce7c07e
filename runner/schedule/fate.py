"""What becomes of a waiting task once its tasks have settled: runs, waits for services, or never runs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from runner.schedule.board import TaskState, Why
from runner.schedule.reasons import blocked_by, not_called
from runner.schedule.rules import BLOCKED, RUN, Need, could_run, decide


class Runs(Struct, frozen=True, kw_only=True):
    """Its trigger is content; only its own `if` can still say no."""


class Wants(Struct, frozen=True, kw_only=True):
    """It could run, once it is known what became of these services."""

    services: tuple[str, ...]


class NeverRuns(Struct, frozen=True, kw_only=True):
    """It will not run; `reason` is a sentence. `by_services`: the tasks it needs would have let it."""

    why: Why
    reason: str
    by_services: bool = False


Fate: TypeAlias = Runs | Wants | NeverRuns
RUNS = Runs()


def fate_of(task: TaskState, services: Mapping[str, Need | None], state: Callable[[str], str]) -> Fate:
    """Answer what becomes of a task; a service that has not settled is None, `state` names what a need is at.

    Where the tasks alone rule it out, whatever its services do, no service is started for it and none is waited for.
    """
    tasks = [need.need for need in task.needs]
    if not services:
        return _judge(task, tasks, {}, state)
    if not could_run(task.spec.trigger, tasks):
        return _judge(task, tasks, {}, state)
    settled = {name: need for name, need in services.items() if need is not None}
    if len(settled) < len(services):
        return Wants(services=tuple(name for name in services if name not in settled))
    fate = _judge(task, tasks, settled, state)
    return replace(fate, by_services=True) if isinstance(fate, NeverRuns) else fate


def _judge(task: TaskState, tasks: Sequence[Need], services: Mapping[str, Need], state: Callable[[str], str]) -> Fate:
    decision = decide(task.spec.trigger, (*tasks, *services.values()))
    if decision is RUN:
        return RUNS
    needs = {**{need.spec.id: need.need for need in task.needs}, **services}
    if decision is BLOCKED:
        return NeverRuns(why=Why.BLOCKED, reason=blocked_by(needs, state))
    return NeverRuns(why=Why.SKIPPED, reason=not_called(task.spec.trigger, needs))
