"""After it ran: a Report, folded from a graph and the events of its journal. Knows no file and no format.

The final states are not in the journal, which holds only what came from outside: they are replayed, by handing the
events to a fresh schedule. So a report made years later says what the run's own report said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime

from runner.errors import IllegalMove, UsageError
from runner.graph.model import Graph
from runner.graph.select import restricted
from runner.record.orphans import Orphan, Told, orphans
from runner.record.path import critical_path
from runner.record.times import iso
from runner.schedule.history import Attempt, Stories, Story
from runner.schedule.machine import Schedule
from runner.schedule.messages import Event, Planned, RunOpened
from runner.task import Artifact, Check, Failed, Json, LedgerRow

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphName:
    """Which graph ran: its name, its file as it was named, the digest of its text."""

    name: str
    file: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptReport:
    """One attempt; `started` is ISO-8601 UTC, None if it never began; `outcome` is `succeeded` or `failed`."""

    number: int
    started: str | None
    seconds: float
    outcome: str
    cause: str | None
    message: str
    traceback: str | None
    log: str
    pid: int
    left: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport(Check):
    """One check and the attempt that made it; 0 for one that was kept from an earlier run."""

    attempt: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReport:
    """One task: `state` is the finer word, `reason` why it did not run, `seconds` those of all its attempts.

    `planned` is what the approved plan of the run said of it, in seconds of the run; None where there was none.
    """

    id: str
    desc: str
    needs: tuple[str, ...]
    state: str
    reason: str
    required: bool
    kept_from: str | None
    flaky: bool
    started: str | None
    seconds: float
    attempts: tuple[AttemptReport, ...]
    outputs: Mapping[str, Json]
    checks: tuple[CheckReport, ...]
    artifacts: tuple[Artifact, ...]
    ledger: tuple[LedgerRow, ...]
    data_prefix: str | None
    memory: int | None
    planned: Planned | None = None

    @property
    def failed(self) -> bool:
        """Whether it ran and did not do what it should, allowed or not."""
        return self.state in FAILED_STATES

    @property
    def counted(self) -> tuple[CheckReport, ...]:
        """The checks that count."""
        return tuple(check for check in self.checks if self.counts(check))

    def counts(self, check: CheckReport) -> bool:
        """Whether a check is of the last attempt: what was tried again was judged again."""
        return check.attempt == (self.attempts[-1].number if self.attempts else 0)

    @property
    def message(self) -> str:
        """One line: what its last attempt said, or why it did not run."""
        if self.kept_from:
            return f"from run {self.kept_from}"
        told = self.failed or self.state == "running"
        return self.attempts[-1].message if self.attempts and told else self.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceReport:
    """One service: `seconds` from its first answer (`started`) to its end, `lines` the last it printed if it failed."""

    id: str
    state: str
    url: str
    started: str | None
    seconds: float
    message: str
    lines: tuple[str, ...]
    log: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckCounts:
    """How many checks there were, by verdict; of a task that was tried again, those of its last attempt."""

    passed: int
    failed: int
    warnings: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fewer:
    """From `at` (ISO-8601 UTC) on no more than `workers` were at work, because these tasks had crashed together."""

    at: str
    workers: int
    crashed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference from an earlier run: of a task, of one of its checks (`name`), or of a parameter (`name`)."""

    kind: str
    task: str | None = None
    name: str | None = None
    before: Json = None
    after: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Previous:
    """The run of the same graph before this one, and what has changed since."""

    run: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What happened in a run. Times are ISO-8601 UTC with milliseconds, durations seconds."""

    schema: int
    run: str
    graph: GraphName
    verdict: str
    exit_code: int
    started: str
    finished: str
    seconds: float
    sequential_seconds: float
    speedup: float
    critical_path: tuple[str, ...]
    workers: int
    params: Mapping[str, Json]
    tasks: tuple[TaskReport, ...]
    services: tuple[ServiceReport, ...]
    checks: CheckCounts
    orphans: tuple[Orphan, ...]
    previous: Previous | None
    complete: bool = True
    cancelled: str | None = None
    resumes: str | None = None
    doubtful: tuple[str, ...] = ()
    fewer_workers: tuple[Fewer, ...] = ()


FAILED_STATES = frozenset({"failed", "timed_out", "crashed", "cancelled"})


def fold(graph: Graph, events: Iterable[Event]) -> Report:
    """Fold a run into its report; one whose journal ends early is interrupted, and what ran then is lost.

    Raises:
        UsageError: the events are not those of a run of this graph.

    """
    first, *others = events
    assert isinstance(first, RunOpened), "a journal begins with RunOpened"
    opened, graph = first, _of_the_run(graph, first)
    schedule, stories = _replayed(graph, opened, others)
    began = datetime.fromisoformat(opened.started)
    tasks = tuple(_task(graph, schedule, stories, name, began) for name in graph.tasks)
    sequential = sum(task.seconds for task in tasks)
    complete = schedule.finished
    return Report(
        schema=SCHEMA,
        run=opened.run,
        graph=GraphName(name=graph.name, file=opened.file or graph.file, digest=graph.digest),
        verdict=schedule.verdict if complete else "interrupted",
        exit_code=int(schedule.exit_code) if complete else 137,
        started=opened.started,
        finished=iso(began, stories.ended),
        seconds=round(stories.ended, 3),
        sequential_seconds=round(sequential, 3),
        speedup=round(sequential / stories.ended, 2) if stories.ended > 0 else 1.0,
        critical_path=critical_path(graph, stories),
        workers=opened.slots,
        params=opened.params,
        tasks=tasks,
        services=tuple(_service(schedule, stories, name, began) for name in graph.services),
        checks=_counts(tasks),
        orphans=orphans([_told(task, stories.of(task.id), began) for task in tasks]),
        previous=None,
        complete=complete,
        cancelled=schedule.cancelled if complete else "killed",
        resumes=opened.resumes,
        doubtful=opened.doubtful,
        fewer_workers=tuple(
            Fewer(at=iso(began, each.at), workers=each.workers, crashed=each.tasks) for each in schedule.fewer_workers
        ),
    )


# -- the helpers -------------------------------------------------------------------------------------------------------


def _of_the_run(graph: Graph, opened: RunOpened) -> Graph:
    return graph if opened.selected is None else restricted(graph, opened.selected)


def _replayed(graph: Graph, opened: RunOpened, others: Iterable[Event]) -> tuple[Schedule, Stories]:
    schedule, stories = Schedule(graph), Stories()
    try:
        for event in (opened, *others):
            stories.add(event)
            schedule.handle(event)
    except (KeyError, IllegalMove) as error:  # a border: the graph file is a copy that anybody may have edited
        told = f"the events of run `{opened.run}` do not fit its graph file, which was changed since"
        raise UsageError(told) from error
    return schedule, stories


def _task(graph: Graph, schedule: Schedule, stories: Stories, name: str, began: datetime) -> TaskReport:
    spec, story, state = graph.tasks[name], stories.of(name), schedule.task(name)
    outcome = state.outcome
    return TaskReport(
        id=name,
        desc=spec.desc,
        needs=spec.needs,
        state=state.word,
        reason=schedule.reason(name),
        required=not spec.allow_failure,
        kept_from=story.run or None,
        flaky=state.word == "succeeded" and len(story.attempts) > 1,
        started=_first_start(story, began),
        seconds=round(sum(attempt.seconds for attempt in story.attempts), 3),
        attempts=tuple(_attempt(attempt, began) for attempt in story.attempts),
        outputs=dict(outcome.outputs or {}) if outcome is not None else {},
        checks=tuple(_check(check, number) for number, check in story.checked),
        artifacts=tuple(story.artifacts),
        ledger=tuple(story.ledger),
        data_prefix=spec.data_prefix,
        memory=spec.memory,
        planned=schedule.opened.planned.get(name) if schedule.opened is not None else None,
    )


def _attempt(attempt: Attempt, began: datetime) -> AttemptReport:
    failed = attempt.outcome if isinstance(attempt.outcome, Failed) else None
    unknown = attempt.outcome is None
    return AttemptReport(
        number=attempt.number,
        started=None if attempt.started is None else iso(began, attempt.started),
        seconds=round(attempt.seconds, 3),
        outcome="failed" if failed or unknown else "succeeded",
        cause="lost" if unknown else failed.cause.word if failed else None,
        message="nobody can say how it ended" if unknown else failed.message or failed.cause.value if failed else "",
        traceback=failed.traceback if failed else None,
        log=attempt.log,
        pid=attempt.pid,
        left=attempt.left,
    )


def _check(check: Check, attempt: int) -> CheckReport:
    said = {field.name: getattr(check, field.name) for field in fields(Check)}
    return CheckReport(attempt=attempt, **said)


def _service(schedule: Schedule, stories: Stories, name: str, began: datetime) -> ServiceReport:
    story = stories.of_service(name)
    up = 0.0 if story.ready is None else (stories.ended if story.ended is None else story.ended) - story.ready
    state = schedule.state(name)
    lines = story.lines if state == "failed" else ()
    return ServiceReport(
        id=name,
        state=state,
        url=story.url,
        started=None if story.ready is None else iso(began, story.ready),
        seconds=round(up, 3),
        message=schedule.reason(name),
        lines=lines,
        log=story.log,
    )


def _counts(tasks: Iterable[TaskReport]) -> CheckCounts:
    verdicts = [check.verdict for task in tasks for check in task.counted]
    passed, failed, warnings = (verdicts.count(verdict) for verdict in ("passed", "failed", "warning"))
    return CheckCounts(passed=passed, failed=failed, warnings=warnings, total=len(verdicts))


def _told(task: TaskReport, story: Story, began: datetime) -> Told:
    ended = story.attempts[-1].ended if story.attempts else None
    return Told(
        task=task.id,
        prefix=task.data_prefix,
        ledger=task.ledger,
        outputs=task.outputs,
        ended="" if ended is None else iso(began, ended),
    )


def _first_start(story: Story, began: datetime) -> str | None:
    starts = [attempt.started for attempt in story.attempts if attempt.started is not None]
    return iso(began, starts[0]) if starts else None
