"""An attempt that takes more of the machine than it may is ended, with all it started, and nobody else is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import environment, report_in, run, task_in
from tests.faults.programs import figure

pytestmark = pytest.mark.real

MODULE = """
import os, subprocess, sys, time

HOG = "data = bytearray(400 * 2**20); print('filled', flush=True); import time; time.sleep(60)"

def hog():
    exec(HOG)

def hog_below():
    subprocess.run([sys.executable, "-c", HOG], check=True)

def modest():
    data = bytearray(60 * 2**20)
    time.sleep(0.3)
    return len(data)

def bomb():
    while True:
        try:
            os.fork()
        except OSError:
            pass

def family():
    for child in [subprocess.Popen(["sleep", "0.3"]) for _ in range(5)]:
        child.wait()
"""
GRAPH = """
version: 1
name: limits
workers: 2
tasks:
  hog: {uses: "greedy:hog", memory: 200MiB}
  hog_below: {uses: "greedy:hog_below", memory: 200MiB}
  hog_shell: {run: "exec python3 -c 'import time; data = bytearray(400 * 2**20); time.sleep(60)'", memory: 200MiB}
  modest: {uses: "greedy:modest", memory: 200MiB}
  bomb: {uses: "greedy:bomb", processes: 60}
  family: {uses: "greedy:family", processes: 5}
  large_family: {uses: "greedy:family", processes: 4}
  after: {run: "true", needs: [hog, bomb], trigger: all_done}
"""


def ended(tmp_path: Path, graph: str = GRAPH) -> dict[str, dict[str, Any]]:
    """Run the graph; answers each task's last attempt."""
    (tmp_path / "greedy.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "g.yaml").write_text(graph, encoding="utf-8")
    said = run("g.yaml", "-k", cwd=tmp_path, env=environment(), timeout=90)
    assert said.code in {0, 1}, said.err
    report = report_in(tmp_path)
    return {task["id"]: task_in(report, task["id"])["attempts"][-1] for task in report["tasks"]}


def test_limits_of_memory_and_processes_end_what_passes_them(tmp_path: Path) -> None:
    """In the function, below it and in a shell command; the message has the peak; within the limit nothing happens."""
    attempts = ended(tmp_path)
    figure(**{name: (attempt["message"], attempt["seconds"]) for name, attempt in attempts.items()})

    for name in ("hog", "hog_below", "hog_shell"):
        assert "out_of_memory" == attempts[name]["cause"], attempts[name]
        words = attempts[name]["message"].split()
        assert ["it", "used", "MiB,", "and", "may", "use", "200", "MiB"] == [*words[:2], *words[3:]]
        assert 200 < float(words[2]) < 600
        assert attempts[name]["seconds"] < 20
    for name, most in (("bomb", 60), ("large_family", 4)):
        assert "crashed" == attempts[name]["cause"], attempts[name]
        assert attempts[name]["message"].endswith(f"processes at once, and may have {most}")
    for name in ("modest", "family", "after"):
        assert "succeeded" == attempts[name]["outcome"], attempts[name]


def test_without_a_limit_memory_is_not_held(tmp_path: Path) -> None:
    """The control: the same hog, allowed more, runs into its time limit instead."""
    graph = 'version: 1\ntasks: {hog: {uses: "greedy:hog", memory: 2GiB, timeout: 2s}}\n'

    assert "timed_out" == ended(tmp_path, graph)["hog"]["cause"]


def test_the_log_is_bounded(tmp_path: Path) -> None:
    """Beginning and end are kept, and the cut is marked."""
    graph = 'version: 1\ntasks: {talk: {run: "seq 1 100000", log_limit: 10KiB}}\n'
    log = tmp_path / ".runner/latest" / ended(tmp_path, graph)["talk"]["log"]
    lines = log.read_text(encoding="utf-8").splitlines()

    assert ("1", "100000") == (lines[0], lines[-1])
    assert log.stat().st_size < 12 * 1024
    assert any("left out" in line or "cut" in line for line in lines)
