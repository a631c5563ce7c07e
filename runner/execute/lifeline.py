"""The warden seen from the runner: start it, give it orders, hear its reports. Knows no attempt and no service."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from runner.errors import RunnerFault
from runner.execute.start import WardenProcess
from runner.execute.wire import Exited, Fork, Forked, FromWarden, Hold, Lines, Stop, ToWarden, decode, encode

_PATIENCE = 15.0
"""Seconds the warden may take to end everything: longer than it waits for what survives SIGKILL."""


class Lifeline:
    """Our end of the socket pair. The warden ends when it does, whatever becomes of us."""

    def __init__(self, warden: WardenProcess | None) -> None:
        """Take over a warden that was started before, or start one, without waiting for it.

        Raises:
            RunnerFault: no process can be started.

        """
        try:
            self._warden = warden or WardenProcess()
        except OSError as error:  # a border: the system may have no room
            raise RunnerFault(f"no process can be started: {error}") from error
        self._socket = self._warden.socket
        self._ended = False
        self._lines = Lines()
        self._pids: dict[int, int] = {}

    @property
    def pid(self) -> int:
        """The warden's process id."""
        return self._warden.pid

    def fileno(self) -> int:
        """Answer the descriptor that can be read when there are reports."""
        return self._socket.fileno()

    def fork(self, child: int, token: str, channel: int, output: int, permits: int) -> None:
        """Order a worker and hand over its ends of its channel, of its output pipe and of its permits."""
        self._order(Fork(child=child, token=token), (channel, output, permits))

    def stop(self, child: int, kill_after: float) -> None:
        """Order the end of a worker and of all below it; a second, shorter `kill_after` (seconds) hastens the first."""
        self._order(Stop(child=child, kill_after=kill_after))

    def hold(self, descriptor: int) -> None:
        """Let the warden keep a copy of a descriptor, say of a locked file, until it has ended everything."""
        self._order(Hold(), (descriptor,))

    def reports(self) -> Sequence[FromWarden]:
        """Answer what has been reported since the last call, without waiting.

        Raises:
            RunnerFault: the warden is gone.

        """
        try:
            piece = self._socket.recv(65536, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return ()
        except OSError as error:  # a border: reset by the death of the warden
            raise self._fault() from error
        if not piece:
            raise self._fault()
        reports: list[FromWarden] = [decode(FromWarden, line) for line in self._lines.feed(piece)]
        for report in reports:
            match report:
                case Forked(child=child, pid=pid):
                    self._pids[child] = pid
                case Exited(child=child):
                    self._pids.pop(child, None)
        return reports

    def let_go(self) -> None:
        """Let the warden end everything, and itself, without waiting for it."""
        with suppress(OSError):  # a border: it may be gone
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Let go, and wait until the warden has ended everything."""
        self.let_go()
        if not self._ended and self._warden.wait(_PATIENCE) is None:
            os.kill(self._warden.pid, signal.SIGKILL)
            self._warden.wait(_PATIENCE)
        self._socket.close()

    def _order(self, order: ToWarden, descriptors: Sequence[int] = ()) -> None:
        data = encode(order)
        try:
            sent = socket.send_fds(self._socket, [data], descriptors) if descriptors else 0
            self._socket.sendall(data[sent:])
        except OSError as error:  # a border: the warden is gone
            raise self._fault() from error

    def _fault(self) -> RunnerFault:
        """Say that the warden is gone, after ending the workers it can no longer end."""
        from runner.execute import tree  # noqa: PLC0415  # a runner whose warden lives never needs these
        from runner.execute.command import signal_name  # noqa: PLC0415  # the same

        for pid in self._pids.values():
            # The kernel has killed the worker itself; what it had started is known by its session only.
            with suppress(OSError):
                tree.kill(partial(tree.household, pid))
        code = self._warden.wait(1.0)
        self._ended = code is not None
        if code is None:
            end = "let go of its lifeline"
        else:
            end = f"was killed by {signal_name(-code)}" if code < 0 else f"ended with exit code {code}"
        return RunnerFault(f"the warden, the process that looks after all others, {end}; all tasks were ended, too")
