"""The rules of DESIGN section 5, one scene each, with the moments worked out by hand."""

from __future__ import annotations

import pytest

from runner.execute.simulate import ServiceStep, Simulation, Step
from runner.graph.model import Backoff, Graph, Retry, Trigger
from runner.schedule.messages import (
    CancelAsked,
    CancelReason,
    Kept,
    RunOpened,
    SlotsChanged,
    StartAttempt,
    StartService,
    StopService,
)
from runner.task import Cause, Succeeded
from tests.kit import Played, failed, graph_of, opened, play, scripted
from tests.schedule.generator import CONDITIONS

ALWAYS = {"trigger": Trigger.ALWAYS}
SLOW = Step(seconds=100.0)


def run(
    graph: Graph,
    steps: dict[str, Step | list[Step]] | None = None,
    *,
    slots: int = 4,
    services: dict[str, ServiceStep] | None = None,
    first: RunOpened | None = None,
    cancels: tuple[float, ...] = (),
    why: CancelReason = "interrupted",
) -> Played:
    """Play a scene; what is not said otherwise takes a second and succeeds."""
    simulation = Simulation(
        *scripted(steps, lambda name, _attempt: (services or {}).get(name, ServiceStep())), slots=slots
    )
    for at in cancels:
        simulation.at(at, CancelAsked(at=at, why=why))
    return play(graph, simulation, first or opened(slots))


def moments(played: Played, task: str) -> list[float]:
    """Answer when the attempts of a task, or the starts of a service, were commanded."""
    return [
        at
        for at, command in played.commands()
        if (isinstance(command, StartAttempt) and command.task == task)
        or (isinstance(command, StartService) and command.service == task)
    ]


# -- failing and retrying ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cause", [cause for cause in Cause if cause is not Cause.CANCELLED], ids=lambda cause: cause.word
)
def test_a_failed_task_is_shown_by_its_cause(cause: Cause) -> None:
    """Timed out and crashed have words of their own; every other cause is `failed`. What needs it is blocked."""
    played = run(graph_of("a; b: a"), {"a": Step(seconds=1.0, outcome=failed(cause))})
    word = cause.word if cause in (Cause.TIMED_OUT, Cause.CRASHED) else "failed"

    assert {"a": word, "b": "blocked"} == played.states
    assert ("failed", 1) == (played.schedule.verdict, played.schedule.exit_code)


def test_rests_lie_between_attempts() -> None:
    """Three attempts, an exponential rest of 2 and then 6 seconds between them, then it succeeds and is done."""
    retry = Retry(attempts=5, delay=2.0, factor=3.0, jitter="none")
    bad = Step(seconds=1.0, outcome=failed())
    played = run(graph_of("a", a={"retry": retry}), {"a": [bad, bad, Step(seconds=1.0)]})

    assert [0.0, 3.0, 10.0] == moments(played, "a")
    assert {"a": "succeeded"} == played.states


def test_a_resting_task_holds_neither_slot_nor_claim() -> None:
    """With one slot and one claim, another task runs while the first one rests."""
    retry = Retry(attempts=2, delay=5.0, jitter="none")
    graph = graph_of("a; b", pools={"db": 1}, a={"retry": retry, "claims": {"db": 1}}, b={"claims": {"db": 1}})
    played = run(graph, {"a": [Step(seconds=1.0, outcome=failed()), Step(seconds=1.0)]}, slots=1)

    assert ([0.0, 6.0], [1.0]) == (moments(played, "a"), moments(played, "b"))


def test_a_time_out_counts_from_the_real_start_of_each_attempt() -> None:
    """A second to get going is not held against the attempt; its end carries the stop's cause, and it is retried."""
    retry = Retry(attempts=2, delay=1.0, backoff=Backoff.FIXED, jitter="none")
    step = Step(seconds=9.0, start_after=1.0, stop_takes=2.0)
    played = run(graph_of("a", a={"retry": retry, "timeout": 3.0, "kill_after": 1.5}), {"a": step})

    assert [(4.0, Cause.TIMED_OUT, 1.5), (10.5, Cause.TIMED_OUT, 1.5)] == played.stops("a")
    assert [5.5, 12.0] == played.ends("a")
    assert {"a": "timed_out"} == played.states


