"""Starts at a distance: `stagger` of tasks and `rate` of pools, by hand-made numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runner.execute.simulate import Simulation, Step
from runner.graph.model import Graph, Rate, Retry, Trigger
from runner.schedule.machine import Schedule
from runner.schedule.messages import CancelAsked, ClockTicked, Event, StartAttempt
from runner.schedule.pace import Pace
from runner.schedule.policy import STAGGER
from tests.kit import failed, graph_of, opened, play, scripted

API = {"claims": {"api": 1}}


def starts(
    graph: Graph,
    slots: int = 4,
    steps: Mapping[str, Step | Sequence[Step]] | None = None,
    outside: Sequence[Event] = (),
) -> list[tuple[float, str]]:
    """Answer what was started when."""
    simulation = Simulation(*scripted(steps), slots=slots)
    for event in outside:
        simulation.at(event.at, event)
    played = play(graph, simulation, opened(slots))
    return [(at, command.task) for at, command in played.commands() if isinstance(command, StartAttempt)]


def test_a_stagger_lies_between_starts() -> None:
    """Three that could start at once do so half a second apart, though there is a worker for each."""
    spaced = {"stagger": 0.5}

    assert [(0.0, "a"), (0.5, "b"), (1.0, "c")] == starts(graph_of("a; b; c", a=spaced, b=spaced, c=spaced))


def test_each_keeps_its_own_distance_from_the_one_before() -> None:
    """Who starts next keeps his own distance, and whoever asks for less goes first."""
    graph = graph_of("a; b; c", a={"stagger": 0.5}, b={"stagger": 2.0}, c={"stagger": 1.0})

    assert [(0.0, "a"), (1.0, "c"), (3.0, "b")] == starts(graph)


def test_whoever_has_no_stagger_neither_waits_nor_is_waited_for() -> None:
    """A task without one starts at once, beside what waits, and what waits does not wait for it."""
    graph = graph_of("a; b; c; d: c", a={"stagger": 1.5}, b={"stagger": 1.5})

    assert [(0.0, "c"), (0.0, "a"), (1.0, "d"), (1.5, "b")] == starts(graph)


def test_a_retry_keeps_the_distance_too() -> None:
    """The second attempt of `a` could start at 1.1 s, but `b` has started at 1 s."""
    retry = Retry(attempts=2, delay=0.1, jitter="none")
    graph = graph_of("a; b", a={"stagger": 1.0, "retry": retry}, b={"stagger": 1.0})
    failing = [Step(seconds=1.0, outcome=failed()), Step(seconds=1.0)]

    assert [(0.0, "a"), (1.0, "b"), (2.0, "a")] == starts(graph, steps={"a": failing})


def test_a_rate_holds_in_any_window() -> None:
    """Two in three seconds: the third starts when the first is three seconds old, the fourth when the second is."""
    graph = graph_of(
        "a; b; c; d", pools={"api": 4}, rates={"api": Rate(count=2, seconds=3.0)}, a=API, b=API, c=API, d=API
    )

    assert [(0.0, "a"), (0.0, "b"), (3.0, "c"), (3.0, "d")] == starts(graph)
    assert [(0.0, "a"), (1.0, "b"), (3.0, "c"), (4.0, "d")] == starts(graph, slots=1)


def test_a_rate_counts_claims_and_not_what_they_claim() -> None:
    """Two units taken at once are one claim; whoever claims of another pool does not wait."""
    graph = graph_of(
        "a; b; c",
        pools={"api": 2, "db": 1},
        rates={"api": Rate(count=2, seconds=9.0)},
        a={"claims": {"api": 2}},
        b=API,
        c={"claims": {"db": 1}},
    )

    assert [(0.0, "a"), (0.0, "c"), (1.0, "b")] == starts(graph)


def test_nobody_is_woken_for_nothing() -> None:
    """The run asks to be told the time once for each start that only time holds back, and never else."""
    graph = graph_of("a; b; c", a={"stagger": 0.5}, b={"stagger": 0.5})
    played = play(graph, Simulation(*scripted(), slots=4), opened(4))

    assert [0.5] == [turn.event.at for turn in played.turns if isinstance(turn.event, ClockTicked)]


def test_clean_ups_of_a_stopped_run_wait_for_no_time() -> None:
    """They come one after another anyway, and soon."""
    cleaning = {"trigger": Trigger.ALWAYS, "stagger": 60.0}
    graph = graph_of("a; b; c: a b; d: a b", a={"stagger": 0.5}, b={}, c=cleaning, d=cleaning)
    stop = CancelAsked(at=0.25, why="interrupted")

    assert [(0.0, "a"), (0.0, "b"), (0.25, "c"), (1.25, "d")] == starts(graph, outside=[stop])


def test_what_holds_the_longest_is_named() -> None:
    """Of a stagger and two rates the one is named that opens last, until it has."""
    pace = Pace({"api": Rate(count=1, seconds=5.0), "db": Rate(count=2, seconds=60.0)})
    claims = (("api", 1), ("db", 1), (STAGGER, 2.0))
    pace.started(claims, 10.0)

    assert (15.0, "api") == (pace.opens(claims), pace.holds(claims, 11.0))
    assert (12.0, STAGGER) == (pace.opens(claims[1:]), pace.holds(claims[1:], 11.0))
    assert pace.holds(claims, 15.0) is None
    pace.started(claims, 15.0)
    assert (70.0, "db") == (pace.opens(claims), pace.holds(claims, 15.0))


def test_it_is_known_what_of_time_holds_a_task() -> None:
    """The distance or the rate, where there is room and a slot; without a slot it is that which is lacking."""
    spaced, rated = {"stagger": 2.0}, {"claims": {"api": 1}}
    graph = graph_of(
        "a; b; c; d", pools={"api": 2}, rates={"api": Rate(count=1, seconds=3.0)}, a=spaced, b=spaced, c=rated, d=rated
    )
    for slots, expected in ((4, (STAGGER, "api")), (2, (None, None))):
        schedule = Schedule(graph)
        started = [command.task for command in schedule.handle(opened(slots)) if isinstance(command, StartAttempt)]

        assert ["a", "c"] == started
        assert expected == (schedule.held("b"), schedule.held("d"))
    later = Schedule(graph)
    later.handle(opened(4))

    assert [StartAttempt(task="b", attempt=1)] == later.handle(ClockTicked(at=2.0))
    assert "api" == later.held("d")
