"""Starts the warden's process, as the first act of a run. Knows nothing of what is said to it, loads next to nothing.

A fresh interpreter takes as long as our own imports; started before them, it is ready when they are.
"""

from __future__ import annotations

import os
import socket
import sys

# Not `-m`: the warden has to find exactly the modules that we find, in a folder that may hold a `runner` of its own.
_START = "import sys; sys.path[:] = sys.argv[2:]; import runner.early; from runner.execute.warden import main; main()"


class WardenProcess:
    """The process of a warden and our end of the socket pair it listens to."""

    def __init__(self) -> None:
        """Start it, without waiting for it; it leads a session, so that a terminal's Ctrl-C reaches only us.

        Raises:
            OSError: no process can be started.

        """
        self.socket, theirs = socket.socketpair()
        with theirs:
            os.set_inheritable(theirs.fileno(), True)  # noqa: FBT003  # its own signature
            path = [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100  # as text, as it came
            words = [sys.executable, "-P", "-c", _START, str(theirs.fileno()), *path]
            nowhere = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1)]
            self.pid = os.posix_spawn(sys.executable, words, os.environ, file_actions=nowhere, setsid=True)

    def wait(self, seconds: float) -> int | None:
        """Answer its exit code (a signal's number below zero), None if it has not ended after so many seconds."""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(65536):  # its end of the pair lasts as long as it does
                pass
        except TimeoutError:
            return None
        except OSError:  # a border: reset by its death
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
