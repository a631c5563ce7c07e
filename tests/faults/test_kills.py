"""The runner is killed and goes on with `--resume`: nothing redone that was recorded, nothing missing, nobody left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.programs import planted_copy

pytestmark = pytest.mark.real

PROGRAM = Path(__file__).parent / "kills.py"
SEEDS = range(8)
"""A few in every run of the tests; tests/README.md has the command for 300 and what came of it."""


UNFLUSHED = (
    (
        "record/journal.py",
        "            while rest:\n                rest = rest[os.write(self._file, rest) :]\n",
        "            Journal.held = getattr(Journal, 'held', b'') + bytes(rest)\n",
    ),
    (
        "record/journal.py",
        "        os.close(self._file)\n",
        "        os.write(self._file, Journal.held)\n        os.close(self._file)\n",
    ),
    ("execute/receipts.py", "        if not folder:\n", "        if True:\n"),
)
"""What to plant for an engine that keeps what happened in memory until the end."""


def judged(folder: Path, *seeds: int, **env: str) -> list[dict[str, Any]]:
    """Kill and go on, once for each seed."""
    command = [sys.executable, PROGRAM, folder, *map(str, seeds)]
    whole = {**os.environ, "PYTHONPATH": str(Path.cwd()), **env}
    done = subprocess.run(command, env=whole, capture_output=True, text=True, timeout=240, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    """Wherever the kill falls; most of the time something was under way, or it would show little."""
    found = judged(tmp_path / "work", *SEEDS)

    assert [[]] * len(SEEDS) == [each["broken"] for each in found]
    assert sum(each["flying"] > 0 for each in found) >= len(SEEDS) // 2


def test_the_harness_sees_a_journal_that_is_not_written(tmp_path: Path) -> None:
    """With all that happened still in memory, what was done is done again and not named doubtful."""
    planted = planted_copy(tmp_path / "planted", UNFLUSHED)
    paths = os.pathsep.join([str(planted), str(Path.cwd()), str(PROGRAM.parent)])
    found = judged(tmp_path / "work", *SEEDS[:3], PYTHONPATH=paths)

    assert any("is not named doubtful" in broken for each in found for broken in each["broken"]), found


def test_the_harness_sees_what_is_done_twice(tmp_path: Path) -> None:
    """Started again from nothing instead, the recorded successes run again, and that is told."""
    (found,) = judged(tmp_path / "work", 7, CONTROL="1")

    assert any("was recorded and ran again" in each for each in found["broken"])
