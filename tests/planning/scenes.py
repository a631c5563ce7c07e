"""Graphs as files, and plans of them: nothing of a graph is ever started here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

from runner.graph.check import load
from runner.graph.definition import definition_of
from runner.opening import Options
from runner.planning.model import Plan, PlannedTask
from runner.planning.planner import Made, Question, plan_of
from runner.planning.what_if import what_if_of
from runner.record.folder import StateFolder
from runner.record.measured import FORMAT, History

PHASE = """
version: 1
name: phase
workers: 3
pools: {db: 2}
params: {deep: {type: boolean, default: false}}
secrets: [TOKEN]
services:
  backend: {run: "false", port: 0}
tasks:
  config: {run: "false", needs: [backend], estimate: 2s, pools: [db], memory: 1GiB}
  power: {run: "false", needs: [backend], estimate: 5s, pools: [db], memory: 2GiB}
  health: {run: "false", needs: [backend], estimate: 1s, retry: {attempts: 3, delay: 2s, jitter: none}, pools: [db]}
  extra: {run: "false", needs: [config], if: params.deep}
  checkpoint: {uses: "tasks.checkpoint:judge", needs: [config, power, health], trigger: all_done, estimate: 1s}
  tidy: {run: "false", needs: [checkpoint], trigger: always, estimate: 1s}
  publish: {run: "false", needs: [checkpoint]}
"""


def made(folder: Path, text: str = PHASE, *, workers: tuple[int, ...] = (), **said: Any) -> Made:
    """Plan a graph; `fail`, `crash` and `slow` rehearse, everything else is an option."""
    file = folder / "g.yaml"
    file.write_text(text, encoding="utf-8")
    what_if = what_if_of(said.pop("fail", ()), said.pop("crash", ()), said.pop("slow", ()))
    options = Options(graph=str(file), started_in=str(folder), environment=said.pop("environment", {}), **said)
    ticks = count()
    return plan_of(options, Question(what_if=what_if, workers=workers), lambda: next(ticks) / 10)


def planned(folder: Path, text: str = PHASE, **said: Any) -> Plan:
    """Answer the plan alone."""
    return made(folder, text, **said).plan


def task(plan: Plan, name: str) -> PlannedTask:
    """Answer one task of a plan."""
    return next(each for each in plan.tasks if each.id == name)


def states(plan: Plan) -> dict[str, str]:
    """Answer how each task ends."""
    return {each.id: each.state for each in plan.tasks}


def past(folder: Path, text: str, runs: list[dict[str, float]], failed: Sequence[float] = ()) -> None:
    """Leave a history that tells of runs."""
    (folder / "g.yaml").write_text(text, encoding="utf-8")
    graph = load(str(folder / "g.yaml")).graph
    history = History(StateFolder(path=folder / ".runner"), folder / "g.yaml")
    definitions = {name: definition_of(graph, spec) for name, spec in graph.tasks.items()}
    told = {
        f"20260101-00000000{number}-g-0000": {
            "tasks": {name: [definitions[name], [*failed], seconds] for name, seconds in run.items()},
            "services": {},
        }
        for number, run in enumerate(runs)
    }
    for run in told:
        (folder / ".runner/runs" / run).mkdir(parents=True)
        (folder / ".runner/runs" / run / "report.json").write_text("{}", encoding="utf-8")
    history.file.parent.mkdir()
    history.file.write_text(json.dumps({"history": FORMAT, "runs": told}), encoding="utf-8")
