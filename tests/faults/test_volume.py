"""What a task prints and returns, however much, costs the runner no more memory than it may."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.command import RUNNER, environment, report_in, task_in
from tests.faults.programs import figure

pytestmark = pytest.mark.real

MOST = 80 * 2**20
"""Bytes of memory the runner may have at its peak (the issue of the fault laboratory)."""
GRAPH = """
version: 1
name: loud
tasks:
  plain: {run: "yes 0123456789012345678901234567890123456789 | head -c 200000000"}
  endless: {run: "head -c 200000000 /dev/zero | tr '\\\\0' x"}
"""


def peak_of(pid: int) -> int:
    """Answer the most memory a process ever had resident, in bytes; of its own, not of the one that forked it."""
    try:
        words = Path("/proc", str(pid), "status").read_text(encoding="utf-8").split()
        return int(words[words.index("VmHWM:") + 1]) * 1024
    except (OSError, ValueError):  # it has just ended
        return 0


@pytest.mark.parametrize("view", ["plain"])
def test_200_mb_printed_are_not_kept_in_memory(tmp_path: Path, view: str) -> None:
    """In lines and in one line without an end; the log has its beginning and its end."""
    (tmp_path / "g.yaml").write_text(GRAPH, encoding="utf-8")
    with (tmp_path / "out").open("wb") as out:
        command = [*RUNNER, "g.yaml", "-j", "2", "-o", view]
        process = subprocess.Popen(command, cwd=tmp_path, env=environment(), stdout=out)
        peak = 0
        while process.poll() is None:
            peak = max(peak, peak_of(process.pid))
            time.sleep(0.05)

    figure(peak_mb=round(peak / 1e6, 1))
    assert 0 == process.returncode
    assert 10 * 2**20 < peak < MOST
    for name in ("plain", "endless"):
        log = tmp_path / ".runner/latest" / task_in(report_in(tmp_path), name)["attempts"][0]["log"]
        assert log.stat().st_size <= 65 * 2**20
