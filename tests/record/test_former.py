"""What a former run has left: every way an attempt can be told of by journal and receipts, alone and together."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from runner.mask import Masker
from runner.plain import to_plain
from runner.record.folder import RunFolder
from runner.record.former import Former, former
from runner.record.journal import Journal
from runner.schedule.history import stories_of
from runner.schedule.messages import AttemptEnded, AttemptStarted, Event, Kept, Noted
from runner.task import Artifact, Cause, Check, Failed, LedgerRow, Note, Outcome, Progress, Receipt, Succeeded
from tests.kit import opened

DONE = Succeeded(outputs={"n": 1})
BAD = Failed(cause=Cause.EXIT_CODE, message="exit code 1")
CHECK = Check(name="c", verdict="passed")
ROW = LedgerRow(action="created", kind="doc", id="1", at="2026-11-24T00:00:00.000Z")


class Clock:
    """A clock that stands still."""

    def now(self) -> float:
        """Answer the start."""
        return 0.0


def left(folder: Path, events: list[Event], *receipts: Receipt, torn: bytes = b"") -> Former | None:
    """Write a run down and read what is left of it."""
    run = RunFolder(path=folder)
    run.receipts.mkdir(parents=True)
    journal = Journal(run.journal, Clock(), Masker({}))
    journal.record([replace(opened(), run="r1"), *events])
    journal.close()
    lines = b"".join(json.dumps(to_plain(receipt)).encode() + b"\n" for receipt in receipts)
    (run.receipts / "7.jsonl").write_bytes(lines + torn)
    return former(run)


def started(number: int = 1) -> Event:
    """Begin an attempt."""
    return AttemptStarted(at=1.0, task="a", attempt=number, key="k")


def ended(outcome: Outcome, number: int = 1) -> Event:
    """End an attempt."""
    return AttemptEnded(at=2.0, task="a", attempt=number, outcome=outcome)


def receipt(outcome: Outcome | None, number: int = 1, *notes: Note) -> Receipt:
    """Write a receipt."""
    return Receipt(task="a", attempt=number, key="k", outcome=outcome, notes=notes)


CASES = {
    "nothing of it": ([], [], "neither"),
    "begun, says the journal": ([started()], [], "doubtful"),
    "begun, says the receipt alone": ([], [receipt(None)], "doubtful"),
    "begun, say both": ([started()], [receipt(None)], "doubtful"),
    "succeeded, says the journal": ([started(), ended(DONE)], [receipt(None)], "kept"),
    "succeeded, says the receipt": ([started()], [receipt(None), receipt(DONE)], "kept"),
    "succeeded, says the receipt alone": ([], [receipt(None), receipt(DONE)], "kept"),
    "succeeded, say both": ([started(), ended(DONE)], [receipt(None), receipt(DONE)], "kept"),
    "failed, says the journal": ([started(), ended(BAD)], [receipt(None)], "neither"),
    "failed, says the receipt": ([started()], [receipt(None), receipt(BAD)], "neither"),
    "stopped, though the worker thought it had ended": ([started(), ended(BAD)], [receipt(DONE)], "neither"),
    "failed, then begun again": ([started(), ended(BAD), started(2)], [receipt(None), receipt(BAD)], "doubtful"),
    "failed, then begun again, says the receipt": (
        [started(), ended(BAD)],
        [receipt(BAD), receipt(None, 2)],
        "doubtful",
    ),
    "failed, then succeeded, says the receipt": ([started(), ended(BAD)], [receipt(DONE, 2)], "kept"),
}


@pytest.mark.parametrize("name", CASES)
def test_an_attempt_is_kept_doubtful_or_neither(tmp_path: Path, name: str) -> None:
    """The journal's word counts before the receipt's, the latest attempt before those before it."""
    events, receipts, expected = CASES[name]
    found = left(tmp_path / "run", list(events), *receipts)

    assert found is not None
    assert (expected == "kept", expected == "doubtful") == ("a" in found.successes, "a" in found.doubtful)
    if expected == "kept":
        assert Kept(outcome=DONE, run="r1", key="k") == found.successes["a"]


def test_a_receipt_has_all_that_was_said(tmp_path: Path) -> None:
    """Checks and ledger rows that the journal lost are those of the receipt; a torn line is none."""
    told = receipt(DONE, 1, CHECK, ROW, Progress(message="half"))
    found = left(
        tmp_path / "run", [started(), Noted(at=1.5, task="a", attempt=1, note=CHECK)], told, torn=b'{"is":"Rec'
    )

    assert found is not None
    assert Kept(outcome=DONE, run="r1", checks=(CHECK,), ledger=(ROW,), key="k") == found.successes["a"]


@pytest.mark.parametrize("damage", ["", "changed", "gone"])
@pytest.mark.parametrize("by", ["journal", "receipt"])
@pytest.mark.parametrize("promise", ["x", ""])
def test_a_success_without_its_files_is_none(tmp_path: Path, damage: str, by: str, promise: str) -> None:
    """What a task has promised belongs to its result, and without it runs again; what it kept beside does not."""
    digest = sha256(b"kept").hexdigest()
    file = Artifact(path="artifacts/a.1/x", title="x", size=4, digest=digest, promise=promise)
    outcome = Succeeded(outputs={"n": 1})
    (tmp_path / "artifacts/a.1").mkdir(parents=True)
    if damage != "gone":
        (tmp_path / "artifacts/a.1/x").write_bytes(b"tpek" if damage == "changed" else b"kept")
    noted = Noted(at=1.5, task="a", attempt=1, note=file)
    if by == "journal":
        found = left(tmp_path, [started(), noted, ended(outcome)])
    else:
        found = left(tmp_path, [started()], receipt(None), receipt(outcome, 1, file))

    assert found is not None
    assert ([] if damage and promise else [(file,)]) == [kept.artifacts for kept in found.successes.values()]


def test_a_run_that_never_began_has_left_nothing(tmp_path: Path) -> None:
    """Without a journal there is nothing to go on with."""
    assert former(RunFolder(path=tmp_path)) is None


def test_a_success_that_was_tried_again_is_the_same_now_and_later(tmp_path: Path) -> None:
    """What the run itself hands on of it is what the next run takes over: the checks of its last attempt."""
    events: list[Event] = [opened(run="r1")]
    for number, outcome in ((1, BAD), (2, DONE)):
        note = replace(CHECK, message=str(number))
        events += [started(number), Noted(at=1.5, task="a", attempt=number, note=note), ended(outcome, number)]
    found = left(tmp_path / "run", events[1:])
    story = stories_of(events).of("a")

    assert found is not None
    assert (replace(CHECK, message="2"),) == found.successes["a"].checks
    assert story.result is not None
    assert found.successes["a"] == replace(story.result, run="r1")
