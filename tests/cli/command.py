"""The real command line, run as a person runs it, and what it leaves behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
GRAPHS = Path(__file__).parent / "graphs"
RUNNER = [sys.executable, "-m", "runner"]
OURS = {"CI", "FORCE_COLOR", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"}
"""Variables that change what the runner does, and that the machine of the tests may have set."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What one command printed and its exit code."""

    code: int
    out: str
    err: str


def environment(**more: str) -> dict[str, str]:
    """Answer the environment of a command: the test's own, in which no colour and no CI is asked for."""
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    return {**kept, "NO_COLOR": "1", "COLUMNS": "100", **more}


def run(*words: str | Path, cwd: Path, env: Mapping[str, str] | None = None, timeout: float = 60) -> Said:
    """Run one command line to its end."""
    command = [*RUNNER, *map(str, words)]
    done = subprocess.run(
        command, cwd=cwd, env=env or environment(), capture_output=True, text=True, timeout=timeout, check=False
    )
    return Said(code=done.returncode, out=done.stdout, err=done.stderr)


def report_in(folder: Path) -> dict[str, Any]:
    """Read the report of the latest run started in a folder."""
    report: dict[str, Any] = json.loads((folder / ".runner/latest/report.json").read_text(encoding="utf-8"))
    return report


def task_in(report: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Answer one task of a report."""
    found: dict[str, Any] = next(task for task in report["tasks"] if task["id"] == name)
    return found


def wait_for(path: Path, seconds: float = 20) -> None:
    """Wait until a file exists."""
    until = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < until, f"{path.name} never appeared"
        time.sleep(0.02)


def alive(mark: str) -> list[int]:
    """Answer the processes whose environment holds a mark, zombies not counted."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            state = (entry / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0]
            if state != "Z" and mark.encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


def gone(mark: str, seconds: float = 5) -> list[int]:
    """Wait until no process has the mark; answers those that are left after `seconds`."""
    until = time.monotonic() + seconds
    while (left := alive(mark)) and time.monotonic() < until:
        time.sleep(0.05)
    return left
