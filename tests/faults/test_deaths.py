"""The worker-death table: every way a task can die costs exactly one attempt of one task, and leaves nobody behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.programs import KILL_SWITCHED_OFF, figure, planted_copy, run_harness

LIMIT = "limit"
KILLED = "limit; it did not heed SIGTERM and was killed"

DEATHS = {
    "exception": ("exception", "RuntimeError: it went wrong"),
    "sys_exit": ("exception", "called sys.exit(3)"),
    "os_exit": ("crashed", "ended by itself with exit code 0 (os._exit?)"),
    "segfault": ("crashed", "killed by SIGSEGV"),
    "abort": ("crashed", "killed by SIGABRT"),
    "sigkill": ("crashed", "killed by SIGKILL"),
    "sigterm_from_outside": ("crashed", "ended by SIGTERM, which the runner did not send"),
    "sigstop": ("timed_out", LIMIT),
    "not_json": ("bad_output", "`rows[0].when` is a _thread.lock, and only plain data (JSON) can be handed on"),
    "not_a_number": ("bad_output", "`ratio` is nan, and JSON knows no such number"),
    "time_out": ("timed_out", LIMIT),
    "loops": ("timed_out", LIMIT),
    "grandchild": ("timed_out", LIMIT),
    "double_fork": ("timed_out", KILLED),
    "left_behind": ("succeeded", ""),
    "sigterm_ignored": ("timed_out", KILLED),
    "holds_the_gil": ("timed_out", KILLED),
    "pipe_closed": ("crashed", "closed its pipe to the runner"),
    "all_closed": ("crashed", "closed its pipe to the runner"),
    "garbage": ("crashed", "wrote something that is not a reply"),
    "half_a_reply": ("crashed", "ended by itself with exit code 1 (os._exit?)"),
    "fork_returns": ("succeeded", ""),
    "thread_left": ("succeeded", ""),
}
"""Each death with the cause and the message that the attempt must end with; worked out from DESIGN, not observed."""

NAMED = {"left_behind": " -c import signal", "thread_left": "thread chatter"}
"""What a success must name as left behind, by a word of it."""


@pytest.mark.real
@pytest.mark.parametrize("kind", ["pool", "cluster"])
@pytest.mark.parametrize("death", DEATHS)
def test_a_death_costs_one_attempt_of_one_task(death: str, kind: str, tmp_path: Path) -> None:
    """A task that dies ends its own attempt, with the right cause, and harms nobody else, here or on a cluster."""
    cause, message = DEATHS[death]
    seen = run_harness("harness.py", death, str(tmp_path), kind, folder=tmp_path)

    figure(seconds=round(seen["seconds"], 2), until_over=round(seen["until_over"], 2))

    assert seen["evidence"]
    assert (1, cause, message) == (seen["ends"], seen["cause"], seen["message"])
    assert ("ok", "ok") == (seen["bystander"], seen["after"])
    assert [] == seen["alive_after_end"]
    assert [] == seen["children"]
    assert any(NAMED.get(death, "") in name for name in seen["left"]) or not seen["left"]
    assert (death in NAMED) == bool(seen["left"])


@pytest.mark.real
def test_a_harness_whose_kill_is_switched_off_fails(tmp_path: Path) -> None:
    """Without SIGKILL the harness sees somebody left: it can tell, so its silence above means something."""
    planted = planted_copy(tmp_path / "planted", KILL_SWITCHED_OFF)
    evidence = tmp_path / "evidence"
    evidence.mkdir()
    seen = run_harness("harness.py", "double_fork", str(evidence), folder=tmp_path, root=planted)

    assert seen["evidence"]
    assert [] != seen["children"]
