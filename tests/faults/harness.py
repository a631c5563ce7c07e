"""Runs one task that misbehaves on a real executor and judges it from outside; prints what it saw as JSON.

    python tests/faults/harness.py DEATH EVIDENCE_FOLDER [pool | cluster]

It is a program of its own because it is a child subreaper: whatever the executor leaves behind becomes its child,
however hard it tried to get away. It asks the kernel, not the executor, whether anybody is left.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from runner.clock import WallClock
from runner.execute.pool import Pool
from runner.execute.ports import Crew
from runner.schedule.messages import AttemptEnded, AttemptStarted, Event, StartAttempt, StopAttempt
from runner.task import Cause, Failed, Outcome, Request, Succeeded
from tests.faults.below import adopt_orphans, children_left

STOPPED_AFTER = {"time_out", "loops", "grandchild", "double_fork", "sigterm_ignored", "holds_the_gil", "sigstop"}
"""Deaths that only a time limit ends."""


def _made(kind: str, folder: Path) -> Crew:
    folder.mkdir()
    if kind == "pool":
        pool = Pool(folder, WallClock())
        pool.slots = 2
        return pool
    from runner.execute.cluster import Cluster, Where

    clock = WallClock()
    cluster = Cluster(Pool(None, clock), clock, Where(workers=2))
    cluster.gather(None)
    cluster.open(folder)
    return cluster


class Observed:
    """What came out of the executor."""

    def __init__(self, pool: Crew, folder: str) -> None:
        self.pool = pool
        self.folder = folder
        self.events: list[Event] = []

    def start(self, task: str, death: str, attempt: int = 1, **arguments: float) -> None:
        request = Request(
            run="r",
            task=task,
            attempt=attempt,
            uses=f"tests.faults.deaths:{death}",
            arguments=arguments,
            env={**os.environ, "EVIDENCE": self.folder},
            path=(str(Path(__file__).parents[2]),),
        )
        self.pool.start(StartAttempt(task=task, attempt=attempt), request)

    def wait_for(self, kind: type[Event], task: str, seconds: float = 10.0) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.of(kind, task):
            self.events += self.pool.wait(until - time.monotonic())

    def of(self, kind: type[Event], task: str) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind) and getattr(event, "task", "") == task]


def main(death: str, folder: str, kind: str = "pool") -> None:
    """Run and print what was seen."""
    adopt_orphans()
    seen = observe(death, folder, _made(kind, Path(folder, "run")))
    print(json.dumps({**seen, "children": children_left()}))


def observe(death: str, folder: str, crew: Crew) -> dict[str, object]:
    """Let a task die between two others, close the executor, and answer what was seen."""
    seen = Observed(crew, folder)
    began = time.monotonic()
    seen.start("bystander", "steady", seconds=0.7)
    seen.start("victim", death)
    seen.wait_for(AttemptStarted, "victim")
    asked = time.monotonic()
    if death in STOPPED_AFTER:
        _until_evidence(folder, death)
        asked = time.monotonic()
        crew.stop(StopAttempt(task="victim", attempt=1, cause=Cause.TIMED_OUT, kill_after=0.3, message="limit"))
    seen.wait_for(AttemptEnded, "victim")
    took = time.monotonic() - began
    alive = _alive(folder)  # an attempt that has ended leaves nobody, not even until the executor is closed
    seen.start("after", "steady", seconds=0.0)
    for task in ("after", "bystander"):
        seen.wait_for(AttemptEnded, task)
    crew.close()
    ends = seen.of(AttemptEnded, "victim")
    return {
        "ends": len(ends),
        **_told(ends),
        "seconds": took,
        "until_over": began + took - asked,
        "evidence": bool(list(Path(folder).glob(f"{death}.*"))),
        "alive_after_end": alive,
        "bystander": _word(seen.of(AttemptEnded, "bystander")),
        "after": _word(seen.of(AttemptEnded, "after")),
    }


def _told(ends: list[Event]) -> dict[str, object]:
    if not ends or not isinstance(ends[0], AttemptEnded):
        return {"cause": None}
    outcome: Outcome = ends[0].outcome
    if isinstance(outcome, Failed):
        return {"cause": outcome.cause.word, "message": outcome.message, "left": ends[0].left}
    return {"cause": "succeeded", "message": "", "left": ends[0].left}


def _word(ends: list[Event]) -> str:
    return ",".join("ok" if isinstance(e, AttemptEnded) and isinstance(e.outcome, Succeeded) else "no" for e in ends)


def _until_evidence(folder: str, death: str) -> None:
    """Wait until the task, and the process it started, have left their marks."""
    marks = [f"{death}.*", *(["nap.*"] if death in {"grandchild", "double_fork"} else [])]
    until = time.monotonic() + 10
    while time.monotonic() < until and not all(list(Path(folder).glob(mark)) for mark in marks):
        time.sleep(0.005)
    time.sleep(0.1)  # and is where it wants to be


def _alive(folder: str) -> list[int]:
    """Answer which processes that left a mark still run, except a worker that is only waiting for more work."""
    marked = {int(mark.suffix[1:]) for mark in Path(folder).glob("nap.*")}
    return sorted(pid for pid in marked if Path(f"/proc/{pid}").exists())


if __name__ == "__main__":
    main(*sys.argv[1:])
