"""When a task may run: the triggers of DESIGN section 5 as one small table. Knows no time and no run."""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum

from runner.graph.model import Trigger


class Need(Enum):
    """How a need has settled, seen from the task that needs it."""

    S = "succeeded, kept, allowed to fail, or a service that is up or switched off"
    F = "failed by any cause, blocked, cancelled, or a service that broke"
    K = "skipped: its own `if` or trigger said no"


S, F, K = Need  # before 3.12, `Need.S` costs a call or two


class Decision(Enum):
    """What a trigger says once all needs have settled."""

    RUN = "its trigger is content with its needs"
    BLOCKED = "something it needs failed"
    SKIPPED = "nothing it needs calls for it"


RUN, BLOCKED, SKIPPED = Decision


def decide(trigger: Trigger, needs: Collection[Need]) -> Decision:
    """Answer what becomes of a task whose needs settled so. Source: DESIGN section 5, Triggers."""
    failed, skipped, succeeded = F in needs, K in needs, S in needs
    match trigger:
        case Trigger.ALL_SUCCESS:
            return BLOCKED if failed else SKIPPED if skipped else RUN
        case Trigger.NONE_FAILED:
            return BLOCKED if failed else RUN
        case Trigger.ONE_SUCCESS:
            return RUN if succeeded else BLOCKED if failed else SKIPPED
        case Trigger.ONE_FAILED:
            return RUN if failed else SKIPPED
        case Trigger.ALL_DONE | Trigger.ALWAYS:
            return RUN


def could_run(trigger: Trigger, tasks: Collection[Need]) -> bool:
    """Say whether some end of a task's services would let it run, given how the tasks it needs have settled."""
    return any(decide(trigger, (*tasks, service)) is RUN for service in (Need.S, Need.F))
