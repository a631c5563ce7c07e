"""Crashes, time-outs and retries by the hundred: nothing grows, nothing is lost count of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.real

PROGRAM = Path(__file__).parent / "soak.py"
COUNT = 300
"""In every run of the tests; tests/faults/README.md has the command for 20,000 and what came of it."""


def soaked(folder: Path, count: int, **env: str) -> dict[str, Any]:
    """Run so many attempts and answer what was found."""
    command = [sys.executable, PROGRAM, folder, str(count), "5"]
    whole = {**os.environ, "PYTHONPATH": str(Path.cwd()), **env}
    done = subprocess.run(command, env=whole, capture_output=True, text=True, timeout=110, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_long_run_does_not_grow_and_accounts_for_every_attempt(tmp_path: Path) -> None:
    """Each attempt has its mark and its row with the cause it was bound to have; descriptors come back."""
    found = soaked(tmp_path / "work", COUNT)

    assert [] == found["broken"]
    assert found["attempts"] >= COUNT
    assert all(found["ends"][word] > 0 for word in ("exception", "exit", "crashed", "killed", "timed_out", "checked"))


def test_the_harness_sees_a_lost_attempt_and_a_leak(tmp_path: Path) -> None:
    """One mark is forgotten, a hundred descriptors too many are seen: both are told."""
    found = soaked(tmp_path / "work", 100, CONTROL="1")

    assert 2 == len(found["broken"])
    assert "0 times instead of 1" in found["broken"][0]
    assert found["broken"][1].startswith("descriptors: ")
