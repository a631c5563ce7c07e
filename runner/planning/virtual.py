"""One run in virtual time: the same driver and the same schedule, with courses in place of work. Starts nothing.

The plan is one such run, a rehearsal another, and each resample one more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from runner.driver import Unwatched, World, drive
from runner.execute.simulate import ServiceStep, Simulation, Step
from runner.graph.model import Graph, Group, Retry, TaskSpec
from runner.planning.durations import Course
from runner.planning.rounds import Rounds
from runner.planning.what_if import WhatIf
from runner.requests import Unfilled
from runner.schedule.board import Phase
from runner.schedule.history import Stories
from runner.schedule.machine import Schedule
from runner.schedule.messages import Answered, Event, Kept, Outdated, Recalled, RunOpened
from runner.schedule.rules import Need
from runner.task import Cause, Failed, Json, Outcome, Request, Succeeded

JUDGES = frozenset({"tasks.checkpoint:judge", "tasks.power:combine"})
"""Functions that fail where what they need did not succeed: a rehearsal cannot ask them, so it knows them by name."""


_SUCCEEDED = Succeeded()


class Script(Struct, frozen=True, kw_only=True):
    """How everything goes: the course of each task, after how many seconds each service is ready, what each returns.

    `recalled` is what would be found of the last results of the tasks that are cached.
    """

    courses: Mapping[str, Course]
    services: Mapping[str, float]
    outputs: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    what_if: WhatIf = field(default_factory=WhatIf)
    recalled: Mapping[str, Kept | Outdated] = field(default_factory=dict)


class VirtualRun(Struct, frozen=True, kw_only=True):
    """A run that went by in virtual time: what happened, how everything ended, and when it was over (seconds).

    `rounds` are the attempts with which a task began a further round, and the included graph of each.
    """

    events: Sequence[Event]
    schedule: Schedule
    seconds: float
    rounds: Rounds


def virtual_run(graph: Graph, opened: RunOpened, script: Script) -> VirtualRun:
    """Drive a graph to its end in virtual time."""
    seen, listed = _Seen(script), _Listed()
    actors = _Actors(graph, script, seen)
    simulation = Simulation(actors.attempt, actors.service, slots=opened.slots)
    world = World(
        executor=simulation,
        clock=simulation,
        recorder=listed,
        observer=Unwatched(),
        person=_Agreeable(),
        stories=_Untold(),
    )
    schedule = drive(graph, opened, seen, world)
    return VirtualRun(events=listed.events, schedule=schedule, seconds=simulation.now(), rounds=seen.rounds)


def without_chance(graph: Graph) -> Graph:
    """Answer a graph in which rests that are a random part of their length are half of it, their mean."""
    tasks = {task.id: replace(task, retry=_mean(task.retry)) for task in graph.tasks.values() if _is_chancy(task)}
    groups = {each.id: replace(each, retry=_mean(each.retry)) for each in graph.groups.values() if _is_chancy(each)}
    if not tasks and not groups:
        return graph
    return replace(graph, tasks={**graph.tasks, **tasks}, groups={**graph.groups, **groups})


class _Untold(Stories):
    """Stories that nobody reads, so none is told."""

    def add(self, event: Event) -> None:
        """Forget it."""


class _Seen(Unfilled):
    """Requests that nobody reads, so one will do; remembers the schedule they were asked of."""

    def __init__(self, script: Script) -> None:
        super().__init__()
        self._script = script
        self.schedule: Schedule | None = None
        self.rounds: dict[tuple[str, int], str] = {}
        self._request = Request(run="", task="", attempt=0)

    def attempt(self, schedule: Schedule, _stories: Stories, task: str, attempt: int) -> Request:
        """Answer an empty attempt."""
        self.schedule = schedule
        if attempt > 1 and schedule.task(task).before == attempt - 1:
            self.rounds[task, attempt] = schedule.repeated(task)
        return self._request

    def recalled(self, schedule: Schedule, _stories: Stories, wanted: Sequence[str], now: float) -> Recalled:
        """Answer what would be found, if all that a task needs has succeeded; what is rehearsed is not left out."""
        found = {task: self._found(schedule, task) for task in wanted}
        kept = {task: each for task, each in found.items() if isinstance(each, Kept)}
        return Recalled(
            at=now, kept=kept, outdated={task: each for task, each in found.items() if isinstance(each, Outdated)}
        )

    def _found(self, schedule: Schedule, task: str) -> Kept | Outdated:
        what_if, spec = self._script.what_if, schedule.graph.tasks[task]
        if task in what_if.fail or task in what_if.crash or task in what_if.slow:
            return Outdated(because="it is rehearsed")
        phases = [schedule.task(need).phase for need in spec.needs if need in schedule.graph.tasks]
        if any(phase is not Phase.SUCCEEDED for phase in phases):
            return Outdated(because="something it needs did not succeed")
        return self._script.recalled[task]


class _Agreeable(Unwatched):
    """A person who says yes to everything, at once."""

    def ask(self, task: str, now: float) -> Sequence[Event]:
        """Say yes."""
        return (Answered(at=now, task=task, approved=True, by="plan"),)


class _Listed:
    """A recorder that keeps events in a list."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def record(self, events: Sequence[Event]) -> Sequence[Event]:
        """Keep them."""
        self.events += events
        return events

    def due(self) -> float | None:
        """Answer that nothing is to be synced."""
        return None

    def sync(self) -> None:
        """Leave it at that."""


