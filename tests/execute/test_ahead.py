"""Attempts that workers are asked for ahead: many at a time, each begun once, and taken back where a worker is slow."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from runner.api import run
from runner.execute.window import AHEAD, LAST, SHORT, Window
from runner.record.journal import read
from runner.record.report import Report
from runner.schedule.messages import AttemptEnded, AttemptReturned, AttemptStarted, Event, SlotsChanged
from runner.task import Failed

QUICK = "tests.execute.quick:mark"


def ran(folder: Path, special: dict[int, dict[str, Any]], count: int = 400) -> tuple[Report, list[Event], Counter[str]]:
    """Run many quick tasks, some of them special, on two workers; answers report, events, and how often each began."""
    marks = folder / "marks"
    tasks = {
        f"t{number}": {"uses": QUICK, "retry": 2, "with": {"marks": str(marks), **special.get(number, {})}}
        for number in range(count)
    }
    graph = folder / "g.json"
    graph.write_text(json.dumps({"version": 1, "name": "g", "tasks": tasks}), encoding="utf-8")
    report = run(graph, jobs=2, state_dir=str(folder / "state"))
    events = [*read(folder / "state" / "runs" / report.run / "journal.jsonl").events]
    return report, events, Counter(line.split()[0] for line in marks.read_text(encoding="utf-8").splitlines())


def test_the_window_opens_after_enough_short_ones_and_closes_with_the_first_long_one() -> None:
    """Each function has its own; what has just closed has to be short for as long again."""
    window = Window()
    opened = [window.ended("a", SHORT) for _ in range(LAST)]

    assert [False] * (LAST - 1) + [True] == opened
    assert ("a",) == window.functions
    assert "b" not in window
    assert not window.ended("a", 0.0)
    assert window.ended("a", SHORT * 1.1)
    assert () == window.functions
    assert [False] * (LAST - 1) + [True] == [window.ended("a", 0.0) for _ in range(LAST)]
    assert window.close("a")
    assert not window.close("a")


@pytest.mark.real
def test_short_ones_are_asked_for_ahead_and_each_begins_once(tmp_path: Path) -> None:
    """More attempts are handed out than there are workers, which is told; nothing is lost and nothing done twice."""
    report, events, begun = ran(tmp_path, {})
    changes = [event for event in events if isinstance(event, SlotsChanged)]

    assert "passed" == report.verdict
    assert {f"t{number}.1": 1 for number in range(400)} == begun
    assert (2 * AHEAD, 2, (QUICK,)) == (changes[0].slots, changes[0].workers, changes[0].short)


@pytest.mark.real
def test_what_waits_behind_a_slow_one_is_taken_back(tmp_path: Path) -> None:
    """One that was thought to be short sleeps: the other worker does what was behind it meanwhile."""
    report, events, begun = ran(tmp_path, {200: {"sleeps": 3.0}})
    (slow,) = (event for event in events if isinstance(event, AttemptEnded) and event.task == "t200")
    later = [event.at for event in events if isinstance(event, AttemptStarted) and event.at > slow.at]

    assert "passed" == report.verdict
    assert {f"t{number}.1": 1 for number in range(400)} == begun
    assert [] == later
    assert report.seconds < 6.0


@pytest.mark.real
def test_what_waits_behind_one_that_dies_comes_back(tmp_path: Path) -> None:
    """Only the one that died is to blame and tried again; the others have not begun, and begin elsewhere."""
    report, events, begun = ran(tmp_path, {200: {"dies": True}, 300: {"dies": True}})
    failed = [e.task for e in events if isinstance(e, AttemptEnded) and isinstance(e.outcome, Failed)]
    returned = {event.task for event in events if isinstance(event, AttemptReturned)}
    expected = {f"t{number}.1": 1 for number in range(400)} | {"t200.2": 1, "t300.2": 1}

    assert "passed" == report.verdict
    assert ["t200", "t300"] == sorted(failed)
    assert expected == begun
    assert returned
    assert not returned & {"t200", "t300"}
