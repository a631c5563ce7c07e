"""Kills the warden under a pool that is idle or busy, and judges what becomes of it; prints JSON.

python tests/faults/warden_killed.py idle|busy FOLDER
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

from runner.clock import WallClock
from runner.errors import RunnerFault
from runner.execute.pool import Pool
from runner.schedule.messages import StartAttempt
from runner.task import Request
from tests.faults.below import adopt_orphans, children_left


def main(moment: str, folder: str) -> None:
    """Run and print what was seen."""
    adopt_orphans()
    pool = Pool(Path(folder, "run"), WallClock())
    pool.slots = 2
    tasks = {"idle": {"a": "exit 0"}, "busy": {"a": "touch a.mark; sleep 3600", "b": "touch b.mark; sleep 3600 & wait"}}
    for task, command in tasks[moment].items():
        request = Request(run="r", task=task, attempt=1, command=command, env=dict(os.environ), workdir=folder)
        pool.start(StartAttempt(task=task, attempt=1), request)
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        pool.wait(until - time.monotonic())
    os.kill(pool._lifeline.pid, signal.SIGKILL)
    raised = ""
    try:
        while not raised:
            pool.wait(5.0)
    except RunnerFault as fault:
        raised = str(fault)
    pool.close()
    print(json.dumps({"raised": raised, "left": children_left()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
