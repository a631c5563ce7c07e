"""The runner is killed and goes on with `--resume`: nothing redone that was recorded, nothing missing, nobody left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.real

PROGRAM = Path(__file__).parent / "kills.py"
SEEDS = range(8)
"""A few in every run of the tests; tests/README.md has the command for 300 and what came of it."""


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


def test_the_harness_sees_what_is_done_twice(tmp_path: Path) -> None:
    """Started again from nothing instead, the recorded successes run again, and that is told."""
    (found,) = judged(tmp_path / "work", 7, CONTROL="1")

    assert any("was recorded and ran again" in each for each in found["broken"])
