"""The warden seen from the runner: start it, give it orders, hear its reports. Knows no attempt and no service."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from runner.errors import RunnerFault
from runner.execute.command import signal_name
from runner.execute.wire import Exited, Fork, Forked, FromWarden, Hold, Lines, Stop, ToWarden, decode, encode

# Not `-m`: the warden has to find exactly the modules that we find, in a folder that may hold a `runner` of its own.
_START = "import sys; sys.path[:] = sys.argv[2:]; from runner.execute.warden import main; main()"
_PATIENCE = 15.0
"""Seconds the warden may take to end everything: longer than it waits for what survives SIGKILL."""


class Lifeline:
    """Our end of the socket pair. The warden ends when it does, whatever becomes of us."""

    def __init__(self) -> None:
        """Start the warden, without waiting for it.

        Raises:
            RunnerFault: no process can be started.

        """
        try:
            self._socket, theirs = socket.socketpair()
            with theirs:
                path = [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100  # as text, as it came
                self._warden = subprocess.Popen(  # noqa: S603  # our own words
                    [sys.executable, "-P", "-c", _START, str(theirs.fileno()), *path],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,  # so that a terminal's Ctrl-C reaches only the runner
                )
        except OSError as error:  # a border: the system may have no room
            raise RunnerFault(f"no process can be started: {error}") from error
        self._lines = Lines()
        self._pids: dict[int, int] = {}

    @property
    def pid(self) -> int:
        """The warden's process id."""
        return self._warden.pid

    def fileno(self) -> int:
        """Answer the descriptor that can be read when there are reports."""
        return self._socket.fileno()

    def fork(self, child: int, token: str, channel: int, output: int) -> None:
        """Order a worker and hand over its ends of its channel and of its output pipe."""
        self._order(Fork(child=child, token=token), (channel, output))

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

    def close(self) -> None:
        """Let go, and wait until the warden has ended everything."""
        self._socket.close()
        try:
            self._warden.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._warden.kill()
            self._warden.wait()

    def _order(self, order: ToWarden, descriptors: Sequence[int] = ()) -> None:
        data = encode(order)
        try:
            sent = socket.send_fds(self._socket, [data], descriptors) if descriptors else 0
            self._socket.sendall(data[sent:])
        except OSError as error:  # a border: the warden is gone
            raise self._fault() from error

    def _fault(self) -> RunnerFault:
        """Say that the warden is gone, after ending the workers it can no longer end."""
        from runner.execute import tree  # noqa: PLC0415  # a runner whose warden lives never needs it

        for pid in self._pids.values():
            # The kernel has killed the worker itself; what it had started is known by its session only.
            with suppress(OSError):
                tree.kill(partial(tree.household, pid))
        try:
            code = self._warden.wait(1.0)
        except subprocess.TimeoutExpired:
            end = "let go of its lifeline"
        else:
            end = f"was killed by {signal_name(-code)}" if code < 0 else f"ended with exit code {code}"
        return RunnerFault(f"the warden, the process that looks after all others, {end}; all tasks were ended, too")
