"""How an attempt ended, judged from the evidence: the reply, the exit of its worker, the stop. Pure."""

from __future__ import annotations

from typing import cast

from msgspec.structs import replace

from runner.execute.command import signal_name
from runner.execute.wire import LOST_CHANNEL, Ended, Exited
from runner.mask import Masker
from runner.schedule.messages import StopAttempt
from runner.task import Artifact, Cause, Check, Failed, Json, LedgerRow, Note, Outcome, Progress, Succeeded

CLOSED = "closed its pipe to the runner"
GARBAGE = "wrote something that is not a reply"
STOPS = (Cause.TIMED_OUT, Cause.CANCELLED)
"""Causes that count more than anything the attempt did: somebody ended it."""


def of_reply(reply: Ended, stop: StopAttempt | None) -> Outcome:
    """Judge an attempt whose worker has replied.

    It carries the stop's cause only if SIGTERM reached it before its outcome was decided: otherwise it had ended.
    """
    if not reply.stopped:
        return reply.outcome
    match reply.outcome:
        case Failed(traceback=traceback):
            where = traceback
        case Succeeded():
            where = None
    if stop is None:
        return Failed(cause=Cause.CRASHED, message="ended by SIGTERM, which the runner did not send", traceback=where)
    return replace(_stopped(stop), traceback=where)


def of_exit(exited: Exited, stop: StopAttempt | None, fault: str) -> Outcome:
    """Judge an attempt whose worker is gone without a reply.

    `fault` is what the runner saw it do before it was asked to stop. What came first counts: a fault, a death of its
    own, the stop. The end of a channel is a fault only in a worker that lived on, and a symptom in one that died.
    """
    if fault == GARBAGE or (fault == CLOSED and exited.killed):
        return Failed(cause=Cause.CRASHED, message=fault)
    if not fault and exited.stopped and stop is not None:
        return _stopped(stop, killed=exited.killed)
    return Failed(cause=Cause.CRASHED, message=_death(exited.status))


def of_loss(outcome: Outcome, stop: StopAttempt | None) -> Outcome:
    """Judge an attempt at a host: one that was lost after it was to be stopped was stopped, then."""
    match outcome:
        case Failed(cause=Cause.LOST, message=why) if stop is not None:
            return replace(outcome, cause=stop.cause, message=f"{stop.message or stop.cause.sentence}; {why}")
        case Succeeded() | Failed():
            return outcome


def without_secrets(outcome: Outcome, masker: Masker, leaked: str) -> Outcome:
    """Mask what an outcome says; one whose outputs hold a secret, or whose ledger did (`leaked`), fails for that."""
    outputs = None if outcome.outputs is None else dict(outcome.outputs)
    name = leaked or masker.found_in(outputs)
    masked = cast("dict[str, Json] | None", masker.plain(outputs))
    match outcome:
        case Failed(cause=cause, message=message, traceback=trace) if not name or cause in STOPS:
            trace = None if trace is None else masker.text(trace)
            return replace(outcome, message=masker.text(message), traceback=trace, outputs=masked)
        case Succeeded() if not name:
            return outcome
        case Succeeded() | Failed():
            message = f"{'a ledger row' if leaked else 'an output'} held the value of the secret `{name}`"
            return Failed(cause=Cause.SECRET_IN_OUTPUT, message=message, outputs=masked)


def note_without_secrets(note: Note, masker: Masker) -> Note:
    """Mask what a note says in its own words."""
    match note:
        case Check(name=name, expected=expected, observed=observed, message=message):
            seen = {"expected": masker.plain(expected), "observed": masker.plain(observed)}
            return replace(note, name=masker.text(name), message=masker.text(message), **seen)
        case LedgerRow(kind=kind, id=record, name=called, url=url):
            texts = {"name": called and masker.text(called), "url": url and masker.text(url)}
            return replace(note, kind=masker.text(kind), id=masker.text(record), **texts)
        case Artifact(path=path, title=title):
            return replace(note, path=masker.text(path), title=masker.text(title))
        case Progress(message=message):
            return replace(note, message=masker.text(message))


def secret_in(note: Note, masker: Masker) -> str:
    """Answer the name of a secret whose value a ledger row holds, "" if there is none."""
    match note:
        case LedgerRow(kind=kind, id=record, name=called, url=url):
            return masker.found_in([kind, record, called, url]) or ""
        case Check() | Artifact() | Progress():
            return ""


def _stopped(stop: StopAttempt, *, killed: bool = False) -> Failed:
    message = stop.message or stop.cause.sentence
    unheeded = killed and stop.kill_after > 0
    return Failed(
        cause=stop.cause, message=f"{message}; it did not heed SIGTERM and was killed" if unheeded else message
    )


def _death(status: int) -> str:
    if status == LOST_CHANNEL:
        return CLOSED
    if status < 0:
        return f"killed by {signal_name(-status)}"
    return f"ended by itself with exit code {status} (os._exit?)"