class _Actors:
    """Says of each attempt and of each service how it goes."""

    def __init__(self, graph: Graph, script: Script, seen: _Seen) -> None:
        self._graph = graph
        self._script = script
        self._seen = seen
        self._plain = not script.what_if

    def attempt(self, task: str, attempt: int) -> Step:
        """Answer how one attempt goes."""
        spec, course, what_if = self._graph.tasks[task], self._script.courses[task], self._script.what_if
        if self._plain and not course.failed and not course.fails:  # as mostly
            return Step(seconds=course.seconds, outcome=self._outcome(spec))
        seconds = what_if.seconds(task, course.seconds)
        if task in what_if.crash:
            return Step(seconds=seconds / 2, outcome=Failed(cause=Cause.CRASHED, message="rehearsed: its process dies"))
        if attempt <= len(course.failed) and attempt < spec.retry.attempts:
            outcome: Outcome = Failed(cause=_cause(spec), message="fails as it often did before")
            return Step(seconds=what_if.seconds(task, course.failed[attempt - 1]), outcome=outcome)
        if course.fails:
            return Step(seconds=seconds, outcome=Failed(cause=_cause(spec), message="fails as it mostly did before"))
        return Step(seconds=seconds, outcome=self._outcome(spec))

    def service(self, service: str, _attempt: int) -> ServiceStep:
        """Answer how one start of a service goes."""
        return ServiceStep(ready_after=self._script.services[service])

    def _outcome(self, spec: TaskSpec) -> Outcome:
        if spec.id in self._script.what_if.fail:
            return Failed(cause=_usual(spec), message="rehearsed: it fails")
        if spec.uses in JUDGES and self._seen.schedule is not None:
            schedule = self._seen.schedule
            wrong = [
                need for need in spec.needs if need in schedule.graph.tasks and schedule.task(need).need is not Need.S
            ]
            if wrong:
                return Failed(cause=Cause.FAILED_CHECK, message=f"it sees that {', '.join(wrong)} did not succeed")
        outputs = self._script.outputs.get(spec.id)
        return _SUCCEEDED if outputs is None else Succeeded(outputs=outputs)


def _usual(spec: TaskSpec) -> Cause:
    """Answer how a task mostly fails: by its exit code, or by an exception."""
    return Cause.EXIT_CODE if spec.uses is None else Cause.EXCEPTION


def _cause(spec: TaskSpec) -> Cause:
    """Answer a cause that is tried again: of a past attempt only its time is remembered."""
    usual = _usual(spec)
    return usual if usual in spec.retry.on else min(spec.retry.on, key=lambda each: each.name, default=usual)


def _is_chancy(node: TaskSpec | Group) -> bool:
    return node.retry.attempts > 1 and node.retry.jitter == "full"


def _mean(retry: Retry) -> Retry:
    return replace(retry, delay=retry.delay / 2, max_delay=retry.max_delay / 2, jitter="none")
