"""The runs that are kept: their rows and how they are shown, in a text that a person has read."""

from __future__ import annotations

import os
from pathlib import Path

from runner.record.chronicle import Row, rows
from runner.record.folder import RunFolder
from runner.record.folding import fold
from runner.record.lock import GraphLock, Holder, going_on
from runner.record.render.chronicle import render_chronicle, sparkline
from runner.record.render.json import render_json
from runner.schedule.messages import AttemptEnded, AttemptStarted, Event
from runner.task import Cause, Failed, Succeeded
from tests.kit import graph_of, opened

GOLDEN = Path(__file__).parents[1] / "golden" / "record" / "history.txt"


def ran(folder: Path, run: str, seconds: float, *, good: bool = True, file: str = "a.yaml") -> RunFolder:
    """Leave the report of a run with one task that took so long."""
    outcome = Succeeded() if good else Failed(cause=Cause.EXIT_CODE, message="exit code 1")
    events: list[Event] = [
        opened(1, run=run, file=file),
        AttemptStarted(at=0.0, task="a", attempt=1),
        AttemptEnded(at=seconds, task="a", attempt=1, outcome=outcome),
    ]
    (folder / run).mkdir()
    (folder / run / "report.json").write_text(render_json(fold(graph_of("a"), events)), encoding="utf-8")
    return RunFolder(path=folder / run)


def test_each_run_has_a_row_with_its_trend(tmp_path: Path) -> None:
    """Verdict, time, what failed; slower than the passed runs of the same file before, once there are three of them."""
    made = [
        ran(tmp_path, "20260101-r", 2.0),
        ran(tmp_path, "20260102-r", 2.1),
        ran(tmp_path, "20260103-r", 9.0, file="b.yaml"),
        ran(tmp_path, "20260104-r", 99.0, good=False),
        ran(tmp_path, "20260105-r", 1.9),
        ran(tmp_path, "20260106-r", 2.05),
        ran(tmp_path, "20260107-r", 9.0),
    ]

    assert [
        ("a.yaml", "passed", 2.0, "", ()),
        ("a.yaml", "passed", 2.1, "", ()),
        ("b.yaml", "passed", 9.0, "", ()),
        ("a.yaml", "failed", 99.0, "", ("a",)),
        ("a.yaml", "passed", 1.9, "", ()),
        ("a.yaml", "passed", 2.05, "steady", ()),
        ("a.yaml", "passed", 9.0, "slower", ()),
    ] == [(row.file, row.verdict, row.seconds, row.trend, row.failed) for row in rows(made)]


def test_a_row_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    """And costs the next one nothing."""
    (tmp_path / "20260101-r").mkdir()
    found = rows([RunFolder(path=tmp_path / "20260101-r"), ran(tmp_path, "20260102-r", 1.0)])

    assert ["unreadable", "passed"] == [row.verdict for row in found]
    assert "was ended before it began: its journal tells nothing" == found[0].problem


SHOWN = (
    Row(run="20260101-000000000-nightly-aaaa", file="nightly.yaml", verdict="passed", seconds=200.0),
    Row(run="20260102-000000000-nightly-aaaa", file="nightly.yaml", verdict="passed", seconds=190.0, flaky=("power",)),
    Row(run="20260103-000000000-nightly-aaaa", file="nightly.yaml", verdict="failed", seconds=20.5, failed=("health",)),
    Row(run="20260103-000000000-other-aaaa", file="other.yaml", verdict="passed", seconds=0.25),
    Row(
        run="20260104-000000000-nightly-aaaa",
        verdict="unreadable",
        problem="journal.jsonl:2: the journal is damaged here",
    ),
    Row(run="20260105-000000000-nightly-aaaa", file="nightly.yaml", verdict="interrupted", seconds=7.0),
    Row(
        run="20260106-000000000-nightly-aaaa",
        file="nightly.yaml",
        verdict="passed",
        seconds=460.0,
        trend="slower",
        flaky=("power", "health"),
    ),
    Row(run="20260107-000000000-nightly-aaaa", file="nightly.yaml", verdict="running", seconds=3.0),
)


def test_the_history_is_what_a_person_has_read() -> None:
    """One text with every kind of row (TASKGRAPH_GOLDEN=1 writes it anew, to be read)."""
    text = render_chronicle(SHOWN, 100)
    if os.environ.get("TASKGRAPH_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")

    assert GOLDEN.read_text(encoding="utf-8") == text


def test_bars_are_as_high_as_values_are_large() -> None:
    """The largest is the highest, half of it half as high, and nothing the lowest."""
    assert "▁▄█" == sparkline([0.0, 3.9, 8.0])
    assert "▁▁" == sparkline([0.0, 0.0])


def test_a_run_goes_on_as_long_as_its_process_lives(tmp_path: Path) -> None:
    """Told by what stands in the lock's file; a process that is gone, another start or nonsense is no run."""
    started = "2026-01-01T00:00:00.123Z"
    (tmp_path / "graph.yaml").touch()
    lock = GraphLock(tmp_path, str(tmp_path / "graph.yaml"))
    lock.take(Holder(pid=os.getpid(), since="2026-01-01T00:00:00+00:00"), lambda _holder: False)

    assert os.getpid() == going_on(tmp_path, started)
    assert None is going_on(tmp_path, "2026-01-01T00:00:01.123Z")
    lock.close()
    file = next((tmp_path / "locks").iterdir())
    for text in (
        b"",
        b"{",
        b"[]",
        b'{"pid": 99999999999, "since": "2026-01-01T00:00:00"}',
        b'{"pid": 4194399, "since": "2026-01-01T00:00:00"}',
    ):
        file.write_bytes(text)
        assert None is going_on(tmp_path, started), text
