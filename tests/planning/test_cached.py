"""A plan of tasks that are cached: what would be left out, what runs and why, and what is refused if that changes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner.errors import PlanChanged
from runner.files import digest_of
from runner.graph.check import load
from runner.keeping import Keys
from runner.mask import Masker
from runner.planning.approval import Ground, planned_now
from runner.planning.text import render_plan
from runner.record.folder import StateFolder
from runner.record.journal import Journal
from runner.record.render.text import PLAIN
from runner.schedule.messages import AttemptEnded, AttemptStarted, Event, Kept, Outdated, Recalled
from runner.task import MadeFile, Succeeded
from tests.kit import opened
from tests.planning.scenes import made, planned, states, task

GRAPH = """
workers: 2
services:
  web: {run: "false", port: 0}
tasks:
  fetch: {run: "false", estimate: 2s}
  build: {run: "false", sources: [src], generates: [out], needs: [fetch], estimate: 3s}
  test: {uses: "mine:test", cache: true, needs: [build, web], estimate: 4s}
  alone: {run: "false", cache: true, estimate: 5s}
  report: {run: "false", needs: [test], if: "needs.test.outputs.good", estimate: 1s}
"""


class Clock:
    """A clock that stands still."""

    def now(self) -> float:
        """Answer the start."""
        return 0.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Answer a folder in which everything has succeeded in one run."""
    for name in ("src", "out", "mine.py"):
        (tmp_path / name).write_text("#\n", encoding="utf-8")
    (tmp_path / "g.yaml").write_text(GRAPH, encoding="utf-8")
    graph = load(str(tmp_path / "g.yaml")).graph
    keys, known = Keys(graph, {}, str(tmp_path), {}), dict[str, Kept]()
    events: list[Event] = [opened(run="r1", file="g.yaml")]
    for name in graph.tasks:
        key, parts = keys.asked(name, known)
        found = Outdated(because="b", parts=parts(), handed=keys.handed(name, known))
        built = (MadeFile(path="out", digest=digest_of(str(tmp_path / "out"))),) if name == "build" else ()
        outcome = Succeeded(outputs={"good": True} if name == "test" else {}, made=built)
        events += [
            Recalled(at=0.0, outdated={name: found}),
            AttemptStarted(at=0.0, task=name, attempt=1, key=key),
            AttemptEnded(at=1.0, task=name, attempt=1, outcome=outcome),
        ]
        known[name] = Kept(outcome=outcome, key=key)
    run = StateFolder(path=tmp_path / ".runner").create_run("g", datetime(2026, 1, 1, tzinfo=UTC), "0001")
    journal = Journal(run.journal, Clock(), Masker({}))
    journal.record(events)
    journal.close()
    return tmp_path


def reasons(folder: Path, **said: object) -> dict[str, str]:
    """Answer why each task that is cached runs, "" for those that are left out."""
    plan = planned(folder, GRAPH, **said)
    return {each.task: "" if each.run else each.why for each in plan.cached}


def test_what_holds_takes_no_time_and_starts_no_service(folder: Path) -> None:
    """Only what is not cached is left of the plan; outputs that conditions read are those of then."""
    plan = planned(folder, GRAPH)

    assert {
        "fetch": "succeeded",
        "build": "cached",
        "test": "cached",
        "alone": "cached",
        "report": "succeeded",
    } == states(plan)
    assert 3.0 == plan.makespan
    assert [None, None] == [plan.services[0].start, task(plan, "test").start]
    assert ("r1", ()) == (task(plan, "test").kept, plan.assumptions)


def test_what_is_sure_and_what_is_thought_is_said(folder: Path) -> None:
    """`build` rests upon a task that runs, so it is left out only if that hands on the same."""
    said = {each.task: each.why for each in planned(folder, GRAPH).cached}

    assert "nothing it rests upon has changed" == said["alone"]
    assert "nothing it rests upon has changed, if what runs before it hands on the same as then" == said["build"]
    assert said["build"] == said["test"]


def test_what_runs_comes_first_with_what_has_changed(folder: Path) -> None:
    """In the words that `explain` will have for it."""
    (folder / "src").write_text("# other\n", encoding="utf-8")
    lines = [line.strip() for line in render_plan(planned(folder, GRAPH), PLAIN, 200).splitlines()]
    first = lines.index("Cached") + 1

    assert [
        "build: runs, for the source `src` has changed",
        "test: runs, for `build`, which it needs, is asked something else",
        "alone: as in run r1, for nothing it rests upon has changed",
    ] == lines[first : first + 3]


def test_force_and_rehearsals_leave_nothing_out(folder: Path) -> None:
    """Whoever asks what happens if a task fails wants to see it run."""
    forced = "the run does everything again (`--force`)"
    assert {"build": forced, "test": forced, "alone": forced} == reasons(folder, force=True)
    assert {"alone": "", "build": "it is rehearsed"} == reasons(folder, fail=["build"])
    assert {"alone": "", "build": "", "test": "it is rehearsed"} == reasons(folder, slow=["test=2x"])


def test_what_rests_upon_a_rehearsed_failure_is_not_left_out(folder: Path) -> None:
    """It runs in spite of that, if its trigger says so."""
    text = GRAPH.replace("cache: true, needs: [build, web]", "cache: true, trigger: all_done, needs: [build, web]")
    found = {each.task: each.why for each in planned(folder, text, fail=["build"]).cached}

    assert "something it needs did not succeed" == found["test"]


def test_an_approved_plan_knows_what_is_left_out(folder: Path) -> None:
    """A source or a made file that changes between plan and run changes what would run."""
    then = made(folder, GRAPH).approval().ground
    assert {"build": "r1", "test": "r1", "alone": "r1"} == then.cached
    assert () == differences(folder, then)

    (folder / "out").unlink()
    assert ("task `build` was to be cached from r1, and would be done",) == differences(folder, then)

    (folder / "out").write_text("#\n", encoding="utf-8")
    (folder / "src").write_text("# other\n", encoding="utf-8")
    assert (
        "input sources of `build` has changed",
        "task `build` was to be cached from r1, and would be done",
        "task `test` was to be cached from r1, and would be done",
    ) == differences(folder, then)


def differences(folder: Path, then: Ground) -> tuple[str, ...]:
    """Answer what a run of an approved plan would refuse."""
    approval = made(folder, GRAPH).approval()
    try:
        planned_now(approval.__class__(graph="g", ground=then, planned={}), approval.ground, 0.0)
    except PlanChanged as error:
        return error.differences
    return ()
