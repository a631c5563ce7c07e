"""Two runs beside each other: every kind of change under its title, in a text that a person has read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from runner.graph.model import Graph, Retry, Trigger
from runner.graph.values import parse_bare
from runner.record.changes import compare
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
