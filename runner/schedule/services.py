"""The services of one run: which are wanted, up, stopping or broken. Pure. Knows no task, only how many need each.

Theory of operation. A service is wanted when the first task that needs it could start, and released when the last task
that needs it has settled. Between the two it takes no slot. A service whose port was taken is started again with
another one, up to `PORT_TRIES` times; every other early end breaks it for good, because a server that dies is news, not
noise. Whoever calls is told which services changed for the tasks (`Settled`), and obeys the commands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum

from msgspec import Struct, field

from runner.errors import IllegalMove
from runner.graph.model import ServiceSpec
from runner.schedule.messages import Command, ServiceEnded, StartService, StopService
from runner.schedule.rules import Need

PORT_TRIES = 3
"""How often a chosen port may turn out to be taken (DESIGN section 5, Services)."""


class ServicePhase(Enum):
    """What a service is at; the value says it in a sentence."""

    WAITING = "no task that needs it could start yet"
    STARTING = "started, not ready yet"
    READY = "answers"
    STOPPING = "asked to end"
    STOPPED = "ended after the last task that needed it"
    UNUSED = "no task that needs it ever could start"
    OFF = "its `if` said no"
    FAILED = "never got ready, or died while it was needed"


SERVICE_MOVES: Mapping[ServicePhase, frozenset[ServicePhase]] = {
    ServicePhase.WAITING: frozenset({ServicePhase.STARTING, ServicePhase.OFF, ServicePhase.UNUSED}),
    ServicePhase.STARTING: frozenset({ServicePhase.READY, ServicePhase.STOPPING, ServicePhase.FAILED}),
    ServicePhase.READY: frozenset({ServicePhase.STOPPING, ServicePhase.FAILED}),
    ServicePhase.STOPPING: frozenset({ServicePhase.STOPPED}),
    ServicePhase.STOPPED: frozenset({ServicePhase.WAITING}),
    ServicePhase.UNUSED: frozenset({ServicePhase.WAITING}),
    ServicePhase.OFF: frozenset({ServicePhase.WAITING}),
    ServicePhase.FAILED: frozenset({ServicePhase.WAITING}),
}

ALIVE = frozenset({ServicePhase.STARTING, ServicePhase.READY, ServicePhase.STOPPING})


class _Service(Struct, kw_only=True):
    spec: ServiceSpec
    needed_by: int
    phase: ServicePhase = ServicePhase.WAITING
    attempt: int = 0
    before: int = 0
    message: str = ""
    outputs: dict[str, str | int | None] = field(default_factory=dict)


class Services:
    """The services of one run and their one table of moves."""

    def __init__(self, specs: Mapping[str, ServiceSpec], needed_by: Mapping[str, int]) -> None:
        """`needed_by` counts the tasks that need each service."""
        self._all = {name: _Service(spec=spec, needed_by=needed_by[name]) for name, spec in specs.items()}

    def phase(self, name: str) -> ServicePhase:
        """Answer what a service is at."""
        return self._all[name].phase

    def message(self, name: str) -> str:
        """Answer why a service failed, "" if it did not."""
        return self._all[name].message

    def outputs(self, name: str) -> Mapping[str, str | int | None]:
        """Answer `url` and `port` once the service is ready."""
        return self._all[name].outputs

    def need(self, name: str) -> Need | None:
        """Answer how a service has settled for the tasks that need it, None if it has not yet."""
        match self._all[name].phase:
            case ServicePhase.READY | ServicePhase.OFF:
                return Need.S
            case ServicePhase.FAILED | ServicePhase.STOPPING | ServicePhase.STOPPED | ServicePhase.UNUSED:
                return Need.F
            case ServicePhase.WAITING | ServicePhase.STARTING:
                return None

    def needed(self, name: str) -> bool:
        """Say whether a task that needs a service has not settled."""
        return self._all[name].needed_by > 0

    def any_alive(self, names: Iterable[str]) -> bool:
        """Say whether one of these services is running."""
        return any(self._all[name].phase in ALIVE for name in names)

    def any_broken(self, names: Iterable[str]) -> bool:
        """Say whether one of these services broke."""
        return any(self._all[name].phase is ServicePhase.FAILED for name in names)

    @property
    def over(self) -> bool:
        """Whether nothing is running and nothing will be."""
        return all(each.phase not in ALIVE and each.phase is not ServicePhase.WAITING for each in self._all.values())

    @property
    def any_failed(self) -> bool:
        """Whether a service broke: then the run failed."""
        return any(each.phase is ServicePhase.FAILED for each in self._all.values())

    def switch_off(self, name: str) -> None:
        """Note that the `if` of a service said no."""
        self._move(self._all[name], ServicePhase.OFF)

    def fail(self, name: str, message: str) -> None:
        """Note that a service cannot be started at all."""
        service = self._all[name]
        self._move(service, ServicePhase.STARTING)
        self._move(service, ServicePhase.FAILED)
        service.message = message

    def want(self, name: str) -> list[Command]:
        """Start a service, unless that has been done."""
        service = self._all[name]
        if service.phase is not ServicePhase.WAITING:
            return []
        self._move(service, ServicePhase.STARTING)
        return [self._start(service)]

    def release(self, name: str, others: int = 0) -> list[Command]:
        """Count one task less that needs a service, with so many `others` in its place, and stop it after the last."""
        service = self._all[name]
        service.needed_by += others - 1
        return self._stop(service) if service.needed_by == 0 else []

    def set_aside(self, name: str) -> None:
        """Note that no task of this run needs a service."""
        self._move(self._all[name], ServicePhase.UNUSED)

    def renew(self, name: str, needed_by: int) -> None:
        """Let a service that is over wait as if it had never been started, for so many tasks that need it."""
        service = self._all[name]
        self._move(service, ServicePhase.WAITING)
        service.needed_by, service.message, service.outputs = needed_by, "", {}
        service.before = service.attempt

    def ready(self, name: str, *, url: str, port: int | None) -> None:
        """Take in that a service answers."""
        service = self._all[name]
        if service.phase is ServicePhase.STARTING:  # it may have been asked to stop in the meantime
            self._move(service, ServicePhase.READY)
            service.outputs = {"url": url, "port": port}

    def ended(self, event: ServiceEnded) -> list[Command]:
        """Take in that a service is over; answers the start with another port where there is one to come."""
        service = self._all[event.service]
        if service.phase is ServicePhase.STOPPING:
            self._move(service, ServicePhase.STOPPED)
            return []
        retry = event.how == "port_taken" and service.spec.port == 0 and service.attempt - service.before < PORT_TRIES
        if service.phase is ServicePhase.STARTING and retry:
            return [self._start(service)]
        self._move(service, ServicePhase.FAILED)
        service.message = event.message
        return []

    def kill(self) -> list[Command]:
        """End everything that is alive at once."""
        commands: list[Command] = []
        for service in self._all.values():
            if service.phase is ServicePhase.WAITING:
                self._move(service, ServicePhase.UNUSED)
            elif service.phase in ALIVE:
                if service.phase is not ServicePhase.STOPPING:
                    self._move(service, ServicePhase.STOPPING)
                commands.append(StopService(service=service.spec.id, attempt=service.attempt, kill_after=0.0))
        return commands

    def _start(self, service: _Service) -> Command:
        service.attempt += 1
        return StartService(service=service.spec.id, attempt=service.attempt)

    def _stop(self, service: _Service) -> list[Command]:
        if service.phase is ServicePhase.WAITING:
            self._move(service, ServicePhase.UNUSED)
        elif service.phase in {ServicePhase.STARTING, ServicePhase.READY}:
            self._move(service, ServicePhase.STOPPING)
            name, spec = service.spec.id, service.spec
            return [StopService(service=name, attempt=service.attempt, kill_after=spec.stop_timeout)]
        return []

    def _move(self, service: _Service, to: ServicePhase) -> None:
        if to not in SERVICE_MOVES[service.phase]:
            raise IllegalMove(f"service `{service.spec.id}`: {service.phase.name} cannot become {to.name}")
        service.phase = to
