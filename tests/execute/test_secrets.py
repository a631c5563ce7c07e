"""Secrets in everything a task lets out: bytes, messages, notes, outputs, ledger."""

from __future__ import annotations

from typing import Any

import pytest

from runner.task import Cause, Check, Failed, LedgerRow, Progress, Succeeded
from tests.execute.pools import ENV, Bench

pytestmark = pytest.mark.real

SECRET = "s3cr3t-t0ken"
SECRETIVE: dict[str, Any] = {"env": {**ENV, "SECRET_TOKEN": SECRET}, "secrets": ("SECRET_TOKEN",)}


def _leak(bench: Bench, where: str) -> Succeeded | Failed:
    outcome = bench.run(where, "leaks", arguments={"where": where}, **SECRETIVE).outcome
    assert SECRET not in repr(bench.events)
    assert not any(SECRET in file.read_text() for file in bench.folder.rglob("*") if file.is_file())
    return outcome


def test_a_secret_that_is_printed_in_pieces_is_masked(bench: Bench) -> None:
    """The log holds stars, where the value was split across two writes, too."""
    assert isinstance(_leak(bench, "print"), Succeeded)
    assert "half *** end\n" == bench.log("print")


def test_messages_and_tracebacks_are_masked(bench: Bench) -> None:
    """An exception that quotes a secret is told without it."""
    failed = _leak(bench, "raise")

    assert isinstance(failed, Failed)
    assert (Cause.EXCEPTION, "RuntimeError: cannot log in with ***") == (failed.cause, failed.message)
    assert "cannot log in with ***" in (failed.traceback or "")


def test_checks_and_progress_are_masked(bench: Bench) -> None:
    """A check that observed a secret fails as it would, and shows stars."""
    failed = _leak(bench, "check")
    _leak(bench, "progress")

    assert isinstance(failed, Failed)
    assert Cause.FAILED_CHECK is failed.cause
    assert [Check(name="login", verdict="failed", expected="ok", observed="token *** refused")] == bench.notes("check")
    assert [Progress(message="trying ***")] == bench.notes("progress")


def test_a_secret_in_an_output_fails_the_attempt(bench: Bench) -> None:
    """The message names the variable, and the output is kept with stars."""
    failed = _leak(bench, "output")

    assert isinstance(failed, Failed)
    assert Cause.SECRET_IN_OUTPUT is failed.cause
    assert "an output held the value of the secret `SECRET_TOKEN`" == failed.message
    assert {"token": "Bearer ***"} == failed.outputs


def test_a_secret_in_the_ledger_fails_the_attempt(bench: Bench) -> None:
    """The row is told with stars as it happens, and the attempt fails when it ends."""
    failed = _leak(bench, "ledger")
    (row,) = bench.notes("ledger")

    assert isinstance(failed, Failed)
    assert Cause.SECRET_IN_OUTPUT is failed.cause
    assert "a ledger row held the value of the secret `SECRET_TOKEN`" == failed.message
    assert isinstance(row, LedgerRow)
    assert ("token", "***") == (row.kind, row.id)


def test_the_last_line_is_masked(bench: Bench) -> None:
    """The live view shows no secret either."""
    bench.start("talk", command="echo $SECRET_TOKEN ok; touch printed; sleep 60", **SECRETIVE)
    for _ in range(200):
        bench.events += bench.pool.wait(0.05)
        if bench.pool.last_line("talk"):
            break

    assert "*** ok" == bench.pool.last_line("talk")
