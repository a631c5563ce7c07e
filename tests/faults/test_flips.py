"""A journal with a flipped bit: a prefix is read, or its line is told, by every command that reads it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.real

PROGRAM = Path(__file__).parent / "flips.py"


def test_a_flipped_bit_is_told_by_every_command_that_reads_the_journal(tmp_path: Path) -> None:
    """`report` and `show` tell the line, `--resume` starts nothing; README.md has 500 on a larger journal."""
    env = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, PROGRAM, tmp_path / "work", "15", "25", "1", "5"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=110, check=True)
    found = json.loads(done.stdout)

    assert [] == found["broken"]
    assert found["before_last"] >= 20
