"""Runs in virtual time, stopped at a moment to be looked at; as a program it draws one on a terminal and waits.

python -m tests.record.scenes SCENE SECONDS
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from msgspec.structs import replace

from runner.cli.style import size_of
from runner.driver import Unwatched, World, drive
from runner.execute.ports import Observer
from runner.execute.simulate import ServiceStep, Simulation, Step
from runner.graph.fan_out import opened as opened_with
from runner.graph.model import Foreach, Graph, Matrix, Retry
from runner.graph.values import parse
from runner.record.live import LiveView, Region
from runner.record.watched import Sight, Watched
from runner.requests import Unfilled
from runner.schedule.machine import Schedule
from runner.schedule.messages import CancelAsked, Event, Noted
from runner.task import Cause, Failed, Json, Progress, Succeeded
from tests.kit import Listed, graph_of, grouped_of, opened

WIDTHS = (60, 100, 200)
ROWS = 24


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A graph, how its attempts go, what is printed, and what else happens; `steps` by task and attempt."""

    graph: Graph
    slots: int
    steps: Callable[[str, int], Step]
    printed: Mapping[str, str] = field(default_factory=dict)
    outside: Sequence[Event] = ()

    def play(self, moment: float, observer: Callable[[Simulation], Observer]) -> None:
        """Run until a moment (seconds) and let the observer look at just that."""
        simulation = Simulation(self.steps, lambda *_: ServiceStep(ready_after=0.5), slots=self.slots)
        for event in self.outside:
            simulation.at(event.at, event)
        watch = _Until(moment, simulation, observer(simulation))
        first = replace(opened(self.slots), run="20261124-101500123-nightly-00ff")
        world = World(executor=simulation, clock=simulation, recorder=Listed(), observer=watch)
        try:
            drive(self.graph, first, Unfilled(), world)
        except _Reached:
            return
        raise AssertionError(f"the scene was over before {moment} s")

    def sight(self, moment: float) -> Sight:
        """Answer what there is to see at a moment."""
        seen = _Seen(Watched(self.graph, self.last_line))
        self.play(moment, lambda _clock: seen)
        assert seen.schedule is not None, "a run is opened at 0 s"
        return seen.watched.sight(moment, seen.schedule)

    def last_line(self, name: str) -> str:
        """Answer what a task has printed last."""
        return self.printed.get(name, "")


class _Reached(Exception):  # noqa: N818  # it is no error
    """The moment to look at has come."""


class _Until:
    """An observer that ends the run at a moment, after another one has seen it."""

    def __init__(self, moment: float, clock: Simulation, observer: Observer) -> None:
        self._moment, self._clock, self._observer = moment, clock, observer

    def observe(self, events: Sequence[Event], schedule: Schedule) -> None:
        self._observer.observe(events, schedule)
        if self._clock.now() >= self._moment:
            if isinstance(self._observer, LiveView):
                self._observer.draw(self._clock.now(), schedule)  # whenever its next frame is due
            raise _Reached

    def due(self) -> float | None:
        wish = self._observer.due()
        return self._moment if wish is None else min(wish, self._moment)


class _Seen(Unwatched):
    """An observer that takes everything in and draws nothing."""

    def __init__(self, watched: Watched) -> None:
        self.watched = watched
        self.schedule: Schedule | None = None

    def observe(self, events: Sequence[Event], schedule: Schedule) -> None:
        self.schedule = schedule
        for event in events:
            self.watched.add(event, schedule)


def failed(cause: Cause, message: str) -> Failed:
    """Answer a failed outcome."""
    return Failed(cause=cause, message=message)