def test_no_rest_ends_after_the_retry_deadline() -> None:
    """At 1 s a rest of 4 would end at 5, which is the deadline and allowed; at 6 s nothing more is."""
    retry = Retry(attempts=9, delay=4.0, backoff=Backoff.FIXED, jitter="none", deadline=5.0)
    played = run(graph_of("a", a={"retry": retry}), {"a": Step(seconds=1.0, outcome=failed())})

    assert [0.0, 5.0] == moments(played, "a")


def test_with_jitter_too_no_rest_ends_after_the_retry_deadline() -> None:
    """Whatever chance says in a hundred runs, no attempt begins after the deadline; the last cause stands."""
    retry = Retry(attempts=20, delay=2.0, backoff=Backoff.FIXED, deadline=10.0)
    graph = graph_of("a", a={"retry": retry})
    runs = [run(graph, {"a": Step(seconds=0.5, outcome=failed())}, first=opened(run=f"r{n}")) for n in range(100)]
    attempts = {len(moments(played, "a")) for played in runs}

    assert all(at <= 10.0 for played in runs for at in moments(played, "a"))
    assert len(attempts) > 3
    assert {"failed", "timed_out"} >= {played.states["a"] for played in runs}


def test_each_task_rests_its_own_while() -> None:
    """With jitter no two of twenty tasks that failed at the same moment are tried again at the same moment."""
    retry = Retry(attempts=2, delay=9.0)
    names = [f"t{number}" for number in range(20)]
    graph = graph_of("; ".join(names), **{name: {"retry": retry} for name in names})
    bad = Step(seconds=1.0, outcome=failed())
    played = run(graph, dict.fromkeys(names, bad), slots=20)

    assert 20 == len({moments(played, name)[1] for name in names})


def test_a_running_attempt_is_stopped_at_the_retry_deadline_and_not_tried_again() -> None:
    """The deadline counts from the task's first start, not from the attempt's."""
    retry = Retry(attempts=9, delay=1.0, backoff=Backoff.FIXED, jitter="none", deadline=5.0)
    played = run(graph_of("a", a={"retry": retry}), {"a": [Step(seconds=2.0, outcome=failed()), SLOW]})

    assert [(5.0, Cause.TIMED_OUT, 5.0)] == played.stops("a")
    assert [0.0, 3.0] == moments(played, "a")
    assert {"a": "timed_out"} == played.states


def test_a_task_whose_time_is_up_is_not_tried_again_at_the_same_moment() -> None:
    """Although neither its stop nor its rest takes any time, so that the next attempt would begin at the deadline."""
    retry = Retry(attempts=9, delay=0.0, jitter="none", deadline=5.0)
    played = run(graph_of("a", a={"retry": retry}), {"a": SLOW})

    assert ([0.0], [5.0]) == (moments(played, "a"), played.ends("a"))
    assert {"a": "timed_out"} == played.states


def test_failing_fast_lets_what_runs_finish_and_starts_nothing_new() -> None:
    """`a` fails at 1 s: `b` runs on; `c` (rests), `d` (waits for `b`) and `e` (ready) are cancelled."""
    lock = {"claims": {"lock": 1}}
    rests = {"retry": Retry(attempts=2, delay=9.0, jitter="none")}
    graph = graph_of("a; b; c; d: b; e", pools={"lock": 1}, b=lock, c=rests, e=lock)
    bad = failed()
    steps: dict[str, Step | list[Step]] = {
        "a": Step(seconds=1.0, outcome=bad),
        "b": Step(seconds=3.0),
        "c": Step(seconds=0.5, outcome=bad),
    }
    played = run(graph, steps, first=opened(fail_fast=True))

    assert {"a", "b", "c"} == set(played.starts())
    assert {"a": "failed", "b": "succeeded", "c": "cancelled", "d": "cancelled", "e": "cancelled"} == played.states
    assert 3.0 == played.turns[-1].event.at


