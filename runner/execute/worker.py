"""The child process: one attempt after another, until its channel ends. Knows no pool, no graph and no schedule.

Theory of operation. The warden forks us. We lead a session and adopt what our descendants orphan, so whatever an
attempt starts is below us until we end it. Descriptors 1 and 2 are the output pipe, 0 is /dev/null; our own two lie
high and close on exec, so no command inherits them. For every request we say that it begins, run it, end what it left
behind, write a boundary mark into the output pipe, and only then reply: whoever has seen both knows that every byte
before the mark belongs to this attempt and none after it.

Requests may come several at a time (`inbox`); that an attempt is over is said together with the beginning of the next.

What one attempt does to the process (folder, environment, standard streams, handlers) is put right before the next.
What cannot be put right, say a thread that still runs, makes this worker leave; a fresh one costs a millisecond.
"""

from __future__ import annotations

import faulthandler
import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import NoReturn, TextIO

from msgspec.structs import replace

from runner.execute import tree
from runner.execute.attempt import Voice, run_attempt, utc_now
from runner.execute.describe import describe
from runner.execute.environment import Environment
from runner.execute.inbox import Inbox
from runner.execute.large import Unreadable, with_files
from runner.execute.leftovers import end_leftovers, threads_left
from runner.execute.receipts import Receipts
from runner.execute.returned import NotPlain, outputs_of
from runner.execute.stopping import StopSignal
from runner.execute.wire import (
    LOST_CHANNEL,
    Begun,
    Describe,
    Described,
    Ended,
    FromWorker,
    Said,
    Setting,
    Spawned,
    encode,
    mark,
    with_setting,
)
from runner.plain import NotThisShape, from_plain
from runner.task import TAG, Artifact, Cause, Failed, Note, Outcome, Receipt, Request


def run_worker(channel: int, output: int, permits: int, token: str) -> NoReturn:
    """Be a worker, in a process that was forked for it; never returns.

    SIGTERM is blocked when this is called, so that one which comes early is not lost to the parent's handler.
    """
    status = LOST_CHANNEL
    try:
        warden = os.getppid()
        os.setsid()
        tree.adopt_orphans()
        tree.die_with_parent()
        tree.be_called("tg-worker")
        if os.getppid() == warden:  # it may have died before we asked to die with it
            Worker(*_only(channel, output, permits), token).serve()
        status = 0
    except BaseException:  # noqa: BLE001  # a border: below us lies the warden's own code, which is not ours to run
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)  # nothing of the warden's, from whom we are a copy, may run in here


