"""What a task prints and returns, however much, costs the runner no more memory than it may."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import RUNNER, environment, report_in, task_in

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


@pytest.mark.parametrize("view", ["plain"])
def test_200_mb_printed_are_not_kept_in_memory(tmp_path: Path, view: str) -> None:
    """In lines and in one line without an end; the log has its beginning and its end."""
    (tmp_path / "g.yaml").write_text(GRAPH, encoding="utf-8")
    with (tmp_path / "out").open("wb") as out:
        command = [*RUNNER, "g.yaml", "-j", "2", "-o", view]
        process = subprocess.Popen(command, cwd=tmp_path, env=environment(), stdout=out)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)

    assert 0 == process.returncode
    assert used.ru_maxrss * 1024 < MOST
    for name in ("plain", "endless"):
        log = tmp_path / ".runner/latest" / task_in(report_in(tmp_path), name)["attempts"][0]["log"]
        assert log.stat().st_size <= 65 * 2**20