def test_failing_fast_cleans_up_what_has_ended_not_what_still_runs() -> None:
    """`clean` waits until `make` is over, although `use` between them will never run."""
    graph = graph_of("bad; make; use: make; clean: use; idle: never; never: use", clean=ALWAYS, idle=ALWAYS)
    steps: dict[str, Step | list[Step]] = {"bad": Step(seconds=1.0, outcome=failed()), "make": Step(seconds=5.0)}
    played = run(graph, steps, first=opened(fail_fast=True))

    assert [5.0] == moments(played, "clean")
    assert ("cancelled", "succeeded") == (played.states["use"], played.states["clean"])


def test_an_allowed_failure_fails_neither_the_run_nor_what_needs_it() -> None:
    """It is shown as failed, and everything goes on."""
    graph = graph_of("a; b: a", a={"allow_failure": True})
    played = run(graph, {"a": Step(seconds=1.0, outcome=failed())}, first=opened(fail_fast=True))

    assert {"a": "failed", "b": "succeeded"} == played.states
    assert ("passed", 0) == (played.schedule.verdict, played.schedule.exit_code)


def test_kept_results_are_not_run_again() -> None:
    """A kept task counts as succeeded for what needs it, also where nothing above it was kept."""
    played = run(graph_of("a; b: a; c: b"), first=opened(kept={"b": Kept(outcome=Succeeded(outputs={"n": 1}))}))

    assert ["a", "c"] == played.starts()
    assert {"a": "succeeded", "b": "kept", "c": "succeeded"} == played.states


def test_a_chain_of_ten_thousand_blocked_tasks_is_a_legal_graph() -> None:
    """Settling goes through a work list: no depth of a graph is too deep."""
    chain = "; ".join(["t0", *(f"t{number}: t{number - 1}" for number in range(1, 10_000))])
    played = run(graph_of(chain), {"t0": Step(seconds=1.0, outcome=failed())})

    assert "blocked" == played.states["t9999"]


# -- order and room ----------------------------------------------------------------------------------------------------


def test_priority_then_longest_path_then_file_order() -> None:
    """One slot shows the order: the urgent one, the two long paths, then as written, the unimportant one last."""
    graph = graph_of(
        "low; one; two; long; longer; tail: longer; high",
        low={"priority": -1},
        long={"estimate": 3.0},
        longer={"estimate": 2.5},
        high={"priority": 1},
    )

    assert ["high", "longer", "long", "one", "two", "tail", "low"] == run(graph, slots=1).starts()


def test_a_claim_that_does_not_fit_lets_the_next_task_pass() -> None:
    """While the pool is full, a task behind that needs less, or nothing, goes first: no slot stands idle."""
    graph = graph_of(
        "a; b; c; d", pools={"db": 2}, a={"claims": {"db": 1}}, b={"claims": {"db": 2}}, c={"claims": {"db": 1}}
    )
    played = run(graph, slots=3)

    assert {"a": [0.0], "c": [0.0], "d": [0.0], "b": [1.0]} == {task: moments(played, task) for task in "acdb"}


def test_slots_may_come_and_go() -> None:
    """Fewer slots stop nothing that runs; more are filled at once."""
    simulation = Simulation(*scripted({"a": Step(seconds=4.0), "b": Step(seconds=4.0)}), slots=2)
    for at, slots in ((1.0, 0), (5.0, 2)):
        simulation.at(at, SlotsChanged(at=at, slots=slots))
    played = play(graph_of("a; b; c; d"), simulation)

    assert [[0.0], [0.0], [5.0], [5.0]] == [moments(played, task) for task in "abcd"]


def test_slots_bound_what_runs_where_there_are_more_workers() -> None:
    """One slot on three workers is one attempt at a time."""
    simulation = Simulation(*scripted(), slots=1)
    simulation.at(0.0, SlotsChanged(at=0.0, slots=1, workers=3))
    played = play(graph_of("a; b; c"), simulation)

    assert [[0.0], [1.0], [2.0]] == [moments(played, task) for task in "abc"]


# -- services ----------------------------------------------------------------------------------------------------------


def test_a_service_lives_from_its_first_task_to_its_last() -> None:
    """Started when `a` could start, not at the beginning; stopped when `b` has settled, not at the end."""
    graph = graph_of("first; a: first db; b: a db; last: b", services={"db": {"stop_timeout": 3.0}})
    played = run(graph, {"last": Step(seconds=9.0)}, services={"db": ServiceStep(ready_after=2.0)})
    stops = [(at, command.kill_after) for at, command in played.commands() if isinstance(command, StopService)]

    assert ([1.0], [3.0], [4.0]) == tuple(moments(played, name) for name in ("db", "a", "b"))
    assert [(5.0, 3.0)] == stops
    assert "stopped" == played.states["db"]


