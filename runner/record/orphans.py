"""Test data that a run has left behind: what its ledgers say, and what its checkpoints have seen. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from runner.task import Json, LedgerRow


class Orphan(Struct, frozen=True, kw_only=True):
    """One record left behind: its id in the backend, its name, and the task and prefix it belongs to."""

    prefix: str | None
    id: str
    task: str
    name: str | None = None
    kind: str = ""


class Told(Struct, frozen=True, kw_only=True):
    """What one task has told of test data; `ended` (ISO-8601 UTC, "" if never) is when its outputs were true."""

    task: str
    prefix: str | None
    ledger: Sequence[LedgerRow]
    outputs: Mapping[str, Json]
    ended: str


def orphans(told: Sequence[Told]) -> tuple[Orphan, ...]:
    """Answer each record once that was created and not deleted, by whichever task, or that a checkpoint listed.

    What was deleted after the checkpoint had looked is gone, whatever it lists.
    """
    rows = sorted(((each, row) for each in told for row in each.ledger), key=lambda pair: pair[1].at)
    left: dict[tuple[str, str], Orphan] = {}
    deleted: dict[str, str] = {}
    for owner, row in rows:  # in the order of time: an id may be given to a new record once the old one is gone
        if row.action == "created":
            left[row.kind, row.id] = Orphan(
                prefix=owner.prefix, id=row.id, task=owner.task, name=row.name, kind=row.kind
            )
        else:
            left.pop((row.kind, row.id), None)
            deleted[row.id] = row.at
    found = {(orphan.task, orphan.id): orphan for orphan in left.values()}
    for each in told:
        for orphan in _listed(each):
            if deleted.get(orphan.id, "") <= each.ended:
                found.setdefault((orphan.task, orphan.id), orphan)
    return tuple(found.values())


def _listed(told: Told) -> Iterator[Orphan]:
    """Read the output `orphans` of a checkpoint: records, or ids alone."""
    rows = told.outputs.get("orphans")
    for row in rows if isinstance(rows, list) else []:
        plain: dict[str, Any] = row if isinstance(row, dict) else {"id": row}
        prefix, name = (None if plain.get(key) is None else str(plain[key]) for key in ("prefix", "name"))
        owner = str(plain.get("task") or told.task)
        yield Orphan(prefix=prefix, id=str(plain.get("id", "")), task=owner, name=name)
