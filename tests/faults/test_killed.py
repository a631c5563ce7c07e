"""The runner, or its warden, is killed at any moment: nothing that ran for it is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.programs import KILL_SWITCHED_OFF, planted_copy, run_harness


@pytest.mark.real
def test_nothing_is_left_of_a_killed_runner(tmp_path: Path) -> None:
    """SIGKILL at random moments leaves nothing of the runner after five seconds, whatever its tasks had started."""
    trials = run_harness("killed.py", "20261124", "15", str(tmp_path), folder=tmp_path)

    assert [[]] * 15 == [trial["left"] for trial in trials], trials
    assert 7 <= sum(trial["marks"] >= 6 for trial in trials), "every other kill must meet tasks at work"
    assert 1 <= sum(trial["marks"] < 6 for trial in trials), "some kills must meet a pool that is starting"


@pytest.mark.real
def test_the_judge_of_killed_runners_sees_what_is_left(tmp_path: Path) -> None:
    """A warden that no longer kills is found out."""
    planted = planted_copy(tmp_path / "planted", KILL_SWITCHED_OFF)
    trials = run_harness("killed.py", "1", "2", str(tmp_path), folder=tmp_path, root=planted)

    assert [] != trials[1]["left"]
    assert 6 <= trials[1]["marks"]


@pytest.mark.real
@pytest.mark.parametrize("moment", ["idle", "busy"])
def test_a_killed_warden_is_the_runners_fault(moment: str, tmp_path: Path) -> None:
    """Without its warden the pool ends with a RunnerFault, and its workers and what they started are gone, too."""
    seen = run_harness("warden_killed.py", moment, str(tmp_path), folder=tmp_path)

    assert "RunnerFault" == seen["raised"]
    assert [] == seen["left"]
