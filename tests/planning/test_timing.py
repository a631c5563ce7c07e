"""Slack, critical path and peaks of a virtual run, against the classical formulas and against hand-made scenes."""

from __future__ import annotations

from random import Random

import pytest

from runner.execute.simulate import ServiceStep, Simulation, Step
from runner.graph.model import Graph, Rate, Retry, Trigger
from runner.planning.timing import Timing, peaks
from tests.kit import failed, graph_of, grouped_of, opened, play, scripted, task_of, whole

TWICE = Retry(attempts=2, delay=5.0, jitter="none")


def timed(graph: Graph, slots: int, **steps: Step | list[Step]) -> Timing:
    """Run a graph in virtual time and look at its spans."""
    simulation = Simulation(*scripted(steps), slots=slots)
    return Timing(graph, [turn.event for turn in play(graph, simulation, opened(slots)).turns], slots, {})


def floats(graph: Graph, seconds: dict[str, float]) -> dict[str, float]:
    """Answer the total float of each task with workers without end, by the book: forward, then backward."""

    def earliest(name: str) -> float:
        return max((earliest(need) + seconds[need] for need in graph.tasks[name].needs), default=0.0)

    end = max(earliest(name) + seconds[name] for name in graph.tasks)

    def latest(name: str) -> float:
        return min((latest(after) for after in graph.dependents[name]), default=end) - seconds[name]

    return {name: latest(name) - earliest(name) for name in graph.tasks}


@pytest.mark.parametrize("seed", range(30))
def test_with_workers_enough_slack_is_the_total_float(seed: int) -> None:
    """Nothing but needs holds a task back, so slack is what the critical path method says, to the last task."""
    chance = Random(seed)
    tasks = []
    for index in range(12):
        needs = tuple(f"t{need}" for need in sorted(chance.sample(range(index), min(index, chance.randint(0, 3)))))
        tasks.append(task_of(f"t{index}", index, needs=needs))
    graph = whole(tasks)
    seconds = {task.id: float(chance.randint(1, 9)) for task in tasks}

    timing = timed(graph, 12, **{name: Step(seconds=each) for name, each in seconds.items()})
    wanted = floats(graph, seconds)

    assert wanted == {name: timing.slack(name) for name in graph.tasks}
    assert all(wanted[name] == 0 for name in timing.critical)
    assert timing.end == sum(seconds[name] for name in timing.critical)


def test_a_busy_worker_takes_slack_away() -> None:
    """On one worker tasks without needs are one chain; on two the short one can wait."""
    graph = graph_of("a; b; c: a")
    steps = {"a": Step(seconds=2.0), "b": Step(seconds=1.0), "c": Step(seconds=2.0)}
    one, two = timed(graph, 1, **steps), timed(graph, 2, **steps)

    assert {"a": 0, "b": 0, "c": 0} == {name: one.slack(name) for name in "abc"}
    assert {"a": 0, "b": 3, "c": 0} == {name: two.slack(name) for name in "abc"}
    assert ("a", "c") == two.critical


def test_an_idle_worker_is_nobodys_way() -> None:
    """A task that could have had another worker does not hang on the one that ended just before it."""
    graph = graph_of("a; b; c; d: b")
    timing = timed(graph, 3, a=Step(seconds=2.0), b=Step(seconds=2.0), c=Step(seconds=1.0), d=Step(seconds=3.0))

    assert {"a": 3, "b": 0, "c": 4, "d": 0} == {name: timing.slack(name) for name in "abcd"}


def test_a_full_pool_is_on_the_way() -> None:
    """What waits for a pool hangs on what held it."""
    graph = graph_of("a; b; c", pools={"db": 2}, a={"claims": {"db": 2}}, b={"claims": {"db": 1}})
    timing = timed(graph, 3, a=Step(seconds=2.0), b=Step(seconds=2.0), c=Step(seconds=1.0))

    assert ("a", "b") == timing.critical
    assert {"a": 0, "b": 0, "c": 3} == {name: timing.slack(name) for name in "abc"}
    assert {"db": 2} == peaks(graph, timing.spans).pools


