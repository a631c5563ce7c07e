"""A run of very many tasks in virtual time: what schedule and simulation take, in seconds and in memory.

`python -m tests.bench.simulated [TASKS [WORKERS]]` makes a graph in memory, in layers as wide as there are workers,
with three needs each and times drawn from a seed, and drives it as a plan is driven. A file of a million tasks is
larger than a graph file may be, so there is none.
"""

from __future__ import annotations

import resource
import sys
import time
from random import Random

from runner.errors import Place
from runner.graph.check import without_collection
from runner.graph.model import Graph, TaskSpec
from runner.planning.durations import Course
from runner.planning.virtual import Script, virtual_run
from runner.schedule.messages import RunOpened
from tests.bench.cases import layers


def generated(tasks: int, width: int) -> Graph:
    """Answer a graph of so many tasks in layers."""
    where = Place(file="generated")
    specs = {
        name: TaskSpec(id=name, index=index, where=where, uses="work:noop", needs=tuple(needs))
        for index, (name, needs) in enumerate(layers(tasks // width, width).items())
    }
    return Graph(name="generated", file="generated", folder="/", digest="", tasks=specs)


def main(tasks: int = 1_000_000, workers: int = 10_000) -> None:
    """Drive it and print the figures."""
    began = time.perf_counter()
    with without_collection():
        graph, chance = generated(tasks, min(tasks, workers)), Random(1)
        courses = {name: Course(seconds=chance.lognormvariate(0, 1)) for name in graph.tasks}
        opened = RunOpened(at=0.0, run="simulated", started="1970-01-01T00:00:00.000Z", slots=workers)
        made = time.perf_counter()
        gone = virtual_run(graph, opened, Script(courses=courses, services={}))
    took, peak = time.perf_counter() - made, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(f"{len(graph.tasks)} tasks on {workers} workers: {gone.schedule.verdict} after {gone.seconds:.2f} virtual s")
    print(f"made in {made - began:.2f} s, driven in {took:.2f} s, {peak:.0f} MB")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
