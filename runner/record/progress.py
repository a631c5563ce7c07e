"""What is shown while it runs, as plain lines: one for each thing a person wants to know. Knows no terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TextIO

from runner.graph.model import Graph
from runner.record.outlet import Outlet
from runner.record.printed import Printed, Unprinted
from runner.record.render.legible import legible, shortened
from runner.record.render.words import duration
from runner.schedule.board import Phase, TaskState
from runner.schedule.machine import Schedule
from runner.schedule.messages import (
    Answered,
    AttemptEnded,
    AttemptReturned,
    AttemptStarted,
    CancelAsked,
    ClockTicked,
    Event,
    FannedOut,
    Noted,
    Recalled,
    RunOpened,
    ServiceEnded,
    ServiceReady,
    SlotsChanged,
)
from runner.task import Failed

LONGEST = 240
"""Characters that are shown of what an attempt or a service says of its end."""
TOLD = 20
"""How many tasks that settle at once without an attempt are named."""


class PlainProgress:
    """An observer that writes lines to a stream."""

    def __init__(self, stream: TextIO, graph: Graph, printed: Printed | None = None) -> None:
        """Write to `stream`, among its lines what `printed` has of the tasks' own; None shows nothing of that."""
        self._outlet = Outlet(stream)
        self._graph = graph
        self._printed = printed or Unprinted()
        self._told = 0
        self._fewer = 0
        self._rounds = {name: 1 for name, group in graph.groups.items() if group.retry.attempts > 1}
        self._late = False
        self._wide = width_of_ids(graph)
        self._started: dict[str, float] = {}

    def observe(self, events: Sequence[Event], schedule: Schedule) -> None:
        """Write what happened, then what follows for tasks that will not run, then what was printed meanwhile."""
        for line in self._lines(events, schedule):
            self._outlet.write(f"{line}\n")
        self._outlet.flush()

    def due(self) -> float | None:
        """Answer that it wants to look at once if something was printed, and else only when something happens."""
        return 0.0 if self._printed.waiting else None

    def _lines(self, events: Sequence[Event], schedule: Schedule) -> Iterator[str]:
        for event in events:
            yield from self._printed.around(event, self._line(event, schedule))
            yield from self._fewer_workers(event.at, schedule)
            yield from self._another_round(event.at, schedule)
            if schedule.cancelled == "deadline" and not self._late:
                self._late = True
                yield f"{_at(event.at)} the deadline of the run has passed: stopping"
        if events:
            yield from self._settled(events[-1].at, schedule)
        yield from self._printed.meanwhile()

    def _line(self, event: Event, schedule: Schedule) -> list[str]:
        match event:
            case RunOpened(run=run, slots=slots, shuffle=seed):
                tasks = sum(task.instances is None for task in self._graph.tasks.values())
                order = "" if seed is None else f", in a random order (--shuffle {seed})"
                return [f"{_at(event.at)} run {run}: {tasks} tasks, {slots} at once{order}"]
            case AttemptStarted(task=task, attempt=attempt):
                self._started[task] = event.since
                return [self._row(event.at, "▶", task, f"started{_nth(attempt)}")]
            case AttemptEnded(task=task):
                return self._ended(event, schedule)
            case ServiceReady(service=service, url=url):
                return [self._row(event.at, "◆", service, f"ready {url}".strip())]
            case ServiceEnded(service=service, how=how, message=message):
                words = "stopped" if how == "stopped" else f"{how.replace('_', ' ')}: {message}"
                return [self._row(event.at, "◇", service, words)]
            case FannedOut(task=task, items=items, fault=""):
                return [self._row(event.at, "⋔", task, f"fanned out into {len(items)}")]
            case CancelAsked(why=why):
                return [f"{_at(event.at)} {why.replace('_', ' ')}: stopping; once more kills"]
            case Answered(task=task, approved=True, by=by):
                return [self._row(event.at, "?", task, f"may start, says somebody at the {by}")]
            case Noted() | Answered() | AttemptReturned() | Recalled() | FannedOut() | SlotsChanged() | ClockTicked():
                return []

    def _ended(self, event: AttemptEnded, schedule: Schedule) -> list[str]:
        state = schedule.state(event.task)
        if not isinstance(event.outcome, Failed):
            seconds = event.at - self._started.pop(event.task, event.at)
            return [self._row(event.at, "✓", event.task, f"succeeded in {duration(seconds)}")]
        message = event.outcome.message or event.outcome.cause.sentence
        if state == "resting":
            return [self._row(event.at, "↻", event.task, f"{message}; to be tried again")]
        allowed = " (allowed)" if schedule.task(event.task).spec.allow_failure else ""
        return [self._row(event.at, "✗", event.task, f"{state.replace('_', ' ')}{allowed}: {message}")]

    def _settled(self, at: float, schedule: Schedule) -> list[str]:
        """Tell, once, of each task that settled without an attempt."""
        settled = [schedule.task(name) for name in schedule.settled[self._told :]]
        found = [task.spec.id for task in settled if not task.tries and not _told_by_instances(task)]
        self._told = len(schedule.settled)
        signs = {"blocked": "⊘", "skipped": "○", "cancelled": "✗", "kept": "✓", "cached": "✓"}
        rows = []
        for name in found[:TOLD]:
            state, reason = schedule.state(name), schedule.reason(name)
            rows.append(self._row(at, signs.get(state, "✗"), name, f"{state}: {reason}" if reason else state))
        return rows + ([f"{_at(at)} … and {len(found) - TOLD} more in the same way"] if len(found) > TOLD else [])

    def _fewer_workers(self, at: float, schedule: Schedule) -> Iterator[str]:
        for fewer in schedule.fewer_workers[self._fewer :]:
            words = f"{', '.join(fewer.tasks)} crashed within a minute: {fewer.workers} at once from now on"
            yield f"{_at(at)} {words}"
        self._fewer = len(schedule.fewer_workers)

    def _another_round(self, at: float, schedule: Schedule) -> Iterator[str]:
        for name, told in self._rounds.items():
            group = schedule.included(name)
            if group.round > told:
                words = f"all of it is tried again: round {group.round} of {group.spec.retry.attempts}"
                yield self._row(at, "↻", name, words)
            self._rounds[name] = group.round

    def _row(self, at: float, sign: str, name: str, words: str) -> str:
        return f"{_at(at)} {sign} {name:<{self._wide}}  {shortened(legible(words), LONGEST)}"


def _told_by_instances(task: TaskState) -> bool:
    """Whether it is a group of which its instances have said all there is to say."""
    return bool(task.spec.instances) and task.phase is not Phase.FAILED


def width_of_ids(graph: Graph) -> int:
    """Answer how wide the column of ids is."""
    return min(30, max((len(name) for name in (*graph.tasks, *graph.services, *graph.groups)), default=0))


def _at(seconds: float) -> str:
    return f"[{duration(seconds):>9}]"


def _nth(attempt: int) -> str:
    return "" if attempt == 1 else f" (attempt {attempt})"
