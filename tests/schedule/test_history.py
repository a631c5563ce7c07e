"""The stories that events tell, one event at a time."""

from __future__ import annotations

import pytest

from runner.schedule.history import Stories
from runner.schedule.messages import (
    AttemptEnded,
    AttemptReturned,
    AttemptStarted,
    CancelAsked,
    ClockTicked,
    Event,
    Kept,
    Noted,
    ServiceEnded,
    ServiceReady,
    SlotsChanged,
)
from runner.task import Artifact, Cause, Check, Failed, LedgerRow, Note, Progress, Succeeded
from tests.kit import opened

AT = "2026-01-01T00:00:00.000Z"
ROW = LedgerRow(action="created", kind="document", id="1", at=AT)
CHECK = Check(name="c", verdict="passed")
CRASHED = Failed(cause=Cause.CRASHED)


def told(*events: Event) -> Stories:
    """Tell stories of these events."""
    stories = Stories()
    for event in events:
        stories.add(event)
    return stories


def said(note: Note, attempt: int = 1) -> Event:
    """Let task `a` say something."""
    return Noted(at=1.5, task="a", attempt=attempt, note=note)


def test_attempts_follow_one_another() -> None:
    """Each attempt has its number, its times, its process, its log and its end; rests count for none."""
    first, second = (
        told(
            opened(),
            AttemptStarted(at=1.0, task="a", attempt=1, pid=11),
            AttemptEnded(at=2.5, task="a", attempt=1, outcome=CRASHED, log="logs/a.1.log", left=("sleep",)),
            AttemptStarted(at=10.125, task="a", attempt=2, pid=12, asked=10.0),
            AttemptEnded(at=10.25, task="a", attempt=2, outcome=Succeeded()),
        )
        .of("a")
        .attempts
    )

    assert (1, 1.5, 11, CRASHED, "logs/a.1.log", ("sleep",)) == (
        first.number,
        first.seconds,
        first.pid,
        first.outcome,
        first.log,
        first.left,
    )
    assert (2, 0.25, 12, Succeeded(), "") == (second.number, second.seconds, second.pid, second.outcome, second.log)


def test_notes_of_all_attempts_are_kept() -> None:
    """Checks, ledger rows and artifacts of every attempt stay, in order; of progress only the latest."""
    story = told(
        said(CHECK),
        said(ROW),
        said(Progress(message="half")),
        said(Artifact(path="x")),
        said(Progress(message="done"), attempt=2),
        said(CHECK, attempt=2),
    ).of("a")

    assert ([CHECK, CHECK], [ROW], [Artifact(path="x")]) == (story.checks, story.ledger, story.artifacts)
    assert Progress(message="done") == story.progress


def test_an_attempt_that_came_back_keeps_its_number() -> None:
    """An attempt that had not begun is told once, when it does."""
    story = told(AttemptReturned(at=1.0, task="a", attempt=1), AttemptStarted(at=2.0, task="a", attempt=1, pid=5)).of(
        "a"
    )

    assert [(1, 2.0)] == [(attempt.number, attempt.started) for attempt in story.attempts]


def test_an_attempt_that_never_began_took_no_time() -> None:
    """An end without a start, as of parameters that could not be filled in, is an attempt of no seconds."""
    story = told(AttemptEnded(at=3.0, task="a", attempt=1, outcome=CRASHED)).of("a")

    assert [(None, 0.0, CRASHED)] == [(each.started, each.seconds, each.outcome) for each in story.attempts]


def test_what_was_kept_is_told_with_its_run() -> None:
    """A result taken over brings the checks and the ledger of its run, and no attempt."""
    kept = Kept(outcome=Succeeded(), run="earlier", checks=(CHECK,), ledger=(ROW,))
    story = told(opened(kept={"a": kept})).of("a")

    assert ("earlier", [(0, CHECK)], [ROW], []) == (story.run, story.checked, story.ledger, story.attempts)


@pytest.mark.parametrize(("rows", "any_ledger"), [("", False), ("a", True), ("b", True), ("ab", True)])
def test_a_ledger_that_was_kept_is_known_of(rows: str, *, any_ledger: bool) -> None:
    """Whichever of the kept tasks has one, and not where none has."""
    kept = {task: Kept(outcome=Succeeded(), ledger=(ROW,) if task in rows else ()) for task in "ab"}

    assert any_ledger is told(opened(kept=kept)).any_ledger


def test_a_first_row_makes_a_ledger() -> None:
    """A check makes none."""
    assert [False, True] == [told(said(CHECK)).any_ledger, told(said(CHECK), said(ROW)).any_ledger]


def test_a_service_has_a_story_of_its_own() -> None:
    """Of a service its address, its times, its end and its last lines are known."""
    story = told(
        ServiceReady(at=0.5, service="db", attempt=1, url="http://127.0.0.1:1", port=1, pid=7),
        ServiceEnded(at=4.0, service="db", attempt=1, how="died", message="gone", lines=("x",), log="logs/db.log"),
    ).of_service("db")

    assert (0.5, 4.0, "http://127.0.0.1:1") == (story.ready, story.ended, story.url)
    assert ("died", "gone", ("x",), "logs/db.log") == (story.how, story.message, story.lines, story.log)


def test_the_last_event_is_the_end() -> None:
    """Whatever happens last says how long the run took; who asked for its end is kept."""
    stories = told(opened(), CancelAsked(at=2.0, why="terminated"), SlotsChanged(at=3.0, slots=1), ClockTicked(at=4.0))

    assert 4.0 == stories.ended
    assert ["terminated"] == [cancel.why for cancel in stories.cancels]
    assert {} == stories.tasks
