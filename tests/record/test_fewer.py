"""Crashes that cost a worker are told wherever a run is told."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path

from runner.execute.simulate import Simulation, Step
from runner.graph.model import Retry
from runner.record.decisions import Decisions
from runner.record.folding import fold
from runner.record.progress import PlainProgress
from runner.record.render.json import render_json
from runner.record.render.markdown import render_markdown
from runner.record.render.text import PLAIN, render_text
from runner.record.watched import Watched, lacking
from runner.schedule.machine import Schedule
from runner.schedule.messages import Event
from runner.task import Cause
from tests.kit import failed, graph_of, opened, play, scripted

THRICE = {"retry": Retry(attempts=3, delay=0.0, jitter="none")}
CRASH = Step(seconds=1.0, outcome=failed(Cause.CRASHED))
GRAPH = graph_of("a; b; c; slow", a=THRICE)
WORDS = "a, b and c crashed within a minute: 3 workers from then on"


def events() -> list[Event]:
    """Answer a run on four workers in which three tasks crash at once, one of them twice."""
    steps = {"a": [CRASH, CRASH, Step(seconds=2.0)], "b": CRASH, "c": CRASH, "slow": Step(seconds=4.0)}
    first = opened(4, run="20260101-000000-test-0000")
    return [turn.event for turn in play(GRAPH, Simulation(*scripted(steps), slots=4), first).turns]


def until(seconds: float) -> Schedule:
    """Answer the schedule at a moment of that run."""
    schedule = Schedule(GRAPH)
    for event in events():
        if event.at <= seconds:
            schedule.handle(event)
    return schedule


def test_every_report_says_that_there_were_fewer_workers() -> None:
    """Text, Markdown and JSON; what the run was given stays in `workers`."""
    report = fold(GRAPH, events())
    plain = json.loads(render_json(report))

    fewer = {"at": "2026-01-01T00:00:01.000Z", "workers": 3, "crashed": ["a", "b", "c"]}
    assert (4, [fewer]) == (plain["workers"], plain["fewer_workers"])
    assert f"{WORDS} (2026-01-01T00:00:01.000Z)\n" in render_text(report, Path("runs/r"), PLAIN, 100)
    assert f"\n{WORDS} (2026-01-01T00:00:01.000Z).\n" in render_markdown(report, Path("runs/r"))


def test_it_is_told_while_it_happens() -> None:
    """Once, on the screen and in the log."""
    stream, records, schedule = io.StringIO(), list[logging.LogRecord](), Schedule(GRAPH)
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    logger = logging.getLogger("test_fewer")
    logger.addHandler(handler)
    watchers = (PlainProgress(stream, GRAPH), Decisions(lambda: logger, "WARNING"))
    for event in events():
        schedule.handle(event)
        for watcher in watchers:
            watcher.observe([event], schedule)

    told = [line for line in stream.getvalue().splitlines() if "within a minute" in line]
    assert ["[   1.00 s] a, b, c crashed within a minute: 3 at once from now on"] == told
    assert ["3 workers from now on: a, b, c crashed within a minute"] == [each.getMessage() for each in records]


def test_the_view_says_why_something_waits_to_run_alone() -> None:
    """Before it may, what crashed twice waits for all others; while it runs, all others wait for it."""
    schedule = until(3.0)

    assert "all others to end: it crashed twice and runs alone now" == lacking("a", schedule)
    assert 3 == Watched(GRAPH, lambda _name: "").sight(3.0, schedule).slots
    assert "a to end, which crashed twice and runs alone" == lacking("slow", until(4.5))
