"""What a run loads: people feel start-up every time, and nobody sees an import that creeps in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEVER = {
    *("networkx", "httpx", "rich", "tenacity", "pydantic", "concurrent_log_handler"),
    *("logging", "dataclasses", "inspect", "statistics", "subprocess", "asyncio", "shutil", "importlib.metadata"),
}
"""What most runs have no use for; each costs between two and two hundred milliseconds."""


def loaded(tmp_path: Path, *words: str) -> set[str]:
    """Run a command line; answers the modules that its process has loaded."""
    command = [sys.executable, "-X", "importtime", "-m", "runner", *words]
    env = {"PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run(command, check=False, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert 0 == done.returncode, done.stderr[-2000:]
    lines = (line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:"))
    return {line for line in lines if line}


@pytest.mark.real
def test_a_run_loads_only_what_it_needs(tmp_path: Path) -> None:
    """A graph of plain functions, with output that is no terminal, from start to report."""
    (tmp_path / "work.py").write_text("def nothing() -> int:\n    return 1\n", encoding="utf-8")
    (tmp_path / "g.json").write_text('{"version": 1, "name": "g", "tasks": {"a": {"uses": "work:nothing"}}}')
    found = loaded(tmp_path, "run", "g.json", "-o", "quiet")

    assert {"runner.wiring", "runner.record.folding"} <= found
    assert set() == NEVER & found
    assert "yaml" not in found


@pytest.mark.real
@pytest.mark.parametrize("word", ["--help", "--version"])
def test_help_loads_next_to_nothing(word: str, tmp_path: Path) -> None:
    """Help and version are there at once."""
    found = loaded(tmp_path, word)

    assert "argparse" in found
    assert set() == (NEVER | {"msgspec", "yaml", "runner.wiring", "runner.graph"}) & found
