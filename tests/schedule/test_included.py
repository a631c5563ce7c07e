"""Included graphs in the schedule, one scene each: when they begin, when they are tried again, who hears of it when."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import pytest
from msgspec.structs import replace

from runner.execute.simulate import ServiceStep, Simulation, Step
from runner.graph.compose import joined, tied
from runner.graph.fan_out import opened as opened_with
from runner.graph.model import Foreach, Graph, Retry, Trigger
from runner.graph.values import parse_bare
from runner.schedule.included import IncludedPhase
from runner.schedule.machine import Schedule
from runner.schedule.messages import Kept
from runner.schedule.policy import rest_before
from runner.task import Cause, Succeeded
from tests.kit import Played, failed, graph_of, grouped_of, included, opened, play, scripted, service_of
from tests.schedule.generator import CONDITIONS
from tests.schedule.test_machine import run

TWICE = Retry(attempts=2, delay=5.0, jitter="none")
FAILS = Step(seconds=1.0, outcome=failed())
ONCE = [FAILS, Step(seconds=1.0)]
"""Fails the first time."""


def begun(played: Played, task: str) -> list[float]:
    """Answer when the attempts of a task were started."""
    return [at for at, command in played.commands() if getattr(command, "task", "") == task]


def states(played: Played, *names: str) -> list[str]:
    """Answer how some tasks and groups ended."""
    return [played.schedule.state(name) for name in names]


def test_all_of_a_group_is_tried_again_and_only_then_do_others_hear_of_it() -> None:
    """`a` succeeds in both rounds, `b` fails in the first; `z` and `y` wait until the second is over."""
    graph = grouped_of("a; b: a", "z: g; y: g.a; x", retry=TWICE)
    played = run(graph, {"g.b": ONCE})

    assert ([0.0, 7.0], [1.0, 8.0]) == (begun(played, "g.a"), begun(played, "g.b"))
    assert ([9.0], [9.0], [0.0]) == (begun(played, "z"), begun(played, "y"), begun(played, "x"))
    assert "passed" == played.schedule.verdict
    assert ["", ""] == [run(graph, {"g.a": ONCE}).schedule.reason(task) for task in ("g.a", "g.b")]
    assert (2, IncludedPhase.OVER) == (played.schedule.included("g").round, played.schedule.included("g").phase)


def test_a_group_without_another_round_fails_the_run() -> None:
    """After the last round what is outside hears of the failure; without `retry` it hears at once of each task."""
    played = run(grouped_of("a; b: a", "z: g; y: g.a", retry=TWICE), {"g.b": FAILS})
    assert ["failed", "blocked", "succeeded"] == states(played, "g", "z", "y")
    assert "`g` failed" == played.schedule.reason("z")
    assert ("failed", [9.0]) == (played.schedule.verdict, begun(played, "y"))
    plain = run(grouped_of("a; b: a", "z: g; y: g.a"), {"g.b": FAILS})

    assert ([1.0], "blocked") == (begun(plain, "y"), plain.schedule.state("z"))
    assert "`g` failed" == plain.schedule.reason("z")


def test_only_the_causes_that_are_named_are_tried_again() -> None:
    """Each failed task must have one of them; a failure that is allowed asks for no round."""
    crashes = Step(seconds=1.0, outcome=failed(Cause.CRASHED))
    retry = Retry(attempts=2, delay=0.0, jitter="none", on=frozenset({Cause.CRASHED}))
    cases = ({"g.a": crashes}, 2), ({"g.a": crashes, "g.b": FAILS}, 1), ({"g.c": crashes}, 1)
    for steps, rounds in cases:
        graph = grouped_of("a; b; c", settings={"c": {"allow_failure": True}}, retry=retry)

        assert rounds == run(graph, dict(steps)).schedule.included("g").round, steps


def test_each_task_has_all_its_attempts_in_each_round() -> None:
    """Attempts are numbered on; three rounds of two attempts are six, with the rests of each between."""
    own = Retry(attempts=2, delay=1.0, jitter="none")
    retry = Retry(attempts=3, delay=10.0, factor=2.0, jitter="none")
    played = run(grouped_of("a", settings={"a": {"retry": own}}, retry=retry), {"g.a": FAILS})

    assert [0.0, 2.0, 13.0, 15.0, 36.0, 38.0] == begun(played, "g.a")
    assert 6 == played.schedule.task("g.a").attempt


def test_what_was_kept_stays_and_what_was_left_out_stays_out() -> None:
    """A kept result and a task skipped by name are the same in every round."""
    graph = grouped_of("a; b; c", retry=TWICE)
    first = opened(kept={"g.a": Kept(outcome=Succeeded(), run="r0")}, skipped=("g.b",))
    played = run(graph, {"g.c": ONCE}, first=first)

    assert ["kept", "skipped", "succeeded"] == states(played, "g.a", "g.b", "g.c")
    assert ([], [], 2) == (begun(played, "g.a"), begun(played, "g.b"), len(begun(played, "g.c")))


def test_a_fan_out_is_put_together_anew_in_each_round() -> None:
    """Of two instances one was kept, and the other is skipped in the first round and fails in the second."""
    fan = {"trigger": Trigger.ONE_FAILED, "fan": Foreach(items=("kept", "not"))}
    graph = opened_with(grouped_of("a; b; f: a", settings={"f": fan}, retry=TWICE), {"g.f": ("kept", "not")})
    first = opened(kept={"g.f[kept]": Kept(outcome=Succeeded(), run="r0")})
    steps: dict[str, Any] = {"g.a": [Step(seconds=1.0), FAILS], "g.b": ONCE, "g.f[not]": FAILS}
    played = run(graph, steps, first=first)

    assert ["kept", "failed", "failed"] == states(played, "g.f[kept]", "g.f[not]", "g.f")
    assert ([], [7.0]) == (begun(played, "g.f[kept]"), begun(played, "g.f[not]"))


def test_servers_are_started_for_each_round() -> None:
    """The next round begins when those of the last are down; one that broke counts as a crash."""
    graph = with_service(grouped_of("a: s", "z: g", retry=TWICE))
    played = run(graph, {"g.a": ONCE}, services={"g.s": ServiceStep(ready_after=1.0, stop_takes=3.0)})
    assert [1.0, 11.0] == begun(played, "g.a")
    assert [5.0, 15.0] == played.ends("g.s")
    assert ("stopped", [15.0]) == (played.schedule.state("g.s"), begun(played, "z"))
    broken = run(graph, services={"g.s": ServiceStep(ready_after=None, dies_after=1.0)})

    assert (2, "failed", "failed") == (broken.schedule.included("g").round, *states(broken, "g", "g.s"))
    assert ["blocked", "blocked"] == states(broken, "g.a", "z")


def test_a_server_that_broke_in_one_round_is_as_new_in_the_next() -> None:
    """What it said when it died is forgotten with it."""
    graph = with_service(grouped_of("a: s", retry=TWICE))
    simulation = Simulation(
        scripted()[0],
        lambda _, attempt: ServiceStep(ready_after=None, dies_after=1.0) if attempt == 1 else ServiceStep(),
        slots=1,
    )
    schedule = play(graph, simulation, opened(1)).schedule

    assert (2, "stopped", "") == (schedule.included("g").round, schedule.state("g.s"), schedule.reason("g.s"))


def with_service(graph: Graph, **fields: Any) -> Graph:
    """Answer the same with a service `s` in the group, which `a` needs."""
    group = replace(graph.groups["g"], services=("g.s",))
    task = replace(graph.tasks["g.a"], needs=("g.s",))
    service = service_of("g.s", scope="g", **fields)
    return replace(
        graph, groups={**graph.groups, "g": group}, services={"g.s": service}, tasks={**graph.tasks, "g.a": task}
    )


@pytest.mark.parametrize(
    ("settings", "steps", "state", "said"),
    [
        ({}, {"x": FAILS}, "blocked", "`g` did not begin: `x` failed"),
        ({"trigger": Trigger.ONE_FAILED}, {}, "skipped", "`g` did not begin: nothing it needs failed"),
        ({"condition": CONDITIONS[False]}, {}, "skipped", "the `if` of `g` is false: params.no"),
        ({"condition": CONDITIONS[None]}, {}, "failed", "the `if` of `g` could not be evaluated: fromJSON"),
        ({"trigger": Trigger.ALL_DONE}, {"x": FAILS}, "succeeded", ""),
        ({"condition": parse_bare("needs.x.state == 'succeeded'")}, {}, "succeeded", ""),
    ],
)
def test_a_group_begins_by_its_own_trigger_and_condition(
    settings: dict[str, Any], steps: dict[str, Step | list[Step]], state: str, said: str
) -> None:
    """If it does not, none of its tasks is looked at, whatever their own triggers say."""
    own = {"b": {"trigger": Trigger.ALL_DONE}}
    graph = grouped_of("a; b: a", "x; z: g", settings=own, needs=("x",), retry=TWICE, **settings)
    played = run(graph, steps, first=opened(params={"yes": True, "no": False}))

    assert [state] * 3 == states(played, "g", "g.a", "g.b")
    assert played.schedule.reason("g.b").startswith(said)
    assert 1 == played.schedule.included("g").round


def test_a_group_counts_as_one_whatever_became_of_each_of_its_tasks() -> None:
    """An alarm that was not raised is skipped, and the group succeeded; where nothing of it ran it was skipped."""
    alarm = {"b": {"trigger": Trigger.ONE_FAILED}}
    played = run(grouped_of("a; b: a", "z: g; y: g.b", settings=alarm))
    assert ["succeeded", "skipped", "succeeded", "skipped"] == states(played, "g", "g.b", "z", "y")
    nothing = {"a": {"condition": CONDITIONS[False]}}
    none = run(grouped_of("a; b: a", "z: g", settings=nothing), first=opened(params={"yes": True, "no": False}))

    assert ["skipped", "skipped"] == states(none, "g", "z")


def test_what_a_group_needs_is_nothing_to_the_triggers_inside() -> None:
    """The tasks with which a group begins wait for what it needs, and are not asked what they make of it."""
    settings = {"a": {"trigger": Trigger.NONE_FAILED}}
    graph = grouped_of("a; b: a", "x; z: g", settings=settings, needs=("x",), trigger=Trigger.ALL_DONE)
    played = run(graph, {"x": FAILS})

    assert ["succeeded", "succeeded"] == states(played, "g.a", "z")
    assert ([1.0], {"a"}) == (begun(played, "g.a"), set(played.schedule.need_scope("g.b")))
    assert {} == played.schedule.need_scope("g.a")
    assert {"x"} == set(played.schedule.need_scope("g"))


def test_a_group_that_rests_is_over_when_the_run_is_stopped() -> None:
    """No round begins any more, and the end does not wait for one."""
    graph = grouped_of("a", "z: g", retry=Retry(attempts=2, delay=50.0, jitter="none"))
    played = run(graph, {"g.a": FAILS}, cancels=(3.0,))

    assert ["failed", "failed", "cancelled"] == states(played, "g", "g.a", "z")
    assert (3.0, "interrupted") == (played.turns[-1].event.at, played.schedule.verdict)


def test_failing_fast_waits_for_the_last_round() -> None:
    """The first failure is not the last word while the group has another round."""
    graph = grouped_of("a; b: a", "x; y: x; w: y; v: w", retry=Retry(attempts=2, delay=0.5, jitter="none"))
    first = opened(fail_fast=True)
    saved = run(graph, {"g.a": ONCE}, first=first)
    assert ["succeeded"] * 3 == states(saved, "g.b", "w", "v")
    lost = run(graph, {"g.a": FAILS}, first=first)

    assert ["succeeded", "succeeded", "cancelled"] == states(lost, "y", "w", "v")
    assert "cancelled" == lost.schedule.state("g.b")
    assert "`g.a` failed and the run fails fast" == lost.schedule.stopped_for
    other = Retry(attempts=2, on=frozenset({Cause.CRASHED}))
    hopeless = run(grouped_of("a", "x; y: x", retry=other), {"g.a": FAILS, "x": Step(seconds=2.0)}, first=first)
    assert ("`g` failed and the run fails fast", "cancelled") == (
        hopeless.schedule.stopped_for,
        hopeless.schedule.state("y"),
    )


def test_a_task_that_asked_and_was_refused_asks_again_in_the_next_round() -> None:
    """Who was approved is not asked about twice."""
    graph = grouped_of("a; b", settings={"a": {"manual": True}}, retry=TWICE)
    played = run(graph, {"g.b": ONCE}, first=opened(approved=("g.a",)))

    assert 2 == len(begun(played, "g.a"))


def test_graphs_inside_wait_anew_in_each_round() -> None:
    """`k` is in `h`, which begins when `a` has succeeded: in the second round of `g`, too, or not at all."""
    inner = included(graph_of("p"), "q", name="k")
    graph = included(included(inner, "a; c", name="h", needs=("a",)), "z: g", retry=TWICE)
    again = run(graph, {"g.c": ONCE, "g.a": Step(seconds=2.0)})
    assert ([2.0, 10.0], [2.0, 10.0], [11.0]) == tuple(begun(again, name) for name in ("g.h.k.p", "g.h.q", "z"))
    never = run(graph, {"g.c": ONCE, "g.a": [Step(seconds=1.0), FAILS]})

    assert ([1.0], [1.0]) == (begun(never, "g.h.k.p"), begun(never, "g.h.q"))
    assert ["failed", "blocked", "blocked"] == states(never, "g", "g.h", "g.h.k")


def test_what_was_kept_in_a_border_is_told_when_that_is_over_in_each_round() -> None:
    """`p` was kept and `h` may be tried again: `b` waits for all of `h`, in the second round of `g`, too."""
    inner = included(graph_of("p; q"), "b: h.p; c", name="h", retry=TWICE)
    first = opened(kept={"g.h.p": Kept(outcome=Succeeded(), run="r0")})
    played = run(included(inner, retry=TWICE), {"g.c": ONCE, "g.h.q": Step(seconds=3.0)}, first=first)

    assert ([0.0, 9.0], [3.0, 12.0]) == (begun(played, "g.h.q"), begun(played, "g.b"))


def test_a_clean_up_does_not_run_for_what_ran_in_the_round_before() -> None:
    """The second round waits for a slot when the run is stopped: nothing of it was started."""
    graph = grouped_of("a; c: a", "x", settings={"c": {"trigger": Trigger.ALWAYS}}, retry=TWICE)
    played = run(graph, {"g.a": FAILS, "x": Step(seconds=100.0)}, slots=1, cancels=(10.0,))

    assert ["g.a", "g.c", "x"] == played.starts()
    assert ["cancelled", "skipped"] == states(played, "g.a", "g.c")
    assert "nothing above it was started" == played.schedule.reason("g.c")


def test_clean_ups_of_a_group_follow_what_was_started_last() -> None:
    """`b` was started last, so `c` goes first, though it heard last of `a`; where nothing began none is needed."""
    always = {"trigger": Trigger.ALWAYS}
    graph = grouped_of("a; x; b; c: a b; e: x", settings={"c": always, "e": always})
    long = Step(seconds=50.0)
    assert ["g.c", "g.e"] == run(graph, {"g.a": long, "g.x": long}, cancels=(2.0,)).starts()[-2:]
    never = run(grouped_of("a; c: a", "x", settings={"c": always}, needs=("x",)), {"x": long}, cancels=(2.0,))

    assert ["cancelled", "skipped"] == states(never, "g.a", "g.c")
    assert "nothing above it was started" == never.schedule.reason("g.c")


def test_a_rest_between_rounds_hangs_on_the_run_and_the_group() -> None:
    """With jitter it is the part of its length that both names say, so that two groups do not come back at once."""
    retry = Retry(attempts=2, delay=5.0, jitter="full")
    played = run(grouped_of("a", retry=retry), {"g.a": ONCE})

    assert [0.0, 1.0 + rest_before(retry, "r1", "g", 1)] == begun(played, "g.a")


def test_groups_that_end_at_once_fail_fast_once() -> None:
    """The `if` of both is broken: the first to be over stops the run, and the other one is over all the same."""
    g = grouped_of("a", "x; z: x", needs=("x",), retry=TWICE, condition=CONDITIONS[None]).groups["g"]
    h = replace(g, id="h", inside=replace(g.inside, name="h"))
    whole = joined(replace(graph_of("x; z: x"), groups={"g": g, "h": h}), {"g": graph_of("a"), "h": graph_of("a")})
    played = run(tied(whole), first=opened(fail_fast=True))

    assert ["failed", "failed", "cancelled"] == states(played, "g", "h", "z")


def test_the_state_of_a_group_says_what_it_is_at() -> None:
    """It waits, goes, rests, goes once more and has failed; one that never began is cancelled with the run."""
    graph = grouped_of("a", "x; z: g", needs=("x",), retry=TWICE)
    schedule = Schedule(graph)
    seen = []
    for turn in run(graph, {"g.a": FAILS}).turns:
        schedule.handle(turn.event)
        seen.append(schedule.state("g"))
    assert ["waiting", "going", "resting", "going", "failed"] == [state for state, _ in groupby(seen)]

    never = run(graph, {"x": Step(seconds=5.0)}, cancels=(1.0,))
    assert (["cancelled"], "the run was stopped") == (states(never, "g"), never.schedule.reason("g.a"))


def test_a_further_round_is_that_of_the_innermost_group_in_one() -> None:
    """`h` goes twice in the first round of `g`; then `g` does, and `h` is in its first round again."""
    graph = included(included(graph_of("p"), "c: h", name="h", retry=TWICE), "z", retry=TWICE)
    inner = run(graph, {"g.h.p": ONCE})
    outer = run(graph, {"g.c": ONCE})
    other = run(included(graph_of("p")))

    assert ["g.h", "", ""] == [inner.schedule.repeated(task) for task in ("g.h.p", "g.c", "z")]
    assert ["g", "g", ""] == [outer.schedule.repeated(task) for task in ("g.h.p", "g.c", "z")]
    assert "" == other.schedule.repeated("g.p")


def test_conditions_read_what_their_own_file_knows() -> None:
    """Parameters are those of each file, and what a file says it needs has the name it has there, a graph among it."""
    yes = CONDITIONS[True]
    inner = included(graph_of("p", p={"condition": yes}), "a", name="h", condition=yes)
    own = {"condition": parse_bare("needs.g.state == 'succeeded' && params.no")}
    graph = with_service(included(inner, "z: g; y: g", condition=yes), condition=yes)
    graph = replace(graph, tasks={**graph.tasks, "z": replace(graph.tasks["z"], **own)})
    known = {"yes": True, "no": True, "g.yes": True, "g.h.yes": True}
    for unset, expected in {
        "": ["succeeded", "succeeded", "succeeded", "stopped"],
        "g.h.yes": ["skipped", "succeeded", "succeeded", "stopped"],
        "g.yes": ["skipped", "succeeded", "succeeded", "off"],
        "yes": ["skipped", "skipped", "skipped", "unused"],
        "no": ["succeeded", "succeeded", "skipped", "stopped"],
    }.items():
        played = run(graph, first=opened(params={**known, unset: False}))

        assert expected == states(played, "g.h.p", "g.a", "z", "g.s"), unset


def test_whose_fault_the_failure_of_a_group_is() -> None:
    """That of its tasks that failed and must not, and of its servers that broke."""
    graph = with_service(grouped_of("a; b; c; d: b", settings={"c": {"allow_failure": True}}))
    failing: dict[str, Step | list[Step]] = {"g.b": FAILS, "g.c": FAILS}
    well, broken = (
        run(graph, failing),
        run(graph, failing, services={"g.s": ServiceStep(ready_after=None, dies_after=1.0)}),
    )

    assert (("g.b",), ("g.b", "g.s")) == (well.schedule.blamed("g"), broken.schedule.blamed("g"))


def test_who_needs_a_group_reads_how_it_ended() -> None:
    """With borders inside or around, whichever of it was the last: as soon as anybody is asked, it has ended."""
    said = {"condition": parse_bare("needs.g.state == 'failed' && needs.g.run == 'r1'"), "trigger": Trigger.ALL_DONE}
    for own, outer in (({}, {}), ({"retry": TWICE}, {}), ({}, {"retry": TWICE})):
        for beside in ("", "a", "a: h"):
            inner = included(graph_of("p"), beside, name="h", **own)
            graph = included(inner, "z: g", **outer)
            graph = replace(graph, tasks={**graph.tasks, "z": replace(graph.tasks["z"], **said)})

            assert "succeeded" == run(graph, {"g.h.p": FAILS}).schedule.state("z"), (own, outer, beside)