def test_a_service_that_never_gets_ready_blocks_what_needs_it() -> None:
    """The tasks are blocked, those behind `all_done` run, and the run has failed."""
    graph = graph_of("a: db; b: db", services={"db": {}}, b={"trigger": Trigger.ALL_DONE})
    played = run(graph, services={"db": ServiceStep(ready_after=None, dies_after=3.0)})

    assert {"a": "blocked", "b": "succeeded", "db": "failed"} == played.states
    assert ("failed", 1) == (played.schedule.verdict, played.schedule.exit_code)


def test_a_service_that_dies_blocks_what_has_not_started() -> None:
    """`a` runs on; `b`, which was ready but had no slot, and `c`, which was waiting, are blocked."""
    graph = graph_of("a: db; b: db; c: a db", services={"db": {}})
    played = run(
        graph, {"a": Step(seconds=5.0)}, services={"db": ServiceStep(ready_after=1.0, dies_after=3.0)}, slots=1
    )

    assert {"a": "succeeded", "b": "blocked", "c": "blocked", "db": "failed"} == played.states
    assert "failed" == played.schedule.verdict


def test_a_service_that_is_switched_off_is_nobodys_fault() -> None:
    """Its `if` says no: it is not started, and what needs it runs."""
    graph = graph_of("a: db", services={"db": {"condition": CONDITIONS[False]}})
    played = run(graph, first=opened(params={"no": False}))

    assert {"a": "succeeded", "db": "off"} == played.states
    assert [] == moments(played, "db")


def test_no_service_is_started_for_a_task_that_will_not_run() -> None:
    """Ruled out by its own `if` or by the tasks it needs, whatever the service would do."""
    graph = graph_of("bad; a: db; b: bad db", services={"db": {}}, a={"condition": CONDITIONS[False]})
    played = run(graph, {"bad": Step(seconds=1.0, outcome=failed())}, first=opened(params={"no": False}))

    assert {"bad": "failed", "a": "skipped", "b": "blocked", "db": "unused"} == played.states


@pytest.mark.parametrize(("port", "tries"), [(0, 3), (8000, 1)])
def test_a_chosen_port_may_be_taken_three_times(port: int, tries: int) -> None:
    """A port that was asked for by number is not chosen again."""
    played = run(graph_of("a: db", services={"db": {"port": port}}), services={"db": ServiceStep(port_taken=True)})

    assert tries == len(moments(played, "db"))
    assert {"a": "blocked", "db": "failed"} == played.states


# -- interrupting ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("why", "code"), [("interrupted", 130), ("terminated", 143), ("hung_up", 129), ("deadline", 124)]
)
def test_a_cancelled_run_is_interrupted_whatever_else_happened(why: CancelReason, code: int) -> None:
    """The exit code says who asked."""
    played = run(graph_of("bad; a"), {"bad": Step(seconds=1.0, outcome=failed()), "a": SLOW}, cancels=(2.0,), why=why)

    assert ("interrupted", code) == (played.schedule.verdict, played.schedule.exit_code)
    assert {"bad": "failed", "a": "cancelled"} == played.states
    assert [(2.0, Cause.CANCELLED, 5.0)] == played.stops("a")


def test_the_deadline_of_a_run_is_a_cancel() -> None:
    """At its last moment the run is stopped, without anybody's asking."""
    played = run(graph_of("a", deadline=7.0), {"a": SLOW})

    assert [(7.0, Cause.CANCELLED, 5.0)] == played.stops("a")
    assert ("interrupted", 124) == (played.schedule.verdict, played.schedule.exit_code)


def test_the_deadline_of_a_stopped_run_kills_no_clean_up() -> None:
    """`x` began at 5 s and is still at it at 7 s; and once the run is over, nobody needs to be told the time."""
    graph = graph_of("a; x: a", deadline=7.0, x=ALWAYS)
    played = run(graph, {"a": SLOW, "x": Step(seconds=9.0)}, cancels=(5.0,))

    assert ([5.0], [14.0], []) == (moments(played, "x"), played.ends("x"), played.stops("x"))
    assert None is run(graph_of("a", deadline=7.0)).schedule.next_alarm()


