"""What becomes of a group: it settles with the last of its instances, as they have. Pure. Writes no phase."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from runner.schedule.board import Phase, TaskState, Why
from runner.schedule.reasons import NAMED
from runner.task import Cause, Failed, Outcome, Succeeded

ALREADY = ("kept", "cached")
"""The words for a success of an earlier run."""


class Ending(Struct, frozen=True, kw_only=True):
    """How a group settles, and why in a sentence."""

    phase: Phase
    reason: str
    why: Why | None = None
    outcome: Outcome | None = None


def ending_of(instances: Sequence[TaskState]) -> Ending:
    """Answer how a group settles whose instances have all settled.

    What failed decides, allowed or not; then what was cancelled or blocked, which is no success; then what succeeded.
    """
    failed = [each for each in instances if each.phase is Phase.FAILED]
    if failed:
        told = f"{_share(failed, instances)}: {_named(failed)}"
        return Ending(phase=Phase.FAILED, reason=told, outcome=Failed(cause=_cause(failed), message=told))
    for why in (Why.CANCELLED, Why.BLOCKED):
        such = [each for each in instances if each.why is why]
        if such:
            told = f"{_share(such, instances)}: {such[0].reason}"
            return Ending(phase=Phase.SKIPPED, why=why, reason=told)
    if any(each.phase is Phase.SUCCEEDED for each in instances):
        counts = Counter(each.word for each in instances)
        told = ", ".join(f"{count} {word}" for word, count in counts.items()) if len(counts) > 1 else _all(instances)
        return Ending(phase=Phase.SUCCEEDED, reason=told, outcome=Succeeded())
    told = f"{_all(instances)}: {instances[0].reason}" if instances else "there is no item to do it for"
    return Ending(phase=Phase.SKIPPED, why=Why.SKIPPED, reason=told)


def all_are(word: str, instances: Sequence[TaskState]) -> bool:
    """Say whether all that succeeded did so in this way: `kept` or `cached`."""
    return all(each.word == word for each in instances if each.phase is Phase.SUCCEEDED)


# -- the helpers -------------------------------------------------------------------------------------------------------


def _cause(failed: Sequence[TaskState]) -> Cause:
    """Answer the cause of the first that failed by itself."""
    causes = [each.cause for each in failed if each.cause is not None]
    return next((cause for cause in causes if cause is not Cause.CANCELLED), Cause.CANCELLED)


def _named(tasks: Sequence[TaskState]) -> str:
    names = ", ".join(f"`{each.spec.id}`" for each in tasks[:NAMED])
    return names + (f" and {len(tasks) - NAMED} more" if len(tasks) > NAMED else "")


def _share(some: Sequence[TaskState], instances: Sequence[TaskState]) -> str:
    return _all(some) if len(some) == len(instances) else f"{len(some)} of {len(instances)}"


def _all(instances: Sequence[TaskState]) -> str:
    return f"all {len(instances)}" if len(instances) > 1 else "the only one"
