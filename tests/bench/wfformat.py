"""A production trace (WfFormat 1.5) as a graph of sleeping tasks, and how well its plan foretells the run.

    python -m tests.bench.wfformat ../shared/wfinstances/*.json [--workers 1,2,4,8] [--seconds 20]

Each trace is scaled so that its makespan is about as long as wished, planned from its estimates alone, and run. The
error is that of the makespan, from the first start to the last end; what the command took as a whole stands beside it.
WfFormat: https://github.com/wfcommons/WfFormat; runtimes are under `workflow.execution`, parents under
`workflow.specification`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.bench.measuring import Compared, compare, makespan_of, plan_in

NAPPING = '''"""A task that takes so long and does nothing."""

import time


def nap(*, seconds: float) -> None:
    """Sleep."""
    time.sleep(seconds)
'''


def graph_of(trace: Mapping[str, Any], *, scale: float = 1.0) -> dict[str, Any]:
    """Answer a trace as a graph: each task sleeps as long as it ran there, times `scale`.

    Raises:
        KeyError: it is no WfFormat trace.

    """
    workflow = trace["workflow"]
    seconds = {task["id"]: float(task["runtimeInSeconds"]) * scale for task in workflow["execution"]["tasks"]}
    tasks = {
        task["id"]: {
            "uses": "napping:nap",
            "with": {"seconds": round(seconds[task["id"]], 6)},
            "needs": list(dict.fromkeys(task["parents"])),
            "estimate": f"{seconds[task['id']] * 1000:.3f}ms",
        }
        for task in workflow["specification"]["tasks"]
    }
    return {"version": 1, "name": "trace", "tasks": tasks}


def compared(trace: Mapping[str, Any], workers: int, seconds: float, folder: Path) -> Compared:
    """Plan a trace for so many workers, scaled to so many seconds, and run it."""
    (folder / "napping.py").write_text(NAPPING, encoding="utf-8")
    graph = folder / "trace.json"
    graph.write_text(json.dumps(graph_of(trace)), encoding="utf-8")
    scale = seconds / makespan_of(plan_in(folder, graph, workers))
    graph.write_text(json.dumps(graph_of(trace, scale=scale)), encoding="utf-8")
    return compare(folder, graph, workers)


def main(words: Sequence[str]) -> int:
    """Compare all traces with all numbers of workers; answers 1 where one was foretold worse than by 3 %."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("traces", nargs="+", type=Path)
    parser.add_argument("--workers", default="1,2,4,8")
    parser.add_argument("--seconds", type=float, default=20.0)
    chosen = parser.parse_args(words)
    print(f"{'trace':<36} {'tasks':>5} {'workers':>7} {'planned':>9} {'real':>9} {'error':>7} {'command':>9}")
    worst = 0.0
    for path in chosen.traces:
        trace = json.loads(path.read_text(encoding="utf-8"))
        for workers in map(int, chosen.workers.split(",")):
            with TemporaryDirectory() as folder:
                found = compared(trace, workers, chosen.seconds, Path(folder))
            worst = max(worst, abs(found.error))
            row = f"{path.stem:<36} {found.tasks:>5} {workers:>7} {found.planned:>7.2f} s {found.real:>7.2f} s"
            print(f"{row} {found.error:>+7.2%} {found.command:>7.2f} s", flush=True)
    print(f"worst: {worst:.2%}")
    return int(worst > 0.03)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
