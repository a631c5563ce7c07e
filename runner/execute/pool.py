"""Executor: local processes, two pipes each, in one loop without threads. Knows no graph and no rule.

Theory of operation. The warden forks workers for us, because a process that has read a graph and opened a journal
should not be copied. A worker serves many attempts, one at a time, as long as they share environment, folder, secrets
and import path; one that has loaded the function is preferred. When all places are taken and none fits, the worker that
has been idle longest makes room. Services are workers, too, only that they take no place and run one command.

Everything that happens arrives in `wait`, through one selector: reports of the warden, messages and output of workers,
answers of services that are being probed, and a pipe by which a signal handler wakes us.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import Literal

from runner.errors import Problem, RunnerFault
from runner.execute.attempts import RunningAttempt
from runner.execute.description import describe_all
from runner.execute.handout import Handout
from runner.execute.lifeline import Lifeline
from runner.execute.output import Output, log_name
from runner.execute.ports import Clock, Hear
from runner.execute.services import LOG_LIMIT, RunningService, attempt_of, setting_of_service, with_port
from runner.execute.start import WardenProcess
from runner.execute.wire import Exited, Forked, setting_of
from runner.execute.workers import Workers
from runner.mask import Masker
from runner.schedule.messages import (
    AttemptEnded,
    AttemptReturned,
    AttemptStarted,
    Event,
    LimitWorkers,
    ServiceEnded,
    StartAttempt,
    StartService,
    StopAttempt,
    StopService,
)
from runner.task import Cause, Failed, Request, ServiceRequest, Signature

STILLBORN = 3
"""Workers in a row that may die before their first request; then none will ever start."""
_NOTHING_TO_MASK = Masker({})


class Pool:
    """The executor of a real run. `slots` and the run folder may be set after it is made, before the first start."""

    def __init__(self, run_folder: Path | None, clock: Clock, warden: WardenProcess | None = None) -> None:
        """Take over a warden that was started before, or start one, without waiting for it.

        Raises:
            RunnerFault: no process can be started.

        """
        self.slots = 1
        self._folder = run_folder
        self._clock = clock
        self._events: list[Event] = []
        self._attempts: dict[tuple[str, int], RunningAttempt] = {}
        self._services: dict[tuple[str, int], RunningService] = {}
        self._outputs: dict[str, Output] = {}
        self._hear: Hear | None = None
        self._secrets: Mapping[str, str] = {}
        self._stillborn = 0
        self._woken = False
        self._closed = False
        self._selector = DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        for end in (self._wake_read, self._wake_write):
            os.set_blocking(end, False)
        self._lifeline = Lifeline(warden)
        self._workers = Workers(self._lifeline, self._selector)
        self._handout = Handout(self._workers, clock, self._emit, lambda: self.slots)
        self._selector.register(self._lifeline, EVENT_READ, self._on_report)
        self._selector.register(self._wake_read, EVENT_READ, self._on_wake)

    def order(self, workers: int) -> None:
        """Let workers start before it is known what for; what is not needed leaves with the pool.

        Raises:
            RunnerFault: no worker can be ordered.

        """
        self._workers.order(workers)

    def gather(self, most: int | None) -> None:
        """Let no more than so many attempts run at once; None means as many as there are processors."""
        self.slots = most or os.cpu_count() or 1

    def open(self, run_folder: Path) -> None:
        """Say where logs belong."""
        self._folder = run_folder

    def hold(self, descriptor: int) -> None:
        """Let the warden keep a copy of a descriptor until everything has ended: the run's lock."""
        self._lifeline.hold(descriptor)

    def hide(self, secrets: Mapping[str, str]) -> None:
        """Mask these values in all that starts from now on, beside the secrets that its own environment holds."""
        self._secrets = secrets

    def listen(self, hear: Hear) -> None:
        """Hand on what is printed by all that starts from now on; `wait` then returns for that, too."""
        self._hear = hear

    def heed(self, descriptor: int) -> None:
        """Let `wait` return as long as something can be read from a descriptor of somebody else."""
        self._selector.register(descriptor, EVENT_READ, self._on_heeded)

    def unheed(self, descriptor: int) -> None:
        """Heed it no more."""
        self._selector.unregister(descriptor)

    # -- the questions ---------------------------------------------------------------------------------------------

    def last_line(self, name: str) -> str:
        """Answer the newest line that a running task or service has printed, "" if there is none."""
        output = self._outputs.get(name)
        return output.last_line if output is not None else ""

    def wake(self) -> None:
        """Let `wait` return, now or the next time; safe in a signal handler."""
        with suppress(BlockingIOError):  # it is full of wakes already
            os.write(self._wake_write, b"\0")

    # -- the executor ----------------------------------------------------------------------------------------------

    def start(self, _command: StartAttempt | StartService, request: Request | ServiceRequest) -> None:
        """Begin an attempt or a service; returns at once."""
        match request:
            case Request():
                self._start_attempt(request)
            case ServiceRequest():
                self._start_service(request)

    def stop(self, command: StopAttempt | StopService) -> None:
        """Ask for an end, which still comes from `wait`; what has ended already is left alone."""
        match command:
            case StopAttempt(task=task, attempt=attempt):
                running = self._attempts.get((task, attempt))
                if running is not None and not self._handout.take_back(running):
                    self._handout.clear_behind(running.child)
                    running.stop(command)
            case StopService(service=service, attempt=attempt):
                if (serving := self._services.get((service, attempt))) is not None:
                    serving.stop(command.kill_after)

    def limit(self, command: LimitWorkers) -> None:
        """Do with fewer workers; those too many leave once they are idle and another one is wanted."""
        self.slots = min(self.slots, command.workers)

    def wait(self, timeout: float | None) -> Sequence[Event]:
        """Answer what happened, waiting at most `timeout` seconds; [] if that time ran out, or after a wake.

        Raises:
            RunnerFault: the warden was ended from outside, no worker starts, or a log cannot be written.

        """
        until = None if timeout is None else self._clock.now() + timeout
        while not self._events:
            self._turn(until)
            if self._woken or (until is not None and self._clock.now() >= until):
                break
        self._woken = False
        events, self._events = self._events, []
        return events

    def let_go(self) -> None:
        """Let everything end that still runs, without waiting for it; nothing more can be started."""
        self._lifeline.let_go()

    def close(self) -> None:
        """End everything still running, and wait until it is gone; a second time does nothing."""
        if self._closed:
            return
        self._closed = True
        self._workers.close()
        self._lifeline.close()
        for output in self._outputs.values():
            output.close()
        self._selector.close()
        for end in (self._wake_read, self._wake_write):
            os.close(end)

    def describe(self, wanted: Mapping[str, Request]) -> dict[str, Signature | Problem]:
        """Describe functions, as many at once as there are slots, each in the setting of a request that will use it.

        The workers that have loaded a function are then preferred for its attempts, so nothing is imported in vain.
        """
        return describe_all(wanted, self._workers, self.slots, self._clock, self._turn)

    # -- starting --------------------------------------------------------------------------------------------------

    def _start_attempt(self, request: Request) -> None:
        setting = setting_of(request)
        try:
            masker = self._masker_of(request)
        except ValueError as error:  # a border: a secret's value is the user's
            failed = Failed(cause=Cause.BAD_PARAMETERS, message=str(error))
            at, task, attempt = self._clock.now(), request.task, request.attempt
            self._events.append(AttemptEnded(at=at, task=task, attempt=attempt, outcome=failed))
            return
        output = self._output(request.task, log_name(request.task, str(request.attempt)), request.log_limit, masker)
        running = RunningAttempt(
            request, setting, output, masker, clock=self._clock, emit=self._emit, again=self._again
        )
        self._attempts[request.task, request.attempt] = running
        self._handout.give(running)

    def _again(self, running: RunningAttempt, error: str) -> None:
        """Ask another worker for an attempt that had not begun when the first one died."""
        self._stillborn += 1
        if self._stillborn >= STILLBORN:
            raise RunnerFault(f"no worker starts; the last one: {error}")
        self._handout.give(running)

    def _start_service(self, request: ServiceRequest) -> None:
        try:
            request = with_port(request)
            masker = self._masker_of(request)
        except OSError as error:  # a border: the port is somebody else's
            self._refuse(request, "port_taken", f"port {request.port} is taken: {error.strerror}")
            return
        except ValueError as error:  # a border: a secret's value is the user's
            self._refuse(request, "died", str(error))
            return
        output = self._output(request.service, log_name(request.service), LOG_LIMIT, masker)
        child = self._workers.beside(setting_of_service(request))
        running = RunningService(request, child, output, self._selector, clock=self._clock, emit=self._emit)
        self._services[request.service, request.attempt] = running
        child.ask(running, attempt_of(request))

    def _refuse(self, request: ServiceRequest, how: Literal["died", "port_taken"], message: str) -> None:
        at, name, attempt = self._clock.now(), request.service, request.attempt
        self._events.append(ServiceEnded(at=at, service=name, attempt=attempt, how=how, message=message))

    def _output(self, name: str, log: str, limit: int, masker: Masker) -> Output:
        tell = None if self._hear is None else partial(self._printed, self._hear, name)
        output = self._outputs[name] = Output(self._folder, log, limit, masker, tell)
        return output

    def _masker_of(self, request: Request | ServiceRequest) -> Masker:
        own = {name: request.env[name] for name in request.secrets if request.env.get(name)}
        others = {name: value for name, value in self._secrets.items() if value not in own.values()}
        known = {**{f"{name} elsewhere" if name in own else name: value for name, value in others.items()}, **own}
        return Masker(known) if known else _NOTHING_TO_MASK

    def _printed(self, hear: Hear, name: str, piece: bytes) -> None:
        hear(name, piece)
        self._woken = True

    # -- the loop --------------------------------------------------------------------------------------------------

    def _turn(self, until: float | None) -> None:
        """Wait for whatever happens first, and let it happen."""
        self._workers.flush()
        soon = self._handout.next_moment()
        moments = [until, soon, *(service.next_moment() for service in self._services.values())]
        soonest = min((moment for moment in moments if moment is not None), default=None)
        timeout = None if soonest is None else max(0.0, soonest - self._clock.now())
        registered = self._selector.get_map()
        for key, mask in self._selector.select(timeout):
            if registered.get(key.fd) is key:  # what came before may have closed it, or changed what is wanted of it
                key.data(mask)
        now = self._clock.now()
        for service in list(self._services.values()):
            service.tick(now)
        if soon is not None and soon <= now:
            self._handout.look(now)

    def _on_report(self, _mask: int) -> None:
        for report in self._lifeline.reports():
            match report:
                case Forked():
                    pass
                case Exited():
                    self._workers.bury(report)

    def _on_wake(self, _mask: int) -> None:
        os.read(self._wake_read, 4096)
        self._woken = True

    def _on_heeded(self, _mask: int) -> None:
        self._woken = True

    def _emit(self, event: Event) -> None:
        """Take in what happened, and forget what is over."""
        self._events.append(event)
        match event:
            case AttemptStarted():
                self._stillborn = 0
            case AttemptEnded(task=name, attempt=attempt) | AttemptReturned(task=name, attempt=attempt):
                del self._outputs[name]
                self._handout.over(self._attempts.pop((name, attempt)))
            case ServiceEnded(service=name, attempt=attempt):
                del self._services[name, attempt], self._outputs[name]
            case _:
                pass