def test_a_distance_between_starts_is_on_the_way() -> None:
    """What starts at a distance hangs on the start before, not on its end; what is left of the rate is its slack."""
    spaced = {"stagger": 2.0}
    timing = timed(graph_of("a; b; c", a=spaced, b=spaced), 3, a=Step(seconds=0.5), b=Step(seconds=1.0))
    api = {"claims": {"api": 1}}
    graph = graph_of("a; b; c", pools={"api": 3}, rates={"api": Rate(count=2, seconds=5.0)}, a=api, b=api, c=api)
    rated = timed(graph, 3, a=Step(seconds=3.0), b=Step(seconds=4.0), c=Step(seconds=1.0))

    assert ("a", "b") == timing.critical
    assert {"a": 0, "b": 0, "c": 2} == {name: timing.slack(name) for name in "abc"}
    assert ("a", "c") == rated.critical
    assert {"a": 0, "b": 2, "c": 0} == {name: rated.slack(name) for name in "abc"}


def test_rests_between_attempts_are_no_slack() -> None:
    """A task that is tried again is on the way as a whole, its rest with it."""
    graph = graph_of("a; b: a; c", a={"retry": Retry(attempts=2, delay=4.0, jitter="none")})
    failing = Step(seconds=1.0, outcome=failed())
    timing = timed(graph, 2, a=[failing, Step(seconds=1.0)], c=Step(seconds=2.0))

    assert [(0.0, 1.0), (5.0, 6.0)] == [(span.start, span.end) for span in timing.by_name["a"]]
    assert ("a", "b") == timing.critical
    assert {"a": 0, "b": 0, "c": 5} == {name: timing.slack(name) for name in "abc"}


def test_a_service_is_on_the_way_of_those_that_wait_for_it() -> None:
    """A service starts when the first task could that needs it, and has slack as tasks have."""
    graph = graph_of("a; b: a db; c: a; d: c", services={"db": {}})
    simulation = Simulation(scripted()[0], lambda _name, _attempt: ServiceStep(ready_after=2.0), slots=4)
    timing = Timing(graph, [turn.event for turn in play(graph, simulation, opened(4)).turns], 4, {})

    assert ("a", "db", "b") == timing.critical
    assert {"a": 0, "b": 0, "c": 1, "d": 1, "db": 0} == {name: timing.slack(name) for name in (*"abcd", "db")}


def test_a_round_hangs_on_all_of_the_one_before() -> None:
    """Servers, rest and all: `b` fails in the first round of `g`, so `a` and the server of `b` begin once more."""
    inner = {"services": {"db": {}}, "d": {"trigger": Trigger.ONE_FAILED}}
    graph = grouped_of("a; b: a db; c; d: b; e: d", "z: g; y", settings=inner, retry=TWICE)
    steps: dict[str, Step | list[Step]] = {"g.b": [Step(seconds=1.0, outcome=failed()), Step(seconds=1.0)]}
    simulation = Simulation(
        *scripted({**steps, "g.e": Step(seconds=2.0)}, lambda *_: ServiceStep(ready_after=0.5)), slots=8
    )
    events = [turn.event for turn in play(graph, simulation, opened(8)).turns]
    timing = Timing(graph, events, 8, {(f"g.{name}", 2): "g" for name in "abc"})
    starts = {name: [span.start for span in timing.by_name[name]] for name in ("g.a", "g.db", "g.b", "g.e", "z")}

    assert {"g.a": [0, 10.5], "g.db": [1, 11.5], "g.b": [1.5, 12], "g.e": [3.5], "z": [13]} == starts
    path = ("g.a", "g.db", "g.b", "g.d", "g.e", "g.a", "g.db", "g.b", "z")
    assert path == timing.critical
    slack = {"g.a": 0, "g.db": 0, "g.b": 0, "g.c": 1.5, "g.d": 0, "g.e": 0, "y": 13, "z": 0}
    assert slack == {name: timing.slack(name) for name in slack}


def test_what_did_not_run_hands_on_what_it_waited_for() -> None:
    """Behind a failure with blocked tasks in between stands a clean-up: it hangs on the failure, through them."""
    graph = graph_of("a; b: a; c: b; d: c; e", d={"trigger": Trigger.ALL_DONE})
    timing = timed(graph, 4, a=Step(seconds=3.0, outcome=failed()), e=Step(seconds=1.0))

    assert ("a", "d") == timing.critical
    assert {"a": 0, "b": None, "c": None, "d": 0, "e": 3} == {name: timing.slack(name) for name in "abcde"}


def test_what_ends_makes_room_before_what_begins() -> None:
    """At one moment a task ends and the next begins: the peak counts one of them, memory and all."""
    limits = {name: {"memory": 100} for name in "ab"}
    graph = graph_of("a; b: a; c", **limits)
    most = peaks(graph, timed(graph, 4).spans)

    assert (100, 2, 1) == (most.memory, most.running, most.unlimited)
