"""A run in virtual time: the same driver and schedule, with estimates in place of work. Starts nothing."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from runner.driver import Unwatched, World, drive
from runner.execute.simulate import Simulation, Step
from runner.graph.check import load
from runner.graph.params import resolve_params
from runner.graph.select import select
from runner.opening import Options, opened_of
from runner.requests import Unfilled
from runner.schedule.messages import AttemptStarted, Event
from runner.schedule.policy import seconds_expected


class Start(Struct, frozen=True, kw_only=True):
    """One task that would start: when, and how long it is thought to take (seconds)."""

    task: str
    at: float
    seconds: float


class Rehearsal(Struct, frozen=True, kw_only=True):
    """What a run would do if all went well; `never` are the tasks that would not run."""

    starts: Sequence[Start]
    never: Sequence[str]
    seconds: float
    slots: int


class Listed:
    """A recorder that keeps events in a list."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def record(self, events: Sequence[Event]) -> None:
        """Keep them."""
        self.events += events

    def due(self) -> float | None:
        """Answer that nothing is to be synced."""
        return None

    def sync(self) -> None:
        """Leave it at that."""


def rehearse(options: Options) -> Rehearsal:
    """Drive a graph in virtual time, every task succeeding after its estimate.

    Raises:
        GraphError: the graph file or a parameter is wrong.
        NothingSelected: a task that was asked for is not there.

    """
    loaded = load(options.graph)
    selection = select(loaded.graph, options.wish)
    graph = selection.graph
    opened = opened_of(selection, resolve_params(loaded.graph, options.params), options)
    opened = replace(opened, run="rehearsal", started="1970-01-01T00:00:00.000Z")
    seconds = {task.id: seconds_expected(task, {}) for task in graph.tasks.values()}
    for name in selection.borrowed:
        seconds[name] = 0.0
    simulation = Simulation(lambda task, _attempt: Step(seconds=seconds[task]), slots=opened.slots)
    recorder = Listed()
    world = World(executor=simulation, clock=simulation, recorder=recorder, observer=Unwatched())
    schedule = drive(graph, opened, Unfilled(), world)
    starts = [
        Start(task=event.task, at=event.at, seconds=seconds[event.task])
        for event in recorder.events
        if isinstance(event, AttemptStarted) and event.task not in selection.borrowed
    ]
    never = [name for name in graph.tasks if schedule.task(name).attempt == 0]
    return Rehearsal(starts=starts, never=never, seconds=simulation.now(), slots=opened.slots)
