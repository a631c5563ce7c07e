"""One service seen from the runner: started, probed until it answers, ended. Knows no graph and tries nothing twice.

A service is ready when its probe says so: an HTTP answer with a status from 200 to 399, an open port, a pattern in what
it prints. One that has a port and names no probe is ready when the port is open; one without either when it has begun.
A fixed port that somebody else holds is found before anything is started, or their answer would be taken for ours.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from selectors import BaseSelector
from typing import Literal

from msgspec.structs import replace

from runner.execute.child import Child
from runner.execute.output import Output
from runner.execute.ports import Clock
from runner.execute.probe import READY, Probe, Target, target_of
from runner.execute.wire import Described, Ended, Exited, Setting
from runner.schedule.messages import Event, ServiceEnded, ServiceReady
from runner.task import PORT_MARK, Failed, Note, Request, ServiceRequest, Succeeded

LOCALHOST = "127.0.0.1"
LAST_LINES = 20
"""How many of the last lines a service printed are told with its end."""
LOG_LIMIT = 64 * 1024 * 1024
"""Bytes of a service's log."""
_BETWEEN = 0.1  # seconds between two looks
_OVERLAP = 4096  # characters of a log that are looked at again when more comes: a pattern may lie across
_LOOK = 5.0  # seconds one look may take
_IN_USE = re.compile(r"address (is )?already in use|EADDRINUSE", re.IGNORECASE)

How = Literal["stopped", "died", "never_ready", "port_taken"]
Emit = Callable[[Event], None]


def with_port(request: ServiceRequest) -> ServiceRequest:
    """Choose a port where that is wanted, and put it where it belongs.

    Raises:
        OSError: a fixed port is taken.
        ValueError: what to look for in the log is no pattern.

    """
    try:
        re.compile(request.ready_log or "")
    except re.error as error:
        raise ValueError(f"`ready.log` is no pattern: {error}") from None
    if request.port is None:
        return request
    port = str(_free_port(request.port))
    env = {name: value.replace(PORT_MARK, port) for name, value in request.env.items()}
    ready = request.ready_http.replace(PORT_MARK, port) if request.ready_http else request.ready_http
    command = request.command.replace(PORT_MARK, port)
    return replace(request, port=int(port), command=command, ready_http=ready, env={**env, "TASKGRAPH_PORT": port})


def setting_of_service(request: ServiceRequest) -> Setting:
    """Answer the setting of the worker that runs a service."""
    return Setting(env=request.env, workdir=request.workdir, secrets=request.secrets)


def attempt_of(request: ServiceRequest) -> Request:
    """Answer what that worker is asked for."""
    return Request(
        run=request.run,
        task=request.service,
        attempt=request.attempt,
        command=request.command,
        shell=request.shell,
        env=request.env,
        workdir=request.workdir,
    )


