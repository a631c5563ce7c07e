"""What a former run has left for a new one: its successes, from journal and receipts, and what nobody can vouch for.

A worker writes down every outcome before it replies, so a success is not lost when the runner is killed before it has
read of it. A task that was started and has neither an end nor a receipt is doubtful: it may or may not have done what
it does, and it runs again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runner.plain import NotThisShape, from_plain
from runner.record.folder import RunFolder
from runner.record.journal import read
from runner.schedule.history import Attempt, Stories, Story
from runner.schedule.messages import Kept, RunOpened
from runner.task import Check, LedgerRow, Receipt, Succeeded


@dataclass(frozen=True, slots=True, kw_only=True)
class Former:
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
    receipts = {(receipt.task, receipt.attempt): receipt for receipt in _receipts(run.receipts)}
    found, doubtful = dict(stories.opened.kept), []
    for task, story in stories.tasks.items():
        last = story.attempts[-1] if story.attempts else None
        if last is None:
            continue
        kept = _success(story, last, receipts.get((task, last.number)), stories.opened.run)
        if kept is not None:
            found[task] = kept
        elif last.started is not None and last.outcome is None and (task, last.number) not in receipts:
            doubtful.append(task)
    return Former(opened=stories.opened, successes=found, doubtful=tuple(doubtful))


def _success(story: Story, last: Attempt, receipt: Receipt | None, run: str) -> Kept | None:
    if isinstance(last.outcome, Succeeded):
        checks, ledger = tuple(story.checks), tuple(story.ledger)
        return Kept(outcome=last.outcome, run=run, checks=checks, ledger=ledger, key=last.key)
    if last.outcome is not None or receipt is None or not isinstance(receipt.outcome, Succeeded):
        return None
    # The receipt has all that the attempt said; the journal may have none of it, or some.
    checks = tuple(note for note in receipt.notes if isinstance(note, Check))
    ledger = tuple(note for note in receipt.notes if isinstance(note, LedgerRow))
    return Kept(outcome=receipt.outcome, run=run, checks=checks, ledger=ledger, key=last.key)


def _receipts(folder: Path) -> Iterator[Receipt]:
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_bytes().split(b"\n"):
            try:
                yield from_plain(Receipt, json.loads(line))
            except (ValueError, NotThisShape, RecursionError):  # a border: a worker may have died while it wrote
                continue
