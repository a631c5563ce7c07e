"""The process that parents workers and outlives the runner just long enough to end them. Knows no task.

Theory of operation. One per run, a fresh interpreter, single-threaded. It holds one end of a socket pair, the lifeline;
the pool holds the other. Orders come in over it, with descriptors, and reports go out. It forks workers because it is
small and has nothing loaded, so a fork costs under a millisecond and copies no lock. It adopts what dies above its
descendants, so everything that runs for this run is below it, always.

When the lifeline ends, or the runner's process does, it stops all its descendants, kills them, looks again until none
is left, and ends itself. It ignores every polite signal, because a Ctrl-C or a `kill` to the group must not take away
the one process that cleans up. Should it be killed itself, the kernel kills the workers (`die_with_parent`).

A worker that is to end gets SIGTERM, with all below it, and after `kill_after` seconds SIGKILL. Only when a worker is
buried and nothing it left behind is alive any more does the report `Exited` go out. What is below us and below no
living worker was left behind by a dead one, so it is killed at sight.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from msgspec import Struct

from runner.execute import tree
from runner.execute.wire import (
    WORKERS_OWN,
    Exited,
    Fork,
    Forked,
    FromWarden,
    Hold,
    Lines,
    Stop,
    ToWarden,
    decode,
    encode,
)
from runner.execute.worker import run_worker

TICK = 0.02
"""Seconds between two looks at something that is being killed."""
PATIENCE = 10.0
"""Seconds after which what survives SIGKILL is named and given up (DESIGN section 5, Retrying)."""
_FOREVER = 3600.0


class Ward(Struct, kw_only=True):
    """One worker. `kill_at` is set once it was asked to end, `status` once it is dead; times are of `monotonic`."""

    child: int
    pid: int
    kill_at: float | None = None
    killed_at: float | None = None
    status: int | None = None
    stopped: bool = False
    dead_at: float = 0.0


class Warden:
    """The wards of one run, and the one loop that looks after them."""

    def __init__(self, lifeline: socket.socket) -> None:
        self._lifeline = lifeline
        self._lifeline.setblocking(False)  # noqa: FBT003  # its own signature
        self._runner = os.getppid()
        self._wards: dict[int, Ward] = {}
        self._given_up: set[int] = set()
        self._descriptors: list[int] = []
        self._held: list[int] = []
        self._lines = Lines()
        self._outgoing = bytearray()
        self._poll = select.poll()

    def run(self) -> None:
        """Obey until the lifeline ends; then end everything."""
        lifeline, child_ended = self._lifeline.fileno(), _wake_on_child()
        for ear in (lifeline, child_ended, *_watch(self._runner)):
            self._poll.register(ear, select.POLLIN)
        while os.getppid() == self._runner:  # a dead runner's lifeline may live on as somebody's copy
            heard = {ear for ear, _ in self._poll.poll(self._patience() * 1000)}
            if lifeline in heard and not self._obey_all():
                break
            if child_ended in heard:
                os.read(child_ended, 4096)
            self._bury()
            self._enforce(time.monotonic())
            self._speak()
        tree.end(lambda: tree.family(os.getpid()), grace=0.0, patience=PATIENCE)

    # -- orders ----------------------------------------------------------------------------------------------------

    def _obey_all(self) -> bool:
        """Take in all that has come; says whether the lifeline still holds."""
        while True:  # a piece ends where descriptors come along, so there may be more
            try:
                piece, descriptors, _, _ = socket.recv_fds(self._lifeline, 65536, 64)
            except BlockingIOError:
                return True
            except OSError:  # reset: the runner died with unread reports
                return False
            if not piece:
                return False
            self._descriptors += descriptors
            for line in self._lines.feed(piece):
                self._obey(decode(ToWarden, line))

    def _obey(self, order: ToWarden) -> None:
        match order:
            case Fork(child=child, token=token):
                descriptors, self._descriptors = self._descriptors[:WORKERS_OWN], self._descriptors[WORKERS_OWN:]
                self._fork(child, token, descriptors)
            case Stop(child=child, kill_after=kill_after):
                if (ward := self._wards.get(child)) is not None:
                    self._stop(ward, time.monotonic() + kill_after)
            case Hold():
                self._held.append(self._descriptors.pop(0))

    def _fork(self, child: int, token: str, descriptors: Sequence[int]) -> None:
        # Blocked until the worker has its own handler: a stop right behind the order must not be lost to ours.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        try:
            pid = os.fork()
            if pid == 0:
                channel, output, permits = descriptors
                run_worker(channel, output, permits, token)
            self._wards[child] = Ward(child=child, pid=pid)
            self._report(Forked(child=child, pid=pid))
        except OSError as error:  # a border: the system may have no room for another process
            self._report(Exited(child=child, error=f"no worker could be forked: {error.strerror}"))
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
            for each in descriptors:
                os.close(each)

    def _stop(self, ward: Ward, kill_at: float) -> None:
        self._bury()  # who has died before was not stopped
        if ward.kill_at is None and ward.status is None:
            ward.stopped = True
            tree.ask_to_end(ward.pid)  # at once: to look who is below takes milliseconds
            tree.ask_to_end(*(process.pid for process in tree.family(ward.pid)))
        ward.kill_at = min(kill_at, ward.kill_at or kill_at)  # a second, shorter one hastens the first

    # -- ends ------------------------------------------------------------------------------------------------------

    def _bury(self) -> None:
        wards = {ward.pid: ward for ward in self._wards.values()}
        for pid, status in tree.reap():
            if (ward := wards.get(pid)) is not None:
                ward.status, ward.dead_at = status, time.monotonic()

    def _enforce(self, now: float) -> None:
        """Kill whose time has come, and report who is gone for good."""
        for ward in list(self._wards.values()):
            if ward.status is None and ward.kill_at is not None and ward.kill_at <= now:
                ward.killed_at = ward.killed_at or now
                tree.kill(partial(tree.household, ward.pid))
                if now > ward.killed_at + PATIENCE:
                    self._give_up(ward, tree.household(ward.pid))
        dead = [ward for ward in self._wards.values() if ward.status is not None]
        strays = tree.kill(self._strays) if dead else ()
        self._bury()  # nobody is told of an end while a last zombie waits for us
        for ward in dead:
            if not strays:
                self._part(ward, ())
            elif now > ward.dead_at + PATIENCE:
                self._give_up(ward, strays)

    def _give_up(self, ward: Ward, survivors: Sequence[tree.Process]) -> None:
        self._given_up.update(process.pid for process in survivors)
        self._part(ward, tuple(f"{tree.title(process)} survived SIGKILL" for process in survivors))

    def _part(self, ward: Ward, survivors: tuple[str, ...]) -> None:
        del self._wards[ward.child]
        status = ward.status if ward.status is not None else -int(signal.SIGKILL)
        killed = ward.killed_at is not None
        self._report(Exited(child=ward.child, status=status, stopped=ward.stopped, killed=killed, survivors=survivors))

    def _strays(self) -> list[tree.Process]:
        """Answer what is below us and neither a living worker nor below one."""
        living = {ward.pid for ward in self._wards.values() if ward.status is None}
        return tree.family(os.getpid(), spared=living | self._given_up)

    # -- the helpers -----------------------------------------------------------------------------------------------

    def _patience(self) -> float:
        """Answer how many seconds may pass before somebody has to be looked at again."""
        now = time.monotonic()
        wards = self._wards.values()
        if any(ward.status is not None or ward.killed_at is not None for ward in wards):
            return TICK
        return max(0.0, min((ward.kill_at - now for ward in wards if ward.kill_at is not None), default=_FOREVER))

    def _report(self, message: FromWarden) -> None:
        self._outgoing += encode(message)

    def _speak(self) -> None:
        """Send what has to be said, as far as it goes without waiting."""
        with suppress(OSError):  # full: later; broken: the next look at the lifeline finds its end
            while self._outgoing:
                del self._outgoing[: self._lifeline.send(self._outgoing)]
        wanted = select.POLLIN | (select.POLLOUT if self._outgoing else 0)
        self._poll.modify(self._lifeline.fileno(), wanted)


def main() -> None:
    """Be the warden of the process whose lifeline is the descriptor named on the command line."""
    tree.adopt_orphans()
    tree.be_called("tg-warden")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, lambda *_: None)
    gc.collect()
    gc.freeze()  # a worker's first collection must not copy every page it shares with us
    Warden(socket.socket(fileno=int(sys.argv[1]))).run()
    os._exit(0)  # the runner waits for our end, and an interpreter that clears up takes milliseconds


def _wake_on_child() -> int:
    """Answer a descriptor that can be read when a child has ended."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    return read


def _watch(process: int) -> list[int]:
    """Answer a descriptor that can be read when a process has ended, where the system has such a thing."""
    if not hasattr(os, "pidfd_open"):
        return []
    try:
        return [os.pidfd_open(process)]
    except OSError:  # it has just ended, or the kernel is older than 5.3: the lifeline tells, too
        return []
