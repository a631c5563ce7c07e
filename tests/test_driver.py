"""The driver with the simulation: what is recorded, what is synced, and what cannot be asked for."""

from collections.abc import Sequence

from msgspec.structs import replace

from runner.driver import Unwatched, World, drive
from runner.errors import Place
from runner.execute.simulate import Simulation, Step
from runner.graph.model import Graph, ServiceSpec, TaskSpec
from runner.graph.values import parse
from runner.requests import Requests, Surroundings
from runner.schedule.machine import Schedule
from runner.schedule.messages import (
    AttemptEnded,
    AttemptStarted,
    CancelAsked,
    ClockTicked,
    Event,
    RunOpened,
    ServiceEnded,
)
from runner.task import Cause, Failed, Succeeded

HERE = Place(file="graph.yaml")


class Listed:
    """A recorder that keeps events in a list and wants a sync `after` seconds."""

    def __init__(self, clock: Simulation, after: float) -> None:
        self.events: list[Event] = []
        self.synced: list[float] = []
        self._clock = clock
        self._after = after
        self._due: float | None = None

    def record(self, events: Sequence[Event]) -> Sequence[Event]:
        self.events += events
        self._due = self._clock.now() + self._after if self._due is None else self._due
        return events

    def due(self) -> float | None:
        return self._due

    def sync(self) -> None:
        self.synced.append(self._clock.now())
        self._due = None


def graph_of(*tasks: TaskSpec) -> Graph:
    """Put tasks into a graph."""
    return Graph(name="g", file="g.yaml", folder="/g", digest="", tasks={task.id: task for task in tasks})


def run(graph: Graph, simulation: Simulation, recorder: Listed) -> Schedule:
    """Drive a graph to its end in virtual time."""
    opened = RunOpened(at=0.0, run="run", started="2026-01-01T00:00:00.000Z", slots=2)
    requests = Requests(graph, Surroundings(), {})
    world = World(executor=simulation, clock=simulation, recorder=recorder, observer=Unwatched())
    return drive(graph, opened, requests, world)


def test_events_are_recorded_in_the_order_they_are_handled() -> None:
    """The recorder sees everything the schedule sees, once and in order."""
    simulation = Simulation(lambda _task, _attempt: Step(seconds=3), slots=2)
    recorder = Listed(simulation, after=100)
    schedule = run(graph_of(TaskSpec(id="a", index=0, where=HERE, uses="m:f")), simulation, recorder)

    assert [RunOpened, AttemptStarted, AttemptEnded] == [type(event) for event in recorder.events]
    assert [0.0, 0.0, 3.0] == [event.at for event in recorder.events]
    assert "passed" == schedule.verdict


def test_a_recorder_is_synced_when_it_wants_to_be() -> None:
    """A long wait is cut short where the recorder is due."""
    simulation = Simulation(lambda _task, _attempt: Step(seconds=3), slots=2)
    recorder = Listed(simulation, after=0.05)
    run(graph_of(TaskSpec(id="a", index=0, where=HERE, uses="m:f")), simulation, recorder)

    assert [0.05] == recorder.synced


def test_what_cannot_be_filled_in_fails_that_attempt_alone() -> None:
    """An expression that cannot be evaluated costs its own attempt, with a cause, and nothing else."""
    broken = TaskSpec(id="a", index=0, where=HERE, uses="m:f", arguments={"x": parse("${{ fromJSON('{') }}")})
    whole = TaskSpec(id="b", index=1, where=HERE, uses="m:f")
    simulation = Simulation(lambda _task, _attempt: Step(seconds=1), slots=2)
    recorder = Listed(simulation, after=100)
    schedule = run(graph_of(broken, whole), simulation, recorder)
    ends = {event.task: event.outcome for event in recorder.events if isinstance(event, AttemptEnded)}

    assert Succeeded() == ends["b"]
    assert isinstance(ends["a"], Failed)
    assert Cause.BAD_PARAMETERS == ends["a"].cause
    assert "failed" == schedule.verdict


def test_a_service_that_cannot_be_asked_for_has_died() -> None:
    """With what is wrong as its message; whoever needs it is blocked, and everybody else goes on."""
    broken = ServiceSpec(id="db", where=HERE, run="true", env={"X": parse("${{ fromJSON('{') }}")})
    tasks = {name: TaskSpec(id=name, index=number, where=HERE, uses="m:f") for number, name in enumerate("ab")}
    graph = replace(graph_of(replace(tasks["a"], needs=("db",)), tasks["b"]), services={"db": broken})
    simulation = Simulation(lambda _task, _attempt: Step(seconds=1), slots=2)
    recorder = Listed(simulation, after=100)
    schedule = run(graph, simulation, recorder)
    (end,) = (event for event in recorder.events if isinstance(event, ServiceEnded))

    assert ("died", 0.0) == (end.how, end.at)
    assert "fromJSON" in end.message
    assert ("failed", "blocked", "succeeded") == tuple(schedule.state(name) for name in ("db", "a", "b"))


def test_an_alarm_rings_even_while_events_keep_coming() -> None:
    """A stream of events does not keep a time limit from being obeyed."""
    slow = TaskSpec(id="slow", index=0, where=HERE, uses="m:f", timeout=5.0)
    quick = [TaskSpec(id=f"q{i}", index=i, where=HERE, uses="m:f") for i in range(1, 100)]
    simulation = Simulation(lambda task, _: Step(seconds=100 if task == "slow" else 0.1), slots=2)
    recorder = Listed(simulation, after=100)
    schedule = run(graph_of(slow, *quick), simulation, recorder)
    ticks = [event.at for event in recorder.events if isinstance(event, ClockTicked)]

    assert "timed_out" == schedule.state("slow")
    assert [5.0] == [round(at, 6) for at in ticks]


def test_what_comes_from_outside_is_recorded_and_handled() -> None:
    """A cancel from outside ends the run as interrupted."""
    simulation = Simulation(lambda _task, _attempt: Step(seconds=50), slots=2)
    simulation.at(1.0, CancelAsked(at=1.0, why="interrupted"))
    recorder = Listed(simulation, after=100)
    schedule = run(graph_of(TaskSpec(id="a", index=0, where=HERE, uses="m:f")), simulation, recorder)

    assert "interrupted" == schedule.verdict
    assert 130 == schedule.exit_code
    assert "cancelled" == schedule.state("a")
