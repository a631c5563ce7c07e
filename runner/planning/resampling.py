"""How far a run may differ from its plan: virtual runs with courses drawn from the past. Seeded, so a plan repeats."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from runner.graph.model import Graph
from runner.planning.durations import Course, Expected
from runner.planning.virtual import Script, virtual_run
from runner.schedule.messages import RunOpened

SECONDS = 1.0
"""How long to go on drawing."""
AT_LEAST, BELOW = 20, 500
"""How many resamples a graph of fewer tasks than that gets however long it takes."""
AT_MOST = 1000
"""How many resamples are enough: the range does not become truer by more."""
COLLECTED = 50
"""After how many resamples their rings of objects are collected, where nobody else does."""
LARGEST = 2000
"""Graphs of more tasks than that get none: a person waits for them."""


class Range(Struct, frozen=True, kw_only=True):
    """The makespan (seconds) that one of ten runs stays below, and that nine of ten stay below; from how many."""

    p10: float
    p90: float
    resamples: int


class Drawn(Struct, frozen=True, kw_only=True):
    """What is drawn from: the run, how tasks and services are thought to go, and what else the script says."""

    graph: Graph
    opened: RunOpened
    tasks: Mapping[str, Expected]
    services: Mapping[str, Expected]
    script: Script


def range_of(drawn: Drawn, makespan: float, now: Callable[[], float]) -> Range:
    """Answer the range of the makespan; without a past to draw from it is the plan's own, from no resample."""
    size = len(drawn.graph.tasks)
    if size > LARGEST or not any(each.past for each in (*drawn.tasks.values(), *drawn.services.values())):
        return Range(p10=makespan, p90=makespan, resamples=0)
    until, found = now() + SECONDS, list[float]()
    while len(found) < AT_MOST and (now() < until or (size < BELOW and len(found) < AT_LEAST)):
        found.append(_resample(drawn, len(found)))
        if len(found) % COLLECTED == 0:
            gc.collect()
    if not found:
        return Range(p10=makespan, p90=makespan, resamples=0)
    found.sort()
    return Range(p10=_percentile(found, 0.1), p90=_percentile(found, 0.9), resamples=len(found))


# -- the helpers -------------------------------------------------------------------------------------------------------


def _resample(drawn: Drawn, number: int) -> float:
    chance = Random(number)  # noqa: S311  # no secret hangs on it
    script = replace(
        drawn.script,
        courses={name: _draw(expected, chance) for name, expected in drawn.tasks.items()},
        services={name: _draw(expected, chance).seconds for name, expected in drawn.services.items()},
    )
    return virtual_run(drawn.graph, replace(drawn.opened, run=f"resample-{number}"), script).seconds


def _draw(expected: Expected, chance: Random) -> Course:
    if not expected.past:
        return expected.course
    courses, weights = zip(*expected.past, strict=True)
    course: Course = chance.choices(courses, weights)[0]
    return course


def _percentile(ordered: list[float], part: float) -> float:
    return round(ordered[round(part * (len(ordered) - 1))], 6)
