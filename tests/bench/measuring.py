"""A plan and a run of the same graph, side by side, each by the real command line. Knows no trace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What was planned and what was: makespans in seconds, the tasks in the order planned, and their starts."""

    tasks: int
    planned: float
    real: float
    command: float
    planned_order: tuple[str, ...]
    starts: dict[str, float]

    @property
    def error(self) -> float:
        """How far the plan is off, as a part of what was."""
        return self.planned / self.real - 1


def compare(folder: Path, graph: Path, workers: int) -> Compared:
    """Plan, then run."""
    plan = plan_in(folder, graph, workers)
    report = run_in(folder, graph, workers)
    spans = [
        (_seconds(attempt["started"]), attempt["seconds"]) for task in report["tasks"] for attempt in task["attempts"]
    ]
    due = {task["id"]: task["start"] for task in plan["tasks"] if task["start"] is not None}
    first, last = min(start for start, _ in spans), max(start + seconds for start, seconds in spans)
    return Compared(
        tasks=len(plan["tasks"]),
        planned=makespan_of(plan),
        real=last - first,
        command=report["seconds"],
        planned_order=tuple(sorted(due, key=lambda task: due[task])),
        starts={task["id"]: _seconds(task["started"]) for task in report["tasks"] if task["started"]},
    )


def plan_in(folder: Path, graph: Path, workers: int) -> Any:
    """Answer the plan as the command line tells it."""
    return json.loads(_command(folder, "plan", str(graph), "-j", str(workers), "--json"))


def run_in(folder: Path, graph: Path, workers: int) -> Any:
    """Run a graph and answer its report."""
    return json.loads(_command(folder, "run", str(graph), "-j", str(workers), "--json"))


def makespan_of(plan: Any) -> float:
    """Answer the makespan of a plan."""
    return float(plan["makespan"])


def _command(folder: Path, *words: str) -> str:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "dumb"}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-m", "runner", *words]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    return done.stdout.decode()


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
