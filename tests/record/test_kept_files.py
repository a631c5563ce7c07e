"""Files that tasks kept, in every report: what they are, how large, and by which digest they are known again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.record.folding import fold
from runner.record.render.full import render_full
from runner.record.render.json import render_json
from runner.record.render.markdown import FILES, render_markdown
from runner.record.render.page import page_data
from runner.record.render.words import size
from runner.record.report import Report
from runner.schedule.messages import AttemptEnded, AttemptStarted, Kept, Noted
from runner.task import Artifact, Succeeded
from tests.kit import graph_of, opened

DIGEST = "0123456789abcdef" * 4


def report_of(*files: Artifact) -> Report:
    """Fold the report of a task that kept files in two attempts, and of one whose result was taken over with them."""
    kept = Kept(outcome=Succeeded(), run="r0", artifacts=files)
    noted = [Noted(at=1.0, task="a", attempt=number, note=file) for number in (1, 2) for file in files]
    events = [
        opened(kept={"b": kept}),
        AttemptStarted(at=0.5, task="a", attempt=1),
        *noted[: len(files)],
        AttemptEnded(at=2.0, task="a", attempt=1, outcome=Succeeded()),
    ]
    return fold(graph_of("a; b"), events)


FILE = Artifact(path="artifacts/a.1/x.xml", title="x.xml", size=2048, digest=DIGEST, promise="*.xml")


def test_the_report_for_programs_has_all_of_it() -> None:
    """With the attempt it is of, 0 for one that was taken over."""
    tasks = json.loads(render_json(report_of(FILE)))["tasks"]
    said = {"path": FILE.path, "title": "x.xml", "size": 2048, "digest": DIGEST, "promise": "*.xml"}

    assert [[{**said, "attempt": 1}], [{**said, "attempt": 0}]] == [task["artifacts"] for task in tasks]


def test_people_see_name_size_and_digest(tmp_path: Path) -> None:
    """In the terminal, in Markdown and on the page."""
    report = report_of(FILE)

    assert f"kept x.xml as artifacts/a.1/x.xml (2.0 KiB, sha256 {DIGEST})" in render_full(report, 200)
    row = "| `x.xml` | 2.0 KiB | `0123456789abcdef` | `artifacts/a.1/x.xml` |"
    assert 2 == render_markdown(report, tmp_path).count(row)
    shown = [task["artifacts"] for task in page_data(report, tmp_path)["tasks"]]
    assert [[["artifacts/a.1/x.xml", "x.xml", "2.0 KiB", "0123456789abcdef"]]] * 2 == shown


def test_hundreds_of_files_are_cut(tmp_path: Path) -> None:
    """Markdown counts the rest."""
    files = [Artifact(path=f"artifacts/a.1/{number}", title=str(number)) for number in range(FILES + 3)]
    text = render_markdown(report_of(*files), tmp_path)

    assert 2 == text.count("and 3 more files")
    assert f"| `{FILES}` |" not in text


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_500_000, "1.4 MiB"), (3 * 2**30, "3.0 GiB")],
)
def test_sizes_are_for_people(number: int, expected: str) -> None:
    """In the largest unit that fits."""
    assert expected == size(number)
