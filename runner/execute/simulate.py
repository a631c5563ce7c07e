"""Executor and clock in virtual time: a script says how long an attempt takes and how it ends. Starts nothing.

The plan, the rehearsals and the deterministic tests run on it; it keeps the contract of `ports.Executor`, so the driver
and the schedule cannot tell it from the pool. Time jumps to the next thing that is due.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from itertools import count
from typing import Literal

from msgspec import Struct, field

from runner.schedule.messages import (
    AttemptEnded,
    AttemptReturned,
    AttemptStarted,
    Event,
    LimitWorkers,
    ServiceEnded,
    ServiceReady,
    StartAttempt,
    StartService,
    StopAttempt,
    StopService,
)
from runner.task import Failed, Outcome, Request, ServiceRequest, Succeeded


class Step(Struct, frozen=True, kw_only=True):
    """How one attempt goes: it begins after `start_after` seconds, runs for `seconds`, then ends with `outcome`.

    Asked to stop, it takes `stop_takes` seconds to do so, but never longer than the stop's `kill_after`.
    """

    seconds: float
    outcome: Outcome = field(default_factory=Succeeded)
    start_after: float = 0.0
    stop_takes: float = 0.0


class ServiceStep(Struct, frozen=True, kw_only=True):
    """How one start of a service goes: ready after seconds, or never; dies after, or never; `port_taken` at once."""

    ready_after: float | None = 0.0
    dies_after: float | None = None
    port_taken: bool = False
    stop_takes: float = 0.0


Script = Callable[[str, int], Step]
ServiceScript = Callable[[str, int], ServiceStep]


def always_ready(_service: str, _attempt: int) -> ServiceStep:
    """Answer for services that are ready at once and stay so."""
    return ServiceStep()


class _Live(Struct, kw_only=True, eq=False):
    """One attempt or service under way; `ending` is the due event that will end it, `stopped` whether by a stop."""

    name: str
    attempt: int
    step: Step | ServiceStep
    begun: bool = False
    over: bool = False
    stopped: bool = False
    ending: Event | None = None


class Simulation:
    """The executor of virtual time, and its clock."""

    def __init__(self, script: Script, services: ServiceScript = always_ready, *, slots: int) -> None:
        self.slots = slots
        self._script = script
        self._services = services
        self._now = 0.0
        self._due: list[tuple[float, int, Event, _Live | None]] = []
        self._order = count()
        self._live: dict[str, _Live] = {}

    # -- the clock -------------------------------------------------------------------------------------------------

    def now(self) -> float:
        """Answer the virtual time in seconds."""
        return self._now

    def at(self, time: float, event: Event) -> None:
        """Let an event from outside happen at a time, say a cancel."""
        heappush(self._due, (time, next(self._order), event, None))

    # -- the executor ----------------------------------------------------------------------------------------------

    def start(self, command: StartAttempt | StartService, request: Request | ServiceRequest) -> None:  # noqa: ARG002  # the script knows
        """Begin an attempt or a service as its script says."""
        match command:
            case StartAttempt(task=task, attempt=attempt):
                step = self._script(task, attempt)
                live = self._live[task] = _Live(name=task, attempt=attempt, step=step)
                begins = self._now + step.start_after
                ends = begins + step.seconds
                begun = AttemptStarted(at=begins, task=task, attempt=attempt)
                live.ending = AttemptEnded(at=ends, task=task, attempt=attempt, outcome=step.outcome)
                heappush(self._due, (begins, next(self._order), begun, live))
                heappush(self._due, (ends, next(self._order), live.ending, live))
            case StartService(service=service, attempt=attempt):
                self._start_service(service, attempt, self._services(service, attempt))

    def stop(self, command: StopAttempt | StopService) -> None:
        """End an attempt or a service; what has ended already keeps its own end."""
        match command:
            case StopAttempt():
                self._stop_attempt(command)
            case StopService():
                self._stop_service(command)

    def limit(self, command: LimitWorkers) -> None:
        """Do with fewer workers; what is scripted takes as long as before."""
        self.slots = min(self.slots, command.workers)

    def wait(self, timeout: float | None) -> Sequence[Event]:
        """Jump to the next due moment and answer one event, beginnings of one moment together; [] where time runs out.

        Nothing follows from a beginning, so nothing that happens at that moment could come between two of them.
        """
        until = math.inf if timeout is None else self._now + max(0.0, timeout)
        found: list[Event] = []
        while self._due and self._due[0][0] <= until:
            time, _, event, live = self._due[0]
            begins = isinstance(event, AttemptStarted)
            if found and not (begins and time == found[-1].at):
                break
            heappop(self._due)
            if live is None or self._happens(event, live):
                self._now = max(self._now, time)
                found.append(event)
                if not begins:
                    break
        if not found:
            assert timeout is not None, "waiting for ever for nothing"
            self._now = until
        return found

    def close(self) -> None:
        """Forget everything under way."""
        self._live.clear()
        self._due.clear()

    # -- the helpers -----------------------------------------------------------------------------------------------

    def _start_service(self, service: str, attempt: int, step: ServiceStep) -> None:
        live = self._live[service] = _Live(name=service, attempt=attempt, step=step)
        now = self._now
        if step.port_taken:
            self._end(
                live, ServiceEnded(at=now, service=service, attempt=attempt, how="port_taken", message="port taken")
            )
            return
        if step.ready_after is not None:
            ready = now + step.ready_after
            url, port = "http://127.0.0.1:8000", 8000
            answers = ServiceReady(at=ready, service=service, attempt=attempt, asked=now, url=url, port=port)
            heappush(self._due, (ready, next(self._order), answers, live))
        if step.dies_after is not None:
            how: Literal["never_ready", "died"] = "never_ready" if step.ready_after is None else "died"
            dies = now + step.dies_after
            message = f"{how.replace('_', ' ')} after {step.dies_after:g} s"
            self._end(live, ServiceEnded(at=dies, service=service, attempt=attempt, how=how, message=message))

    def _stop_attempt(self, command: StopAttempt) -> None:
        live = self._live.get(command.task)
        if live is None or live.attempt != command.attempt:
            return
        if not live.begun:
            self._end(live, AttemptReturned(at=self._now, task=command.task, attempt=command.attempt))
            return
        planned = live.ending
        assert isinstance(planned, AttemptEnded), "every begun attempt has an end"
        ends = min(planned.at, self._now + min(live.step.stop_takes, command.kill_after))
        if planned.at <= self._now:
            return  # it has ended, only nobody has heard of it yet
        outcome = planned.outcome if live.stopped else Failed(cause=command.cause, message=command.message)
        live.stopped = True
        self._end(live, AttemptEnded(at=ends, task=command.task, attempt=command.attempt, outcome=outcome))

    def _stop_service(self, command: StopService) -> None:
        live = self._live.get(command.service)
        if live is not None and live.attempt == command.attempt:
            ends = self._now + min(live.step.stop_takes, command.kill_after)
            ended = ServiceEnded(at=ends, service=command.service, attempt=command.attempt, how="stopped")
            self._end(live, ended)

    def _end(self, live: _Live, event: Event) -> None:
        live.ending = event
        heappush(self._due, (event.at, next(self._order), event, live))

    def _happens(self, event: Event, live: _Live) -> bool:
        """Let a due event happen; answers whether it does: a stop replaces the end that was planned."""
        if live.ending is event:
            live.over = True
            del self._live[live.name]
            return True
        begins = isinstance(event, AttemptStarted | ServiceReady)
        if live.over or not begins or isinstance(live.ending, AttemptReturned):
            return False
        live.begun = True
        return True
