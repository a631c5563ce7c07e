"""What a host says last of an attempt, and how it ends one by itself. Pure; knows no thread and no Dask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runner.errors import Problem
from runner.execute.errands import CANNOT_IMPORT, Over, Sent
from runner.schedule.messages import AttemptEnded, StopAttempt
from runner.task import Cause, Outcome, Request, Signature

KILL_AFTER = 5.0
"""Seconds from SIGTERM to SIGKILL for what is ended because nobody asks for it any more."""


def undescribable(wanted: Mapping[str, Request], why: str) -> dict[str, Signature | Problem]:
    """Answer for functions that nobody can describe."""
    return dict.fromkeys(wanted, Problem(code=CANNOT_IMPORT, message=why))


def over(key: str, end: AttemptEnded, kept: Sequence[Sent], seconds: float = 0.0) -> Over:
    """Answer the last word on an attempt, with the files that are to come back."""
    files = (Sent(path=each.file, size=each.size, digest=each.digest) for each in end.outcome.files.values())
    return Over(key=key, end=end, seconds=seconds, files=(*kept, *files))


def ended(request: Request, outcome: Outcome, at: float, left: tuple[str, ...] = ()) -> AttemptEnded:
    """Answer the end of an attempt."""
    return AttemptEnded(at=at, task=request.task, attempt=request.attempt, outcome=outcome, left=left)


def forsaken(request: Request) -> StopAttempt:
    """Answer the stop of an attempt that nobody asks for any more: whoever hears of its end did not want it."""
    return stop_of(request, Cause.LOST, "the cluster had given it up, so it was ended")


def stop_of(request: Request, cause: Cause, message: str) -> StopAttempt:
    """Answer the stop of an attempt that a host ends by itself."""
    task, attempt = request.task, request.attempt
    return StopAttempt(task=task, attempt=attempt, cause=cause, kill_after=KILL_AFTER, message=message)
