"""An attempt inside a process that is not ours: `isolation: worker`. Knows no Dask and no pipe.

Theory of operation. A function that is trusted needs no process of its own: it runs in a thread of the cluster's
worker. So nothing may be done to that process which others would notice: no folder is entered, no variable set, no
output caught. A stop raises `Stopped` in the thread, once, at its next line of Python; a coroutine it cancels. One that
waits in C does not see it, nor does one that is just in a destructor, where Python ignores what is raised; then we
report the stop after `kill_after` all the same, and name the thread that was left behind. As everywhere, a stop that
came before the end counts, whatever the function made of it.

What is on its way to a thread must arrive there (`_receive`). Python can take it back, but goes on looking for it, in
all threads and for ever; CPython 3.11 even hangs then in a function that is traced or profiled.
"""

from __future__ import annotations

import asyncio
import ctypes
import inspect
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

from runner.execute.attempt import judged, outcome_of, utc_now
from runner.execute.endings import note_without_secrets, secret_in, without_secrets
from runner.execute.function import BadParameters, bind, call, find
from runner.execute.large import Unreadable, stored, with_files
from runner.execute.raised import traceback_of
from runner.execute.returned import outputs_of
from runner.mask import Masker
from runner.schedule.messages import StopAttempt
from runner.task import Artifact, Cause, Context, Failed, Json, Note, Outcome, Request, Stopped

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
        self._thread: int | None = None  # in which `Stopped` can be raised now
        self._raised = False  # and has been; it may still be on its way
        self._cancel: Callable[[], object] | None = None
        self._stop: StopAttempt | None = None
        self._timers: list[threading.Timer] = []
        self._over = False
        self._began = time.monotonic()
        self._said: list[Note] = []
        self._leaked = ""

    def run(self) -> None:
        """Do it, in the thread of the caller; a stop may have come before."""
        try:
            called = outcome_of(self._outputs) if self._listens() else Failed(cause=Cause.CANCELLED)
            outcome = stored(judged(called, self._said), self.request)
            stop = self._listens_no_more()
        except Stopped as error:
            outcome = Failed(cause=Cause.CANCELLED, traceback=traceback_of(error))
            stop = self._listens_no_more()
        self._finish(outcome, stop, ())

    def stop(self, command: StopAttempt) -> None:
        """Raise `Stopped` in its thread; the first command says why, the one with the least patience when."""
        with self._lock:
            if self._over:
                return
            self._stop = self._stop or command
            if self._cancel is not None:
                with suppress(RuntimeError):  # a border: its loop is closed
                    self._cancel()
            elif self._thread is not None:
                _raise_in(self._thread)
                self._thread, self._raised = None, True
            timer = threading.Timer(command.kill_after, self._give_up)
            timer.daemon = True
            self._timers.append(timer)
            timer.start()

    def _listens(self) -> bool:
        """Let a stop be raised in this thread from now on; says no if it has come already."""
        with self._lock:
            if self._stop is None:
                self._thread = threading.get_ident()
            return self._stop is None

    def _listens_no_more(self) -> StopAttempt | None:
        """Let no stop be raised any more, and receive one on its way; answers the stop that came before."""
        with self._lock:
            self._thread = None
            if self._raised:
                _receive()
                self._raised = False
            return self._stop

    def _give_up(self) -> None:
        self._finish(Failed(cause=Cause.CANCELLED), self._stop, (f"the thread of {self.request.task}",))

    def _finish(self, outcome: Outcome, stop: StopAttempt | None, left: tuple[str, ...]) -> None:
        with self._lock:
            over, self._over = self._over, True
        if over:
            return
        for timer in self._timers:
            timer.cancel()
        if stop is not None:
            unheeded = "; it did not heed the stop and goes on" if left else ""
            trace = outcome.traceback if isinstance(outcome, Failed) else None
            message = (stop.message or stop.cause.sentence) + unheeded
            outcome = Failed(cause=stop.cause, message=message, traceback=trace)
        outcome = without_secrets(outcome, self._masker, self._leaked)
        self._end(outcome, time.monotonic() - self._began, left)

    def _say(self, note: Note) -> None:
        if isinstance(note, Artifact):
            raise TypeError("a task with `isolation: worker` cannot keep files; leave `isolation` out")
        self._said.append(note)
        self._leaked = self._leaked or secret_in(note, self._masker)
        self._tell(note_without_secrets(note, self._masker))

    def _outputs(self) -> dict[str, Json]:
        try:
            request = with_files(self.request)
        except Unreadable as error:  # a border: the disk
            raise BadParameters(str(error)) from error
        _see(request)
        function = find(request.uses or "")
        result = call(function, bind(function, request.arguments), Context(request, self._say, utc_now))
        return outputs_of(self._waited_for(result) if inspect.iscoroutine(result) else result)

    def _waited_for(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine to its end; a stop cancels it, and disturbs nothing of what it runs in."""
        if self._listens_no_more() is not None:
            coroutine.close()
            raise Stopped
        return asyncio.run(self._cancellable(coroutine))

    async def _cancellable(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None, "a coroutine that runs is a task"
        with self._lock:
            self._cancel = partial(loop.call_soon_threadsafe, task.cancel)
            stopped = self._stop is not None
        if stopped:
            coroutine.close()
            raise Stopped
        return await coroutine


def _raise_in(thread: int) -> None:
    """Let `Stopped` be raised in a thread at its next line."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(Stopped))


def _receive() -> None:
    """Receive what is on its way to this thread, if anything is: another one takes its place, and is waited for."""
    with suppress(Stopped):
        _raise_in(threading.get_ident())
        while True:
            time.sleep(0)


def _see(request: Request) -> None:
    """Let the process find the task's module, after all that it finds already."""
    with _PATH_LOCK:
        sys.path += [entry for entry in request.path if entry not in sys.path]
