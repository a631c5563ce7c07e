"""A Report, folded from a graph and the events of its journal. Knows no file and no format.

The final states are not in the journal, which holds only what came from outside: they are seen by looking on while a
schedule handles the events. That is the run's own schedule, which handles what was recorded, or a fresh one that is
handed the same events again. So a report made years later says what the run's own report said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from runner.errors import IllegalMove, UsageError
from runner.graph import fan_out
from runner.graph.definition import definition_of
from runner.graph.loose import EvaluationError
from runner.graph.model import Graph, Group, TaskSpec
from runner.graph.select import restricted
from runner.record.episodes import Watch
from runner.record.lanes import lanes
from runner.record.orphans import Told, orphans
from runner.record.path import critical_path
from runner.record.report import (
    SCHEMA,
    ArtifactReport,
    AttemptReport,
    CheckCounts,
    CheckReport,
    Fewer,
    GraphName,
    IncludedReport,
    LedgerReport,
    PlannedReport,
    Report,
    ServiceReport,
    TaskReport,
)
from runner.record.times import iso, moment
from runner.schedule.history import Attempt, Stories, Story
from runner.schedule.machine import Schedule
from runner.schedule.messages import Command, Event, RunOpened
from runner.task import Check, Failed, Json, Outcome


class Telling:
    """What is told of a run: taken in while it goes on, or while it is played once more. One event at a time."""

    def __init__(self, schedule: Schedule, stories: Stories) -> None:
        """Look on while `schedule` handles events, each of which `stories` is told before."""
        self._schedule = schedule
        self.stories = stories
        self._watch = Watch(schedule.graph, schedule)

    def turn(self, event: Event, commands: Sequence[Command]) -> None:
        """Take in an event that the schedule has handled, and the commands that followed from it."""
        self._watch.turn(event, commands)

    def report(self) -> Report:
        """Answer the report; where the run is not over it is interrupted, and what runs is lost."""
        opened = self._schedule.opened
        assert opened is not None, "a run begins with RunOpened"
        if not self._schedule.finished:
            self._watch.close(self.stories.ended)
        run = _Run(
            schedule=self._schedule,
            stories=self.stories,
            watch=self._watch,
            opened=opened,
            began=moment(opened.started),
            lanes=lanes(self.stories),
        )
        return _report(run)


def fold(graph: Graph, events: Iterable[Event]) -> Report:
    """Fold a run into its report; one whose journal ends early is interrupted, and what ran then is lost.

    Raises:
        UsageError: the events are not those of a run of this graph.

    """
    first, *others = events
    assert isinstance(first, RunOpened), "a journal begins with RunOpened"
    try:
        schedule, stories = Schedule(_of_the_run(graph, first)), Stories()
        telling = Telling(schedule, stories)
        for event in (first, *others):
            stories.add(event)
            telling.turn(event, schedule.handle(event))
    except (
        KeyError,
        AssertionError,
        EvaluationError,
        IllegalMove,
    ) as error:  # a border: the graph file is a copy that anybody may have edited
        told = f"the events of run `{first.run}` do not fit its graph file, which was changed since"
        raise UsageError(told) from error
    return telling.report()


class _Run(Struct, frozen=True, kw_only=True):
    """A run that was looked at to its end."""

    schedule: Schedule
    stories: Stories
    watch: Watch
    opened: RunOpened
    began: datetime
    lanes: Mapping[tuple[str, int], int]


# -- the helpers -------------------------------------------------------------------------------------------------------


def _of_the_run(graph: Graph, opened: RunOpened) -> Graph:
    whole = fan_out.opened(graph, opened.items)
    return whole if opened.selected is None else restricted(whole, opened.selected)


def _report(run: _Run) -> Report:
    schedule, stories, opened, began = run.schedule, run.stories, run.opened, run.began
    graph, complete = schedule.graph, schedule.finished
    tasks = tuple(_task(run, spec) for spec in fan_out.in_order(graph).tasks.values())
    sequential = sum(task.seconds for task in tasks)
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
        critical_path=critical_path(graph, stories, run.watch.rounds),
        workers=stories.workers,
        params=opened.params,
        tasks=tasks,
        services=tuple(_service(schedule, stories, name, began) for name in graph.services),
        checks=_counts(tasks),
        orphans=orphans([_told(task, stories.of(task.id), began) for task in tasks if _tells(task)]),
        previous=None,
        complete=complete,
        cancelled=schedule.cancelled if complete else "killed",
        resumes=opened.resumes,
        shuffle=opened.shuffle,
        doubtful=opened.doubtful,
        fewer_workers=tuple(
            Fewer(at=iso(began, each.at), workers=each.workers, crashed=each.tasks) for each in schedule.fewer_workers
        ),
        included=tuple(_included(schedule, each) for each in graph.groups.values()),
    )


def _task(run: _Run, spec: TaskSpec) -> TaskReport:
    name, story, state = spec.id, run.stories.of(spec.id), run.schedule.task(spec.id)
    outcome, planned = state.outcome, run.opened.planned.get(name)
    attempts = tuple(_attempt(run, name, attempt) for attempt in story.attempts)
    return TaskReport(
        id=name,
        desc=spec.desc,
        needs=spec.needs,
        state=state.word,
        reason=run.schedule.reason(name),
        required=not spec.allow_failure,
        kept_from=story.run or None,
        flaky=state.word == "succeeded" and any(isinstance(each.outcome, Failed) for each in story.attempts),
        started=next((attempt.started for attempt in attempts if attempt.started is not None), None),
        seconds=round(sum(attempt.seconds for attempt in story.attempts), 3),
        attempts=attempts,
        outputs={} if outcome is None else {**(outcome.outputs or {}), **_in_files(outcome)},
        checks=tuple(_check(check, number) for number, check in story.checked),
        artifacts=tuple(ArtifactReport(attempt=number, **_said(each)) for number, each in story.filed),
        ledger=tuple(LedgerReport(**_said(each)) for each in story.ledger),
        data_prefix=spec.data_prefix,
        memory=spec.memory,
        key=_key(story),
        definition=definition_of(run.schedule.graph, spec),
        story=run.watch.of(name),
        planned=None if planned is None else PlannedReport(**_said(planned)),
        of="" if spec.part is None else spec.part.of,
        item=None if spec.part is None else spec.part.value,
        instances=None if spec.instances is None else len(spec.instances),
    )


def _in_files(outcome: Outcome) -> dict[str, Json]:
    files = outcome.files.items()
    return {name: {"path": file.file, "size": file.size, "digest": file.digest} for name, file in files}


def _key(story: Story) -> str:
    return story.attempts[-1].key if story.attempts else "" if story.kept is None else story.kept.key


def _attempt(run: _Run, task: str, attempt: Attempt) -> AttemptReport:
    failed = attempt.outcome if isinstance(attempt.outcome, Failed) else None
    unknown = attempt.outcome is None
    return AttemptReport(
        number=attempt.number,
        started=None if attempt.started is None else iso(run.began, attempt.started),
        seconds=round(attempt.seconds, 3),
        outcome="failed" if failed or unknown else "succeeded",
        cause="lost" if unknown else failed.cause.word if failed else None,
        message="nobody can say how it ended" if unknown else failed.message or failed.cause.sentence if failed else "",
        traceback=failed.traceback if failed else None,
        log=attempt.log,
        pid=attempt.pid,
        worker=attempt.worker,
        lane=run.lanes.get((task, attempt.number), 0),
        left=attempt.left,
    )


def _check(check: Check, attempt: int) -> CheckReport:
    return CheckReport(attempt=attempt, **_said(check))


def _said(data: Struct) -> dict[str, Any]:
    return {name: getattr(data, name) for name in data.__struct_fields__}


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


def _included(schedule: Schedule, group: Group) -> IncludedReport:
    rounds = schedule.included(group.id).round
    return IncludedReport(id=group.id, file=group.file, state=schedule.state(group.id), rounds=rounds)


def _counts(tasks: Iterable[TaskReport]) -> CheckCounts:
    verdicts = [check.verdict for task in tasks for check in task.counted]
    passed, failed, warnings = (verdicts.count(verdict) for verdict in ("passed", "failed", "warning"))
    return CheckCounts(passed=passed, failed=failed, warnings=warnings, total=len(verdicts))


def _tells(task: TaskReport) -> bool:
    """Whether a task may say something of test data: most never do."""
    return bool(task.ledger) or "orphans" in task.outputs


def _told(task: TaskReport, story: Story, began: datetime) -> Told:
    ended = story.attempts[-1].ended if story.attempts else None
    return Told(
        task=task.id,
        prefix=task.data_prefix,
        ledger=task.ledger,
        outputs=task.outputs,
        ended="" if ended is None else iso(began, ended),
    )
