"""How well a plan foretells a run from past runs alone: generated graphs with retries, pools and a service.

    python -m tests.bench.from_history [--seeds 4] [--runs 3]

Nothing is estimated. Each graph is run a few times, planned, and run once more. Beside the error of the makespan
stands whether the tasks started in the same order: of two starts nearer than 20 ms either may have come first.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from tests.bench.measuring import compare, run_in

TOGETHER = 0.02
"""Seconds: nearer starts have no order."""

WORK = '''"""Tasks that take so long, and one that fails at first."""

import time
from pathlib import Path

from runner.task import Context


def nap(*, seconds: float) -> None:
    """Sleep."""
    time.sleep(seconds)


def stumble(*, seconds: float, context: Context) -> None:
    """Fail the first time, half way."""
    tried = Path(context.env["TASKGRAPH_RUN_DIR"], f"tried-{context.task}")
    if not tried.exists():
        tried.touch()
        time.sleep(seconds / 2)
        raise ConnectionError("no answer")
    time.sleep(seconds)
'''


def generated(seed: int) -> dict[str, Any]:
    """Answer a graph of six layers: some tasks stumble, some share a pool of two, some need a server."""
    chance, tasks, layers = Random(seed), dict[str, Any](), list[list[str]]()
    for number in range(6):
        layer = [f"t{number}-{place}" for place in range(chance.randint(2, 6))]
        for name in layer:
            above = layers[-1] if layers else []
            seconds = round(min(2.0, 0.2 + 0.3 * chance.lognormvariate(0.0, 1.0)), 3)
            stumbles = chance.random() < 0.2
            tasks[name] = {
                "uses": "work:stumble" if stumbles else "work:nap",
                "with": {"seconds": seconds},
                "needs": [*chance.sample(above, min(3, len(above))), *(["server"] if chance.random() < 0.2 else [])],
                **({"retry": {"attempts": 3, "delay": "250ms", "jitter": "none"}} if stumbles else {}),
                **({"pools": ["narrow"]} if chance.random() < 0.3 else {}),
            }
        layers.append(layer)
    tasks["t0-0"]["needs"] = ["server"]  # so that there always is one
    command = 'exec "$TASKGRAPH_PYTHON" -m http.server ${{ services.server.port }} --bind 127.0.0.1'
    services = {"server": {"run": command, "port": 0, "ready": {"http": "/"}}}
    return {"version": 1, "name": "generated", "pools": {"narrow": 2}, "services": services, "tasks": tasks}


def disorder(planned: Sequence[str], starts: Mapping[str, float]) -> list[tuple[str, str]]:
    """Answer the pairs that were planned to start one way round and clearly started the other."""
    return [(a, b) for a, b in combinations(planned, 2) if starts[a] - starts[b] > TOGETHER]


def main(words: Sequence[str]) -> int:
    """Compare all graphs; answers 1 where one was foretold worse than by 5 %, or in another order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--runs", type=int, default=3)
    chosen = parser.parse_args(words)
    bad = False
    for seed in range(chosen.seeds):
        for workers in (2, 4):
            with TemporaryDirectory() as name:
                folder = Path(name)
                (folder / "work.py").write_text(WORK, encoding="utf-8")
                graph = folder / "g.json"
                graph.write_text(json.dumps(generated(seed)), encoding="utf-8")
                for _ in range(chosen.runs):
                    run_in(folder, graph, workers)
                found = compare(folder, graph, workers)
            wrong = disorder(found.planned_order, found.starts)
            row = f"seed {seed}: {found.tasks:>3} tasks, {workers} workers, planned {found.planned:6.2f} s"
            order = "same order" if not wrong else f"other order: {wrong[:3]}"
            print(f"{row}, real {found.real:6.2f} s, error {found.error:+.2%}, {order}", flush=True)
            bad = bad or abs(found.error) > 0.05 or bool(wrong)
    return int(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
