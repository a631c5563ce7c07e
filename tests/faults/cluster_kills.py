"""Kill workers of a Dask cluster at moments by chance while a graph runs on it, and judge from marks and journal.

    python tests/faults/cluster_kills.py FOLDER KILLS TASKS SHORTEST LONGEST SEED      (seconds of a task)

The cluster is on this machine, four workers with a nanny each, which starts another where one is killed. Prints one
line of JSON: kills, attempts that were lost, every promise that was broken, and who was left. It is a program because
it has to be the subreaper of all that is left. Uses nothing of ours but the command line.
"""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import dask.config
from distributed import LocalCluster

from tests.faults import accounts
from tests.faults.below import adopt_orphans, names_below

WORKERS = 4
LIMIT = 900.0


def kill_by_chance(cluster: LocalCluster, runner: subprocess.Popen[bytes], kills: int, gap: float, seed: int) -> int:
    """Kill workers while the runner runs, with so many seconds between two on average; answers how many."""
    chance, done = random.Random(seed), 0
    end = time.monotonic() + LIMIT
    while done < kills and runner.poll() is None and time.monotonic() < end:
        time.sleep(chance.uniform(0, 2 * gap))
        pid = chance.choice(list(cluster.workers.values())).pid
        with suppress(ProcessLookupError):
            if pid and runner.poll() is None:  # a nanny whose worker has just been killed has none
                os.kill(pid, signal.SIGKILL)
                done += 1
    return done


def main(folder: Path, kills: int, tasks: int, seconds: tuple[float, float], seed: int) -> None:
    """Run the graph, kill, and print what was seen."""
    adopt_orphans()
    marks = folder / "marks"
    marks.mkdir(parents=True)
    (folder / "g.yaml").write_text(accounts.graph(seed, tasks, seconds, marks, attempts=kills + 1))
    gap = tasks * sum(seconds) / 2 / WORKERS / kills
    # A cluster of Dask's own gives up for good whoever is dead when it looks, and ours die often.
    dask.config.set({"distributed.deploy.lost-worker-timeout": "1 hour"})
    settings = {"n_workers": WORKERS, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(**settings, silence_logs=logging.CRITICAL) as cluster:
        began = time.monotonic()
        runner = start(folder, cluster.scheduler_address)
        _until_at_work(marks, runner)
        killed = kill_by_chance(cluster, runner, kills, gap, seed)
        code = runner.wait(LIMIT)
        took = time.monotonic() - began
        left = ours_left()
    left += ours_left()  # and when the cluster has ended, too
    print(json.dumps({"kills": killed, "code": code, "left": left, "seconds": round(took, 1), **judged(folder, marks)}))


def start(folder: Path, address: str) -> subprocess.Popen[bytes]:
    """Start the runner."""
    words = ["g.yaml", "--executor", "dask", "--dask-address", address, "-o", "plain"]
    with (folder / "said").open("wb") as said:
        return subprocess.Popen([sys.executable, "-m", "runner", *words], cwd=folder, stdout=said, stderr=said)


def judged(folder: Path, marks: Path) -> dict[str, object]:
    """Answer what was broken, and how many attempts were lost; a run without a report is told by its last words."""
    run = folder / ".runner/latest"
    if not (run / "report.json").exists():
        return {"lost": 0, "broken": [(folder / "said").read_text()[-2000:]]}
    return {"lost": accounts.lost(accounts.recorded(run)), "broken": accounts.broken(marks, run)}


def ours_left() -> list[str]:
    """Answer which wardens and workers of ours still live below us five seconds after the run, the cluster going on."""
    end = time.monotonic() + 5.0
    while (names := _ours()) and time.monotonic() < end:
        time.sleep(0.05)
    return names


def _ours() -> list[str]:
    return [name for name in names_below() if name.startswith(("tg-warden", "tg-worker"))]


def _until_at_work(marks: Path, runner: subprocess.Popen[bytes]) -> None:
    while runner.poll() is None and not any(marks.iterdir()):
        time.sleep(0.01)


if __name__ == "__main__":
    if "PYTHONPATH" not in os.environ:
        os.environ["PYTHONPATH"] = str(Path.cwd())
    place, kills, tasks, shortest, longest, seed = sys.argv[1:]
    main(Path(place), int(kills), int(tasks), (float(shortest), float(longest)), int(seed))
