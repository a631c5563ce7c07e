"""The executors as one world each: the same steps in virtual time and in real processes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from runner.clock import WallClock
from runner.execute.cluster import Cluster, Where
from runner.execute.pool import Pool
from runner.execute.ports import Clock, Executor
from runner.execute.simulate import ServiceStep, Simulation, Step
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
)
from runner.task import Failed, Request, ServiceRequest

END = (AttemptEnded, AttemptReturned, ServiceEnded)
UNIT = 0.1
"""Seconds of a short step: long against a turn of the pool's loop, short for a person who waits for the tests."""


class World(Protocol):
    """An executor with its clock, and how to ask it for an attempt or a service that goes as a step says."""

    executor: Executor
    clock: Clock

    def attempt(self, task: str, step: Step, attempt: int = 1) -> None:
        """Start an attempt."""

    def service(self, service: str, step: ServiceStep) -> None:
        """Start a service."""


class SimulatedWorld:
    """Virtual time."""

    def __init__(self) -> None:
        self._steps: dict[str, Step] = {}
        self._services: dict[str, ServiceStep] = {}
        simulation = Simulation(
            lambda task, _attempt: self._steps[task], lambda service, _attempt: self._services[service], slots=3
        )
        self.executor: Executor = simulation
        self.clock: Clock = simulation

    def attempt(self, task: str, step: Step, attempt: int = 1) -> None:
        """Start an attempt."""
        self._steps[task] = step
        self.executor.start(StartAttempt(task=task, attempt=attempt), Request(run="r", task=task, attempt=attempt))

    def service(self, service: str, step: ServiceStep) -> None:
        """Start a service."""
        self._services[service] = step
        request = ServiceRequest(run="r", service=service, attempt=1, command="")
        self.executor.start(StartService(service=service, attempt=1), request)


class RealWorld:
    """Real processes, whoever starts them."""

    executor: Executor
    clock: Clock

    def __init__(self, folder: Path) -> None:
        self.folder = self.marks = folder

    def attempt(self, task: str, step: Step, attempt: int = 1) -> None:
        """Start an attempt."""
        fails = step.outcome.message if isinstance(step.outcome, Failed) else ""
        mark = str(self.marks / f"{task}.ended")
        request = Request(
            run="r",
            task=task,
            attempt=attempt,
            uses="tests.execute.steps:step",
            arguments={"seconds": step.seconds, "stop_takes": step.stop_takes, "fails": fails, "mark": mark},
            env=dict(os.environ),
            path=(str(Path(__file__).parents[2]),),
        )
        self.executor.start(StartAttempt(task=task, attempt=attempt), request)

    def service(self, service: str, step: ServiceStep) -> None:
        """Start a service."""
        never = step.ready_after is None
        ready = "" if never else f"sleep {step.ready_after}; echo it is up; "
        life = 60 if never or step.dies_after is None else step.dies_after - (step.ready_after or 0.0)
        request = ServiceRequest(
            run="r",
            service=service,
            attempt=1,
            command=f"{ready}sleep {life}",
            env=dict(os.environ),
            ready_log="it is up",
            ready_timeout=step.dies_after if never and step.dies_after is not None else 30.0,
        )
        self.executor.start(StartService(service=service, attempt=1), request)


class PoolWorld(RealWorld):
    """Processes of this machine."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.clock = WallClock()
        pool = self.executor = Pool(folder, self.clock)
        pool.slots = 3


class ClusterWorld(RealWorld):
    """Processes at the workers of a cluster; those of services are of this machine."""

    def __init__(self, folder: Path, address: str) -> None:
        super().__init__(folder)
        (folder / "receipts").mkdir()
        self.clock = WallClock()
        cluster = self.executor = Cluster(Pool(None, self.clock), self.clock, Where(address=address, patience=20.0))
        cluster.gather(None)
        cluster.open(folder)
        self.news = cluster.wait(0.0)


def until(world: World, enough: Callable[[Sequence[Event]], bool], limit: float = 20.0) -> list[Event]:
    """Wait until enough has happened; answers all that did."""
    events: list[Event] = []
    end = world.clock.now() + limit
    while not enough(events) and world.clock.now() < end:
        events += world.executor.wait(end - world.clock.now())
    return events


def ended(count: int) -> Callable[[Sequence[Event]], bool]:
    """Wait for so many ends."""
    return lambda events: sum(isinstance(event, END) for event in events) >= count


def let_it_end(mark: Path) -> None:
    """Wait, without listening to the pool, until an attempt has ended in its own process."""
    limit = time.monotonic() + 20.0
    while not mark.exists() and time.monotonic() < limit:
        time.sleep(0.01)
    time.sleep(3 * UNIT)


def at_work(world: World) -> Callable[[Sequence[Event]], bool]:
    """Wait for the task's own word where it has one: an attempt begins before its module is imported."""
    sign = Noted if isinstance(world, RealWorld) else AttemptStarted
    return lambda events: any(isinstance(event, sign) for event in events)


def begun(events: Sequence[Event]) -> bool:
    """Wait for the first beginning."""
    return any(isinstance(event, AttemptStarted | ServiceReady) for event in events)
