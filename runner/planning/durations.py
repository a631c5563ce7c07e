"""How long each task is thought to take, and how we know: past runs, else its estimate, else a default that is named.

The typical course of a task is what it is planned with: the weighted median of its past successes, after as many
failed attempts as a success typically had before it. What may fail (`allow_failure`) and mostly does is planned to. Of
anything else only successes count: whoever runs it again has mended it. The past courses themselves are kept, too, for
drawing from. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Literal, TypeAlias

from msgspec import Struct

from runner.graph.definition import definition_of
from runner.graph.model import Graph, TaskSpec
from runner.record.measured import Measured, RunMeasured, TaskRun
from runner.schedule.policy import UNKNOWN_SECONDS

RECENT = 0.8
"""What a run weighs, next to the one after it: the tenth last counts an eighth of the last."""
OVERHEAD = 0.0015
"""Seconds from asking a worker to hearing of the end that a task does not use itself.

They are in what was measured, not in what was estimated. On two cores it is 1.1 to 2.4 ms, and up to 7 ms where these
are busy (`tests/bench`, From estimates).
"""
COARSE = 1.0
"""Seconds from which on nobody estimates to the millisecond: the overhead is left out."""
SERVICE_SECONDS = 1.0
"""After how long a service is thought to be ready that was never seen to be."""

Source = Literal["measured", "estimate", "default"]


_Runs: TypeAlias = Sequence[tuple[Mapping[str, TaskRun], float]]


class Course(Struct, frozen=True, kw_only=True):
    """How a task goes: attempts that fail after so many seconds each, then one that succeeds after `seconds`.

    `fails` says that the last one does not succeed either.
    """

    failed: tuple[float, ...] = ()
    seconds: float
    fails: bool = False


class Expected(Struct, frozen=True, kw_only=True):
    """How a task is thought to go, where that is from, and the `past` courses with what each weighs; `runs` of them."""

    course: Course
    source: Source
    past: tuple[tuple[Course, float], ...] = ()

    @property
    def runs(self) -> int:
        """How many past runs it is from."""
        return len(self.past)


def expected_tasks(graph: Graph, measured: Measured) -> dict[str, Expected]:
    """Answer how each task of a graph is thought to go; only what did the same counts (`definition_of`).

    An instance of a fan-out that no run has seen is thought to go as its like did, and so is one of a template.
    """
    runs = [(run.tasks, weight) for run, weight in _weighed(measured)]
    guess = cache(_guess)  # of 100,000 tasks most are thought of alike
    alike = cache(lambda template: _told_of_instances(template, runs))
    found: dict[str, Expected] = {}
    for spec in graph.tasks.values():
        expected = _measured(graph, spec, _told_of(spec.id, runs))
        if expected is None and (template := _template_of(spec)):
            expected = _measured(graph, spec, alike(template))
        found[spec.id] = expected or guess(spec.estimate)
    return found


def expected_services(graph: Graph, measured: Measured) -> dict[str, Expected]:
    """Answer after how long each service is thought to be ready."""
    found: dict[str, Expected] = {}
    for service in graph.services:
        seen = ((run.services.get(service), weight) for run, weight in _weighed(measured))
        past = tuple((Course(seconds=seconds), weight) for seconds, weight in seen if seconds is not None)
        course = _typical(past) if past else Course(seconds=SERVICE_SECONDS)
        found[service] = Expected(course=course, source="measured" if past else "default", past=past)
    return found


def measured_seconds(graph: Graph, measured: Measured) -> dict[str, float]:
    """Answer the seconds of the tasks that past runs tell of: what the order of a run is made from."""
    return order_from(expected_tasks(graph, measured)) if measured else {}


def order_from(expected: Mapping[str, Expected]) -> dict[str, float]:
    """Answer the seconds that were measured, by task."""
    return {name: each.course.seconds for name, each in expected.items() if each.source == "measured"}


def weighted_median(values: Iterable[tuple[float, float]]) -> float:
    """Answer the value at which half of the weight is reached; `values` are values with their weights, at least one."""
    ordered = sorted(values)
    half = sum(weight for _, weight in ordered) / 2
    reached = 0.0
    for value, weight in ordered:
        reached += weight
        if reached >= half:
            return value
    return ordered[-1][0]


# -- the helpers -------------------------------------------------------------------------------------------------------


def _told_of(name: str, runs: _Runs) -> list[tuple[TaskRun, float]]:
    return [(run, weight) for tasks, weight in runs if (run := tasks.get(name)) is not None]


def _told_of_instances(template: str, runs: _Runs) -> list[tuple[TaskRun, float]]:
    begin = f"{template}["
    return [(run, weight) for tasks, weight in runs for name, run in tasks.items() if name.startswith(begin)]


def _template_of(spec: TaskSpec) -> str:
    return spec.id if spec.is_template else "" if spec.part is None else spec.part.of


def _measured(graph: Graph, spec: TaskSpec, told: Sequence[tuple[TaskRun, float]]) -> Expected | None:
    if told:
        definition = definition_of(graph, spec)
        past = tuple(
            (_course(run), weight)
            for run, weight in told
            if run.definition == definition and (run.seconds is not None or spec.allow_failure)
        )
        if past:
            return Expected(course=_typical(past), source="measured", past=past)
    return None


def _guess(estimate: float | None) -> Expected:
    if estimate is None:
        return Expected(course=Course(seconds=UNKNOWN_SECONDS), source="default")
    overhead = OVERHEAD if estimate < COARSE else 0.0
    return Expected(course=Course(seconds=estimate + overhead), source="estimate")


def _weighed(measured: Measured) -> Iterable[tuple[RunMeasured, float]]:
    """Answer the runs, the newest first, each with what it weighs; one that took over all it has tells nothing."""
    told = [run for run in measured.values() if run.tasks or run.services]
    return ((run, RECENT**age) for age, run in enumerate(reversed(told)))


def _course(run: TaskRun) -> Course:
    """Answer how a task went; where it never succeeded, its last attempt is the one that ends it."""
    if run.seconds is not None:
        return Course(failed=run.failed, seconds=run.seconds)
    return Course(failed=run.failed[:-1], seconds=run.failed[-1] if run.failed else 0.0, fails=True)


def _typical(past: Sequence[tuple[Course, float]]) -> Course:
    """Answer the typical course: how it mostly ends, and of those courses the medians.

    That is: of how many attempts failed, of how long each of them was, of how long the last one was.
    """
    if not any(course.fails or course.failed for course, _ in past):
        return Course(seconds=weighted_median([(course.seconds, weight) for course, weight in past]))
    fails = bool(weighted_median((course.fails, weight) for course, weight in past))
    like = [(course, weight) for course, weight in past if course.fails == fails]
    count = int(weighted_median((len(course.failed), weight) for course, weight in like))
    failed = tuple(
        weighted_median((course.failed[at], weight) for course, weight in like if len(course.failed) > at)
        for at in range(count)
    )
    seconds = weighted_median((course.seconds, weight) for course, weight in like)
    return Course(failed=failed, seconds=seconds, fails=fails)
