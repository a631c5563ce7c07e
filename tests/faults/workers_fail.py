"""Runs a pool whose workers do not work, and prints as JSON what became of it.

    python tests/faults/workers_fail.py frozen|stillborn FOLDER

frozen: an idle worker is stopped by SIGSTOP just before it is asked for something.
stillborn: with an engine whose workers die at once; the fault is planted by test_killed.py.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from runner.clock import WallClock
from runner.errors import RunnerFault
from runner.execute.pool import Pool
from runner.schedule.messages import AttemptEnded, AttemptStarted, Event, StartAttempt
from runner.task import Request, Succeeded
from tests.faults.below import adopt_orphans, children_left


def main(situation: str, folder: str) -> None:
    """Run and print what was seen."""
    adopt_orphans()
    pool = Pool(Path(folder), WallClock())
    seen: dict[str, object] = {}
    try:
        first = _run(pool, folder, "first")
        if situation == "frozen":
            os.kill(next(event.pid for event in first if isinstance(event, AttemptStarted)), signal.SIGSTOP)
            second = _run(pool, folder, "second")
            seen["starts"] = sum(isinstance(event, AttemptStarted) for event in second)
            seen["succeeded"] = [isinstance(e.outcome, Succeeded) for e in second if isinstance(e, AttemptEnded)]
    except RunnerFault as fault:
        seen["fault"] = str(fault)
    pool.close()
    seen["left"] = children_left()
    seen["marks"] = sorted(mark.name for mark in Path(folder).glob("*.mark"))
    print(json.dumps(seen))


def _run(pool: Pool, folder: str, task: str) -> list[Event]:
    command = f"touch {task}.$$.mark"
    request = Request(run="r", task=task, attempt=1, command=command, env=dict(os.environ), workdir=folder)
    pool.start(StartAttempt(task=task, attempt=1), request)
    events: list[Event] = []
    while not any(isinstance(event, AttemptEnded) for event in events):
        events += pool.wait(20.0)
    return events


if __name__ == "__main__":
    main(*sys.argv[1:])
