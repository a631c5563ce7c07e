"""What an attempt through Dask costs, beside the same calls with plain `client.submit` on the same cluster.

    python -m tests.bench.clustered [TASKS] [ROUNDS]

Each side is a program of its own that connects to a running cluster of two workers, does all calls and ends; the
figures are seconds of the whole program from its connection on. The equal child is a Python process for each call, as
ours is for each attempt where nothing else is said.
"""

from __future__ import annotations

import json
import logging
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOST = 1.3
PLAIN = """
import subprocess, sys, time
from distributed import Client
sys.path.insert(0, ".")
from work import {call} as call
began = time.perf_counter()
with Client({address!r}) as client:
    futures = [client.submit(call, number, pure=False) for number in range({tasks})]
    client.gather(futures)
print(time.perf_counter() - began)
"""
OURS = """
import time
from runner.api import run
import runner.execute.cluster
began = time.perf_counter()
report = run("graph.json", executor="dask", dask_address={address!r})
assert report.verdict == "passed", report
print(time.perf_counter() - began)
"""
WORK = """
import subprocess, sys

def noop(i: int) -> int:
    return i

def child(i):
    program = "import json; print(json.dumps({'value': 1}))"
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    return i
"""


def main(tasks: int = 1000, rounds: int = 3) -> int:
    """Measure, print, and answer 1 where it costs more than it should."""
    from distributed import LocalCluster

    worst = 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "work.py").write_text(WORK)
        options = {"threads_per_worker": 1, "dashboard_address": "127.0.0.1:0", "silence_logs": logging.CRITICAL}
        sys.path.insert(0, name)
        with LocalCluster(n_workers=2, **options) as cluster:
            address = cluster.scheduler_address
            for isolation, call in (("process", "child"), ("worker", "noop")):
                plain = PLAIN.format(call=call, address=address, tasks=tasks)
                sides: Sequence[tuple[str, Callable[[], str]]] = [
                    (f"plain client.submit, {call}", lambda plain=plain: plain),
                    (f"ours, isolation: {isolation}", lambda: OURS.format(address=address)),
                ]
                _write(folder, tasks, isolation)
                times = [[_took(folder, side()) for _, side in sides] for _ in range(rounds)]
                theirs, ours = (statistics.median(each) for each in zip(*times, strict=True))
                worst = max(worst, ours / theirs)
                for (title, _), seconds in zip(sides, (theirs, ours), strict=True):
                    print(f"{title:<32} {seconds:7.2f} s   {seconds / tasks * 1000:6.2f} ms each", flush=True)
                print(f"{'':<32} {ours / theirs:7.2f} x   (at most {MOST})", flush=True)
    return int(worst > MOST)


def _write(folder: Path, tasks: int, isolation: str) -> None:
    graph = {
        "tasks": {
            f"t{number}": {"uses": "work:noop", "with": {"i": number}, "isolation": isolation}
            for number in range(tasks)
        }
    }
    (folder / "graph.json").write_text(json.dumps(graph))


def _took(folder: Path, program: str) -> float:
    time.sleep(1.0)
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=_environment(), capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return float(ran.stdout.splitlines()[-1])


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(ROOT)}


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
