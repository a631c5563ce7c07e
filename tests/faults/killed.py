"""Kills processes that run a pool, at random moments, and judges whether anything of them is left; prints JSON.

    python tests/faults/killed.py SEED TIMES FOLDER

The tasks are those that are hardest to be rid of. Each process is forked, killed with SIGKILL, and given five seconds.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from runner.clock import WallClock
from runner.execute.pool import Pool
from runner.schedule.messages import StartAttempt, StartService
from runner.task import Request, ServiceRequest
from tests.faults.below import adopt_orphans, children_left

LONGEST = 0.4
"""Seconds within which most things start; every other process is killed so long after all of its tasks are at work."""
AT_WORK = 6
"""Marks that tell so."""
HARD_TO_KILL = ("double_fork", "grandchild", "sigterm_ignored", "holds_the_gil", "left_behind")
SHELL = "trap '' TERM; (setsid sleep 3600 &) ; sleep 3600 & touch $EVIDENCE/shell.$$; while :; do sleep 0.1; done"


def main(seed: str, times: str, folder: str) -> None:
    """Run and print what was seen."""
    adopt_orphans()
    chance = random.Random(int(seed))
    trials = []
    for number in range(int(times)):
        own = Path(folder, str(number))
        own.mkdir()
        delay, at_work = chance.uniform(0.0, LONGEST), number % 2 == 1
        runner = os.fork()
        if runner == 0:
            _run_for_ever(own)
        until = time.monotonic() + 20.0
        while at_work and _marks(own) < AT_WORK and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(delay)
        os.kill(runner, signal.SIGKILL)
        os.waitpid(runner, 0)
        began = time.monotonic()
        left = children_left()
        trials.append({"delay": delay, "left": left, "gone_after": time.monotonic() - began, "marks": _marks(own)})
    print(json.dumps(trials))


def _run_for_ever(folder: Path) -> None:
    try:
        pool = Pool(folder / "run", WallClock())
        pool.slots = len(HARD_TO_KILL) + 1
        env = {**os.environ, "EVIDENCE": str(folder)}
        for death in HARD_TO_KILL:
            request = Request(run="r", task=death, attempt=1, uses=f"tests.faults.deaths:{death}", env=env)
            pool.start(StartAttempt(task=death, attempt=1), request)
        pool.start(StartAttempt(task="sh", attempt=1), Request(run="r", task="sh", attempt=1, command=SHELL, env=env))
        service = ServiceRequest(run="r", service="web", attempt=1, command=SHELL, env=env)
        pool.start(StartService(service="web", attempt=1), service)
        while True:
            pool.wait(None)
    finally:
        os._exit(1)


def _marks(folder: Path) -> int:
    return sum(1 for mark in folder.iterdir() if mark.is_file())


if __name__ == "__main__":
    main(*sys.argv[1:])
