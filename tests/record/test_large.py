"""Runs with many tasks, many failures and large values: the summary still shows first what matters."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from runner.record.folding import fold
from runner.record.render.markdown import render_markdown
from runner.record.render.text import PLAIN, render_text
from runner.record.report import Report
from runner.schedule.messages import AttemptEnded, AttemptStarted, Event, Noted
from runner.task import Cause, Check, Failed, LedgerRow, Outcome, Succeeded
from tests.kit import graph_of, opened

AT = "2026-01-01T00:00:00.000Z"
NOWHERE = Path("nowhere")


def report_of(outcomes: dict[str, Outcome], *notes: Noted, text: str = "", allowed: tuple[str, ...] = ()) -> Report:
    """Fold a run of tasks that end so, one attempt each."""
    settings = {name: {"allow_failure": True} for name in allowed}
    graph = graph_of(text or "; ".join(outcomes), **settings)
    starts = [AttemptStarted(at=0.0, task=name, attempt=1) for name in outcomes]
    ends = [AttemptEnded(at=1.0, task=name, attempt=1, outcome=outcome) for name, outcome in outcomes.items()]
    events: list[Event] = [opened(len(outcomes)), *starts, *notes, *ends]
    return fold(graph, events)


def failed(message: str = "no") -> Failed:
    """Fail with a traceback, so that there is evidence."""
    return Failed(cause=Cause.EXCEPTION, message=message, traceback=f"Traceback:\n{message}")


def test_failures_come_first_among_thousands() -> None:
    """Of 2,000 tasks those that failed have a row, wherever they stand; the rest is counted."""
    outcomes: dict[str, Outcome] = {f"t{number}": Succeeded() for number in range(2000)}
    outcomes |= {"t7": failed(), "t1990": failed(), "t5": failed()}
    report = report_of(outcomes, allowed=("t5",))
    lines = render_text(report, NOWHERE, PLAIN, 80).splitlines()
    rows = [line.split()[1] for line in lines if line.startswith("  ✗ t")]

    assert ["t7", "t1990", "t5"] == rows
    assert "  … and 1997 succeeded" in lines
    assert len(lines) < 40
    assert "FAILED test: 1997 succeeded, 3 failed (1 allowed)" in lines


def test_markdown_folds_thousands_away() -> None:
    """The first table has what matters; the other rows are folded, and none is missing."""
    outcomes: dict[str, Outcome] = {f"t{number}": Succeeded() for number in range(2000)} | {"t1990": failed()}
    markdown = render_markdown(report_of(outcomes), NOWHERE)
    first, folded = markdown.split("<details><summary>and 1999 succeeded</summary>")

    assert 1 == first.count("\n| ✗ |") + first.count("\n| ✓ |")
    assert 1999 == folded.count("\n| ✓ |")


def test_the_evidence_of_many_failures_is_cut() -> None:
    """With hundreds of failures the first few are shown with evidence, and the others are counted."""
    report = report_of({f"t{number}": failed() for number in range(500)})
    text = render_text(report, NOWHERE, PLAIN, 80)

    assert 5 == text.count("│ Traceback:")
    assert "… and 495 more that failed: `python -m runner show r1` has all" in text
    assert "  … and 460 failed" in text
    assert len(text.splitlines()) < 80


def test_a_value_of_a_megabyte_is_cut() -> None:
    """Values, names and messages of any size leave the summary a summary."""
    large = "x" * 1_000_000
    check = Check(name=large, verdict="failed", expected=[large], observed=large, message=large)
    notes = [Noted(at=0.5, task="a", attempt=1, note=check)]
    notes += [
        Noted(at=0.5, task="a", attempt=1, note=LedgerRow(action="created", kind="k", id=f"{n}{large[:10_000]}", at=AT))
        for n in range(30)
    ]
    report = report_of({"a": failed(large)}, *notes)
    text = render_text(report, NOWHERE, PLAIN, 100)

    assert len(text) < 5_000
    assert max(map(len, text.splitlines())) <= 100
    assert "  … and 22 more" in text.splitlines()
    assert len(render_markdown(report, NOWHERE)) < 100_000


def test_a_chain_of_a_thousand_has_a_short_path() -> None:
    """A long critical path is shown by its two ends."""
    names = [f"t{number}" for number in range(1000)]
    chain = "; ".join([names[0], *(f"{name}: {before}" for before, name in pairwise(names))])
    graph, events = graph_of(chain), list[Event]([opened(1)])
    for number, name in enumerate(names):
        events.append(AttemptStarted(at=float(number), task=name, attempt=1))
        events.append(AttemptEnded(at=number + 1.0, task=name, attempt=1, outcome=Succeeded()))
    text = render_text(fold(graph, events), NOWHERE, PLAIN, 200)

    assert "Critical path: t0 → t1 → t2 → t3 → t4 → … 990 more … → t995 → t996 → t997 → t998 → t999" in text


def test_processes_left_behind_are_named() -> None:
    """What an attempt left running is in the summary, though it succeeded."""
    graph = graph_of("a")
    end = AttemptEnded(at=1.0, task="a", attempt=1, outcome=Succeeded(), left=("sleep 100", "server"))
    report = fold(graph, [opened(), AttemptStarted(at=0.0, task="a", attempt=1), end])
    text = render_text(report, NOWHERE, PLAIN, 80)

    assert "2 processes left behind, and ended\n  a: sleep 100\n  a: server\n" in text
    assert "Left behind, and ended: `sleep 100`, `server`" in render_markdown(report, NOWHERE)
