"""What becomes of a waiting task once its tasks have settled: runs, waits for services, or never runs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from runner.graph.model import Trigger
from runner.schedule.board import Why
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


def fate_of(
    trigger: Trigger, tasks: Mapping[str, Need], services: Mapping[str, Need | None], state: Callable[[str], str]
) -> Fate:
    """Answer what becomes of a task or an included graph; a service that has not settled is None, `state` names them.

    Where the tasks alone rule it out, whatever its services do, no service is started for it and none is waited for.
    """
    if not services:
        return _judge(trigger, tasks, state)
    if not could_run(trigger, tasks.values()):
        return _judge(trigger, tasks, state)
    settled = {name: need for name, need in services.items() if need is not None}
    if len(settled) < len(services):
        return Wants(services=tuple(name for name in services if name not in settled))
    fate = _judge(trigger, {**tasks, **settled}, state)
    return replace(fate, by_services=True) if isinstance(fate, NeverRuns) else fate


def _judge(trigger: Trigger, needs: Mapping[str, Need], state: Callable[[str], str]) -> Fate:
    decision = decide(trigger, needs.values())
    if decision is RUN:
        return RUNS
    if decision is BLOCKED:
        return NeverRuns(why=Why.BLOCKED, reason=blocked_by(needs, state))
    return NeverRuns(why=Why.SKIPPED, reason=not_called(trigger, needs))
