"""What a former run has left for a new one: its successes, from journal and receipts, and what nobody can vouch for.

A worker writes down that an attempt begins, and its outcome before it replies, so neither is lost when the runner is
killed before it has read of it. A task that was started and has no end in journal or receipts is doubtful: it may or
may not have done what it does, and it runs again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import inf
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from runner.plain import NotThisShape, decode
from runner.record.carried import files_of, is_whole
from runner.record.folder import RunFolder
from runner.record.journal import read
from runner.schedule.history import Stories, stories_of
from runner.schedule.messages import Kept, Outdated, RunOpened
from runner.task import Artifact, Check, Failed, Json, LedgerRow, Receipt, Succeeded


class Former(Struct, frozen=True, kw_only=True):
    """One former run: how it was opened, its successes by task, and the tasks that are doubtful, or failed at last.

    `outdated` are the tasks that were looked up and had to run, with what was asked of them; `items` are those of its
    fan-outs. `begun` is when the latest attempt of each task began, in seconds of that run.
    """

    opened: RunOpened
    successes: Mapping[str, Kept] = field(default_factory=dict)
    doubtful: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    outdated: Mapping[str, Outdated] = field(default_factory=dict)
    items: Mapping[str, tuple[Json, ...]] = field(default_factory=dict)
    begun: Mapping[str, float] = field(default_factory=dict)


def former(run: RunFolder) -> Former | None:
    """Answer what a run has left, its successes as far as their files are whole; None if it was ended before it began.

    Raises:
        DamagedJournal: its journal was damaged since.

    """
    found = left_by(run, stories_of(read(run.journal).events if run.journal.exists() else ()))
    if found is None:
        return None
    return replace(found, successes={task: kept for task, kept in found.successes.items() if _whole(run, kept)})


def left_by(run: RunFolder, stories: Stories) -> Former | None:
    """Answer what a run with these stories has left, whatever became of its files; None if it never began."""
    if stories.opened is None:
        return None
    found = {task: story.kept for task, story in stories.tasks.items() if story.kept is not None}
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
            ends.setdefault((receipt.task, receipt.attempt), _told(receipt, stories))
    latest = _latest(begun | ends.keys())
    found |= {task: kept for task, number in latest.items() if (kept := ends.get((task, number))) is not None}
    return Former(
        opened=stories.opened,
        successes=found,
        doubtful=tuple(sorted(task for task, number in latest.items() if (task, number) not in ends)),
        failed=tuple(sorted(each[0] for each in latest.items() if each in ends and ends[each] is None)),
        outdated={task: story.outdated for task, story in stories.tasks.items() if story.outdated is not None},
        items=stories.items,
        begun={task: _began(stories, task, number) for task, number in latest.items()},
    )


def _began(stories: Stories, task: str, number: int) -> float:
    """Answer when an attempt began; of one that only a receipt tells of, later than all that the journal does."""
    attempts = stories.tasks[task].attempts if task in stories.tasks else []
    known = (each.started for each in attempts if each.number == number and each.started is not None)
    return next(known, inf)


def _ends(stories: Stories) -> dict[tuple[str, int], Kept | None]:
    """Answer what the journal tells of attempts that are over: the success, or None."""
    assert stories.opened is not None, "a run is opened first"
    return {
        (task, attempt.number): story.success(attempt, stories.opened.run)
        for task, story in stories.tasks.items()
        for attempt in story.attempts
        if attempt.outcome is not None
    }


def _whole(run: RunFolder, kept: Kept) -> bool:
    """Say whether the files of a success, its outputs and its artifacts, are still what was written."""
    return all(is_whole(run.path / file.file, file) for file in files_of(kept))


def _told(receipt: Receipt, stories: Stories) -> Kept | None:
    """Answer the success that a receipt tells of; it has all that the attempt said, the journal perhaps none of it."""
    assert stories.opened is not None, "a run is opened first"
    outdated = stories.of(receipt.task).outdated
    match receipt.outcome:
        case Succeeded() as outcome:
            checks = tuple(note for note in receipt.notes if isinstance(note, Check))
            ledger = tuple(note for note in receipt.notes if isinstance(note, LedgerRow))
            artifacts = tuple(note for note in receipt.notes if isinstance(note, Artifact))
            return Kept(
                outcome=outcome,
                run=stories.opened.run,
                checks=checks,
                ledger=ledger,
                key=receipt.key,
                artifacts=artifacts,
                handed="" if outdated is None else outdated.handed,
            )
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
