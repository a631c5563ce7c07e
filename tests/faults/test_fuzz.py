"""Files changed by chance are valid or told what is wrong, quickly and without a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.real

COUNTS = {
    "graphs": 3000,
    "parameters": 1000,
    "journals": 1000,
    "plans": 1000,
    "configurations": 1000,
    "collections": 500,
}
"""In every run of the tests; tests/faults/README.md has the command for 100,000 and what came of it."""
FAR = {"graphs": 0.05, "parameters": 0.05, "journals": 0.2, "plans": 0.1, "configurations": 0.1, "collections": 0.2}
"""The share of files that must come through to the end, or the others show little."""
PROCESSES = 3
"""How many of them are read by the real command line, too."""


def fuzzed(kind: str, count: int, seed: int, processes: int) -> dict[str, Any]:
    """Fuzz one kind in a process of its own, whose memory is then its own, too."""
    program = Path(__file__).parent / "fuzz.py"
    env = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, program, kind, str(count), str(seed), str(processes)]
    found: dict[str, Any] = json.loads(subprocess.run(command, env=env, capture_output=True, check=True).stdout)
    return found


@pytest.mark.parametrize("kind", COUNTS)
def test_changed_files_never_break_their_reader(kind: str) -> None:
    """Only exit codes that are documented, no traceback, none over 2 s, within 300 MB; and enough come far enough."""
    found = fuzzed(kind, COUNTS[kind], 11, PROCESSES)

    assert [] == found["broken"]
    assert found["memory"] < 300
    through = sum(found.get(word, 0) for word in ("valid", "a report"))
    assert through >= FAR[kind] * COUNTS[kind]
    if kind == "graphs":
        assert found["not even YAML"] <= 0.7 * COUNTS[kind]
