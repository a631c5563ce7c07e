"""What a run has left behind: created and not deleted, or seen by a checkpoint."""

from __future__ import annotations

from typing import Any, Literal

from runner.record.orphans import Told, orphans
from runner.task import LedgerRow


def row(action: Literal["created", "deleted"], record: str, second: int, kind: str = "document") -> LedgerRow:
    """Enter a record at a second of the run."""
    return LedgerRow(action=action, kind=kind, id=record, name=f"Task_{record}", at=moment(second))


def moment(second: int) -> str:
    """Answer a second of the run as a moment."""
    return f"2026-01-01T00:00:{second:02}.000Z"


def told(task: str, *ledger: LedgerRow, outputs: dict[str, Any] | None = None, ended: int = 0) -> Told:
    """Let a task tell its ledger and its outputs."""
    return Told(task=task, prefix=f"{task}_", ledger=ledger, outputs=outputs or {}, ended=moment(ended))


def left(*tasks: Told) -> list[tuple[str, str]]:
    """Answer who left which record."""
    return [(orphan.task, orphan.id) for orphan in orphans(tasks)]


def test_what_was_created_and_not_deleted_is_left() -> None:
    """A record without a deletion is left behind; the same id of another kind is another record."""
    power = told(
        "power", row("created", "1", 1), row("created", "2", 2), row("deleted", "1", 3), row("created", "1", 4, "user")
    )

    assert [("power", "2"), ("power", "1")] == left(power)
    assert ("power_", "Task_2", "document") == (
        orphans([power])[0].prefix,
        orphans([power])[0].name,
        orphans([power])[0].kind,
    )


def test_whoever_deletes_a_record_clears_it() -> None:
    """A clean-up task clears what another one left, though it comes first in the file."""
    assert [] == left(told("clean", row("deleted", "1", 9)), told("power", row("created", "1", 1)))


def test_an_id_may_be_given_again() -> None:
    """A record whose id had belonged to a deleted one is left behind all the same."""
    rows = (row("created", "1", 1), row("deleted", "1", 2), row("created", "1", 3))

    assert [("power", "1")] == left(told("power", *rows))


def test_what_a_checkpoint_listed_is_left() -> None:
    """A record in the output `orphans` is left behind, once, and belongs to the task that is named with it."""
    listed = [{"id": "1", "name": "Task_1", "prefix": "power_", "task": "power"}, {"id": "7", "task": ""}, "8"]
    power = told("power", row("created", "1", 1))
    checkpoint = told("checkpoint", outputs={"orphans": listed}, ended=5)

    assert [("power", "1"), ("checkpoint", "7"), ("checkpoint", "8")] == left(power, checkpoint)


def test_what_was_deleted_after_the_checkpoint_is_gone() -> None:
    """A list is true as of the checkpoint's end: a deletion after it counts, one before it does not."""
    checkpoint = told("checkpoint", outputs={"orphans": ["1", "2"]}, ended=5)
    rows = (row("deleted", "1", 6), row("deleted", "2", 4))

    assert [("checkpoint", "2")] == left(checkpoint, told("clean", *rows))


def test_any_output_of_that_name_is_survived() -> None:
    """An output `orphans` of another shape lists nothing, or what can be made of it."""
    for odd in (None, 3, "text", {"id": 1}):
        assert [] == left(told("a", outputs={"orphans": odd}))

    assert [("a", "3"), ("a", "None")] == left(told("a", outputs={"orphans": [3, None]}))
