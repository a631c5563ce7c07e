"""What becomes of a service, in every form of the report: one that was stopped, one that died, one never ready."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from runner.execute.simulate import ServiceStep, Simulation, Step
from runner.record.folding import fold
from runner.record.render.explained import explain_service
from runner.record.render.markdown import render_markdown
from runner.record.render.text import PLAIN, render_text
from runner.record.report import Report
from runner.schedule.messages import Event, ServiceEnded
from tests.kit import graph_of, play, scripted
from tests.record.test_junit import junit

FOLDER = Path("nowhere")
STEPS = {
    "stopped": ServiceStep(ready_after=1.0),
    "died": ServiceStep(ready_after=1.0, dies_after=2.0),
    "never_ready": ServiceStep(ready_after=None, dies_after=2.0),
}


def ran(how: str) -> Report:
    """Fold a run of one task and its service, with what the service would have said."""
    graph = graph_of("a: db", services={"db": {}})
    simulation = Simulation(*scripted({"a": Step(seconds=4.0)}, lambda *_: STEPS[how]), slots=1)
    return fold(graph, [_said(turn.event) for turn in play(graph, simulation).turns])


def _said(event: Event) -> Event:
    if not isinstance(event, ServiceEnded):
        return event
    message = "" if event.how == "stopped" else "it ended by itself: exit code 3\nsaid \x1b[31mred"
    return replace(event, message=message, lines=("up", "\x1b[31mno database"), log="logs/db.log")


@pytest.mark.parametrize("how", ["died", "never_ready"])
def test_a_broken_service_is_told_wherever_a_failure_is(how: str) -> None:
    """With its last words, in which no terminal is controlled; a server that reads JUnit sees an error."""
    report = ran(how)
    text = render_text(report, FOLDER, PLAIN, 100)
    case = next(each for each in junit(report).iter("testcase") if each.get("name") == "db")

    assert "failed" == report.services[0].state
    assert "service db failed: it ended by itself: exit code 3 said" in text
    assert "  │ up\n" in text
    assert "no database" in text
    assert "\x1b" not in text
    assert ("test.services", "service") == (case.get("classname"), case[0].get("type"))
    assert "no database" in (case.findtext("error") or "")
    assert "no database" in render_markdown(report, FOLDER)


@pytest.mark.parametrize(("how", "answered"), [("stopped", True), ("died", True), ("never_ready", False)])
def test_a_service_is_explained(how: str, answered: bool) -> None:
    """Whether it ever answered and for how long, why it ended, and where its log is."""
    text = explain_service(ran(how).services[0], FOLDER)

    assert text.startswith(f"service db {'stopped' if how == 'stopped' else 'failed'}\n")
    assert answered == ("  answered" in text) == ("was up for" in text)
    assert (how != "stopped") == ("it ended by itself" in text)
    assert text.endswith("  log: nowhere/logs/db.log\n")
    assert "\x1b" not in text
