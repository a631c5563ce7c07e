"""How long an attempt may take and whether a failed task is tried again. Pure. Sets no alarm, only says which."""

from __future__ import annotations

from collections.abc import Iterator

from runner.schedule.alarms import Alarm, Ring
from runner.schedule.board import Phase, TaskState
from runner.task import Cause

CLEAN_UP_SECONDS = 60.0
"""How long an `always` task without a time-out may take once the run is cancelled (DESIGN section 5, Interrupting)."""


def limits(task: TaskState, now: float) -> Iterator[tuple[float, Alarm]]:
    """Answer the alarms of an attempt that begins now: its time-out, and the end of all its task's attempts."""
    spec = task.spec
    if spec.timeout is not None:
        yield now + spec.timeout, _alarm(task, Ring.LIMIT, f"ran longer than {spec.timeout:g} s")
    if spec.retry.deadline is not None and task.first_start is not None:
        message = f"its attempts together took longer than {spec.retry.deadline:g} s"
        yield task.first_start + spec.retry.deadline, _alarm(task, Ring.LAST_LIMIT, message)


def clean_up_limit(task: TaskState, now: float) -> tuple[float, Alarm]:
    """Answer the alarm of a clean-up without a time-out of its own."""
    message = f"ran longer than the {CLEAN_UP_SECONDS:g} s a clean-up may take"
    return now + CLEAN_UP_SECONDS, _alarm(task, Ring.LIMIT, message)


def rest_alarm(task: TaskState, until: float) -> tuple[float, Alarm]:
    """Answer the alarm that ends a rest."""
    return until, Alarm(ring=Ring.REST_OVER, task=task.spec.id, attempt=task.attempt)


def may_retry(task: TaskState, cause: Cause, rested: float) -> bool:
    """Say whether a failed task is tried again once it has rested (`rested`: that moment in seconds)."""
    retry = task.spec.retry
    if task.tries >= retry.attempts or cause not in retry.on or task.spent:
        return False
    return retry.deadline is None or task.first_start is None or rested <= task.first_start + retry.deadline


def alarm_matters(alarm: Alarm, task: TaskState) -> bool:
    """Say whether an alarm still means what it meant when it was set."""
    if alarm.attempt != task.attempt:
        return False
    if alarm.ring is Ring.REST_OVER:
        return task.phase is Phase.RESTING
    return task.phase is Phase.RUNNING and not task.stopping


def _alarm(task: TaskState, ring: Ring, message: str) -> Alarm:
    return Alarm(ring=ring, task=task.spec.id, attempt=task.attempt, message=message)
