"""Folds of events: what each task did and said, and what became of each service. Pure. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from runner.schedule.messages import (
    Answered,
    AttemptEnded,
    AttemptReturned,
    AttemptStarted,
    CancelAsked,
    ClockTicked,
    Event,
    FannedOut,
    Kept,
    Noted,
    Outdated,
    Recalled,
    RunOpened,
    ServiceEnded,
    ServiceReady,
    SlotsChanged,
)
from runner.task import Artifact, Check, Json, LedgerRow, Outcome, Progress, Succeeded


class Attempt(Struct, kw_only=True):
    """One attempt: `started` and `ended` are seconds of the run, `outcome` None while it runs or if nobody knows.

    It starts when its worker is asked to, for from then on it holds a process.
    """

    number: int
    started: float | None = None
    ended: float | None = None
    pid: int = 0
    worker: str = ""
    outcome: Outcome | None = None
    key: str = ""
    log: str = ""
    left: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """How long it ran, 0 where it never began."""
        return 0.0 if self.started is None or self.ended is None else self.ended - self.started


class Story(Struct, kw_only=True):
    """What one task did and said, over all its attempts; `kept` is its result if it was taken from an earlier run.

    `checked` holds each check behind the number of its attempt, 0 for one that was kept, `filed` each artifact.
    `outdated` says why its last result was not taken, where somebody looked.
    """

    attempts: list[Attempt] = field(default_factory=list)
    checked: list[tuple[int, Check]] = field(default_factory=list)
    ledger: list[LedgerRow] = field(default_factory=list)
    filed: list[tuple[int, Artifact]] = field(default_factory=list)
    progress: Progress | None = None
    kept: Kept | None = None
    outdated: Outdated | None = None

    @property
    def run(self) -> str:
        """Answer the earlier run its result was taken from, "" if it was not."""
        return "" if self.kept is None else self.kept.run

    @property
    def result(self) -> Kept | None:
        """Answer its success, taken over or of its last attempt, None if it has none."""
        return self.success(self.attempts[-1], "") if self.attempts else self.kept

    def success(self, attempt: Attempt, run: str) -> Kept | None:
        """Answer what may be taken over of an attempt in a run, None if it did not succeed.

        Its checks are those of this attempt alone: what was tried again was judged again.
        """
        if not isinstance(attempt.outcome, Succeeded):
            return None
        return Kept(
            outcome=attempt.outcome,
            run=run,
            checks=tuple(check for number, check in self.checked if number == attempt.number),
            ledger=tuple(self.ledger),
            key=attempt.key,
            artifacts=tuple(each for number, each in self.filed if number == attempt.number),
            handed="" if self.outdated is None else self.outdated.handed,
        )

    @property
    def checks(self) -> list[Check]:
        """Answer the checks of all attempts."""
        return [check for _, check in self.checked]

    @property
    def artifacts(self) -> list[Artifact]:
        """Answer the artifacts of the last attempt, or those of the run its result was taken from."""
        last = self.attempts[-1].number if self.attempts else 0
        return [artifact for number, artifact in self.filed if number == last]

    def attempt(self, number: int) -> Attempt:
        """Answer an attempt by its number, made at the first mention."""
        if not self.attempts or self.attempts[-1].number < number:
            self.attempts.append(Attempt(number=number))
        return self.attempts[-1]


class ServiceStory(Struct, kw_only=True):
    """What became of one service; times are seconds of the run, `waited` those from its start until it was ready."""

    ready: float | None = None
    ended: float | None = None
    waited: float | None = None
    url: str = ""
    how: str = ""
    message: str = ""
    lines: tuple[str, ...] = ()
    log: str = ""


class Stories:
    """All stories of a run, told one event at a time; `any_ledger` says whether some task has entered a record.

    `items` are those of each fan-out that were known or came to be known, `workers` the most there were at a time.
    """

    def __init__(self) -> None:
        self.opened: RunOpened | None = None
        self.ended = 0.0
        self.cancels: list[CancelAsked] = []
        self.any_ledger = False
        self.workers = 0
        self.items: dict[str, tuple[Json, ...]] = {}
        self._tasks: dict[str, Story] = {}
        self._services: dict[str, ServiceStory] = {}

    @property
    def tasks(self) -> Mapping[str, Story]:
        """Answer the stories of all tasks that have one."""
        return self._tasks

    @property
    def services(self) -> Mapping[str, ServiceStory]:
        """Answer the stories of all services that have one."""
        return self._services

    def of(self, task: str) -> Story:
        """Answer the story of a task."""
        story = self._tasks.get(task)
        if story is None:
            story = self._tasks[task] = Story()
        return story

    def of_service(self, service: str) -> ServiceStory:
        """Answer the story of a service."""
        return self._services.setdefault(service, ServiceStory())

    def add(self, event: Event) -> None:
        """Take in what happened next."""
        self.ended = event.at
        match event:
            case RunOpened():
                self.opened, self.workers = event, event.slots
                self._taken(event.kept)
                self.items |= event.items
            case AttemptStarted(task=task, attempt=number):
                attempt = self.of(task).attempt(number)
                attempt.started, attempt.pid, attempt.key = event.since, event.pid, event.key
                attempt.worker = event.worker
            case AttemptEnded(task=task, attempt=number):
                self._ended(self.of(task).attempt(number), event)
            case Noted(task=task):
                self._noted(self.of(task), event)
            case ServiceReady(service=service):
                served = self.of_service(service)
                served.ready, served.url = event.at, event.url
                served.waited = None if event.asked is None else event.at - event.asked
            case ServiceEnded(service=service):
                self._services[service] = _over(self.of_service(service), event)
            case CancelAsked():
                self.cancels.append(event)
            case Recalled():
                self._taken(event.kept)
                for task, outdated in event.outdated.items():
                    self.of(task).outdated = outdated
            case FannedOut(task=task, items=items, kept=kept, fault=fault):
                self._taken(kept)
                self.items |= {} if fault else {task: items}
            case SlotsChanged(slots=slots, workers=workers):
                self.workers = max(self.workers, slots if workers is None else workers)
            case AttemptReturned() | Answered() | ClockTicked():
                pass

    def _taken(self, results: Mapping[str, Kept]) -> None:
        for task, kept in results.items():
            story = self.of(task)
            story.kept, story.ledger = kept, list(kept.ledger)
            self.any_ledger = self.any_ledger or bool(kept.ledger)
            story.checked = [(0, check) for check in kept.checks]
            story.filed = [(0, artifact) for artifact in kept.artifacts]

    def _ended(self, attempt: Attempt, event: AttemptEnded) -> None:
        attempt.ended, attempt.outcome = event.at, event.outcome
        attempt.log, attempt.left = event.log, event.left

    def _noted(self, story: Story, event: Noted) -> None:
        match event.note:
            case Check() as check:
                story.checked.append((event.attempt, check))
            case LedgerRow() as row:
                self.any_ledger = True
                story.ledger.append(row)
            case Artifact() as artifact:
                story.filed.append((event.attempt, artifact))
            case Progress() as progress:
                story.progress = progress


def stories_of(events: Iterable[Event]) -> Stories:
    """Answer all stories of a run."""
    stories = Stories()
    for event in events:
        stories.add(event)
    return stories


def _over(story: ServiceStory, event: ServiceEnded) -> ServiceStory:
    return ServiceStory(
        ready=story.ready,
        ended=event.at,
        waited=story.waited,
        url=story.url,
        how=event.how,
        message=event.message,
        lines=event.lines,
        log=event.log,
    )
