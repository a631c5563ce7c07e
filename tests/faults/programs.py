"""Starts the harnesses of this folder as programs of their own, also against an engine with a planted fault."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.cli.command import environment

ROOT = Path(__file__).parents[2]

KILL_SWITCHED_OFF = (
    ("execute/tree.py", "        _send(pid, signal.SIGKILL)\n", "        pass\n"),
    ("execute/tree.py", "            _send(process.pid, signal.SIGSTOP)\n", "            pass\n"),
    ("execute/warden.py", "PATIENCE = 10.0", "PATIENCE = 0.3"),
    ("execute/leftovers.py", "PATIENCE = 10.0", "PATIENCE = 0.3"),
)
"""What to plant for an engine that no longer kills, and soon gives up."""


def run_harness(name: str, *arguments: str, folder: Path, root: Path = ROOT) -> Any:
    """Run a harness with the engine that lies below `root`; answers what it printed."""
    ran = subprocess.run(
        [sys.executable, str(ROOT / "tests/faults" / name), *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(ROOT)])},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


def planted_copy(root: Path, plants: tuple[tuple[str, str, str], ...]) -> Path:
    """Copy the engine below `root` with some of its text replaced, each exactly once."""
    shutil.copytree(ROOT / "runner", root / "runner", ignore=shutil.ignore_patterns("__pycache__"))
    for name, old, new in plants:
        file = root / "runner" / name
        text = file.read_text()
        assert 1 == text.count(old), f"{name} no longer has the text to be planted: {old!r}"
        file.write_text(text.replace(old, new))
    return root


def laboratory(folder: Path, *words: str, root: Path = ROOT, **how: Any) -> Any:
    """Run a command line in a folder under a fault (`laboratory.Instructions`); answers what was seen from outside.

    Keeps the figures where `TASKGRAPH_FIGURES` names a file: the table in this folder's README is made from them.
    """
    given = {"env": environment(), **how}
    given["env"] = {**given["env"], "PYTHONPATH": os.pathsep.join([str(root), str(ROOT)])}
    seen = run_harness("laboratory.py", json.dumps({"words": words, "folder": str(folder), **given}), folder=folder)
    figure(**{name: seen[name] for name in ("code", "seconds", "after_signal", "peak_mb", "gone_after", "left")})
    return seen


def figure(**values: Any) -> None:
    """Keep the figures of the running test, where they are wanted."""
    if figures := os.environ.get("TASKGRAPH_FIGURES"):
        test = os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0]
        with Path(figures).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"test": test, **values}) + "\n")
