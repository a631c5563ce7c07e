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

    assert "looks after all others, was killed by SIGKILL; all tasks were ended, too" in seen["raised"]
    assert [] == seen["left"]


@pytest.mark.real
def test_a_copied_lifeline_keeps_nothing_alive(tmp_path: Path) -> None:
    """The runner's death counts, not the end of its descriptors: a process it had forked may still hold them."""
    seen = run_harness("runner_gone.py", "copied", str(tmp_path), folder=tmp_path)

    assert {"task_gone": True, "left": []} == seen


@pytest.mark.real
def test_the_lock_of_a_killed_runner_is_held_until_all_has_ended(tmp_path: Path) -> None:
    """A second run can only begin when nothing of the first is left, and then it can."""
    seen = run_harness("runner_gone.py", "locked", str(tmp_path), folder=tmp_path)

    assert {"locked_while_it_ends": True, "left": [], "locked_afterwards": False} == seen


@pytest.mark.real
def test_a_frozen_worker_is_replaced(tmp_path: Path) -> None:
    """A worker that does not begin in time is killed, and another does the work, once."""
    planted = planted_copy(tmp_path / "planted", (("execute/handout.py", "UNHEARD = 30.0", "UNHEARD = 0.5"),))
    seen = run_harness("workers_fail.py", "frozen", str(tmp_path), folder=tmp_path, root=planted)

    assert (1, [True], []) == (seen["starts"], seen["succeeded"], seen["left"])
    assert 2 == len(seen["marks"])


@pytest.mark.real
def test_workers_that_die_before_they_begin_are_the_runners_fault(tmp_path: Path) -> None:
    """Three in a row are enough: the run ends and says what happened to the last, and no task was touched."""
    dying = ("execute/worker.py", "        os.setsid()\n", "        os.kill(os.getpid(), 9)\n")
    planted = planted_copy(tmp_path / "planted", (dying,))
    seen = run_harness("workers_fail.py", "stillborn", str(tmp_path), folder=tmp_path, root=planted)

    assert "no worker starts; the last one: it ended with -9 before it began" == seen["fault"]
    assert ([], []) == (seen["left"], seen["marks"])
