"""What happened to each task and why: that it waited, ran, rested, was stopped or did not run. Folded by replaying.

The journal holds what came from outside; why the schedule did what it did is seen by handing it the events once more
and looking on (`Watch`). What is seen becomes sentences in `told`. Knows no file and no format.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct, field

from runner.graph.model import Graph
from runner.record import told
from runner.record.report import Episode
from runner.record.waits import Waits
from runner.schedule.board import Phase, TaskState, Why
from runner.schedule.included import IncludedPhase
from runner.schedule.machine import Schedule
from runner.schedule.messages import (
    Answered,
    Ask,
    AttemptEnded,
    AttemptReturned,
    AttemptStarted,
    Command,
    Event,
    FannedOut,
    Noted,
    Recalled,
    RunOpened,
    ServiceReady,
    StartAttempt,
    StopAttempt,
)
from runner.schedule.reasons import NAMED
from runner.schedule.rules import Need
from runner.task import Cause, Failed


class _Past(Struct):
    """What of one task has been seen: when an attempt was handed over and began, its rest, who asked for its end."""

    handed: float = 0.0
    asked: float = 0.0
    begun: float | None = None
    rests: AttemptEnded | None = None
    stop: tuple[float, StopAttempt] | None = None
    episodes: list[Episode] = field(default_factory=list)


class Watch:
    """Looks on while a schedule is handed the events of a run, one at a time."""

    def __init__(self, graph: Graph, schedule: Schedule) -> None:
        self._graph = graph
        self._schedule = schedule
        self._state = schedule.task  # what a task is at
        self._waits = Waits(schedule)
        self._past = {name: _Past() for name in graph.tasks}  # and of each instance, from when it is known
        self._opened = 0.0
        self._kept: dict[str, str] = {}
        self._ready = 0
        self._settled: dict[str, float] = {}
        self._told = 0  # how many of those that have settled
        self._rounds = {name: 1 for name, group in graph.groups.items() if group.retry.attempts > 1}
        self._failed: dict[str, tuple[str, ...]] = {}  # in the round before, by group
        self._since: dict[str, float] = {}  # when the round of a task began, where it is not the first
        self._up: dict[str, float] = {}
        self._roots: dict[str, tuple[str, ...]] = {}
        self.rounds: dict[tuple[str, int], str] = {}  # of attempts that began a further round of a task: of which group

    def of(self, task: str) -> tuple[Episode, ...]:
        """Answer what happened to a task, in the order it did."""
        return tuple(sorted(self._past[task].episodes, key=lambda each: each.at))

    def turn(self, event: Event, commands: Sequence[Command]) -> None:
        """Take in an event that the schedule has handled, and the commands that followed from it."""
        if isinstance(event, Noted):
            return  # what a task says changes nothing
        now = event.at
        started = [command.task for command in commands if isinstance(command, StartAttempt)]
        ended = event.task if isinstance(event, AttemptEnded | AttemptReturned) else ""
        self._happened(event)
        if isinstance(event, AttemptStarted) and not commands:
            return  # it was handed over before: nobody's place or turn changes
        for name, waits in self._waits.turn(now, started, ended).items():
            attempt = self._state(name).attempt + (name not in started)
            self._past[name].episodes += told.waited(attempt, waits)
        for command in commands:
            if isinstance(command, StopAttempt) and self._past[command.task].stop is None:
                self._past[command.task].stop = (now, command)
            if isinstance(command, Ask):
                self._past[command.task].asked = now
        for name in self._rounds:
            self._look_at_round(name, now)
        for name in self._schedule.ready[self._ready :]:
            self._rested(name, now)
        self._ready = len(self._schedule.ready)
        for name in self._schedule.settled[self._told :]:
            self._settled[name] = now
            self._settle(self._state(name), now, own_end=name == ended)
        self._told = len(self._schedule.settled)
        for name in self._rounds:
            if self._schedule.included(name).phase is IncludedPhase.RESTING:
                self._failed.setdefault(name, self._schedule.blamed(name))
        for name in started:
            self._started(name, now)

    def close(self, now: float) -> None:
        """Take in that no more events came, though the run was not over."""
        for name in self._past:
            task = self._state(name)
            if not task.settled:
                nodes = [need for need in task.spec.needs if need not in self._settled and need not in self._up]
                self._add(name, [told.lost(task, now, nodes)])

    def _look_at_round(self, name: str, now: float) -> None:
        """See whether a group has begun another round."""
        group = self._schedule.included(name)
        if group.round == self._rounds[name]:
            return
        self._rounds[name] = group.round
        failed = self._failed.pop(name, ())
        for service in group.spec.services:
            self._up.pop(service, None)
        for task in (self._state(each) for each in group.spec.tasks):
            if failed and not task.kept:  # without, it is the first round in another one of a group around
                self._since[task.spec.id] = now
                self._settled.pop(task.spec.id, None)
                self._add(task.spec.id, [told.another_round(group, now, failed)])

    # -- what happens to a task ------------------------------------------------------------------------------------

    def _happened(self, event: Event) -> None:
        match event:
            case RunOpened(kept=kept):
                self._opened = event.at
                for name in (each for each in event.approved if each in self._graph.tasks):
                    self._add(name, [told.approved_before(event.at)] if self._graph.tasks[name].manual else ())
                self._kept = {name: each.run for name, each in kept.items()}
            case FannedOut(task=task, kept=kept):
                self._kept |= {name: each.run for name, each in kept.items()}
                instances = self._state(task).spec.instances or ()
                self._past |= {name: _Past() for name in instances if name not in self._past}
                self._add(task, told.fanned_out(instances, event.at))
            case Recalled(outdated=outdated):
                for name, each in outdated.items():
                    self._add(name, [told.not_cached(event.at, each.because)])
            case Answered(task=task):
                self._add(task, told.answered(event, self._past[task].asked))
            case ServiceReady(service=service):
                self._up.setdefault(service, event.at)
            case AttemptStarted(task=task, attempt=attempt):
                self._past[task].begun = event.since
                self._add(task, told.slow_worker(attempt, self._past[task].handed, event.since))
            case AttemptEnded():
                self._ended(event)
            case AttemptReturned(task=task, attempt=attempt):
                past = self._past[task]
                if attempt - self._state(task).before == 1:  # it never did
                    past.episodes.remove(next(each for each in reversed(past.episodes) if each.kind == "ran"))
                past.episodes.append(told.returned(attempt, event.at))
            case _:
                pass

    def _started(self, name: str, now: float) -> None:
        past, task = self._past[name], self._state(name)
        past.handed = now
        if task.before and task.tries == 1:
            self.rounds[name, task.attempt] = self._schedule.repeated(name)
        if task.tries == 1:
            again = (each for each in past.episodes if each.kind == "returned" and each.attempt == task.attempt)
            if task.spec.needs and not any(True for _ in again):
                past.episodes += self._waited_for_needs(task)
            past.episodes.append(told.ran(task, now, self._nodes(task), self._schedule))

    def _waited_for_needs(self, task: TaskState) -> Iterator[Episode]:
        tasks = [need for need in task.spec.needs if need in self._settled]
        last = max(tasks, key=lambda need: self._settled[need], default="")
        begun = self._since.get(task.spec.id, self._opened)
        since = max(begun, self._settled.get(last, begun))
        yield from told.waited_for_needs(begun, since, last, len(tasks))
        yield from told.waited_for_services(
            since, {name: self._up[name] for name in task.spec.needs if name in self._up}
        )

    def _ended(self, event: AttemptEnded) -> None:
        past, task = self._past[event.task], self._state(event.task)
        begun, stop, past.begun, past.stop = past.begun, past.stop, None, None
        if not isinstance(event.outcome, Failed):
            past.episodes.append(told.succeeded(event, event.at if begun is None else begun))
            return
        past.episodes.append(told.failed(event, event.outcome, begun, stop))
        if task.phase is Phase.RESTING:
            past.rests = event
        elif task.spec.retry.attempts > 1 and event.outcome.cause is not Cause.CANCELLED:
            self._add(event.task, [told.given_up(event, event.outcome.cause, task, self._schedule.stopped_for)])

    def _rested(self, name: str, now: float) -> None:
        """Tell of a rest that is over, if there was one."""
        past = self._past[name]
        if past.rests is not None:
            self._add(name, [told.rested(past.rests, now, self._state(name))])
            past.rests = None

    def _settle(self, task: TaskState, now: float, *, own_end: bool) -> None:
        name = task.spec.id
        if task.phase is Phase.SUCCEEDED and not (task.kept or task.cached or task.spec.instances):
            return
        self._rested(name, now)
        self._roots[name] = self._roots_of(task)
        if task.spec.instances is not None:
            self._add(name, [told.gathered(task, now)])
        elif task.kept:
            self._add(name, [told.kept(task, now, self._kept[name])])
        elif task.cached:
            self._add(name, [told.cached(task, now)])
        elif task.phase is Phase.SKIPPED:
            self._add(name, [told.did_not_run(task, now, self._guilty(task), self._schedule)])
        elif isinstance(task.outcome, Failed) and not own_end:
            self._add(name, [told.failed_unstarted(now, task.outcome)])

    def _roots_of(self, task: TaskState) -> tuple[str, ...]:
        """Answer who failed by itself, and because of whom a task did not run; else the task."""
        if task.why is not Why.BLOCKED and not (task.spec.instances and task.phase is Phase.FAILED):
            return (task.spec.id,)
        services = self._graph.services
        broken = [need for need in task.spec.needs if need in services and self._schedule.state(need) == "failed"]
        needs = [need for need in task.spec.needs if need in self._roots and self._is_guilty(need)]
        found = dict.fromkeys((*broken, *(root for need in needs for root in self._roots[need])))
        return tuple(found)[:NAMED]

    def _is_guilty(self, name: str) -> bool:
        task = self._state(name)
        return task.need is Need.F or (task.spec.part is not None and task.phase is Phase.FAILED)

    def _guilty(self, task: TaskState) -> Mapping[str, str]:
        """Answer who is to blame for a blocked task, and what each said."""
        roots = self._roots[task.spec.id] if task.why is Why.BLOCKED else ()
        return {root: self._said(root) for root in roots}

    def _said(self, root: str) -> str:
        outcome = self._state(root).outcome if root in self._past else None
        return outcome.message if isinstance(outcome, Failed) else self._schedule.reason(root)

    # -- the helpers -----------------------------------------------------------------------------------------------

    def _nodes(self, task: TaskState) -> Mapping[str, str]:
        return {need: self._schedule.state(need) for need in task.spec.needs}

    def _add(self, task: str, episodes: Iterator[Episode] | Sequence[Episode]) -> None:
        self._past[task].episodes += episodes
