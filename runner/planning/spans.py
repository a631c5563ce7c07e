"""The spans of a virtual run: each attempt, and each start of a service until it is ready. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from msgspec import Struct, field

from runner.schedule.messages import AttemptEnded, AttemptStarted, Event, ServiceReady
from runner.task import Failed

CLOSE = 1e-6
"""Seconds within which two moments are one."""
END = attrgetter("end")


class Span(Struct, kw_only=True, eq=False):
    """One attempt, or a service until it is ready; workers count from 1, a service has 0; `latest` is when it may end.

    `before` are the spans that made room for it, the most telling first; between the first and itself lay `rest`.
    `behind` are those from whose starts it had to have a distance, each with that (seconds).
    """

    name: str
    number: int
    start: float
    end: float
    worker: int = 0
    outcome: str = ""
    latest: float = float("inf")
    rest: float = 0.0
    before: list[Span] = field(default_factory=list)
    behind: tuple[tuple[Span, float], ...] = ()

    @property
    def seconds(self) -> float:
        """How long it takes."""
        return self.end - self.start


def spans_of(events: Sequence[Event]) -> list[Span]:
    """Answer the spans in the order of their starts; among those of one moment, in the order of the events."""
    open_spans: dict[tuple[str, int], Span] = {}
    found: list[Span] = []
    for event in events:
        match event:
            case AttemptStarted(task=name, attempt=number):
                span = Span(name=name, number=number, start=event.since, end=event.since)
                open_spans[name, number] = span
                found.append(span)
            case AttemptEnded(task=name, attempt=number) if (name, number) in open_spans:
                span = open_spans[name, number]
                span.end = event.at
                span.outcome = event.outcome.cause.word if isinstance(event.outcome, Failed) else "succeeded"
            case ServiceReady(service=name, attempt=number):
                start = event.at if event.asked is None else event.asked
                found.append(Span(name=name, number=number, start=start, end=event.at))
            case _:
                pass
    return sorted(found, key=attrgetter("start"))
