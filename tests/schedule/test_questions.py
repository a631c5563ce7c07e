"""Tasks that ask a person before they start: when they ask, what follows from the answer, who is not asked."""

from __future__ import annotations

import pytest

from runner.driver import Nobody, Unwatched, World, drive
from runner.execute.simulate import ServiceStep, Simulation, Step
from runner.graph.model import Graph, Trigger
from runner.graph.values import parse_bare
from runner.requests import Unfilled
from runner.schedule.messages import Answered, Ask, CancelAsked, StartAttempt, StartService
from runner.schedule.questions import refused
from tests.kit import Answers, Listed, Played, failed, graph_of, opened, play, scripted

MANUAL = {"manual": True}


def played(graph: Graph, answers: Answers | None = None, cancel: float | None = None, **first: object) -> Played:
    """Run a graph in virtual time; each task takes a second, and so does each server to get ready."""
    simulation = Simulation(*scripted({}, lambda *_: ServiceStep(ready_after=1.0)), slots=4)
    if cancel is not None:
        simulation.at(cancel, CancelAsked(at=cancel, why="interrupted"))
    return play(graph, simulation, opened(4, **first), answers=answers)


def asked(run: Played) -> list[tuple[float, str]]:
    """Answer who was asked about when."""
    return [(at, command.task) for at, command in run.commands() if isinstance(command, Ask)]


def started(run: Played) -> list[tuple[float, str]]:
    """Answer what was started when."""
    return [(at, command.task) for at, command in run.commands() if isinstance(command, StartAttempt)]


def test_it_asks_once_all_it_needs_is_there_and_waits_alone() -> None:
    """`b` asks when `a` has ended and starts with the answer three seconds later; `c` goes on meanwhile."""
    run = played(graph_of("a; b: a; c: a; d: b", b=MANUAL), {"b": (3.0, True)})

    assert [(1.0, "b")] == asked(run)
    assert [(0.0, "a"), (1.0, "c"), (4.0, "b"), (5.0, "d")] == started(run)
    assert {"succeeded"} == set(run.states.values())


def test_a_no_skips_it_and_what_needs_it() -> None:
    """As an `if` that is false does; the run passes, and what does not mind runs."""
    graph = graph_of("a; b: a; c: a b", a=MANUAL, c={"trigger": Trigger.ALL_DONE})
    run = played(graph, {"a": (2.0, False)})

    assert {"a": "skipped", "b": "skipped", "c": "succeeded"} == run.states
    assert "it asked first, and the answer was no" == run.schedule.reason("a")
    assert "passed" == run.schedule.verdict


def test_nobody_is_asked_in_vain() -> None:
    """Not about what is blocked, skipped by its `if`, kept, cached, left out by name or approved beforehand."""
    graph = graph_of(
        "a; blocked: a; skipped; cached; out; approved; plain",
        blocked=MANUAL,
        skipped={**MANUAL, "condition": parse_bare("params.no")},
        cached={**MANUAL, "cache": True},
        out=MANUAL,
        approved=MANUAL,
    )
    simulation = Simulation(*scripted({"a": Step(seconds=1.0, outcome=failed())}), slots=4)
    first = opened(4, params={"no": False}, skipped=("out",), approved=("approved", "plain"))
    run = play(graph, simulation, first, holds={"cached"})

    assert [] == asked(run)
    assert ["blocked", "skipped", "cached", "skipped", "succeeded"] == [
        run.states[name] for name in ("blocked", "skipped", "cached", "out", "approved")
    ]


def test_no_server_is_started_before_the_answer() -> None:
    """A person may take an hour; the server is started when he has said yes, and not at all after a no."""
    graph = graph_of("a: db", services={"db": {}}, a=MANUAL)
    yes, no = played(graph, {"a": (5.0, True)}), played(graph, {"a": (5.0, False)})
    starts = [(at, type(command)) for at, command in yes.commands()]

    assert [(0.0, Ask), (5.0, StartService), (6.0, StartAttempt)] == starts[:3]
    assert [(0.0, Ask)] == [(at, type(command)) for at, command in no.commands()]
    assert "unused" == no.states["db"]


def test_a_stopped_run_waits_for_no_answer() -> None:
    """What asks is cancelled with the run; an answer that comes later changes nothing."""
    run = played(graph_of("a; b: a", a=MANUAL), {"a": (9.0, True)}, cancel=2.0)
    late = run.schedule.handle(Answered(at=9.0, task="a", approved=True, by="terminal"))

    assert {"a": "cancelled", "b": "cancelled"} == run.states
    assert [] == late
    assert () == run.schedule.asking


def test_a_failure_that_ends_the_run_ends_the_question() -> None:
    """Under fail_fast what still asks is cancelled when another task fails."""
    graph = graph_of("a; b", fail_fast=True, b=MANUAL)
    simulation = Simulation(*scripted({"a": Step(seconds=1.0, outcome=failed())}), slots=4)
    run = play(graph, simulation, opened(4, fail_fast=True), answers={"b": (60.0, True)})

    assert {"a": "failed", "b": "cancelled"} == run.states
    assert () == run.schedule.asking


@pytest.mark.parametrize("first", [(), ("b",)])
def test_where_nobody_is_the_answer_is_no(first: tuple[str, ...]) -> None:
    """A run without a person skips what asks, unless it was approved, and says what to do."""
    graph = graph_of("a; b: a", b=MANUAL)
    simulation, recorder = Simulation(*scripted({}), slots=1), Listed()
    world = World(executor=simulation, clock=simulation, recorder=recorder, observer=Unwatched(), person=Nobody())
    schedule = drive(graph, opened(1, approved=first), Unfilled(), world)
    answers = [event for event in recorder.events if isinstance(event, Answered)]

    if first:
        assert ([], "succeeded") == (answers, schedule.state("b"))
    else:
        assert [Answered(at=1.0, task="b", approved=False, by="nobody")] == answers
        assert "it asks first, and nobody was there to ask: run with --approve b" == schedule.reason("b")


def test_a_no_is_told_by_who_said_it() -> None:
    """A person or a plan was asked; where nobody was, the sentence says what to do."""
    no = "it asked first, and the answer was no"

    assert {"terminal": no, "plan": no} == {by: refused("a", by) for by in ("terminal", "plan")}
    assert "it asks first, and nobody was there to ask: run with --approve a" == refused("a", "nobody")
