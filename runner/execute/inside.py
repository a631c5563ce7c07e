"""An attempt inside a process that is not ours: `isolation: worker`. Knows no Dask and no pipe.

Theory of operation. A function that is trusted needs no process of its own: it runs in a thread of the cluster's
worker. So nothing may be done to that process which others would notice: no folder is entered, no variable set, no
output caught. A stop raises `Stopped` in the thread, at its next line of Python. One that waits in C does not see it;
then we report the stop after `kill_after` all the same, and name the thread that was left behind.
"""

from __future__ import annotations

import asyncio
import ctypes
import inspect
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from runner.execute.attempt import judged
from runner.execute.endings import note_without_secrets, secret_in, without_secrets
from runner.execute.function import BadParameters, NoSuchFunction, bind, call, find
from runner.execute.large import Unreadable, stored, with_files
from runner.execute.raised import message_of, traceback_of
from runner.execute.returned import NotPlain, outputs_of
from runner.mask import Masker
from runner.schedule.messages import StopAttempt
from runner.task import Artifact, Cause, Context, Failed, Note, Outcome, Request, Stopped, Succeeded

End = Callable[[Outcome, float, tuple[str, ...]], None]
_PATH_LOCK = threading.Lock()


class InsideAttempt:
    """One attempt in a thread that somebody else owns. `end` is told once: the outcome, the seconds, what is left."""

    def __init__(self, request: Request, masker: Masker, say: Callable[[Note], None], end: End) -> None:
        self.request = request
        self._masker = masker
        self._tell = say
        self._end = end
        self._lock = threading.Lock()
        self._thread: int | None = None
        self._stop: StopAttempt | None = None
        self._over = False
        self._began = time.monotonic()
        self._said: list[Note] = []
        self._leaked = ""

    def run(self) -> None:
        """Do it, in the thread of the caller; a stop may have come before."""
        with self._lock:
            self._thread = threading.get_ident()
            stopped = self._stop is not None
        try:
            called = Failed(cause=Cause.CANCELLED) if stopped else self._called()
            outcome = stored(judged(called, self._said), self.request)
            with self._lock:
                self._thread = None
        except Stopped as error:  # it came before the function began, or after it ended
            outcome = Failed(cause=Cause.CANCELLED, traceback=traceback_of(error))
        self._finish(outcome, ())

    def stop(self, command: StopAttempt) -> None:
        """Raise `Stopped` in its thread; the first command says why, the one with the least patience when."""
        with self._lock:
            self._stop = self._stop or command
            if self._thread is not None:
                thread, kind = ctypes.c_ulong(self._thread), ctypes.py_object(Stopped)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, kind)
        timer = threading.Timer(command.kill_after, self._give_up)
        timer.daemon = True
        timer.start()

    def _give_up(self) -> None:
        self._finish(Failed(cause=Cause.CANCELLED), (f"the thread of {self.request.task}",))

    def _finish(self, outcome: Outcome, left: tuple[str, ...]) -> None:
        with self._lock:
            over, self._over = self._over, True
        if over:
            return
        if self._stop is not None and isinstance(outcome, Failed):
            unheeded = "; it did not heed the stop and goes on" if left else ""
            message = (self._stop.message or self._stop.cause.sentence) + unheeded
            outcome = Failed(cause=self._stop.cause, message=message, traceback=outcome.traceback)
        outcome = without_secrets(outcome, self._masker, self._leaked)
        self._end(outcome, time.monotonic() - self._began, left)

    def _say(self, note: Note) -> None:
        if isinstance(note, Artifact):
            raise TypeError("a task with `isolation: worker` cannot keep files; leave `isolation` out")
        self._said.append(note)
        self._leaked = self._leaked or secret_in(note, self._masker)
        self._tell(note_without_secrets(note, self._masker))

    def _called(self) -> Outcome:
        try:
            request = with_files(self.request)
            _see(request)
            function = find(request.uses or "")
            result = call(function, bind(function, request.arguments), Context(request, self._say, _now))
            if inspect.iscoroutine(result):
                result = asyncio.run(result)
            return Succeeded(outputs=outputs_of(result))
        except (BadParameters, Unreadable) as error:
            return Failed(cause=Cause.BAD_PARAMETERS, message=str(error))
        except NoSuchFunction as error:
            return Failed(cause=Cause.EXCEPTION, message=str(error))
        except NotPlain as error:
            return Failed(cause=Cause.BAD_OUTPUT, message=str(error))
        except Stopped:
            raise
        except BaseException as error:  # noqa: BLE001  # a border: a task may raise anything
            return Failed(cause=Cause.EXCEPTION, message=message_of(error), traceback=traceback_of(error))


def _see(request: Request) -> None:
    """Let the process find the task's module, after all that it finds already."""
    with _PATH_LOCK:
        sys.path += [entry for entry in request.path if entry not in sys.path]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
