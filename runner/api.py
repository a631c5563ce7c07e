"""For use from Python: `load` a graph, `plan` it, `run` it, read its `Report`. Knows no terminal.

As in `run("graphs/phase2.yaml", params={"base_url": "http://localhost:8000"}).verdict == "passed"`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from runner.clock import WallClock
from runner.crews import Hiring, crew_of
from runner.graph.check import Loaded, load
from runner.opening import Options
from runner.planning.model import Plan
from runner.planning.planner import Question, plan_of
from runner.planning.what_if import what_if_of
from runner.record.render.formats import formats_named
from runner.record.report import Report
from runner.task import Json
from runner.wiring import Company, run_graph

__all__ = ["Loaded", "Plan", "Report", "load", "plan", "run"]


def plan(
    graph: str | Path,
    *,
    params: Mapping[str, Json] | None = None,
    jobs: int | None = None,
    state_dir: str = ".runner",
    fail: Sequence[str] = (),
) -> Plan:
    """Answer what a run of a graph would do; `fail` names tasks that are thought to fail. Starts nothing.

    Raises:
        GraphError: the graph file or a parameter is wrong.
        NothingSelected: there is no such task.
        UsageError: there is no such file.

    """
    options = Options(graph=str(graph), params=params or {}, jobs=jobs, state_dir=state_dir)
    return plan_of(options, Question(what_if=what_if_of(fail, (), ())), time.monotonic).plan


def run(
    graph: str | Path,
    *,
    params: Mapping[str, Json] | None = None,
    jobs: int | None = None,
    fail_fast: bool | None = None,
    state_dir: str = ".runner",
    resume: str | None = None,
    force: bool = False,
    approve: Sequence[str] = (),
    shuffle: int | None = None,
    reports: Sequence[str] = (),
    executor: Literal["local", "dask"] = "local",
    dask_address: str | None = None,
    ship: bool = False,
) -> Report:
    """Run a graph to its end, write its report into the state folder, and answer it.

    `resume` names a run to go on with, or `latest`; `force` runs also what is cached and has not changed; `approve`
    names tasks that ask first: from here nobody can be asked; `shuffle` is the seed of a random order; `reports` are
    formats to write besides `json` and `md`: `html`, `junit`, `trace`; `executor` "dask" runs it on the cluster at
    `dask_address` (None: that of DASK_SCHEDULER_ADDRESS, else one on this machine), to which `ship` brings the tasks.

    Raises:
        GraphError: the graph file or a parameter is wrong; nothing was started.
        UsageError: there is no such file, or no such format.
        NothingSelected: there is no such task.
        Locked: another run of the same graph is going on.
        RunnerFault: the runner could not do its work.

    """
    options = Options(
        graph=str(graph),
        params=params or {},
        jobs=jobs,
        fail_fast=fail_fast,
        state_dir=state_dir,
        resume=resume,
        force=force,
        approve=tuple(approve),
        shuffle=shuffle,
        reports=formats_named(",".join(reports)),
    )
    clock = WallClock()
    with crew_of(Hiring(executor=executor, jobs=jobs, address=dask_address, ships=ship), clock) as crew:
        return run_graph(options, clock, crew, Company()).report
