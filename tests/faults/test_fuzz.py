"""Graph files changed by chance are valid or told what is wrong, quickly and without a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.real

COUNT = 3000
"""In every run of the tests; tests/faults/README.md has the command for 100,000 and what came of it."""


def test_changed_graph_files_never_break_the_check() -> None:
    """Exit 0 or 3, none over 2 s, within 300 MB; and enough of them get far enough to show something."""
    program = Path(__file__).parent / "fuzz.py"
    env = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run([sys.executable, program, str(COUNT), "11"], env=env, capture_output=True, check=True)
    found = json.loads(done.stdout)

    assert [] == found["broken"]
    assert found["past_yaml"] >= 0.3 * COUNT
    assert found["valid"] >= 0.05 * COUNT
    assert found["memory"] < 300
