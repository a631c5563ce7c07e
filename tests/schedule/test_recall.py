"""Tasks whose last results still hold: looked up once all they need has settled, before anything starts for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runner.execute.simulate import Simulation, Step
from runner.graph.model import Retry, Trigger
from runner.record.folding import fold
from runner.schedule.machine import Schedule
from runner.schedule.messages import (
    AttemptEnded,
    AttemptStarted,
    CancelAsked,
    Recall,
    Recalled,
    StartAttempt,
)
from runner.task import Succeeded
from tests.kit import failed, graph_of, opened, play, result_of, scripted

CACHED = {"cache": True}


def simulated(steps: Mapping[str, Step | Sequence[Step]] | None = None) -> Simulation:
    """Build an executor for two at once; what has no steps takes a second."""
    return Simulation(*scripted(steps), slots=2)


def test_what_holds_is_not_run_and_lets_others_run() -> None:
    """`a` is looked up when the run begins, `b` once `a` has settled; what rests upon both runs."""
    graph = graph_of("a; b: a; c: b", a=CACHED, b=CACHED)
    played = play(graph, simulated(), holds={"a", "b"})

    assert {"a": "cached", "b": "cached", "c": "succeeded"} == played.states
    assert [(0.0, Recall(task="a")), (0.0, Recall(task="b"))] == played.commands()[:2]
    assert ["c"] == played.starts()
    assert "nothing it rests upon has changed since run r0" == played.schedule.reason("a")


def test_what_has_changed_runs_and_is_looked_up_once() -> None:
    """Several attempts are no reason to look again."""
    graph = graph_of("a", a={"cache": True, "retry": Retry(attempts=2)})
    played = play(graph, simulated({"a": [Step(seconds=1.0, outcome=failed()), Step(seconds=1.0)]}))

    assert ({"a": "succeeded"}, ["a", "a"]) == (played.states, played.starts())
    assert 1 == sum(isinstance(command, Recall) for _, command in played.commands())


def test_what_needs_a_task_that_runs_is_looked_up_when_that_has_ended() -> None:
    """Only then is it known what it rests upon."""
    graph = graph_of("a; b: a", b=CACHED)
    played = play(graph, simulated({"a": Step(seconds=3.0)}), holds={"b"})

    assert [(3.0, Recall(task="b"))] == [each for each in played.commands() if isinstance(each[1], Recall)]
    assert "cached" == played.schedule.state("b")


def test_no_server_is_started_for_what_is_left_out() -> None:
    """A service waits until somebody really needs it."""
    graph = graph_of("a: web", services={"web": {}}, a=CACHED)

    assert {"a": "cached", "web": "unused"} == play(graph, simulated(), holds={"a"}).states
    assert {"a": "succeeded", "web": "stopped"} == play(graph, simulated()).states


def test_sources_ask_for_it_and_cache_has_the_last_word() -> None:
    """`sources` alone are enough, `cache: false` forbids it all the same; files that are made are no reason."""
    graph = graph_of(
        "a; b; c; d",
        a={"sources": ("x",)},
        b={"sources": ("x",), "cache": False},
        c={"generates": ("x",)},
        d={"cache": True},
    )

    assert {"a", "d"} == {name for name, task in graph.tasks.items() if task.caches}


def test_what_was_found_too_late_is_not_taken() -> None:
    """A clean-up that was looked up before the cancel cleans up, whatever is found."""
    schedule = Schedule(graph_of("a; b: a", b={"trigger": Trigger.ALWAYS, "cache": True}))
    schedule.handle(opened())
    schedule.handle(AttemptStarted(at=0.0, task="a", attempt=1))
    asked = schedule.handle(AttemptEnded(at=1.0, task="a", attempt=1, outcome=Succeeded()))
    follows = schedule.handle(CancelAsked(at=1.0, why="interrupted"))

    assert ([Recall(task="b")], [StartAttempt(task="b", attempt=1)]) == (asked, follows)
    assert [] == schedule.handle(Recalled(at=1.0, kept={"b": result_of("b")}))
    assert "running" == schedule.state("b")


def test_a_report_says_where_a_result_is_from_and_why_another_is_not_taken() -> None:
    """Both are told by the events alone, as a journal holds them."""
    graph = graph_of("a; b", a=CACHED, b=CACHED)
    played = play(graph, simulated(), holds={"a"})
    report = fold(graph, [turn.event for turn in played.turns])
    a, b = report.tasks

    assert ("cached", "r0", "a", ()) == (a.state, a.kept_from, a.key, a.attempts)
    assert ["cached: nothing it rests upon has changed since run r0"] == [each.words for each in a.story]
    assert "not cached: it has changed" == b.story[0].words
