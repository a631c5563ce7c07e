"""Whether the longest remaining path first is a good order: 200 generated graphs against first come, first served.

    python -m tests.bench.order [TRACE…]

Each graph has 10 layers of 1 to 12 tasks, durations of lognormal(0, 1), and up to 3 needs in the layer above. All of it
is virtual time. Traces are printed beside first come, first served and the lower bound max(critical path, work ÷
workers), which no order can beat.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from statistics import mean

from runner.execute.simulate import Simulation, Step
from runner.graph.model import Graph
from runner.schedule.board import TaskState
from runner.schedule.machine import Schedule
from tests.kit import play, task_of, whole

SEEDS = range(200)
LAYERS, WIDEST, NEEDS = 10, 12, 3


class FirstCome(Schedule):
    """A schedule that starts tasks in the order in which they became ready."""

    def _enqueue(self, task: TaskState) -> None:
        self._queue.push(task.claims, (0.0, 0.0, len(self.ready)), task.spec.id)


def generated(seed: int) -> Graph:
    """Answer one of the graphs."""
    chance, layers, tasks = Random(seed), list[list[str]](), []
    for _ in range(LAYERS):
        above, layer = layers[-1] if layers else [], list[str]()
        for _ in range(chance.randint(1, WIDEST)):
            needs = tuple(chance.sample(above, min(NEEDS, len(above))))
            name = f"t{len(tasks)}"
            tasks.append(task_of(name, len(tasks), needs=needs, estimate=chance.lognormvariate(0.0, 1.0)))
            layer.append(name)
        layers.append(layer)
    return whole(tasks)


def traced(path: Path) -> Graph:
    """Answer a WfFormat trace with its own durations."""
    workflow = json.loads(path.read_text(encoding="utf-8"))["workflow"]
    seconds = {task["id"]: float(task["runtimeInSeconds"]) for task in workflow["execution"]["tasks"]}
    return whole(
        task_of(task["id"], index, needs=tuple(dict.fromkeys(task["parents"])), estimate=seconds[task["id"]])
        for index, task in enumerate(workflow["specification"]["tasks"])
    )


def makespan(graph: Graph, workers: int, kind: type[Schedule]) -> float:
    """Run a graph in virtual time under one kind of schedule."""
    simulation = Simulation(lambda task, _attempt: Step(seconds=graph.tasks[task].estimate or 0.0), slots=workers)
    play(graph, simulation, kind=kind, turns=10**6)
    return simulation.now()


def bound(graph: Graph, workers: int) -> float:
    """Answer what no order can beat."""
    longest: dict[str, float] = {}
    for task in graph.tasks.values():  # in the file's order no task stands above what it needs, here
        above = max((longest[need] for need in task.needs), default=0.0)
        longest[task.id] = above + (task.estimate or 0.0)
    return max(*longest.values(), sum(task.estimate or 0.0 for task in graph.tasks.values()) / workers)


def main(words: Sequence[str]) -> int:
    """Print means and traces; answers 1 where the order is not as good as it should be."""
    bad = False
    for workers in (2, 4):
        graphs = [generated(seed) for seed in SEEDS]
        parts = [makespan(graph, workers, Schedule) / makespan(graph, workers, FirstCome) for graph in graphs]
        print(f"{workers} workers: mean {mean(parts):.4f} of first come, worst {max(parts):.4f}, best {min(parts):.4f}")
        bad = bad or mean(parts) > 0.95 or max(parts) > 1.02
    for path in map(Path, words):
        graph = traced(path)
        for workers in (1, 2, 4, 8):
            ours, first = (makespan(graph, workers, kind) for kind in (Schedule, FirstCome))
            row = f"{path.stem:<36} {workers} workers: ours {ours:8.2f} s, first come {first:8.2f} s"
            print(f"{row}, lower bound {bound(graph, workers):8.2f} s")
    return int(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