class Worker:
    """One worker: its channel, its output pipe, its permits, and what it has loaded."""

    def __init__(self, channel: int, output: int, permits: int, token: str) -> None:
        self._channel = channel
        self._output = output
        self._permits = permits
        self._token = token
        self._setting = Setting()
        self._base_path = [*sys.path]
        self._attempts = 0
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._stop = StopSignal()
        self._receipts = Receipts()
        self._environment = Environment()
        self._streams = _open_streams()
        self._inbox = Inbox(channel, permits, self._settle_in)
        self._unsaid = bytearray()
        os.register_at_fork(after_in_child=self._become_a_copy)

    def serve(self) -> None:
        """Answer requests until the channel ends or this worker is no longer fit."""
        _reset_signals()
        self._stop.install()
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        faulthandler.enable(2)  # even a segmentation fault leaves its last words
        while (message := self._next()) is not None:
            fit = self._attempt(message) if isinstance(message, Request) else self._describe(message.uses)
            if not fit:
                self._speak()
                return

    def _next(self) -> Request | Describe | None:
        """Answer what may begin now, None when the channel has ended."""
        while True:
            if not self._stop.heard and (message := self._inbox.take()) is not None:
                return message
            self._speak()  # before a stop may let us leave
            self._stop.arm(_leave)
            held = self._inbox.wait()
            self._stop.disarm()
            if not held:
                return None

    def _settle_in(self, setting: Setting) -> None:
        self._setting = setting
        self._environment.settle(setting.env)
        python_path = [entry for entry in setting.env.get("PYTHONPATH", "").split(os.pathsep) if entry]
        sys.path[:] = list(dict.fromkeys([*setting.path, *python_path, *self._base_path]))

    def _describe(self, uses: str) -> bool:
        self._attempts += 1
        with suppress(OSError):  # a folder that is not there is for the attempts to fail by
            os.chdir(self._setting.workdir)
        fault = self._put_right({})
        self._stop.arm(_leave)
        described = Described(code="cannot-import", message=fault) if fault else describe(uses)
        self._stop.disarm()
        _, leaving = self._clear_up()
        self._say(described)
        return not leaving

    # -- one attempt -----------------------------------------------------------------------------------------------

    def _attempt(self, asked: Request) -> bool:
        """Do one attempt; says whether this worker is fit for another."""
        self._attempts += 1
        request, said = with_setting(asked, self._setting), list[Note]()
        receipt = Receipt(task=request.task, attempt=request.attempt, key=request.key)
        self._receipts.add(request.receipts, receipt, {})
        self._say(Begun(pid=self._pid))
        self._speak()
        began = time.monotonic()
        outcome = self._run(request, said)
        if os.getpid() != self._pid:
            os._exit(0)  # a copy of us, forked by the task, that came back from it as if it were us
        stopped = self._stop.heard
        left, leaving = self._clear_up()
        if request.generates:
            from runner.execute.made import with_made  # noqa: PLC0415  # few tasks say which files they make

            outcome = with_made(outcome, request)
        if not stopped:
            secrets = {name: request.env[name] for name in request.secrets if request.env.get(name)}
            self._receipts.add(request.receipts, replace(receipt, outcome=outcome, notes=tuple(said)), secrets)
        seconds = time.monotonic() - began
        self._say(Ended(outcome=outcome, stopped=stopped, left=left, leaving=leaving, seconds=seconds))
        return not leaving

    def _run(self, request: Request, said: list[Note]) -> Outcome:
        def say(note: Note) -> None:
            checked = _checked(note)
            if isinstance(checked, Artifact):
                from runner.execute.artifacts import kept  # noqa: PLC0415  # hardly any task keeps a file

                checked = kept(checked, request)
            self._send(Said(note=checked))
            said.append(checked)

        fault = self._put_right(request.own_env)
        try:
            request = with_files(request)
        except Unreadable as error:  # a border: the disk
            fault = str(error)
        if fault:
            return Failed(cause=Cause.BAD_PARAMETERS, message=fault)
        sys.argv[:] = [request.uses or ""]
        return run_attempt(request, Voice(say=say, said=said, now=utc_now), self._stop, self._say_spawned)

    def _put_right(self, own: Mapping[str, str]) -> str:
        """Undo what the attempt before may have done to this process; answers what cannot be as it should."""
        os.dup2(self._output, 1)
        os.dup2(self._output, 2)
        if any(stream.closed for stream in self._streams):
            self._streams = _open_streams()
        sys.stdout, sys.stderr = self._streams
        self._stop.install()
        signal.setitimer(signal.ITIMER_REAL, 0)  # an alarm that was set must not ring in another attempt
        try:
            self._environment.become(own)
        except (OSError, ValueError) as error:  # a border: a variable may hold what no environment can
            return f"its environment cannot be set: {error}"
        return ""

    def _clear_up(self) -> tuple[tuple[str, ...], bool]:
        """End what was left behind and mark the end of the output; answers its names, and whether we have to leave."""
        stopped = self._stop.heard
        left, threads = end_leftovers(stopped=stopped), threads_left()
        for stream in (*self._streams, sys.stdout, sys.stderr):
            with suppress(Exception):  # a border: the task may have closed it, or put anything in its place
                stream.flush()
        if not threads:  # one of them may hold a lock of the C library
            tree.flush_c_streams()
        os.write(self._output, mark(self._token, self._attempts))
        # A daemon thread is a library's habit and no news; any other was forgotten by the task.
        named = (*left, *(f"thread {thread.name}" for thread in threads if not thread.daemon))
        return named, stopped or self._stop.heard or bool(left) or bool(threads)

    # -- speaking --------------------------------------------------------------------------------------------------

    def _say(self, message: FromWorker) -> None:
        """Say something with the next message that is sent."""
        with self._lock:
            self._unsaid += encode(message)

    def _send(self, message: FromWorker) -> None:
        self._say(message)
        self._speak()

    def _speak(self) -> None:
        """Send what was said, after what has to be written down before."""
        try:
            with self._stop, self._lock:
                self._receipts.write()
                while self._unsaid:
                    del self._unsaid[: os.write(self._channel, self._unsaid)]
        except OSError:  # a border: the task closed our channel, or the runner is gone
            os._exit(LOST_CHANNEL)

    def _say_spawned(self, pid: int) -> None:
        self._send(Spawned(pid=pid))

    def _become_a_copy(self) -> None:
        """Keep a copy that the task forks from speaking in our name, and from keeping our pipes open."""
        if self._channel >= 0:
            os.close(self._channel)
            os.close(self._output)
            os.close(self._permits)
            self._channel = self._output = self._permits = -1  # a copy of the copy has nothing to close


# -- the helpers -------------------------------------------------------------------------------------------------------


def _checked(note: Note) -> Note:
    """Answer a note as the runner will read it.

    Raises:
        TypeError: it is not plain data, or not of the declared types.

    """
    try:
        said = {TAG: type(note).__name__, **outputs_of(note)}
        return from_plain(Note, said)  # type: ignore[no-any-return]  # it is what it was asked for
    except (NotThisShape, NotPlain) as error:
        raise TypeError(f"{type(note).__name__}: {error}") from None


def _only(channel: int, output: int, permits: int) -> tuple[int, int, int]:
    """Keep only our own descriptors, up high, and let the output pipe be the standard streams."""
    highest = min(os.sysconf("SC_OPEN_MAX"), 1024)
    high = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, highest - 8) for each in (channel, output, permits)]
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.closerange(3, min(high))
    return high[0], high[1], high[2]


def _open_streams() -> tuple[TextIO, TextIO]:
    """Open standard streams that show each line when it is written, as on a terminal."""
    out = open(1, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115  # they live as long as we do
    err = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115  # they live as long as we do
    return out, err


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave() -> NoReturn:
    os._exit(0)
