"""Folds of events: what each task did and said. Pure. Knows no file and decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from runner.schedule.messages import AttemptEnded, AttemptStarted, Event, Noted
from runner.task import Check, LedgerRow


@dataclass(slots=True, kw_only=True)
class Story:
    """What one task said."""

    checks: tuple[Check, ...] = ()
    ledger: tuple[LedgerRow, ...] = ()


class Stories:
    def __init__(self) -> None:
        self._all: dict[str, Story] = {}

    def of(self, task: str) -> Story:
        return self._all.setdefault(task, Story())

    def add(self, event: Event) -> None:
        match event:
            case Noted(task=task, note=Check() as note):
                self.of(task).checks += (note,)
            case Noted(task=task, note=LedgerRow() as note):
                self.of(task).ledger += (note,)
            case _:
                pass