def test_clean_ups_run_one_by_one_in_reverse_order_of_what_ran() -> None:
    """`a`, `b`, `c` began in that order; what undoes `c` goes first, once the stopped `end` is over; `db` stays up."""
    graph = graph_of(
        "a; end; b: a; c: b; ua: a end db; ub: b end; uc: c end", services={"db": {}}, ua=ALWAYS, ub=ALWAYS, uc=ALWAYS
    )
    played = run(graph, {"end": Step(seconds=500.0, stop_takes=2.0)}, cancels=(10.0,))
    stopped = [at for at, command in played.commands() if isinstance(command, StopService)]

    assert {"uc": [12.0], "ub": [13.0], "ua": [14.0]} == {task: moments(played, task) for task in ("uc", "ub", "ua")}
    assert ([12.0], [15.0]) == (moments(played, "db"), stopped)


def test_a_clean_up_has_its_time_out_or_a_minute() -> None:
    """Counted from its start; one that ran already when the run was cancelled has a minute from then."""
    graph = graph_of("a; x; y: a; z: a", x=ALWAYS, y=ALWAYS, z={**ALWAYS, "timeout": 80.0})
    played = run(
        graph, {"a": SLOW, "x": Step(seconds=500.0), "y": Step(seconds=500.0), "z": Step(seconds=500.0)}, cancels=(5.0,)
    )

    assert [(65.0, Cause.TIMED_OUT, 5.0)] == played.stops("x")
    assert [(125.0, Cause.TIMED_OUT, 5.0)] == played.stops("y")
    assert [(205.0, Cause.TIMED_OUT, 5.0)] == played.stops("z")


def test_nothing_is_cleaned_up_where_nothing_was_started() -> None:
    """`y` would clean up after `b`, which never began; `z` rests upon nothing and had not begun."""
    graph = graph_of("a; b: a; y: b; x: a; z", x=ALWAYS, y=ALWAYS, z={**ALWAYS, "priority": -1})
    played = run(graph, {"a": Step(seconds=9.0, start_after=9.0)}, cancels=(1.0,), slots=1)

    assert {"a": "cancelled", "b": "cancelled", "x": "skipped", "y": "skipped", "z": "skipped"} == played.states
    assert {"nothing above it was started"} == {played.schedule.reason(name) for name in "xyz"}


def test_a_second_cancel_kills_everything_and_starts_nothing() -> None:
    """Patience 0 for what runs, clean-ups and services included; what waits is cancelled."""
    graph = graph_of("a: db; x: a; y: x", services={"db": {}}, x=ALWAYS, y=ALWAYS)
    steps: dict[str, Step | list[Step]] = {"a": Step(seconds=500.0, stop_takes=4.0), "x": SLOW}
    played = run(graph, steps, cancels=(2.0, 3.0), services={"db": ServiceStep(stop_takes=9.0)})
    stopped = [(at, command.kill_after) for at, command in played.commands() if isinstance(command, StopService)]

    assert [(2.0, Cause.CANCELLED, 5.0), (3.0, Cause.CANCELLED, 0.0)] == played.stops("a")
    assert [(3.0, 0.0)] == stopped
    assert {"a": "cancelled", "x": "cancelled", "y": "cancelled", "db": "stopped"} == played.states
    assert {"the run was stopped"} == {played.schedule.reason(name) for name in "xy"}
    assert 3.0 == played.turns[-1].event.at


def test_nothing_is_retried_once_the_run_is_cancelled() -> None:
    """A resting task is cancelled; a resting clean-up is tried at once, and then not again."""
    retry = {"retry": Retry(attempts=5, delay=50.0, jitter="none")}
    bad = Step(seconds=1.0, outcome=failed())
    played = run(graph_of("a; x", a=retry, x={**retry, **ALWAYS}), {"a": bad, "x": bad}, cancels=(10.0,))

    assert ([0.0], [0.0, 10.0]) == (moments(played, "a"), moments(played, "x"))
    assert {"a": "cancelled", "x": "failed"} == played.states
