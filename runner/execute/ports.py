"""The few protocols between the driver and the world: Executor, Describer, Clock, Recorder, Observer. No code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from runner.errors import Problem
from runner.schedule.machine import Schedule
from runner.schedule.messages import Event, LimitWorkers, StartAttempt, StartService, StopAttempt, StopService
from runner.task import Request, ServiceRequest, Signature

Hear = Callable[[str, bytes], None]
"""Is told what a task or a service prints, while it does: its id, and the next bytes, without secrets."""


@runtime_checkable
class Executor(Protocol):
    """Runs attempts and services; the contract below is tested against every executor.

    each command ends exactly once, by `AttemptEnded`, or `AttemptReturned` when the attempt had not begun; a task's
    faults are events, never exceptions; an attempt ended by a stop carries the stop's cause unless it had already
    ended; a stopped service ends by `ServiceEnded`; after `close` nothing is left running.
    """

    @property
    def slots(self) -> int:
        """How many attempts may be asked for at once, now."""

    def start(self, command: StartAttempt | StartService, request: Request | ServiceRequest) -> None:
        """Begin; returns at once."""

    def stop(self, command: StopAttempt | StopService) -> None:
        """Ask for the end, which still comes from `wait`; a second stop with a shorter `kill_after` hastens it."""

    def limit(self, command: LimitWorkers) -> None:
        """Do with fewer workers from now on; what runs goes on to its end."""

    def wait(self, timeout: float | None) -> Sequence[Event]:
        """Answer what happened, waiting at most `timeout` seconds (None: until something does); [] is time run out."""

    def close(self) -> None:
        """End everything still running."""


@runtime_checkable
class Describer(Protocol):
    """Says what a function takes and returns, without running it."""

    def describe(self, wanted: Mapping[str, Request]) -> dict[str, Signature | Problem]:
        """Describe each function in the setting of a request that will use it.

        What cannot be imported is a `Problem` without a place.
        """


@runtime_checkable
class Crew(Executor, Describer, Protocol):
    """All that a run asks of whoever does its work: more than the loop needs to know."""

    def gather(self, most: int | None) -> None:
        """Let no more than so many attempts run at once (None: all that can), and wait for whoever does the work."""

    def open(self, run_folder: Path) -> None:
        """Say where logs belong."""

    def hold(self, descriptor: int) -> None:
        """Keep a copy of a descriptor until everything has ended: the run's lock."""

    def hide(self, secrets: Mapping[str, str]) -> None:
        """Mask these values in all that starts from now on."""

    def listen(self, hear: Hear) -> None:
        """Hand on what is printed by all that starts from now on; `wait` then returns for that, too."""

    def heed(self, descriptor: int) -> None:
        """Let `wait` return as long as something can be read from a descriptor of somebody else."""

    def unheed(self, descriptor: int) -> None:
        """Heed it no more."""

    def last_line(self, name: str) -> str:
        """Answer the newest line that a running task or service has printed, "" if there is none."""

    def wake(self) -> None:
        """Let `wait` return, now or the next time; safe in a signal handler."""

    def let_go(self) -> None:
        """Let everything end that still runs, without waiting for it; nothing more can be started."""


@runtime_checkable
class Clock(Protocol):
    """Seconds since the command started; never goes back."""

    def now(self) -> float:
        """Answer the time."""


@runtime_checkable
class Recorder(Protocol):
    """Keeps events before they are handled. The journal is one, a list another."""

    def record(self, events: Sequence[Event]) -> Sequence[Event]:
        """Write; answers the events as they are kept, for those are handled: they survive the runner's death now."""

    def due(self) -> float | None:
        """Answer when `sync` is wanted (the clock's seconds), None for never."""

    def sync(self) -> None:
        """Make everything recorded survive the machine's death."""


@runtime_checkable
class Person(Protocol):
    """Is asked whether a task may start; sees each turn, too, and so which questions are still open."""

    def ask(self, task: str, now: float) -> Sequence[Event]:
        """Ask, and return at once: an answer that is there already, or none; then it comes from outside, some day."""

    def observe(self, events: Sequence[Event], schedule: Schedule) -> None:
        """Look at what is open, and return soon."""


@runtime_checkable
class Observer(Protocol):
    """Is shown each turn of the loop after it was handled: progress, the decision log."""

    def observe(self, events: Sequence[Event], schedule: Schedule) -> None:
        """Look, and return soon; without events it was only time to look again."""

    def due(self) -> float | None:
        """Answer when it wants to look again even if nothing happens (the clock's seconds), None for never."""
