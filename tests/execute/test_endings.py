"""The table of endings: from reply, exit, stop and fault to a cause."""

from __future__ import annotations

import pytest

from runner.execute.endings import (
    CLOSED,
    GARBAGE,
    note_without_secrets,
    of_exit,
    of_reply,
    secret_in,
    without_secrets,
)
from runner.execute.wire import LOST_CHANNEL, Ended, Exited
from runner.mask import Masker
from runner.schedule.messages import StopAttempt
from runner.task import Artifact, Cause, Check, Failed, LedgerRow, Note, Outcome, Progress, Succeeded

STOP = StopAttempt(task="a", attempt=1, cause=Cause.TIMED_OUT, kill_after=5.0, message="longer than 3 s")
WORDS = "it was stopped before it could end"
KILL = StopAttempt(task="a", attempt=1, cause=Cause.CANCELLED, kill_after=0.0)
OWN = Failed(cause=Cause.EXCEPTION, message="ValueError: x", traceback="trace")
UNHEEDED = "; it did not heed SIGTERM and was killed"


@pytest.mark.parametrize(
    ("reply", "stop", "outcome"),
    [
        (Ended(outcome=Succeeded(outputs={"a": 1})), None, Succeeded(outputs={"a": 1})),
        (Ended(outcome=Succeeded()), STOP, Succeeded()),
        (Ended(outcome=OWN), STOP, OWN),
        (
            Ended(outcome=OWN, stopped=True),
            STOP,
            Failed(cause=Cause.TIMED_OUT, message="longer than 3 s", traceback="trace"),
        ),
        (
            Ended(outcome=Succeeded(), stopped=True),
            KILL,
            Failed(cause=Cause.CANCELLED, message=WORDS),
        ),
        (
            Ended(outcome=Succeeded(), stopped=True),
            None,
            Failed(cause=Cause.CRASHED, message="ended by SIGTERM, which the runner did not send"),
        ),
    ],
)
def test_a_reply_carries_the_stop_only_if_it_was_reached(
    reply: Ended, stop: StopAttempt | None, outcome: Outcome
) -> None:
    """The worker says whether SIGTERM came before the end; without that the end is the attempt's own."""
    assert outcome == of_reply(reply, stop)


@pytest.mark.parametrize(
    ("exited", "stop", "fault", "cause", "message"),
    [
        (Exited(child=1, status=-11), None, "", Cause.CRASHED, "killed by SIGSEGV"),
        (Exited(child=1, status=-11), None, CLOSED, Cause.CRASHED, "killed by SIGSEGV"),
        (Exited(child=1, status=-11), STOP, "", Cause.CRASHED, "killed by SIGSEGV"),
        (Exited(child=1, status=-11, stopped=True), STOP, CLOSED, Cause.CRASHED, "killed by SIGSEGV"),
        (Exited(child=1, status=0), None, CLOSED, Cause.CRASHED, "ended by itself with exit code 0 (os._exit?)"),
        (Exited(child=1, status=LOST_CHANNEL), None, "", Cause.CRASHED, CLOSED),
        (Exited(child=1, status=-9, stopped=True, killed=True), None, CLOSED, Cause.CRASHED, CLOSED),
        (Exited(child=1, status=-9, stopped=True, killed=True), STOP, CLOSED, Cause.CRASHED, CLOSED),
        (Exited(child=1, status=-9, stopped=True, killed=True), STOP, GARBAGE, Cause.CRASHED, GARBAGE),
        (Exited(child=1, status=0, stopped=True), None, GARBAGE, Cause.CRASHED, GARBAGE),
        (Exited(child=1, status=-9, stopped=True, killed=True), STOP, "", Cause.TIMED_OUT, STOP.message + UNHEEDED),
        (Exited(child=1, status=-9, stopped=True, killed=True), KILL, "", Cause.CANCELLED, WORDS),
        (Exited(child=1, status=0, stopped=True), STOP, "", Cause.TIMED_OUT, STOP.message),
        (Exited(child=1, status=-64), None, "", Cause.CRASHED, "killed by SIGRTMAX"),
    ],
)
def test_without_a_reply_what_came_first_counts(
    exited: Exited, stop: StopAttempt | None, fault: str, cause: Cause, message: str
) -> None:
    """A fault seen, then a death of its own, then the stop."""
    assert Failed(cause=cause, message=message) == of_exit(exited, stop, fault)


def test_a_stop_counts_more_than_a_leak() -> None:
    """An attempt that was stopped stays so, though it had leaked a secret; its words are masked all the same."""
    stopped = Failed(cause=Cause.TIMED_OUT, message="at hunter22", traceback="in hunter22")
    masked = Failed(cause=Cause.TIMED_OUT, message="at ***", traceback="in ***")

    assert masked == without_secrets(stopped, Masker({"T": "hunter22"}), "T")


def test_an_outcome_without_secrets_is_left_alone() -> None:
    """Nothing found, nothing changed."""
    masker = Masker({"T": "hunter22"})
    for outcome in (Succeeded(outputs={"a": "b"}), OWN, Failed(cause=Cause.EXIT_CODE, message="m", exit_code=3)):
        assert outcome == without_secrets(outcome, masker, "")


@pytest.mark.parametrize(
    ("note", "masked", "leaks"),
    [
        (
            Check(
                name="hunter22", verdict="failed", expected=["hunter22"], observed={"a": "hunter22"}, message="hunter22"
            ),
            Check(name="***", verdict="failed", expected=["***"], observed={"a": "***"}, message="***"),
            False,
        ),
        (Artifact(path="out/hunter22.txt", title="of hunter22"), Artifact(path="out/***.txt", title="of ***"), False),
        (Progress(message="hunter22", done=1), Progress(message="***", done=1), False),
        (
            LedgerRow(action="created", kind="hunter22", id="hunter22", at="now", name="hunter22", url="hunter22"),
            LedgerRow(action="created", kind="***", id="***", at="now", name="***", url="***"),
            True,
        ),
        (
            LedgerRow(action="created", kind="k", id="1", at="now"),
            LedgerRow(action="created", kind="k", id="1", at="now"),
            False,
        ),
    ],
)
def test_no_note_tells_a_secret(note: Note, masked: Note, leaks: bool) -> None:
    """Each kind is masked in all its words; only a ledger row, which others act on, makes its attempt fail."""
    masker = Masker({"TOKEN": "hunter22"})

    assert masked == note_without_secrets(note, masker)
    assert ("TOKEN" if leaks else "") == secret_in(note, masker)
