"""A real pool for tests: ask for something, wait for what comes of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner.clock import WallClock
from runner.execute.pool import Pool
from runner.schedule.messages import (
    AttemptEnded,
    AttemptReturned,
    AttemptStarted,
    Event,
    Noted,
    ServiceEnded,
    ServiceReady,
    StartAttempt,
    StartService,
    StopAttempt,
)
from runner.task import Cause, Failed, Note, Request, ServiceRequest, Succeeded

ROOT = str(Path(__file__).parents[2])
ENV = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
END = (AttemptEnded, AttemptReturned, ServiceEnded)


class Bench:
    """A pool, and everything that came out of it so far."""

    def __init__(self, folder: Path, slots: int = 2) -> None:
        self.folder = folder
        self.clock = WallClock()
        self.pool = Pool(folder, self.clock)
        self.pool.slots = slots
        self.events: list[Event] = []

    def start(self, task: str, uses: str | None = None, *, attempt: int = 1, **fields: Any) -> None:
        """Start an attempt; `uses` is a function of steps.py unless it names a module."""
        if uses is not None and ":" not in uses:
            uses = f"tests.execute.steps:{uses}"
        given = {"env": ENV, "workdir": str(self.folder), "path": (ROOT,), **fields}
        request = Request(run="r", task=task, attempt=attempt, uses=uses, **given)
        self.pool.start(StartAttempt(task=task, attempt=attempt), request)

    def serve(self, service: str, command: str, *, attempt: int = 1, **fields: Any) -> None:
        """Start a service."""
        given = {"env": ENV, "workdir": str(self.folder), **fields}
        request = ServiceRequest(run="r", service=service, attempt=attempt, command=command, **given)
        self.pool.start(StartService(service=service, attempt=attempt), request)

    def stop(self, task: str, *, kill_after: float = 5.0, cause: Cause = Cause.TIMED_OUT) -> None:
        """Stop a first attempt."""
        self.pool.stop(StopAttempt(task=task, attempt=1, cause=cause, kill_after=kill_after, message="stopped"))

    def until(self, kind: type[Event] | tuple[type[Event], ...], name: str, limit: float = 30.0) -> Event:
        """Wait for the first event of a kind about a task or a service."""
        end = self.clock.now() + limit
        while self.clock.now() < end:
            for event in self.events:
                if isinstance(event, kind) and name in (getattr(event, "task", ""), getattr(event, "service", "")):
                    return event
            self.events += self.pool.wait(end - self.clock.now())
        raise AssertionError(f"no {kind} about {name}, only {self.events}")

    def end_of(self, task: str) -> AttemptEnded:
        """Wait for the end of a task."""
        end = self.until(END, task)
        assert isinstance(end, AttemptEnded), end
        return end

    def run(self, task: str, uses: str | None = None, **fields: Any) -> AttemptEnded:
        """Start an attempt and wait for its end."""
        self.start(task, uses, **fields)
        return self.end_of(task)

    def outputs(self, task: str, uses: str | None = None, **fields: Any) -> Mapping[str, Any]:
        """Run an attempt that succeeds; answers its outputs."""
        end = self.run(task, uses, **fields)
        assert isinstance(end.outcome, Succeeded), end.outcome
        return end.outcome.outputs

    def failure(self, task: str, uses: str | None = None, **fields: Any) -> Failed:
        """Run an attempt that fails; answers how."""
        end = self.run(task, uses, **fields)
        assert isinstance(end.outcome, Failed), end.outcome
        return end.outcome

    def log(self, task: str) -> str:
        """Answer the log of a task that has ended."""
        name = self.end_of(task).log
        return (self.folder / name).read_bytes().decode(errors="replace") if name else ""

    def notes(self, task: str) -> list[Note]:
        """Answer what a task has said."""
        return [event.note for event in self.events if isinstance(event, Noted) and event.task == task]

    def worker_of(self, task: str) -> int:
        """Answer the process that works on a task."""
        started = self.until(AttemptStarted, task)
        assert isinstance(started, AttemptStarted)
        return started.pid

    def ready(self, service: str) -> ServiceReady:
        """Wait until a service is ready."""
        event = self.until((ServiceReady, ServiceEnded), service)
        assert isinstance(event, ServiceReady), event
        return event

    def end_of_service(self, service: str) -> ServiceEnded:
        """Wait for the end of a service."""
        event = self.until(ServiceEnded, service)
        assert isinstance(event, ServiceEnded)
        return event


def children_of(pid: int) -> list[int]:
    """Answer the children of a process, the oldest first."""
    stats = [each.read_text() for each in Path("/proc").glob("[0-9]*/stat") if each.exists()]
    return sorted(int(stat.split()[0]) for stat in stats if stat.rpartition(")")[2].split()[1] == str(pid))
