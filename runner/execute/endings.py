"""How an attempt ended, judged from the evidence: the reply, the exit of its worker, the stop. Pure."""

from __future__ import annotations

from dataclasses import replace

from runner.execute.command import signal_name
from runner.execute.wire import Ended, Exited
from runner.execute.worker import LOST_CHANNEL
from runner.mask import Masker
from runner.plain import from_plain, to_plain
from runner.schedule.messages import StopAttempt
from runner.task import Cause, Failed, Note, Outcome, Succeeded

CLOSED = "closed its pipe to the runner"
GARBAGE = "wrote something that is not a reply"


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


def without_secrets(outcome: Outcome, masker: Masker, leaked: str) -> Outcome:
    """Mask what an outcome says; one whose outputs hold a secret, or whose ledger did (`leaked`), fails for that."""
    outputs = dict(outcome.outputs or {})
    where = "an output" if not leaked else "a ledger row"
    name = leaked or masker.found_in(outputs)
    if name:
        message = f"{where} held the value of the secret `{name}`"
        return Failed(cause=Cause.SECRET_IN_OUTPUT, message=message, outputs=masker.plain(outputs))  # type: ignore[arg-type]  # a mapping stays one
    match outcome:
        case Succeeded():
            return outcome
        case Failed(message=message, traceback=traceback):
            spoken = None if traceback is None else masker.text(traceback)
            return replace(outcome, message=masker.text(message), traceback=spoken)


def note_without_secrets(note: Note, masker: Masker) -> Note:
    """Mask what a note says."""
    return from_plain(Note, masker.plain(to_plain(note)))  # type: ignore[no-any-return]  # the shape is the note's own


def _stopped(stop: StopAttempt, *, killed: bool = False) -> Failed:
    message = stop.message or stop.cause.value
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
