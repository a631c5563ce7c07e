"""What a person who watches a run wants to know of it, folded from events and the schedule. Knows no screen.

A `Sight` is one moment of a run as plain data. It costs one pass over the tasks, so whoever asks chooses how often.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

from runner.graph.fan_out import in_order
from runner.graph.model import Graph, TaskSpec
from runner.record.render.legible import legible
from runner.record.render.words import duration
from runner.schedule.board import Phase, TaskState
from runner.schedule.included import IncludedPhase
from runner.schedule.machine import Schedule
from runner.schedule.messages import AttemptEnded, AttemptReturned, AttemptStarted, Event, Noted, RunOpened
from runner.schedule.policy import EVERY_SLOT, STAGGER, ranks, rest_before, seconds_expected
from runner.task import Failed, Progress

LastLine = Callable[[str], str]
"""Answers the newest line that a running task or service has printed, "" if there is none."""
NAMED = 3
"""How many tasks are named of those that another one waits for."""
FEW = 8
"""Of a group of more instances only those have rows of their own that are at work or have failed."""
_AT_WORK = frozenset({"asking", "running", "stopping", "resting", "failed", "timed_out", "crashed"})
_FAILED = ("failed", "timed_out", "crashed")


class Row(Struct, frozen=True, kw_only=True):
    """One task or service: `seconds` it has run, `expected` seconds it will (None: nobody knows), `words` about it.

    `state` is the word of the report, or `starting`, `stopping`, `resting`, `ready`, `waiting`, `asking`, `running`.
    """

    id: str
    state: str
    words: str
    seconds: float | None = None
    expected: float | None = None
    fraction: float | None = None


class Sight(Struct, frozen=True, kw_only=True):
    """One moment of a run: rows in file order, services first; `pools` as name, taken, size; `end` is the run's time.

    Groups have rows and are not counted: their instances are.

    `end_known` says whether every task that is left was measured or estimated: else the end is the earliest possible.
    """

    title: str
    now: float
    slots: int
    running: int
    counts: Mapping[str, int]
    tasks: int
    settled: int
    pools: Sequence[tuple[str, int, int]]
    rows: Sequence[Row]
    end: float | None
    end_known: bool
    stopping: str = ""


class Watched:
    """What the events tell of a run that the schedule does not keep: when attempts began, until when a task rests."""

    def __init__(self, graph: Graph, last_line: LastLine) -> None:
        self._graph = self._grown = graph
        self._last_line = last_line
        self._opened: RunOpened | None = None
        self._since: dict[str, float] = {}
        self._took: dict[str, float] = {}
        self._rests: dict[str, float] = {}
        self._progress: dict[str, Progress] = {}
        self._again: Mapping[str, str] = {}  # tasks that will run again in another round, with their included graph

    def add(self, event: Event, schedule: Schedule) -> None:
        """Take in what happened; the schedule has handled it."""
        match event:
            case RunOpened():
                self._opened = event
            case AttemptStarted(task=task):
                self._since[task] = event.since
            case Noted(task=task, note=Progress() as progress):
                self._progress[task] = progress
            case AttemptEnded(task=task) | AttemptReturned(task=task):
                self._took[task] = event.at - self._since.pop(task, event.at)
                self._progress.pop(task, None)
                if isinstance(event, AttemptEnded) and schedule.task(task).phase is Phase.RESTING:
                    assert self._opened is not None, "a run is opened first"
                    state = schedule.task(task)
                    rest = rest_before(state.spec.retry, self._opened.run, task, state.tries)
                    self._rests[task] = event.at + rest
            case _:
                pass

    def sight(self, now: float, schedule: Schedule) -> Sight:
        """Answer what there is to see at a moment."""
        if schedule.graph is not self._grown:
            self._grown = schedule.graph
            self._graph = in_order(schedule.graph)
        self._again = {
            task: name
            for name, group in self._graph.groups.items()
            if schedule.included(name).phase is IncludedPhase.RESTING
            for task in group.tasks
        }
        states = [schedule.task(name) for name in self._graph.tasks]
        doing = [state for state in states if state.spec.instances is None]
        end, known = self._end(now, schedule, doing)
        return Sight(
            title=self._graph.name,
            now=now,
            slots=schedule.workers,
            running=sum(state.phase is Phase.RUNNING for state in doing),
            counts=Counter(_word(state) for state in doing),
            tasks=len(doing),
            settled=sum(state.settled for state in doing),
            pools=[(name, sum(schedule.holders(name).values()), size) for name, size in self._graph.pools.items()],
            rows=[*self._services(schedule), *self._rows(states, now, schedule)],
            end=end,
            end_known=known,
            stopping=(schedule.cancelled or "").replace("_", " "),
        )

    # -- rows ------------------------------------------------------------------------------------------------------

    def _services(self, schedule: Schedule) -> Iterator[Row]:
        for name in self._graph.services:
            state = schedule.state(name)
            said = self._last_line(name) if state in {"starting", "stopping"} else ""
            url = schedule.service_outputs(name)["url"] if state == "ready" else ""
            words = schedule.reason(name) or (str(url) if url else said)
            yield Row(id=name, state=_service_word(state), words=legible(words))

    def _rows(self, states: Sequence[TaskState], now: float, schedule: Schedule) -> Iterator[Row]:
        for state in states:
            if state.spec.instances is not None and not state.settled:
                yield self._group(state, now, schedule)
                continue
            row = self._row(state, now, schedule)
            if state.spec.part is None or row.state in _AT_WORK or self._is_small(state.spec.part.of):
                yield row

    def _is_small(self, group: str) -> bool:
        return len(self._graph.tasks[group].instances or ()) <= FEW

    def _group(self, group: TaskState, now: float, schedule: Schedule) -> Row:
        """Answer what its instances are at; how far it is, is how many of them are done."""
        members = [schedule.task(name) for name in group.spec.instances or ()]
        counts = Counter(_word(member) for member in members)
        done, failed = sum(member.settled for member in members), sum(counts[word] for word in _FAILED)
        starts = [member.first_start for member in members if member.first_start is not None]
        state = next(
            (word for word in ("stopping", "running", "asking", "resting", "ready") if counts[word]), "waiting"
        )
        return Row(
            id=group.spec.id,
            state=state,
            words=f"{done} of {len(members)} done" + (f", {failed} failed" if failed else ""),
            seconds=now - min(starts) if starts else None,
            fraction=done / len(members) if members else 0.0,
        )

    def _row(self, task: TaskState, now: float, schedule: Schedule) -> Row:
        name = task.spec.id
        match task.phase:
            case Phase.RUNNING:
                return self._running(task, now, schedule)
            case Phase.RESTING:
                words = f"for {duration(max(0.0, self._rests[name] - now))}, {_nth(task)} failed: {_why(task)}"
            case Phase.READY:
                words = f"waits for {lacking(task.spec.id, schedule)}"
            case Phase.WAITING if name in schedule.asking:
                return Row(id=name, state="asking", words=legible(_question(task.spec, schedule)))
            case Phase.WAITING:
                words = f"for {_some(list(self._missing(task.spec, schedule)))}"
            case Phase.SUCCEEDED:
                words = self._success(task)
            case Phase.FAILED:
                words = _why(task) + (f"; all of {self._again[name]} is tried again" if name in self._again else "")
            case Phase.SKIPPED:
                words = task.reason
        return Row(id=name, state=_word(task), words=legible(words))

    def _success(self, task: TaskState) -> str:
        tried = f"  after {task.tries} attempts" if task.tries > 1 else ""
        name = task.spec.id
        return f"in {duration(self._took[name])}{tried}" if name in self._took else task.reason

    def _running(self, task: TaskState, now: float, schedule: Schedule) -> Row:
        name = task.spec.id
        progress = self._progress.get(name)
        said = (progress.message if progress is not None else "") or self._last_line(name)
        group = schedule.repeated(name)
        again = f"round {schedule.included(group).round}  " if group else ""
        again += f"{_nth(task)}  " if task.tries > 1 else ""
        since = self._since.get(name, now)
        expected = self._expected(task.spec)
        return Row(
            id=name,
            state="stopping" if task.stopping else "running",
            words=legible(again + said),
            seconds=max(0.0, now - since),
            expected=expected,
            fraction=_fraction(progress, now - since, expected),
        )

    def _missing(self, spec: TaskSpec, schedule: Schedule) -> Iterator[str]:
        for need in spec.needs:
            if need in self._graph.services:
                if schedule.state(need) in {"waiting", "starting"}:
                    yield need
            elif need in self._again or not schedule.task(need).settled:
                yield need

    def _expected(self, spec: TaskSpec) -> float | None:
        measured = {} if self._opened is None else self._opened.durations
        known = spec.id in measured or spec.estimate is not None or (spec.part is not None and spec.part.of in measured)
        return seconds_expected(spec, measured) if known else None

    def _end(self, now: float, schedule: Schedule, states: Sequence[TaskState]) -> tuple[float | None, bool]:
        """Answer the earliest end: no path can be shorter than what is left of it, no slot does two things at once."""
        left: dict[str, float] = dict.fromkeys(self._graph.tasks, 0.0)
        known = True
        for task in states:
            if task.settled and task.spec.id not in self._again:
                continue
            expected = self._expected(task.spec)
            known = known and expected is not None and (task.spec.fan is None or task.spec.part is not None)
            ran = now - self._since.get(task.spec.id, now)
            rest = self._rests.get(task.spec.id, now) - now if task.phase is Phase.RESTING else 0.0
            left[task.spec.id] = max(0.0, (expected or 0.0) - ran) + max(0.0, rest)
        if self._opened is None or schedule.cancelled or schedule.asking or not any(left.values()):
            return None, known
        path = max(ranks(self._graph, left).values(), default=0.0)
        return now + max(path, sum(left.values()) / max(1, schedule.workers)), known


def lacking(task: str, schedule: Schedule) -> str:
    """Say what a task that could start waits for."""
    pool = schedule.lacks(task)
    if pool == EVERY_SLOT:
        return "all others to end: it crashed twice and runs alone now"
    if schedule.alone is not None:
        return f"{schedule.alone} to end, which crashed twice and runs alone"
    held = schedule.held(task) if pool is None else None
    if held is not None:
        return "its distance from the start before" if held == STAGGER else f"{held} to be claimed again, by its rate"
    return "a free worker" if pool is None else f"room in {pool} ({_some(list(schedule.holders(pool)))})"


# -- the helpers -------------------------------------------------------------------------------------------------------


def _question(spec: TaskSpec, schedule: Schedule) -> str:
    """Write what a person is asked; one question at a time is open."""
    what = f"{(spec.title or spec.desc).rstrip('.')}  " if spec.title or spec.desc else ""
    return f"{what}may it start? press y or n" if schedule.asking[0] == spec.id else f"{what}asks next"


def _word(task: TaskState) -> str:
    return "stopping" if task.stopping and task.phase is Phase.RUNNING else task.word


def _service_word(state: str) -> str:
    return {"ready": "up", "unused": "not started", "off": "not wanted"}.get(state, state)


def _some(names: Sequence[str]) -> str:
    if len(names) <= NAMED + 1:  # `and 1 more` takes as much room as the name
        return ", ".join(names) or "its turn"
    return f"{', '.join(names[:NAMED])} and {len(names) - NAMED} more"


def _why(task: TaskState) -> str:
    return (task.outcome.message or task.outcome.cause.word) if isinstance(task.outcome, Failed) else task.reason


def _nth(task: TaskState) -> str:
    attempts = task.spec.retry.attempts
    return f"attempt {task.tries} of {attempts}" if attempts > 1 else f"attempt {task.tries}"


def _fraction(progress: Progress | None, ran: float, expected: float | None) -> float | None:
    """Answer how much is done, as far as anybody can tell; a task that takes longer than expected is nearly done."""
    if progress is not None and progress.done is not None and progress.total:
        return min(1.0, max(0.0, progress.done / progress.total))
    return None if not expected else min(0.99, max(0.0, ran / expected))
