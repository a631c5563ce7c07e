"""The runner is told to end, in every way: its exit code, how long it took, and that nobody is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command import report_in
from tests.faults.programs import KILL_SWITCHED_OFF, laboratory, planted_copy

pytestmark = pytest.mark.real

GRAPH = """
version: 1
defaults: {kill_after: 1s}
tasks:
  long: {run: "touch long; exec sleep 600"}
  deaf: {run: "trap '' TERM; touch deaf; (setsid sleep 600 &); while :; do sleep 0.1; done"}
  daemon: {run: "(setsid sh -c 'trap \\"\\" TERM HUP; touch zz_daemon; sleep 600; sleep 600' &); sleep 600"}
  tidy: {run: "touch tidied", needs: [long, deaf], trigger: always}
"""
ENDS = {
    "SIGINT": (["SIGINT"], 130, True),
    "SIGINT-twice": (["SIGINT", "SIGINT"], 130, False),
    "SIGTERM": (["SIGTERM"], 143, True),
    "SIGHUP": (["SIGHUP"], 129, True),
    "SIGKILL": (["SIGKILL"], -9, False),
}
"""What the runner is sent, the exit code it ends with, and whether clean-ups run."""


def prepared(folder: Path) -> Path:
    """Write the graph."""
    (folder / "g.yaml").write_text(GRAPH, encoding="utf-8")
    return folder


@pytest.mark.parametrize("end", ENDS)
def test_a_runner_that_is_told_to_end_leaves_nobody(tmp_path: Path, end: str) -> None:
    """Within `kill_after` and five seconds, whatever its tasks had started; a report is there unless it was killed."""
    signals, code, tidied = ENDS[end]
    seen = laboratory(prepared(tmp_path), "g.yaml", "-j", "3", "-o", "quiet", mark="zz_*", after=0.3, signals=signals)

    assert (code, []) == (seen["code"], seen["left"])
    assert seen["after_signal"] < 6.0
    assert seen["gone_after"] < 5.0
    assert tidied == (tmp_path / "tidied").exists()
    if end != "SIGKILL":
        assert "interrupted" == report_in(tmp_path)["verdict"]


def test_the_judge_of_ends_sees_who_is_left(tmp_path: Path) -> None:
    """The control: an engine that no longer kills leaves the deaf ones behind."""
    planted = planted_copy(tmp_path / "planted", KILL_SWITCHED_OFF)
    how = {"mark": "zz_*", "after": 0.3, "signals": ["SIGKILL"], "root": planted}

    assert [] != laboratory(prepared(tmp_path), "g.yaml", "-j", "3", "-o", "quiet", **how)["left"]
