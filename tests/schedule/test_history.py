"""The stories that events tell, one event at a time."""

from __future__ import annotations

import pytest

from runner.schedule.history import Stories, stories_of
from runner.schedule.messages import (
    AttemptEnded,
    AttemptReturned,
    AttemptStarted,
    CancelAsked,
    ClockTicked,
    Event,
    FannedOut,
    Kept,
    Noted,
    Outdated,
    Recalled,
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
    return stories_of(events)


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

    assert ([CHECK, CHECK], [ROW], [(1, Artifact(path="x"))]) == (story.checks, story.ledger, story.filed)
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


def test_the_result_of_a_task_is_its_last_attempts_or_what_was_taken_over() -> None:
    """None where the last attempt failed or goes on, or nothing has happened.

    A success has the checks of its attempt, and the records of all: what was tried again was judged again.
    """
    kept = Kept(outcome=Succeeded(outputs={"n": 1}), run="earlier")
    first = AttemptStarted(at=1.0, task="a", attempt=1, key="k1")
    crash = AttemptEnded(at=2.0, task="a", attempt=1, outcome=CRASHED)
    second = AttemptStarted(at=3.0, task="a", attempt=2, key="k2")
    success = AttemptEnded(at=4.0, task="a", attempt=2, outcome=Succeeded(outputs={"n": 2}))
    whole = Kept(outcome=Succeeded(outputs={"n": 2}), checks=(CHECK,), ledger=(ROW,), key="k2")

    assert told(opened()).of("a").result is None
    assert kept == told(opened(kept={"a": kept})).of("a").result
    assert kept == told(Recalled(at=1.0, kept={"a": kept})).of("a").result
    assert told(opened(kept={"a": kept}), first, crash).of("a").result is None
    assert told(first, crash, second).of("a").result is None
    assert whole == told(first, said(CHECK), said(ROW), crash, second, said(CHECK, 2), success).of("a").result


def test_what_may_be_taken_over_is_of_one_attempt_and_names_its_run() -> None:
    """Files and checks of that attempt, and what was handed to it; files of one that was tried again stay behind."""
    first, second = Artifact(path="one"), Artifact(path="two")
    stories = told(
        Recalled(at=0.5, outdated={"a": Outdated(because="never", handed="h1")}),
        AttemptStarted(at=1.0, task="a", attempt=1, key="k"),
        said(first),
        said(CHECK),
        AttemptEnded(at=2.0, task="a", attempt=1, outcome=Succeeded()),
        AttemptStarted(at=3.0, task="a", attempt=2, key="k"),
        said(second, 2),
    )
    story = stories.of("a")
    taken = story.success(story.attempts[0], "r5")

    assert Kept(outcome=Succeeded(), run="r5", checks=(CHECK,), key="k", artifacts=(first,), handed="h1") == taken
    assert [second] == story.artifacts


def test_files_that_were_taken_over_are_those_of_no_attempt() -> None:
    """Until the task is tried itself."""
    kept = Kept(outcome=Succeeded(), run="r0", artifacts=(Artifact(path="old"),))
    stories = told(opened(kept={"a": kept}))

    assert [Artifact(path="old")] == stories.of("a").artifacts
    stories.add(AttemptStarted(at=1.0, task="a", attempt=1))
    assert [] == stories.of("a").artifacts


def test_the_items_of_fan_outs_are_known() -> None:
    """Those that the run began with, and those that came to be known, with results that were kept; not of a fault."""
    kept = Kept(outcome=Succeeded(), run="r0")
    first = opened(items={"a": ("x",)})
    stories = told(
        first,
        FannedOut(at=1.0, task="b", items=("y", "z"), kept={"b[y]": kept}),
        FannedOut(at=2.0, task="c", items=("v",), fault="no list"),
    )

    assert {"a": ("x",), "b": ("y", "z")} == stories.items
    assert {"a": ("x",)} == first.items
    assert "r0" == stories.of("b[y]").run


def test_why_a_last_result_was_not_taken_is_known() -> None:
    """And the run of one that was."""
    outdated = Outdated(because="it has changed")
    stories = told(Recalled(at=1.0, kept={"a": Kept(outcome=Succeeded(), run="r0")}, outdated={"b": outdated}))

    assert [("r0", None), ("", outdated)] == [(stories.of(task).run, stories.of(task).outdated) for task in "ab"]


@pytest.mark.parametrize(("rows", "any_ledger"), [("", False), ("a", True), ("b", True), ("ab", True)])
def test_a_ledger_that_was_kept_is_known_of(rows: str, *, any_ledger: bool) -> None:
    """Whichever of the kept tasks has one, and not where none has."""
    kept = {task: Kept(outcome=Succeeded(), ledger=(ROW,) if task in rows else ()) for task in "ab"}

    assert any_ledger is told(opened(kept=kept)).any_ledger


def test_a_first_row_makes_a_ledger() -> None:
    """A check makes none."""
    assert [False, True] == [told(said(CHECK)).any_ledger, told(said(CHECK), said(ROW)).any_ledger]


def test_a_service_has_a_story_of_its_own() -> None:
    """Of a service its address, its times, its end and its last lines are known, and how long it took if it is said."""
    ready = ServiceReady(at=0.5, service="db", attempt=1, asked=0.125, url="http://127.0.0.1:1", port=1, pid=7)
    unasked = ServiceReady(at=0.5, service="other", attempt=1)
    ended = ServiceEnded(at=4.0, service="db", attempt=1, how="died", message="gone", lines=("x",), log="logs/db.log")
    stories = told(ready, unasked, ended)
    story = stories.services["db"]

    assert (0.5, 4.0, 0.375, "http://127.0.0.1:1") == (story.ready, story.ended, story.waited, story.url)
    other = stories.of_service("other")
    assert (0.5, None, None) == (other.ready, other.ended, other.waited)
    assert ("died", "gone", ("x",), "logs/db.log") == (story.how, story.message, story.lines, story.log)


def test_the_last_event_is_the_end() -> None:
    """Whatever happens last says how long the run took; who asked for its end is kept."""
    stories = told(opened(), CancelAsked(at=2.0, why="terminated"), SlotsChanged(at=3.0, slots=1), ClockTicked(at=4.0))

    assert 4.0 == stories.ended
    assert ["terminated"] == [cancel.why for cancel in stories.cancels]
    assert {} == stories.tasks


def test_who_did_an_attempt_and_how_many_there_were() -> None:
    """The most workers there were at a time: as many as slots where nothing else is said."""
    stories = stories_of([opened(2), AttemptStarted(at=1.0, task="a", attempt=1, worker="w7")])
    assert (2, "w7") == (stories.workers, stories.of("a").attempts[0].worker)
    for changed, most in ((SlotsChanged(at=2.0, slots=9, workers=3), 3), (SlotsChanged(at=3.0, slots=4), 4)):
        stories.add(changed)

        assert most == stories.workers
    stories.add(SlotsChanged(at=4.0, slots=1, workers=1))

    assert 4 == stories.workers