class RunningService:
    """A service that was asked for and has not ended; it is the work of its own worker."""

    def __init__(
        self, request: ServiceRequest, child: Child, output: Output, selector: BaseSelector, *, clock: Clock, emit: Emit
    ) -> None:
        self._request = request
        self._child = child
        self._output = output
        self._selector = selector
        self._clock = clock
        self._emit = emit
        self._asked = clock.now()
        self._pid = 0
        self._unread = ""
        self._matched = False
        self._ready = False
        self._ending: How | None = None
        self._message = ""
        pattern = request.ready_log
        self._reason = "it did not answer" if pattern is None else f"nothing it printed matched `{pattern}`"
        self._probe: Probe | None = None
        self._look_at: float | None = None
        self._look_until: float | None = None
        self._ready_by: float | None = None

    # -- commands and time -----------------------------------------------------------------------------------------

    def stop(self, kill_after: float) -> None:
        """Ask for its end."""
        self._end("stopped", "", kill_after)

    def next_moment(self) -> float | None:
        """Answer the clock's time at which `tick` is wanted next, None for never."""
        moments = (self._look_at, self._look_until, self._ready_by)
        return min((moment for moment in moments if moment is not None), default=None)

    def tick(self, now: float) -> None:
        """Do what is due."""
        if self._look_at is not None and now >= self._look_at:
            self._look(now)
        if self._look_until is not None and now >= self._look_until:
            self._looked(f"no answer within {_LOOK:g} s")
        if self._ready_by is not None and now >= self._ready_by:
            limit = f"not ready within {self._request.ready_timeout:g} s: {self._reason}"
            self._end("never_ready", limit, self._request.stop_timeout)

    # -- what its worker tells -------------------------------------------------------------------------------------

    def begun(self, pid: int) -> None:
        """Hear nothing: only its command matters."""

    def spawned(self, pid: int) -> None:
        """Begin to look whether it is ready."""
        self._pid = pid
        if self._ending is not None:
            return
        now = self._clock.now()
        request = self._request
        if self._matched or (request.ready_http is None and request.ready_log is None and request.port is None):
            self._become_ready()
            return
        self._ready_by = now + request.ready_timeout
        if request.ready_log is None or request.ready_http is not None or request.ready_tcp:
            self._look_at = now

    def said(self, note: Note) -> None:
        """Hear nothing: a command has no way to say notes."""

    def printed(self, piece: bytes) -> None:
        """Keep what it prints; it may be the sign that it is ready."""
        printed = self._output.write(piece).decode(errors="replace")
        pattern = self._request.ready_log
        if pattern is None or self._ready or self._ending is not None:
            return
        self._unread += printed
        self._matched = self._matched or re.search(pattern, self._unread, re.MULTILINE) is not None
        self._unread = self._unread[-_OVERLAP:]
        if self._matched and self._pid:  # on two pipes, what it prints may be heard before that it runs
            self._become_ready()

    def ended(self, reply: Ended | Described) -> None:
        """Tell that it is over; its worker has nothing more to do."""
        assert isinstance(reply, Ended), "a command was asked for"
        self._child.leave()
        match reply.outcome:
            case Succeeded():
                self._over("exit code 0")
            case Failed(message=message):
                self._over(message)

    def lost(self, exited: Exited, fault: str) -> None:
        """Tell that it is over, and that its end was not a clean one."""
        self._over(exited.error or fault or f"its process ended with {exited.status}")

    def returned(self) -> None:
        """Hear nothing: its worker is asked for nothing before it."""

    # -- looking ---------------------------------------------------------------------------------------------------

    def _look(self, now: float) -> None:
        self._look_at, self._look_until = None, now + _LOOK
        try:
            target = target_of(self._request.ready_http, self._request.port)
        except ValueError as error:
            self._end("never_ready", str(error), self._request.stop_timeout)
            return
        self._look_from(target)

    def _look_from(self, target: Target) -> None:
        self._probe = Probe(
            target, self._selector, lambda found: self._looked(f"{target.name}: {found}" if found else READY)
        )
        self._probe.begin()

    def _looked(self, found: str) -> None:
        self._look_away()
        if found == READY:
            self._become_ready()
        else:
            self._reason = found
            self._look_at = self._clock.now() + _BETWEEN

    def _look_away(self) -> None:
        if self._probe is not None:
            self._probe.cancel()
        self._probe = self._look_at = self._look_until = None

    def _become_ready(self) -> None:
        self._look_away()
        self._ready, self._ready_by = True, None
        port = self._request.port
        url = "" if port is None else f"http://{LOCALHOST}:{port}"
        name, attempt = self._request.service, self._request.attempt
        now, asked, pid = self._clock.now(), self._asked, self._pid
        self._emit(ServiceReady(at=now, service=name, attempt=attempt, asked=asked, url=url, port=port, pid=pid))

    # -- ending ----------------------------------------------------------------------------------------------------

    def _end(self, how: How, message: str, kill_after: float) -> None:
        self._look_away()
        self._ready_by = None
        if self._ending is None:
            self._ending, self._message = how, message
        self._child.stop(kill_after)

    def _over(self, message: str) -> None:
        self._look_away()
        self._ready_by = None
        if self._ending is None:
            self._ending = "port_taken" if not self._ready and self._port_is_taken() else "died"
            self._message = f"it ended by itself: {message}"
        log = self._output.close()
        at, name, attempt = self._clock.now(), self._request.service, self._request.attempt
        lines = self._output.last_lines(LAST_LINES)
        how, said = self._ending, self._message
        self._emit(ServiceEnded(at=at, service=name, attempt=attempt, how=how, message=said, lines=lines, log=log))

    def _port_is_taken(self) -> bool:
        """Say whether it ended because somebody else holds its port."""
        if self._request.port is None:
            return False
        try:
            _free_port(self._request.port)
        except OSError:
            return True
        return _IN_USE.search(self._output.recent) is not None


def _free_port(port: int) -> int:
    """Answer a port that can be bound; 0 asks for any.

    Raises:
        OSError: somebody holds it.

    """
    with socket.socket() as trial:
        trial.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as servers do; else closed connections would bar it
        trial.bind((LOCALHOST, port))
        return int(trial.getsockname()[1])
