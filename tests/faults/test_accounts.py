"""The judge of runs on a cluster sees each way in which marks, journal and report can disagree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.faults import accounts

LOST = {"is": "Failed", "cause": "lost", "message": "nobody can say how it ended"}
WON = {"is": "Succeeded"}


def _judged(folder: Path, marks: str, *events: dict[str, Any], state: str = "succeeded") -> list[str]:
    (folder / "marks").mkdir()
    (folder / "marks/a").write_text("".join(f"{line.strip()}\n" for line in marks.split(",")))
    told = [{"journal": 2}, *events]
    (folder / "journal.jsonl").write_text("".join(f"00000000 {json.dumps(each)}\n" for each in told) + "1234 {torn")
    (folder / "report.json").write_text(json.dumps({"tasks": [{"id": "a", "state": state}]}))
    return accounts.broken(folder / "marks", folder)


def _begun(attempt: int = 1) -> dict[str, Any]:
    return {"is": "AttemptStarted", "at": 0.1, "task": "a", "attempt": attempt}


def _over(outcome: dict[str, Any], attempt: int = 1) -> dict[str, Any]:
    return {"is": "AttemptEnded", "at": 0.2, "task": "a", "attempt": attempt, "outcome": outcome}


@pytest.mark.parametrize("first", ["start a 1", "start a 1, end a 1"])
def test_a_lost_attempt_and_a_second_are_in_order(first: str, tmp_path: Path) -> None:
    """Whether the lost one had come to its end or not: nobody can say, and nobody does."""
    told = [_begun(), _over(LOST), _begun(2), _over(WON, 2)]

    assert [] == _judged(tmp_path, f"{first}, start a 2, end a 2", *told)


def test_a_lost_attempt_that_never_began_is_in_order(tmp_path: Path) -> None:
    """Its host had died before it left a mark."""
    assert [] == _judged(tmp_path, "start a 2, end a 2", _over(LOST), _begun(2), _over(WON, 2))


@pytest.mark.parametrize(
    ("marks", "told", "expected"),
    [
        ("start a 1, start a 1, end a 1", [_begun(), _over(WON)], "2 times: start a 1"),
        ("start a 1, end a 1", [_begun(), _over(LOST), _over(WON)], "2 times: AttemptEnded a 1"),
        ("start a 1, end a 1, start a 2", [_begun(), _over(WON)], "a 2 has run, and no end of it is told"),
        ("start a 1", [_begun(), _over(WON)], "a 1 is told a success and has not run to its end"),
        ("start a 1", [_begun(), _over({**LOST, "cause": "crashed"})], "a 1 ended as crashed: "),
        (
            "start a 1, end a 1, start a 2, end a 2",
            [_begun(), _over(WON), _begun(2), _over(WON, 2)],
            "a has succeeded 2 times",
        ),
        (
            "start a 1, start a 2, end a 1, end a 2",
            [_begun(), _over(LOST), _begun(2), _over(WON, 2)],
            "a 1 still ran when 2 had begun",
        ),
    ],
)
def test_each_disagreement_is_seen(marks: str, told: list[dict[str, Any]], expected: str, tmp_path: Path) -> None:
    """Run twice, told twice, done and not told, told and not done, ended otherwise, done again, done at once."""
    found = _judged(tmp_path, marks, *told)

    assert 1 == len(found)
    assert found[0].startswith(expected)


def test_a_task_without_a_success_is_seen(tmp_path: Path) -> None:
    """Nothing may be missing in the end."""
    assert ["a is failed"] == _judged(tmp_path, "start a 1", _begun(), _over(LOST), state="failed")


def test_the_graph_is_one_of_ours(tmp_path: Path) -> None:
    """Each task leaves its marks by name and attempt, and every layer needs the one before."""
    text = accounts.graph(1, 16, (0.1, 0.2), tmp_path, attempts=3, layers=4)

    assert 16 == text.count("retry: {attempts: 3, on: [lost], ")
    assert 12 == text.count("needs: [t")
