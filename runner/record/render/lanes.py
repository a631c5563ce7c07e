"""Who ran what when, and who waited: the bars of a timeline and of a trace. Knows no layout."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from msgspec import Struct

from runner.record.report import AttemptReport, Report, TaskReport

AT_ONCE = 0.0015
"""Seconds that times of a report, which are rounded to milliseconds, may be apart and still be the same."""
ELSEWHERE = frozenset({"waited_for_needs", "waited_for_service"})
"""Waits for others to end or to begin, which their own bars show."""


class Span(Struct, frozen=True, kw_only=True):
    """One attempt on its lane, from 0 on; `start` is in seconds since the run began."""

    task: str
    attempt: AttemptReport
    lane: int
    start: float

    @property
    def end(self) -> float:
        """When it was over."""
        return self.start + self.attempt.seconds


class Pause(Struct, frozen=True, kw_only=True):
    """A time in which a task could not run: it waited for room (`wait`), or rested before it was tried again (`rest`).

    `lane` is that of the attempt that came next, None if none came; `words` say whom or what it waited for.
    """

    task: str
    kind: str
    start: float
    end: float
    lane: int | None
    words: str


def seconds_into(report: Report, moment: str) -> float:
    """Answer how many seconds into the run a moment (ISO-8601) was."""
    return round((datetime.fromisoformat(moment) - datetime.fromisoformat(report.started)).total_seconds(), 3)


def spans(report: Report) -> Sequence[Span]:
    """Answer the attempts that began, in the order of their starts, each on its lane."""
    found = [span for task in report.tasks for span in _spans(report, task)]
    return sorted(found, key=lambda span: (span.start, span.lane))


def pauses(report: Report) -> Sequence[Pause]:
    """Answer the waits for room and the rests between attempts, task by task."""
    return [pause for task in report.tasks for pause in _pauses(report, task)]


def free_lanes(times: Iterable[tuple[float, float]]) -> Sequence[int]:
    """Answer a lane for each start and duration, given in the order of the starts: the first that is free."""
    free_from, lanes = list[float](), list[int]()
    for start, seconds in times:
        lane = next((lane for lane, free in enumerate(free_from) if free <= start + AT_ONCE), len(free_from))
        free_from[lane:] = [start + seconds, *free_from[lane + 1 :]]
        lanes.append(lane)
    return lanes


def _spans(report: Report, task: TaskReport) -> Iterator[Span]:
    for attempt in task.attempts:
        if attempt.started is not None:
            start = seconds_into(report, attempt.started)
            yield Span(task=task.id, attempt=attempt, lane=max(0, attempt.lane - 1), start=start)


def _pauses(report: Report, task: TaskReport) -> Iterator[Pause]:
    begun = list(_spans(report, task))
    for episode in task.story:
        waited = episode.kind.startswith("waited_") and episode.kind not in ELSEWHERE
        if episode.seconds and (waited or episode.kind == "rested"):
            end = episode.at + episode.seconds
            lane = next((span.lane for span in begun if span.start >= end - AT_ONCE), None)
            kind = "wait" if waited else "rest"
            yield Pause(task=task.id, kind=kind, start=episode.at, end=end, lane=lane, words=episode.words)
