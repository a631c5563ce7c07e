"""What crashes change, one scene each, with the moments worked out by hand."""

from __future__ import annotations

import pytest

from runner.execute.simulate import Simulation, Step
from runner.graph.model import Retry
from runner.schedule.crashes import FewerWorkers
from runner.schedule.messages import Event, LimitWorkers, SlotsChanged
from runner.task import Cause, Succeeded
from tests.kit import Played, failed, graph_of, play, scripted

THRICE = {"retry": Retry(attempts=3, delay=0.0, jitter="none")}
CRASH = Step(seconds=1.0, outcome=failed(Cause.CRASHED))
FINE = Step(seconds=1.0, outcome=Succeeded())


def run(text: str, steps: dict[str, Step | list[Step]], *, slots: int = 4, outside: tuple[Event, ...] = ()) -> Played:
    """Play a scene in which every task may have three attempts without a rest."""
    names = [part.partition(":")[0].strip() for part in text.split(";")]
    graph = graph_of(text, **dict.fromkeys(names, THRICE))
    simulation = Simulation(*scripted(steps), slots=slots)
    for event in outside:
        simulation.at(event.at, event)
    return play(graph, simulation)


def spans(played: Played, task: str) -> list[tuple[float, float]]:
    """Answer from when to when the attempts of a task ran."""
    starts = [at for at, command in played.commands() if getattr(command, "task", "") == task]
    return list(zip(starts, played.ends(task), strict=True))


def limits(played: Played) -> list[tuple[float, int]]:
    """Answer when the executor was told to do with how many workers."""
    return [(at, command.workers) for at, command in played.commands() if isinstance(command, LimitWorkers)]


def test_the_third_attempt_after_two_crashes_waits_until_nothing_runs() -> None:
    """It lets others pass, and runs once the last of them has ended."""
    three = Step(seconds=3.0)
    steps = {"bad": [CRASH, CRASH, FINE], "slow": Step(seconds=5.0), "first": three, "second": three}
    played = run("bad; slow; first; second: first", steps)

    assert [(0.0, 1.0), (1.0, 2.0), (6.0, 7.0)] == spans(played, "bad")
    assert [(3.0, 6.0)] == spans(played, "second")


def test_nothing_starts_beside_what_runs_alone() -> None:
    """What gets ready meanwhile waits, however many slots are free."""
    ready_at_three = {"retry": Retry(attempts=2, delay=2.0, backoff=THRICE["retry"].backoff, jitter="none")}
    graph = graph_of("bad; other", bad=THRICE, other=ready_at_three)
    steps = {"bad": [CRASH, CRASH, Step(seconds=5.0)], "other": [Step(seconds=1.0, outcome=failed()), FINE]}
    played = play(graph, Simulation(*scripted(steps), slots=4))

    assert [(0.0, 1.0), (1.0, 2.0), (2.0, 7.0)] == spans(played, "bad")
    assert [(0.0, 1.0), (7.0, 8.0)] == spans(played, "other")


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause not in {Cause.CRASHED, Cause.CANCELLED}])
def test_no_other_failure_makes_a_task_run_alone(cause: Cause) -> None:
    """Only a process that died unasked says something about the machine."""
    bad = Step(seconds=1.0, outcome=failed(cause))
    names = "abc"
    played = run("a; b; c; slow", {**{key: [bad, bad, FINE] for key in names}, "slow": Step(seconds=5.0)})

    assert [[(0.0, 1.0), (1.0, 2.0), (2.0, 3.0)]] * 3 == [spans(played, name) for name in names]
    assert [] == limits(played)


def test_three_crashes_of_different_tasks_cost_one_worker() -> None:
    """From the third one on, two of three slots are used."""
    played = run("a; b; c; d; e; f", {key: [CRASH, FINE] for key in "abc"}, slots=3)

    assert [(1.0, 2)] == limits(played)
    assert (FewerWorkers(at=1.0, workers=2, tasks=("a", "b", "c")),) == tuple(played.schedule.fewer_workers)
    assert 2 == max(played.starts_at(at) for at in (1.0, 2.0, 3.0))


def test_a_task_that_crashes_thrice_costs_no_worker() -> None:
    """It is the task then, not the machine."""
    assert [] == limits(run("a; b", {"a": CRASH}))


@pytest.mark.parametrize(("between", "expected"), [(30.0, [(61.0, 3)]), (30.5, [])])
def test_crashes_count_together_within_a_minute(between: float, expected: list[tuple[float, int]]) -> None:
    """The first and the third are 60 s apart, or 61."""
    steps = {name: Step(seconds=1.0 + i * between, outcome=failed(Cause.CRASHED)) for i, name in enumerate("abc")}
    graph = graph_of("a; b; c")

    assert expected == limits(play(graph, Simulation(*scripted(steps), slots=4)))


def test_the_last_worker_stays() -> None:
    """Nine crashing tasks on two workers cost one."""
    graph = graph_of("a; b; c; d; e; f; g; h; i")
    played = play(graph, Simulation(*scripted(dict.fromkeys("abcdefghi", CRASH)), slots=2))

    assert [(2.0, 1)] == limits(played)
    assert 1 == played.schedule.workers


def test_each_worker_that_is_left_keeps_its_share() -> None:
    """An executor that gives each of three workers two attempts is left with two workers and four slots."""
    window = SlotsChanged(at=0.0, slots=6, workers=3, short=("nowhere:nothing",))
    later = SlotsChanged(at=8.0, slots=9, workers=3, short=("nowhere:nothing",))
    steps = dict.fromkeys("abcdefghijklmnop", Step(seconds=10.0))
    steps |= dict.fromkeys("abc", CRASH) | dict.fromkeys("def", Step(seconds=5.0))
    graph = graph_of("; ".join(steps))
    simulation = Simulation(*scripted(steps), slots=3)
    simulation.at(0.0, window)
    simulation.at(8.0, later)
    played = play(graph, simulation)

    assert [(1.0, 2)] == limits(played)
    assert 4 == played.running_after(1.0)  # two each for the first two that crashed, none for the third
    assert (4, 6) == (played.running_after(7.0), played.running_after(8.0))


def test_a_worker_is_asked_ahead_for_whole_attempts() -> None:
    """Once `first` is over, five slots on two workers are two for each of them; the fifth slot is nobody's."""
    window = SlotsChanged(at=0.0, slots=5, workers=2, short=("nowhere:nothing",))
    played = run("first; a; b; c; d; e; f; g", {"first": Step(seconds=0.5)}, slots=1, outside=(window,))

    assert 4 == played.running_after(0.75)


def test_one_alone_is_alone_whatever_a_worker_could_take() -> None:
    """Slots do not count then: with a hundred of them nothing starts beside it."""
    window = SlotsChanged(at=0.0, slots=100, workers=1, short=("nowhere:nothing",))
    later = {"x": Step(seconds=3.0), "bad": [CRASH, CRASH, Step(seconds=5.0)]}
    played = run("bad; x", later, slots=1, outside=(window,))

    assert [(1.0, 4.0)] == spans(played, "x")  # until then the one worker has `bad`, which was not known to be short
    assert [(0.0, 1.0), (1.0, 2.0), (4.0, 9.0)] == spans(played, "bad")
