"""What a former run has left for a new one: its successes, from journal and receipts, and what nobody can vouch for.

A worker writes down that an attempt begins, and its outcome before it replies, so neither is lost when the runner is
killed before it has read of it. A task that was started and has no end in journal or receipts is doubtful: it may or
may not have done what it does, and it runs again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct, field

from runner.plain import NotThisShape, decode
from runner.record.carried import is_whole
from runner.record.folder import RunFolder
from runner.record.journal import read
from runner.schedule.history import Stories
from runner.schedule.messages import Kept, RunOpened
from runner.task import Check, Failed, LedgerRow, Receipt, Succeeded


class Former(Struct, frozen=True, kw_only=True):
    """One former run: how it was opened, its successes by task, and the tasks that are doubtful."""

    opened: RunOpened
    successes: Mapping[str, Kept] = field(default_factory=dict)
    doubtful: tuple[str, ...] = ()


def former(run: RunFolder) -> Former | None:
    """Answer what a run has left, None if it was ended before it began.

    Raises:
        DamagedJournal: its journal was damaged since.

    """
    stories = Stories()
    for event in read(run.journal).events if run.journal.exists() else ():
        stories.add(event)
    if stories.opened is None:
        return None
    found = {task: kept for task, kept in stories.opened.kept.items() if _whole(run, kept)}
    ends = _ends(stories)
    begun = {
        (task, attempt.number)
        for task, story in stories.tasks.items()
        for attempt in story.attempts
        if attempt.started is not None
    }
    for receipt in _receipts(run.receipts):
        begun.add((receipt.task, receipt.attempt))
        if receipt.outcome is not None:
            ends.setdefault((receipt.task, receipt.attempt), _told(receipt, stories.opened.run))
    ends = {key: kept if kept is None or _whole(run, kept) else None for key, kept in ends.items()}
    latest = _latest(begun | ends.keys())
    found |= {task: kept for task, number in latest.items() if (kept := ends.get((task, number))) is not None}
    doubtful = tuple(sorted(task for task, number in latest.items() if (task, number) not in ends))
    return Former(opened=stories.opened, successes=found, doubtful=doubtful)


def _ends(stories: Stories) -> dict[tuple[str, int], Kept | None]:
    """Answer what the journal tells of attempts that are over: the success, or None."""
    assert stories.opened is not None, "a run is opened first"
    found: dict[tuple[str, int], Kept | None] = {}
    for task, story in stories.tasks.items():
        checks, ledger = tuple(story.checks), tuple(story.ledger)
        for attempt in story.attempts:
            match attempt.outcome:
                case Succeeded() as outcome:
                    kept = Kept(outcome=outcome, run=stories.opened.run, checks=checks, ledger=ledger, key=attempt.key)
                    found[task, attempt.number] = kept
                case Failed():
                    found[task, attempt.number] = None
                case None:
                    pass
    return found


def _whole(run: RunFolder, kept: Kept) -> bool:
    """Say whether the outputs of a success that are files are still what was written."""
    return all(is_whole(run.path / file.file, file) for file in kept.outcome.files.values())


def _told(receipt: Receipt, run: str) -> Kept | None:
    """Answer the success that a receipt tells of; it has all that the attempt said, the journal perhaps none of it."""
    match receipt.outcome:
        case Succeeded() as outcome:
            checks = tuple(note for note in receipt.notes if isinstance(note, Check))
            ledger = tuple(note for note in receipt.notes if isinstance(note, LedgerRow))
            return Kept(outcome=outcome, run=run, checks=checks, ledger=ledger, key=receipt.key)
        case Failed() | None:
            return None


def _latest(attempts: Iterable[tuple[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for task, number in attempts:
        found[task] = max(number, found.get(task, 0))
    return found


def _receipts(folder: Path) -> Iterator[Receipt]:
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_bytes().split(b"\n"):
            try:
                yield decode(Receipt, line)
            except NotThisShape:  # a border: a worker may have died while it wrote
                continue
