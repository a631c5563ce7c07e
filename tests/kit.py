"""Graphs as data and runs in virtual time, for every test that needs one. Knows no rule of the schedule."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from runner.driver import Unwatched
from runner.errors import Place
from runner.execute.simulate import Script, ServiceScript, Simulation, Step, always_ready
from runner.graph.compose import joined, tied
from runner.graph.model import Graph, Group, Rate, Scope, ServiceSpec, TaskSpec
from runner.requests import Unfilled
from runner.schedule.history import Stories
from runner.schedule.machine import Schedule
from runner.schedule.messages import (
    Answered,
    Ask,
    AttemptEnded,
    ClockTicked,
    Command,
    Event,
    FannedOut,
    FanOut,
    Kept,
    LimitWorkers,
    Outdated,
    Recall,
    Recalled,
    RunOpened,
    ServiceEnded,
    StartAttempt,
    StartService,
    StopAttempt,
    StopService,
)
from runner.task import Cause, Failed, Request, Succeeded

HERE = Place(file="graph.yaml")
NO_REQUEST = Request(run="", task="", attempt=0)
"""What the simulation is handed in place of a request: its script knows all there is to know."""


def graph_of(
    text: str,
    *,
    services: Mapping[str, Mapping[str, Any]] | None = None,
    pools: Mapping[str, int] | None = None,
    rates: Mapping[str, Rate] | None = None,
    fail_fast: bool = False,
    deadline: float | None = None,
    **settings: Mapping[str, Any],
) -> Graph:
    """Build a graph: `graph_of("a; b: a; c: a b db", services={"db": {}}, b={"timeout": 3.0})`.

    Tasks stand in file order, each with what it needs after a colon; `settings` are the other fields by task.
    """
    tasks: dict[str, TaskSpec] = {}
    for index, part in enumerate(re.split(r"\s*;\s*", text.strip())):
        name, _, needs = part.partition(":")
        name = name.strip()
        tasks[name] = task_of(name, index, needs=tuple(needs.split()), **settings.get(name, {}))
    assert settings.keys() <= tasks.keys(), "settings for a task that is not in the graph"
    known = {name: service_of(name, **fields) for name, fields in (services or {}).items()}
    return whole(tasks.values(), known.values(), pools=pools, rates=rates, fail_fast=fail_fast, deadline=deadline)


def grouped_of(
    inner: str, outer: str = "", *, settings: Mapping[str, Mapping[str, Any]] | None = None, **group: Any
) -> Graph:
    """Build a graph that includes another as the group `g`: `grouped_of("a; b: a", "z: g", retry=Retry(attempts=2))`.

    `group` are fields of the group, `settings` those of tasks inside, by task; both files are written as in `graph_of`.
    """
    return included(tied(graph_of(inner, **(settings or {}))), outer, **group)


def included(inner: Graph, outer: str = "", *, name: str = "g", **group: Any) -> Graph:
    """Build a graph that includes another one as a group; `outer` and `group` are as for `grouped_of`."""
    inside = Scope(name=name, outer="", folder="/")
    whole_group = Group(id=name, scope="", where=HERE, file="inner.yaml", inside=inside, **group)
    own = graph_of(outer) if outer else whole([])
    return tied(joined(replace(own, groups={name: whole_group}), {name: inner}))


def whole(
    tasks: Sequence[TaskSpec] | Any,
    services: Sequence[ServiceSpec] | Any = (),
    *,
    pools: Mapping[str, int] | None = None,
    rates: Mapping[str, Rate] | None = None,
    fail_fast: bool = False,
    deadline: float | None = None,
) -> Graph:
    """Put tasks, in file order, and services together into a graph."""
    return Graph(
        name="test",
        file="graph.yaml",
        folder="/",
        digest="",
        pools=pools or {},
        rates=rates or {},
        fail_fast=fail_fast,
        deadline=deadline,
        services={service.id: service for service in services},
        tasks={task.id: task for task in tasks},
    )


def task_of(name: str, index: int = 0, **fields: Any) -> TaskSpec:
    """Build a task that names a function nobody will import."""
    return TaskSpec(id=name, index=index, where=HERE, uses="nowhere:nothing", **fields)


def service_of(name: str, **fields: Any) -> ServiceSpec:
    """Build a service with a command nobody will run."""
    return ServiceSpec(id=name, where=HERE, run="true", **{"port": 0, **fields})


def opened(slots: int = 4, **fields: Any) -> RunOpened:
    """Build the first event of a run."""
    return RunOpened(at=0.0, run=fields.pop("run", "r1"), started="2026-01-01T00:00:00.000Z", slots=slots, **fields)


def failed(cause: Cause = Cause.EXCEPTION) -> Failed:
    """Build the outcome of an attempt that failed."""
    return Failed(cause=cause, message="as the script says")


def scripted(
    steps: Mapping[str, Step | Sequence[Step]] | None = None, services: ServiceScript = always_ready
) -> tuple[Script, ServiceScript]:
    """Turn steps by task, one or one for each attempt (the last one repeats), into scripts; others take 1 second."""
    table = {name: [step] if isinstance(step, Step) else list(step) for name, step in (steps or {}).items()}

    def script(task: str, attempt: int) -> Step:
        found = table.get(task, [Step(seconds=1.0)])
        return found[min(attempt, len(found)) - 1]

    return script, services


Answers = Mapping[str, tuple[float, bool]]
"""After how many seconds a person says to which task whether it may start."""


class Answering(Unwatched):
    """A person in virtual time."""

    def __init__(self, simulation: Simulation, answers: Answers) -> None:
        self._simulation = simulation
        self._answers = answers

    def ask(self, task: str, now: float) -> Sequence[Event]:
        """Answer after some time; at once where that is none."""
        after, approved = self._answers.get(task, (0.0, True))
        said = Answered(at=now + after, task=task, approved=approved, by="terminal")
        if after == 0.0:
            return (said,)
        self._simulation.at(said.at, said)
        return ()


class Listed:
    """A recorder that keeps events in a list and never wants a sync."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def record(self, events: Sequence[Event]) -> Sequence[Event]:
        self.events += events
        return events

    def due(self) -> float | None:
        return None

    def sync(self) -> None:
        raise AssertionError("nobody asked for it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One event and the commands that followed from it."""

    event: Event
    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One run from its first event to its last; `graph` is as it was when the run was opened."""

    graph: Graph
    schedule: Schedule
    turns: list[Turn] = field(default_factory=list)

    @property
    def states(self) -> dict[str, str]:
        """Answer the final word of every task and service."""
        graph = self.schedule.graph
        return {name: self.schedule.state(name) for name in (*graph.tasks, *graph.services)}

    def commands(self) -> list[tuple[float, Command]]:
        """Answer every command with the moment it was given."""
        return [(turn.event.at, command) for turn in self.turns for command in turn.commands]

    def starts(self) -> list[str]:
        """Answer the tasks in the order their attempts were started."""
        return [command.task for _, command in self.commands() if isinstance(command, StartAttempt)]

    def starts_at(self, at: float) -> int:
        """Answer how many attempts were started at a moment."""
        return sum(isinstance(command, StartAttempt) for when, command in self.commands() if when == at)

    def running_after(self, at: float) -> int:
        """Answer how many attempts were under way once all that happened at a moment had happened."""
        before = [turn for turn in self.turns if turn.event.at <= at]
        started = sum(isinstance(command, StartAttempt) for turn in before for command in turn.commands)
        return started - sum(isinstance(turn.event, AttemptEnded) for turn in before)

    def stops(self, task: str) -> list[tuple[float, Cause, float]]:
        """Answer when a task was stopped, for which cause and with which `kill_after`."""
        return [
            (at, command.cause, command.kill_after)
            for at, command in self.commands()
            if isinstance(command, StopAttempt) and command.task == task
        ]

    def ends(self, name: str) -> list[float]:
        """Answer when the attempts of a task, or the starts of a service, ended."""
        return [
            turn.event.at
            for turn in self.turns
            if (isinstance(turn.event, AttemptEnded) and turn.event.task == name)
            or (isinstance(turn.event, ServiceEnded) and turn.event.service == name)
        ]


def play(
    graph: Graph,
    simulation: Simulation,
    first: RunOpened | None = None,
    *,
    kind: type[Schedule] = Schedule,
    unfit: Collection[tuple[str, int]] = (),
    holds: Collection[str] = (),
    answers: Answers | None = None,
    taken: Collection[str] = (),
    late: float = 0.0,
    turns: int = 2000,
) -> Played:
    """Run a graph in virtual time, one event at a time, and keep every turn.

    This is the loop of `runner.driver` without requests and recorder, so that a changed `kind` of schedule can be put
    in its place; a test holds the two together. `unfit` attempts fail before they are handed to the executor; of the
    tasks that are looked up, the last results of those in `holds` still hold, and of the instances that come to be
    those in `taken` are kept, `late` seconds after they were asked for; tasks that ask first get their `answers`, else
    a yes at once. A run that takes more `turns` than that goes in circles.
    """
    played = Played(graph=graph, schedule=kind(graph))
    schedule, person = played.schedule, Answering(simulation, answers or {})
    events: Sequence[Event] = [first or opened(simulation.slots)]
    while True:
        faults: list[Event] = []
        for event in events:
            commands = tuple(schedule.handle(event))
            played.turns.append(Turn(event=event, commands=commands))
            for command in commands:
                faults += person.ask(command.task, simulation.now()) if isinstance(command, Ask) else ()
                faults += _obey(command, simulation, unfit)
            wanted = [command.task for command in commands if isinstance(command, FanOut)]
            told = [fanned_out(simulation.now() + late, schedule, task, taken) for task in wanted]
            for each in told if late else ():
                simulation.at(each.at, each)
            faults += [] if late else told
            wanted = [command.task for command in commands if isinstance(command, Recall)]
            faults += [recalled(simulation.now(), wanted, holds)] if wanted else []
        if schedule.finished:
            return played
        assert len(played.turns) < turns, f"not finished after {turns} events"
        events = faults or _next_events(schedule, simulation)


def recalled(at: float, wanted: Sequence[str], holds: Collection[str]) -> Recalled:
    """Answer what is found when the last results of some tasks are looked at."""
    return Recalled(
        at=at,
        kept={name: result_of(name) for name in wanted if name in holds},
        outdated={name: Outdated(because="it has changed") for name in wanted if name not in holds},
    )


def fanned_out(at: float, schedule: Schedule, task: str, taken: Collection[str] = ()) -> FannedOut:
    """Answer what a task is to be done for, by what it needs; of the instances in `taken` the results are kept."""
    told = Unfilled().fanned_out(schedule, Stories(), task, at)
    return replace(told, kept={name: result_of(name) for name in taken if name.partition("[")[0] == task})


def result_of(task: str) -> Kept:
    """Build the last result of a task."""
    return Kept(outcome=Succeeded(), run="r0", key=task)


def _next_events(schedule: Schedule, simulation: Simulation) -> Sequence[Event]:
    while True:
        alarm, now = schedule.next_alarm(), simulation.now()
        events = [*simulation.wait(None if alarm is None else alarm - now)]
        if alarm is not None and alarm <= simulation.now():
            events.append(ClockTicked(at=simulation.now()))
        if events:
            return events


def _obey(command: Command, simulation: Simulation, unfit: Collection[tuple[str, int]]) -> list[Event]:
    match command:
        case StartAttempt(task=task, attempt=attempt) if (task, attempt) in unfit:
            outcome = failed(Cause.BAD_PARAMETERS)
            return [AttemptEnded(at=simulation.now(), task=task, attempt=attempt, outcome=outcome)]
        case StartAttempt() | StartService():
            simulation.start(command, NO_REQUEST)
        case StopAttempt() | StopService():
            simulation.stop(command)
        case LimitWorkers():
            simulation.limit(command)
        case Recall() | FanOut() | Ask():
            pass  # answered when all else of a turn is done, and by the person
    return []