def _nightly() -> Scene:
    graph = graph_of(
        "config; power: backend; health: backend; seed; migrate; lint; probe; checkpoint: config power health;"
        "deploy: lint; tidy: checkpoint",
        services={"backend": {}},
        pools={"firestore": 2},
        config={"estimate": 2.0},
        power={"estimate": 20.0, "claims": {"firestore": 1}},
        health={"estimate": 3.0, "claims": {"firestore": 1}, "retry": Retry(attempts=5)},
        seed={"estimate": 6.0, "claims": {"firestore": 1}},
        migrate={"estimate": 6.0},
        lint={"estimate": 1.0},
        probe={"estimate": 1.0, "retry": Retry(attempts=3, delay=8.0, jitter="none")},
        checkpoint={"estimate": 2.0},
        deploy={"estimate": 5.0},
        tidy={"estimate": 1.0},
    )
    steps = {
        ("config", 1): Step(seconds=1.25),
        ("power", 1): Step(seconds=22.0, stop_takes=2.0),
        ("health", 1): Step(seconds=1.0, outcome=failed(Cause.FAILED_CHECK, "503 from /api/health: firestore is down")),
        ("lint", 1): Step(seconds=0.5, outcome=failed(Cause.EXIT_CODE, "exit code 2")),
        ("probe", 1): Step(seconds=0.75, outcome=failed(Cause.TIMED_OUT, "ran longer than 750ms")),
    }
    printed = {
        "power": "→ POST /api/documents [201 Created, 412 B, 18 ms]",
        "migrate": "0042_add_index … ok",
        "health": "GET /api/health",
        "backend": "INFO: Application startup complete.",
    }
    notes = [
        Noted(
            at=2.0, task="migrate", attempt=1, note=Progress(message="moved 420 of 600 documents", done=420, total=600)
        )
    ]
    return Scene(
        graph=replace(graph, name="nightly"),
        slots=5,
        steps=lambda task, attempt: steps.get((task, attempt), Step(seconds=4.0, stop_takes=2.0)),
        printed=printed,
        outside=notes,
    )


def _interrupted() -> Scene:
    return dataclasses.replace(_nightly(), outside=[CancelAsked(at=5.0, why="interrupted")])


def _many() -> Scene:
    names = [f"case_{number:04}" for number in range(2000)]
    graph = graph_of(";".join(names), **{name: {"estimate": 2.0} for name in names})

    def step(task: str, _attempt: int) -> Step:
        number = int(task[-4:])
        if number % 97 == 0:
            return Step(seconds=1.0, outcome=failed(Cause.EXIT_CODE, f"exit code {number % 7 + 1}"))
        return Step(seconds=1.0 + number % 5 / 4)

    return Scene(graph=graph, slots=8, steps=step, printed={name: f"line of {name}" for name in names})


def _fans() -> Scene:
    graph = graph_of(
        "folders; lint; power: folders; combine: power lint",
        lint={"fan": Matrix(axes={"python": ["3.11", "3.12", "3.13"]})},
        power={"fan": Foreach(items=parse("${{ needs.folders.outputs.all }}"))},
    )

    def step(task: str, _attempt: int) -> Step:
        if task == "folders":
            folders: list[Json] = [f"folder {number}" for number in range(40)]
            return Step(seconds=1.0, outcome=Succeeded(outputs={"all": folders}))
        if task in ("power[folder 7]", "lint[3.12]"):
            return Step(seconds=2.5, outcome=failed(Cause.FAILED_CHECK, "2 of 61 requests failed"))
        return Step(seconds=3.0 + len(task) % 3)

    lint: list[Json] = [{"python": version} for version in ("3.11", "3.12", "3.13")]
    return Scene(graph=opened_with(graph, {"lint": lint}), slots=4, steps=step)


def _rounds() -> Scene:
    graph = grouped_of(
        "copy; check: copy; warm",
        "announce: g; lint; note: lint",
        settings={"copy": {"estimate": 2.0}, "check": {"estimate": 1.0}, "warm": {"estimate": 1.0}},
        retry=Retry(attempts=3, delay=4.0, jitter="none"),
    )
    steps = {
        ("g.copy", 1): Step(seconds=2.0),
        ("g.copy", 2): Step(seconds=2.0),
        ("g.check", 1): Step(seconds=1.0, outcome=failed(Cause.EXIT_CODE, "exit code 7")),
        ("lint", 1): Step(seconds=12.0),
    }
    return Scene(
        graph=graph,
        slots=4,
        steps=lambda task, attempt: steps.get((task, attempt), Step(seconds=1.0)),
        printed={"g.copy": "40 %"},
    )


SCENES: Mapping[str, tuple[Callable[[], Scene], tuple[float, ...]]] = {
    "nightly": (_nightly, (0.25, 2.0, 4.5, 24.0)),
    "interrupted": (_interrupted, (5.5,)),
    "many": (_many, (30.0,)),
    "fans": (_fans, (0.5, 12.0, 40.0)),
    "rounds": (_rounds, (1.5, 5.0, 8.0, 9.5)),
}
"""Every scene with the moments at which it is looked at."""


def draw(name: str, moment: float) -> None:
    """Draw one moment of a scene on this terminal, and wait until somebody presses Enter."""
    scene = SCENES[name][0]()
    region = Region(sys.stdout, partial(size_of, sys.stdout), None)
    scene.play(moment, lambda clock: LiveView(scene.graph, region, clock.now, scene.last_line))
    sys.stdin.readline()
    region.clear()


if __name__ == "__main__":
    draw(sys.argv[1], float(sys.argv[2]))
