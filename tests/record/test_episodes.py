"""What happened to each task and why: the sentences, and that they add up in random runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from random import Random
from typing import Any

import pytest

from runner.execute.simulate import ServiceStep, Simulation, Step
from runner.graph.model import Graph, Rate, Retry, Trigger
from runner.graph.values import parse_bare
from runner.record.folding import fold
from runner.record.report import EpisodeKind, Report, TaskReport
from runner.schedule.board import Phase
from runner.schedule.machine import Schedule
from runner.schedule.messages import AttemptEnded, AttemptStarted, CancelAsked, Kept, StartAttempt
from runner.task import Cause, Failed, Succeeded
from tests.kit import Answers, Played, graph_of, opened, play, scripted
from tests.schedule.generator import game_of

GAMES = 200
WAITS = {
    *("waited_for_pool", "waited_for_worker", "waited_to_be_alone", "waited_for_its_turn"),
    *("waited_for_rate", "waited_for_stagger"),
}
TWICE = Retry(attempts=2, delay=1.0, jitter="none")


def broken(cause: Cause, message: str, seconds: float = 1.0) -> Step:
    """Answer an attempt that fails."""
    return Step(seconds=seconds, outcome=Failed(cause=cause, message=message))


def report_of(played: Played) -> Report:
    """Fold a run that was played."""
    return fold(played.graph, [turn.event for turn in played.turns])


def story(
    graph: Graph,
    task: str,
    steps: Mapping[str, Step | Sequence[Step]] | None = None,
    *,
    service: ServiceStep | None = None,
    cancel: float | None = None,
    slots: int = 4,
    answers: Answers | None = None,
    **first: Any,
) -> list[str]:
    """Play a run and answer what is told of one task."""
    simulation = Simulation(*scripted(steps, lambda *_: service or ServiceStep(ready_after=0.5)), slots=slots)
    if cancel is not None:
        simulation.at(cancel, CancelAsked(at=cancel, why="interrupted"))
    played = play(graph, simulation, opened(slots, **first), answers=answers)
    return [each.words for each in task_in(report_of(played), task).story]


def task_in(report: Report, name: str) -> TaskReport:
    """Answer one task of a report."""
    return next(task for task in report.tasks if task.id == name)


def retry_with(**fields: Any) -> Retry:
    """Answer two attempts with other terms."""
    return Retry(**{"attempts": 2, "delay": 1.0, "jitter": "none", **fields})


CRASH = broken(Cause.CRASHED, "killed by SIGSEGV")
KEPT = {"a": Kept(outcome=Succeeded(), run="20260101-old")}
TALES: Mapping[str, tuple[list[str], list[str]]] = {
    "without needs": (story(graph_of("a"), "a"), ["ran: it needs nothing", "attempt 1 succeeded after 1.00 s"]),
    "after a need": (
        story(graph_of("a; b: a"), "b"),
        ["waited 1.00 s for `a`", "ran: `a` succeeded", "attempt 1 succeeded after 1.00 s"],
    ),
    "at a distance": (
        story(graph_of("a; b", a={"stagger": 0.5}, b={"stagger": 0.5}), "b"),
        [
            "waited 0.50 s to start at a distance from the one before (`stagger`)",
            "ran: it needs nothing",
            "attempt 1 succeeded after 1.00 s",
        ],
    ),
    "approved beforehand": (
        story(graph_of("a", a={"manual": True}), "a", approved=("a",)),
        ["approved beforehand (--approve)", "ran: it needs nothing", "attempt 1 succeeded after 1.00 s"],
    ),
    "asked and allowed": (
        story(graph_of("a", a={"manual": True}), "a", answers={"a": (12.5, True)}),
        ["asked; after 12.5 s the terminal said yes", "ran: it needs nothing", "attempt 1 succeeded after 1.00 s"],
    ),
    "asked and refused": (
        story(graph_of("a", a={"manual": True}), "a", answers={"a": (12.5, False)}),
        ["asked; after 12.5 s the terminal said no", "skipped: it asked first, and the answer was no"],
    ),
    "no more often": (
        story(
            graph_of(
                "a; b",
                pools={"api": 1},
                rates={"api": Rate(count=1, seconds=3.0)},
                a={"claims": {"api": 1}},
                b={"claims": {"api": 1}},
            ),
            "b",
        ),
        [
            "waited 1.00 s for room in pool `api`, held by `a`",
            "waited 2.00 s because pool `api` may not be claimed more often",
            "ran: it needs nothing",
            "attempt 1 succeeded after 1.00 s",
        ],
    ),
    "the last of several needs": (
        story(graph_of("a; b; c; d: a b c"), "d", {"b": Step(seconds=3.0)}),
        [
            "waited 3.00 s for `b`, the last of the 3 tasks it needs",
            "ran: `a`, `b` and `c` succeeded",
            "attempt 1 succeeded after 1.00 s",
        ],
    ),
    "a need that may fail": (
        story(graph_of("a; b; c: a b", a={"allow_failure": True}), "c", {"a": CRASH}),
        [
            "waited 1.00 s for `a`, the last of the 2 tasks it needs",
            "ran: `a` crashed, as it may; `b` succeeded",
            "attempt 1 succeeded after 1.00 s",
        ],
    ),
    "another trigger": (
        story(graph_of("a; b; c: a b", c={"trigger": Trigger.ONE_FAILED}), "c", {"a": CRASH}),
        [
            "waited 1.00 s for `a`, the last of the 2 tasks it needs",
            "ran: one that it needs failed (`a` crashed; `b` succeeded)",
            "attempt 1 succeeded after 1.00 s",
        ],
    ),
    "a service": (
        story(graph_of("a: s", services={"s": {}}), "a"),
        [
            "waited 0.50 s for service `s` to answer",
            "ran: `s` was up",
            "attempt 1 succeeded after 1.00 s",
        ],
    ),
    "a service that its own if switched off": (
        story(graph_of("a: s", services={"s": {"condition": parse_bare("params.no")}}), "a"),
        ["ran: `s` was switched off by its `if`", "attempt 1 succeeded after 1.00 s"],
    ),
    "a service that never answers": (
        story(graph_of("a: s", services={"s": {}}), "a", service=ServiceStep(ready_after=None, dies_after=2.0)),
        ["blocked: `s` failed (never ready after 2 s)"],
    ),
    "a pool": (
        story(graph_of("a; b", pools={"p": 1}, a={"claims": {"p": 1}}, b={"claims": {"p": 1}}), "b"),
        [
            "waited 1.00 s for room in pool `p`, held by `a`",
            "ran: it needs nothing",
            "attempt 1 succeeded after 1.00 s",
        ],
    ),
    "a worker": (
        story(graph_of("a; b; c"), "c", {"b": Step(seconds=2.0)}, slots=2),
        [
            "waited 1.00 s for a free worker, while `a` and `b` ran",
            "ran: it needs nothing",
            "attempt 1 succeeded after 1.00 s",
        ],
    ),
    "first a pool and then a worker": (
        story(
            graph_of("p; q; r; s", pools={"x": 1}, p={"claims": {"x": 1}}, s={"claims": {"x": 1}}, q={"estimate": 9.0}),
            "s",
            {"p": Step(seconds=1.0), "q": Step(seconds=4.0), "r": Step(seconds=3.0)},
            slots=2,
        ),
        [
            "waited 1.00 s for room in pool `x`, held by `p`",
            "waited 3.00 s for a free worker, while `q` and `r` ran",
            "ran: it needs nothing",
            "attempt 1 succeeded after 1.00 s",
        ],
    ),
    "an if that agrees": (
        story(graph_of("a", a={"condition": parse_bare("params.deep && env.CI == ''")}), "a", params={"deep": True}),
        [
            (
                "ran: it needs nothing, and its `if` is true: params.deep && env.CI == ''"
                " (params.deep was true, env.CI was null)"
            ),
            "attempt 1 succeeded after 1.00 s",
        ],
    ),
    "an if that does not": (
        story(
            graph_of("a; b: a", b={"condition": parse_bare("needs.a.outputs['n o'] > 3")}),
            "b",
            {"a": Step(seconds=1.0, outcome=Succeeded(outputs={"n o": 2}))},
        ),
        ["skipped: its `if` is false: needs.a.outputs['n o'] > 3 (needs.a.outputs['n o'] was 2)"],
    ),
    "an if that cannot be evaluated": (
        story(graph_of("a", a={"condition": parse_bare("fromJSON('{')")}), "a"),
        [
            (
                "failed: its `if` could not be evaluated: fromJSON: the text is not JSON"
                " (Expecting property name enclosed in double quotes: line 1 column 2 (char 1))"
            )
        ],
    ),
    "blocked at once": (
        story(graph_of("a; b: a"), "b", {"a": CRASH}),
        ["blocked: `a` crashed (killed by SIGSEGV)"],
    ),
    "blocked from far": (
        story(graph_of("a; b: a; c: b; d: c"), "d", {"a": CRASH}),
        ["blocked: `c` was blocked; it began with `a` (killed by SIGSEGV)"],
    ),
    "skipped with a need": (
        story(graph_of("a; b: a", a={"condition": parse_bare("params.no")}), "b"),
        ["skipped: skipped with `a`"],
    ),
    "left out": (story(graph_of("a"), "a", skipped=("a",)), ["skipped: left out by name"]),
    "kept": (
        story(graph_of("a; b: a"), "a", kept=KEPT),
        ["kept from run 20260101-old: the same was asked there, on the same results"],
    ),
    "on what was kept": (
        story(graph_of("a; b: a"), "b", kept=KEPT),
        ["ran: `a` kept", "attempt 1 succeeded after 1.00 s"],
    ),
    "tried again": (
        story(graph_of("a", a={"retry": TWICE}), "a", {"a": [CRASH, Step(seconds=1.0)]}),
        [
            "ran: it needs nothing",
            "attempt 1 failed after 1.00 s (crashed): killed by SIGSEGV",
            "rested 1.00 s before attempt 2 of 2",
            "attempt 2 succeeded after 1.00 s",
        ],
    ),
    "tried in vain": (
        story(graph_of("a", a={"retry": TWICE}), "a", {"a": CRASH}),
        [
            "ran: it needs nothing",
            "attempt 1 failed after 1.00 s (crashed): killed by SIGSEGV",
            "rested 1.00 s before attempt 2 of 2",
            "attempt 2 failed after 1.00 s (crashed): killed by SIGSEGV",
            "was not tried again: it had 2 attempts",
        ],
    ),
    "not to be tried again for that": (
        story(graph_of("a", a={"retry": retry_with(on=frozenset({Cause.TIMED_OUT}))}), "a", {"a": CRASH}),
        [
            "ran: it needs nothing",
            "attempt 1 failed after 1.00 s (crashed): killed by SIGSEGV",
            "was not tried again: `retry.on` does not name `crashed`",
        ],
    ),
    "no time to try again": (
        story(graph_of("a", a={"retry": retry_with(deadline=1.5)}), "a", {"a": CRASH}),
        [
            "ran: it needs nothing",
            "attempt 1 failed after 1.00 s (crashed): killed by SIGSEGV",
            "was not tried again: its `retry.deadline` of 1.50 s would have passed",
        ],
    ),
    "not tried again where one failure ends all": (
        story(
            graph_of("a; b", a={"retry": TWICE}, fail_fast=True),
            "a",
            {"a": broken(Cause.CRASHED, "killed by SIGSEGV", 2.0), "b": CRASH},
            fail_fast=True,
        ),
        [
            "ran: it needs nothing",
            "attempt 1 failed after 2.00 s (crashed): killed by SIGSEGV",
            "was not tried again: `b` failed and the run fails fast",
        ],
    ),
    "too long": (
        story(graph_of("a", a={"timeout": 2.0}), "a", {"a": Step(seconds=9.0, stop_takes=0.5)}),
        ["ran: it needs nothing", "attempt 1 was stopped: ran longer than 2 s; it ended 0.50 s after SIGTERM"],
    ),
    "too long and deaf": (
        story(graph_of("a", a={"timeout": 2.0, "kill_after": 3.0}), "a", {"a": Step(seconds=99.0, stop_takes=90.0)}),
        [
            "ran: it needs nothing",
            "attempt 1 was stopped: ran longer than 2 s; it went on after SIGTERM and was killed 3.00 s later",
        ],
    ),
    "too large": (
        story(graph_of("a"), "a", {"a": broken(Cause.OUT_OF_MEMORY, "it used 513 MiB, and may use 512 MiB")}),
        ["ran: it needs nothing", "attempt 1 was killed: it used 513 MiB, and may use 512 MiB"],
    ),
    "stopped by a person": (
        story(graph_of("a"), "a", {"a": Step(seconds=9.0)}, cancel=4.0),
        ["ran: it needs nothing", "attempt 1 was stopped: the run was stopped; it ended at once on SIGTERM"],
    ),
    "stopped while it waited": (
        story(graph_of("a; b"), "b", {"a": Step(seconds=9.0)}, cancel=4.0, slots=1),
        ["waited 4.00 s for a free worker, while `a` ran", "cancelled: the run was stopped"],
    ),
    "stopped while it rested": (
        story(graph_of("a", a={"retry": TWICE}), "a", {"a": CRASH}, cancel=1.5),
        [
            "ran: it needs nothing",
            "attempt 1 failed after 1.00 s (crashed): killed by SIGSEGV",
            "rested 0.50 s and was not tried again",
            "cancelled: the run was stopped while it rested before another try",
        ],
    ),
    "alone": (
        story(
            graph_of("a; b", a={"retry": Retry(attempts=3, delay=0.0, jitter="none")}),
            "a",
            {"a": [CRASH, CRASH, Step(seconds=1.0)], "b": Step(seconds=5.0)},
        ),
        [
            "ran: it needs nothing",
            "attempt 1 failed after 1.00 s (crashed): killed by SIGSEGV",
            "rested 0.00 s before attempt 2 of 3",
            "attempt 2 failed after 1.00 s (crashed): killed by SIGSEGV",
            "rested 0.00 s before attempt 3 of 3",
            "waited 3.00 s to run alone, having crashed twice, while `b` ran",
            "attempt 3 succeeded after 1.00 s",
        ],
    ),
    "clean-ups in turn": (
        story(
            graph_of("a; x: a; y: a", x={"trigger": Trigger.ALWAYS}, y={"trigger": Trigger.ALWAYS}),
            "y",
            {"a": Step(seconds=9.0)},
            cancel=1.0,
        ),
        [
            "waited 1.00 s for `a`",
            "waited 1.00 s for its turn: of a run that is stopped, clean-ups go one after another",
            "ran: it always does, once what it needs is over (`a` cancelled)",
            "attempt 1 succeeded after 1.00 s",
        ],
    ),
}


@pytest.mark.parametrize("name", TALES)
def test_each_thing_that_can_happen_has_its_sentence(name: str) -> None:
    """What is told of a task is what happened to it, worked out by hand, in the order in which it did."""
    found, expected = TALES[name]

    assert expected == found


def test_what_was_going_on_when_the_runner_was_killed_is_told() -> None:
    """What ran, what rested, what could have started and what waited for what."""
    graph = graph_of("a; b; c; d: a b", b={"retry": retry_with(delay=9.0)})
    played = play(graph, Simulation(*scripted({"a": Step(seconds=9.0), "b": CRASH}), slots=2), opened(2))
    begun = fold(graph, [turn.event for turn in played.turns if turn.event.at <= 0.0])
    later = fold(graph, [turn.event for turn in played.turns if turn.event.at <= 1.0])

    assert [
        "attempt 1 was still under way where the journal ends",
        "could have started where the journal ends",
        "rested before attempt 2 where the journal ends",
        "waited for `a` and `b` where the journal ends",
    ] == [
        task_in(report, task).story[-1].words
        for report, task in [(begun, "a"), (begun, "c"), (later, "b"), (later, "d")]
    ]


def test_what_is_perhaps_done_twice_is_told() -> None:
    """A task that was under way when the run before was killed says so, and names that run."""
    assert [
        "ran: it needs nothing; it was under way when run 20260101-old ended, so perhaps it is done twice",
        "attempt 1 succeeded after 1.00 s",
    ] == story(graph_of("a"), "a", doubtful=("a",), resumes="20260101-old")


@pytest.mark.parametrize("chunk", range(4))
def test_stories_add_up_in_random_runs(chunk: int) -> None:
    """Each task that ran has one reason, each that did not has another, and waits are as long as waiting was."""
    for seed in range(chunk, GAMES, 4):
        played = game_of(Random(seed)).play()
        report, waited = report_of(played), waits(played)
        for task in report.tasks:
            rounds = in_rounds([each.kind for each in task.story])
            assert all(kinds.count("ran") <= 1 for kinds in rounds), (seed, task.id, rounds)
            assert bool(task.attempts) == any("ran" in kinds for kinds in rounds), (seed, task.id, rounds)
            if task.instances is not None:
                assert ["gathered"] == rounds[-1][-1:], seed
            elif task.state in {"skipped", "blocked", "kept"}:
                reasons = [kind for kind in rounds[-1] if kind in {"skipped", "blocked", "kept", "ran"}]
                assert [task.state] == reasons, seed
            for attempt in {each.attempt for each in task.story}:
                told = sum(each.seconds for each in task.story if each.attempt == attempt and each.kind in WAITS)
                assert pytest.approx(told, abs=0.2) == waited.get((task.id, attempt), 0.0), (seed, task.id, attempt)


def in_rounds(kinds: list[EpisodeKind]) -> list[list[EpisodeKind]]:
    """Cut a story where its task was tried again with all of its group."""
    rounds: list[list[EpisodeKind]] = [[]]
    for kind in kinds:
        rounds += [[]] if kind == "again" else []
        rounds[-1].append(kind)
    return rounds


def waits(played: Played) -> dict[tuple[str, int], float]:
    """Answer how long each attempt was ready before it was handed over, by looking at every turn of a run."""
    schedule = Schedule(played.graph)
    since: dict[str, float] = {}
    found: dict[tuple[str, int], float] = {}
    for turn in played.turns:
        commands = schedule.handle(turn.event)
        now = turn.event.at
        for name in schedule.graph.tasks:
            if schedule.task(name).phase is Phase.READY:
                since.setdefault(name, now)
        started = {command.task for command in commands if isinstance(command, StartAttempt)}
        for name in [name for name in since if schedule.task(name).phase is not Phase.READY]:
            attempt = (name, schedule.task(name).attempt + (name not in started))
            found[attempt] = found.get(attempt, 0.0) + now - since.pop(name)  # it may have come back unbegun
    return found


def test_rows_of_a_timeline_do_not_overlap() -> None:
    """Attempts of one lane follow each other, and there are no more lanes than attempts ran at once."""
    for seed in range(GAMES):
        played = game_of(Random(seed)).play()
        lanes: dict[int, list[tuple[float, float]]] = {}
        for (task, number), (start, end) in spans(played).items():
            attempt = next(each for each in task_in(report_of(played), task).attempts if each.number == number)
            lanes.setdefault(attempt.lane, []).append((start, end))
        for row in lanes.values():
            assert all(one[1] <= other[0] for one, other in pairwise(sorted(row))), seed
        assert set(range(1, most_at_once(played) + 1)) == lanes.keys(), seed


def spans(played: Played) -> dict[tuple[str, int], tuple[float, float]]:
    """Answer when each attempt that began did, and when it ended."""
    begun, found = {}, {}
    for turn in played.turns:
        match turn.event:
            case AttemptStarted(task=task, attempt=attempt):
                begun[task, attempt] = turn.event.since
            case AttemptEnded(task=task, attempt=attempt) if (task, attempt) in begun:
                found[task, attempt] = (begun[task, attempt], turn.event.at)
            case _:
                pass
    return found


def most_at_once(played: Played) -> int:
    """Answer how many attempts ran at once, at most; one that ends as another begins makes room."""
    moments = [(start, 1) for start, _ in spans(played).values()] + [(end, -1) for _, end in spans(played).values()]
    return max(accumulate(step for _, step in sorted(moments)), default=0)
