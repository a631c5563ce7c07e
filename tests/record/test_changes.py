"""What changed since the run before: each kind of change, and no change that is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from runner.record.changes import compare
from runner.record.earlier import with_previous
from runner.record.folder import RunFolder
from runner.record.folding import fold
from runner.record.remembered import remembered
from runner.record.render.json import render_json
from runner.record.render.markdown import render_markdown
from runner.record.render.text import PLAIN, render_text
from runner.record.report import Change, Previous, Report
from runner.schedule.messages import AttemptEnded, AttemptStarted, Event, Kept, Noted, Recalled
from runner.task import Cause, Check, Failed, Json, Succeeded, Verdict
from tests.kit import graph_of, opened

Checks = dict[str, Verdict]


def ran(  # noqa: PLR0917  # a run in one line of a table
    text: str,
    good: str = "",
    bad: str = "",
    checks: Checks | None = None,
    run: str = "r2",
    digest: str = "",
    **params: Json,
) -> Report:
    """Fold a run of a graph in which these tasks succeeded and those failed; `checks` are those of task `a`."""
    ends = {name: Succeeded() for name in good.split()} | {name: Failed(cause=Cause.EXCEPTION) for name in bad.split()}
    events: list[Event] = [opened(9, run=run, params=params, file="g.yaml")]
    for name, outcome in ends.items():
        events.append(AttemptStarted(at=0.0, task=name, attempt=1))
        notes = [Check(name=each, verdict=verdict) for each, verdict in (checks or {}).items()] if name == "a" else []
        events += [Noted(at=0.5, task=name, attempt=1, note=note) for note in notes]
        events.append(AttemptEnded(at=1.0, task=name, attempt=1, outcome=outcome))
    return fold(replace(graph_of(text), digest=digest or text), events)


def changes(before: Report, after: Report) -> list[tuple[Any, ...]]:
    """Compare two runs."""
    found = compare(remembered(before), remembered(after), [remembered(before)])
    return [(each.kind, each.task, each.name, each.before, each.after) for each in found]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (ran("a", "a"), ran("a", "a"), []),
        (ran("a", "a"), ran("a", "", "a"), [("newly_failing", "a", None, "succeeded", "failed")]),
        (ran("a", "", "a"), ran("a", "a"), [("fixed", "a", None, "failed", "succeeded")]),
        (ran("a; b: a", "", "a"), ran("a; b: a", "", "a"), []),
        (
            ran("a; b: a", "a b"),
            ran("a; b: a", "", "a"),
            [
                ("newly_failing", "a", None, "succeeded", "failed"),
                ("newly_skipped", "b", None, "succeeded", "blocked"),
            ],
        ),
        (
            ran("a; b: a", "", "a"),
            ran("a; b: a", "a", "b"),
            [("fixed", "a", None, "failed", "succeeded"), ("newly_failing", "b", None, "blocked", "failed")],
        ),
        (
            ran("a; old", "a old"),
            ran("a; new", "a new"),
            [("added", "new", None, None, "succeeded"), ("removed", "old", None, "succeeded", None)],
        ),
        (ran("a; b", "a b", digest="one"), ran("a", "a", digest="one"), []),  # a part of the graph was selected
        (ran("a", "a", digest="one"), ran("a; b", "a b", digest="one"), []),
        (ran("a", "a", x=1, y=2), ran("a", "a", x=1, y=3), [("param", None, "y", 2, 3)]),
        (
            ran("a", "a", x=1),
            ran("a", "a", y=None, z=[1]),
            [("param", None, "z", None, [1]), ("param", None, "x", 1, None)],
        ),
        (
            ran("a", "", "a", {"x": "passed", "y": "failed", "z": "failed", "w": "passed"}),
            ran("a", "", "a", {"x": "failed", "y": "passed", "z": "failed", "w": "warning", "new": "failed"}),
            [("check_failing", "a", "x", "passed", "failed"), ("check_fixed", "a", "y", "failed", "passed")],
        ),
    ],
)
def test_each_change_is_named(before: Report, after: Report, expected: list[tuple[Any, ...]]) -> None:
    """What went one way and goes another is a change; checks are compared where the task went as before."""
    assert expected == changes(before, after)


def test_the_run_before_is_the_latest_with_a_report(tmp_path: Path) -> None:
    """Runs without a report, of another file, of a later time or of an unknown schema are passed over."""
    earlier = ran("a", "", "a", run="20260101-r")
    reports = {
        "20260101-r": render_json(earlier),
        "20260102-r": render_json(replace(earlier, graph=replace(earlier.graph, file="other.yaml"))),
        "20260103-r": '{"schema": 99}',
        "20260104-r": "[1]",
        "20260105-r": None,
        "20260107-r": render_json(ran("a", "a", run="20260107-r")),
    }
    for name, text in reports.items():
        (tmp_path / name).mkdir()
        if text is not None:
            (tmp_path / name / "report.json").write_text(text, encoding="utf-8")
    folders = [RunFolder(path=tmp_path / name) for name in reports]
    report = with_previous(ran("a", "a", run="20260106-r"), folders)

    fixed = Change(kind="fixed", task="a", before="failed", after="succeeded")
    assert Previous(run="20260101-r", changes=(fixed,)) == report.previous
    assert with_previous(earlier, folders).previous is None


def test_a_run_in_which_nothing_ran_is_compared_with_the_latest_alone(tmp_path: Path) -> None:
    """Whatever else is kept: nothing of it can be slower or flaky now."""
    reports = {name: ran("a", "", "a", run=name) for name in ("20260101-r", "20260102-r")}
    for name, report in reports.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").write_text(render_json(report), encoding="utf-8")
    folders = [RunFolder(path=tmp_path / name) for name in reports]
    cached = graph_of("a", a={"cache": True})
    recalled = Recalled(at=0.0, kept={"a": Kept(outcome=Succeeded(), run="r0", key="k")})
    now = fold(replace(cached, digest="a"), [opened(run="20260103-r", file="g.yaml"), recalled])

    fixed = Change(kind="fixed", task="a", before="failed", after="cached")
    expected = Previous(run="20260102-r", changes=(fixed,))
    assert expected == with_previous(now, folders).previous == with_previous(now, folders[1:]).previous
    assert not with_previous(now, folders).tasks[0].flaky


def test_changes_are_told_in_words() -> None:
    """Text and Markdown list what changed; where nothing did, they say nothing."""
    before = remembered(ran("a; b; c: b; old", "a c old b", url="x", run="r1"))
    after = ran("a; b; c: b", "a", "b", url="y")
    report = replace(after, previous=Previous(run="r1", changes=compare(before, remembered(after), [before])))
    text, markdown = render_text(report, Path("x"), PLAIN, 100), render_markdown(report, Path("x"))

    lines = [
        "parameter url: x → y",
        "b is newly failing (was succeeded)",
        "c is newly blocked (was succeeded)",
        "old was removed",
    ]
    assert "Changed since run r1\n" + "".join(f"  {line}\n" for line in lines) in text
    assert "\n".join(f"- {line}" for line in lines) in markdown
    assert "Changed" not in render_text(after, Path("x"), PLAIN, 100) + render_markdown(after, Path("x"))
