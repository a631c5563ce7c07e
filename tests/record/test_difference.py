"""Two runs beside each other: every kind of change under its title, in a text that a person has read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import pytest
from msgspec.structs import replace

from runner.graph.model import Graph, Retry, Trigger
from runner.graph.values import parse_bare
from runner.record.changes import compare, task_changes
from runner.record.definitions import HIDDEN, definition_changes
from runner.record.folding import fold
from runner.record.remembered import Remembered, remembered
from runner.record.render.difference import TITLES, render_difference
from runner.record.report import Change, ChangeKind
from runner.schedule.messages import AttemptEnded, AttemptStarted, Event, Noted
from runner.task import Cause, Check, Failed, Json, Succeeded
from tests.kit import graph_of, opened

GOLDEN = Path(__file__).parents[1] / "golden" / "record" / "difference.txt"

OLD = graph_of(
    "fine; seed; gate; quick; breaks; mended; next: breaks; back: mended; gone",
    pools={"db": 2},
    seed={"timeout": 30.0, "env": {"MODE": "a", "TOKEN": "t-0-k-e-n"}, "secrets": ("TOKEN",)},
)
NEW = graph_of(
    "fine; seed; gate; quick; breaks; mended; next: breaks; back: mended; fresh",
    pools={"db": 3},
    seed={
        "retry": Retry(attempts=2),
        "condition": parse_bare("params.deep"),
        "trigger": Trigger.ALL_DONE,
        "env": {"MODE": "b", "TOKEN": "other", "MORE": "1"},
        "secrets": ("TOKEN",),
    },
)


def ran(  # a run in one line
    graph: Graph, run: str, seconds: Mapping[str, float], bad: str, checks: Mapping[str, str], **params: Json
) -> Remembered:
    """Fold a run in which each of these tasks took so long; `checks` are those of `gate` with their verdicts."""
    events: list[Event] = [opened(9, run=run, params={"deep": True, **params}, file="graphs/nightly.yaml")]
    for name in graph.tasks:
        if name in seconds:
            events.append(AttemptStarted(at=0.0, task=name, attempt=1, key="k"))
            if name == "gate":
                events += [Noted(at=0.0, task=name, attempt=1, note=_check(*each)) for each in checks.items()]
            outcome = Failed(cause=Cause.EXIT_CODE, message="exit code 1") if name in bad.split() else Succeeded()
            events.append(AttemptEnded(at=seconds[name], task=name, attempt=1, outcome=outcome))
    return remembered(fold(graph, events))


def _check(name: str, verdict: str) -> Check:
    return Check(name=name, verdict="failed" if verdict == "failed" else "passed", message="3 records of Task_2_")


TOOK = {"fine": 1.0, "seed": 2.0, "gate": 1.0, "quick": 9.0, "breaks": 1.0, "mended": 1.0, "next": 1.0, "gone": 1.0}
BEFORE = {"left": "passed", "count": "failed"}
PAST = [
    ran(OLD, f"2026010{day}-r", {**TOOK, "seed": 2 + day / 20, "quick": 9 - day / 20}, "mended", BEFORE, url="x")
    for day in range(6, 0, -1)
]
KEPT = {name: seconds for name, seconds in TOOK.items() if name not in {"next", "gone"}}
LATER = {**KEPT, "fine": 5.0, "seed": 9.0, "quick": 2.0, "back": 1.0, "fresh": 1.0}
LAST = ran(NEW, "20260107-r", LATER, "breaks gate", {"left": "failed", "count": "passed"}, url="y")


def changes() -> tuple[Change, ...]:
    """Compare the last run with the one before."""
    return compare(PAST[0], LAST, PAST, definition_changes(OLD, NEW))


def test_the_difference_is_what_a_person_has_read() -> None:
    """One text with nearly every kind of change (TASKGRAPH_GOLDEN=1 writes it anew, to be read)."""
    text = render_difference(PAST[0], LAST, changes(), 100)
    if os.environ.get("TASKGRAPH_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")

    assert GOLDEN.read_text(encoding="utf-8") == text


def test_each_kind_of_change_has_its_title() -> None:
    """No kind is without one, and none has two."""
    kinds = [kind for kinds in TITLES.values() for kind in kinds]

    assert sorted(get_args(ChangeKind)) == sorted(kinds)


def test_what_a_secret_was_set_to_is_not_told() -> None:
    """That it changed is told, and neither value."""
    told = {each.name: (each.before, each.after) for each in definition_changes(OLD, NEW)}

    assert (HIDDEN, HIDDEN) == told["env.TOKEN"]
    assert ("a", "b") == told["env.MODE"]
    assert (None, "1") == told["env.MORE"]


def test_every_key_that_was_changed_is_named_in_the_words_of_the_file() -> None:
    """Of the graph and of its tasks; what is new or gone as a whole is no change of a key."""
    told = [(each.task, each.name) for each in definition_changes(OLD, NEW)]

    assert [
        (None, "pools.db"),
        ("seed", "trigger"),
        ("seed", "if"),
        ("seed", "retry.attempts"),
        ("seed", "timeout"),
        ("seed", "env.MODE"),
        ("seed", "env.TOKEN"),
        ("seed", "env.MORE"),
    ] == told


def test_a_run_is_no_different_from_itself() -> None:
    """Nothing is told of two runs that went alike."""
    text = render_difference(PAST[1], PAST[1], compare(PAST[1], PAST[1], PAST[2:]), 100)

    assert text.endswith("\nNothing changed: 9 tasks went as before.\n")


def test_runs_of_two_graphs_are_named_as_such() -> None:
    """With the names of both files, in which no terminal is controlled."""
    other = replace(LAST, graph=replace(LAST.graph, file="odd\x1b[31m.yaml"))
    text = render_difference(PAST[0], other, (), 100)

    assert "These are runs of two graph files: graphs/nightly.yaml and odd" in text
    assert "\x1b" not in text


def test_of_many_changes_twenty_are_shown() -> None:
    """Under each title; the rest is counted, and the place named where they all are."""
    many = [Change(kind="newly_flaky", task=f"t{number}", before="succeeded", after="failed") for number in range(23)]
    lines = render_difference(PAST[0], LAST, many, 100).splitlines()

    assert 20 == sum(line.endswith(" is newly flaky") for line in lines)
    assert "  … and 3 more; `--json` has all" in lines


def test_a_task_that_passes_now_and_then_is_newly_flaky() -> None:
    """Only where it went as before: one that fails now is told as that."""
    (before,) = (task for task in PAST[0].tasks if task.id == "fine")
    flaky, fails = replace(before, flaky=True), replace(before, flaky=True, state="failed")

    assert ["newly_flaky"] == [each.kind for each in task_changes(before, flaky, ())]
    assert ["newly_failing"] == [each.kind for each in task_changes(before, fails, ())]
    assert [] == list(task_changes(flaky, flaky, ()))


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [(1.0, 4.0, ["slower"]), (4.0, 1.0, ["faster"]), (4.0, 4.1, []), (0.001, 0.004, [])],
)
def test_what_takes_much_longer_is_told_though_little_is_known(before: float, after: float, kinds: list[str]) -> None:
    """With one run before it twice as long, by a time worth a word; and with a note that it may be noise."""
    old, new = (ran(OLD, "r", {"fine": seconds}, "", {}).tasks[0] for seconds in (before, after))
    found = list(task_changes(old, new, ()))

    assert kinds == [each.kind for each in found]
    assert all("too few runs are known" in (each.note or "") for each in found)
