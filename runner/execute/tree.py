"""Process trees: who descends from whom, and how to end them all. Knows no worker, no task and no pipe.

Theory of operation. On Linux whoever calls `adopt_orphans` is a child subreaper: a process whose parent dies becomes
its child, even after a double fork and setsid, so ancestry never breaks and `/proc` tells the whole family. A family
that keeps forking cannot be killed one by one: while one is killed, another forks. So everybody is stopped (SIGSTOP)
first, and the family is looked at again until nobody new is found; a stopped process cannot fork, so one SIGKILL each
is then enough. Process ids could be used anew between a look and a signal; the kernel hands them out in a circle of at
least 32,768, and both happen within milliseconds.

Elsewhere (macOS) `ps` tells the family, and an orphan is known only by the session of its worker: best effort.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress

from msgspec import Struct

_PR_SET_PDEATHSIG, _PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 1, 15, 36  # linux/prctl.h
_C = ctypes.CDLL(None)
_LINUX = sys.platform == "linux"
_FIRST_TICK, _TICK = 0.0005, 0.01  # seconds between two looks at a family that is ending, growing


class Process(Struct, frozen=True, kw_only=True):
    """One process; `session` is the id of its session's leader, `name` as the kernel has it (at most 15 characters)."""

    pid: int
    parent: int
    session: int
    name: str


Find = Callable[[], Sequence[Process]]


def running() -> dict[int, Process]:
    """Answer every process that has not ended; those that have and wait for their parent are left out."""
    found = _from_proc() if _LINUX else _from_ps()
    return {process.pid: process for process in found}


def family(root: int, *, spared: Collection[int] = ()) -> list[Process]:
    """Answer everything that descends from a process or is in its session, parents first, without itself.

    Left out are the `spared` and all below them, by the same look at the system: between two looks a process may be
    born, and would seem to belong to nobody.
    """
    return [process for process in household(root, spared=spared) if process.pid != root]


def household(root: int, *, spared: Collection[int] = ()) -> list[Process]:
    """Answer a process, unless it has ended, and its family."""
    everything = running()
    children: dict[int, list[Process]] = {}
    for process in everything.values():
        children.setdefault(process.parent, []).append(process)
        parent = everything.get(process.parent)
        if process.session == root != process.pid and (parent is None or parent.session != root):
            children.setdefault(root, []).append(process)  # an orphan that somebody else has adopted, or nobody
    found = {root: everything.get(root)}
    waiting = list(children.get(root, ()))
    for process in waiting:  # grows while it is walked
        if process.pid not in found and process.pid not in spared:
            found[process.pid] = process
            waiting += children.get(process.pid, ())
    return [process for process in found.values() if process is not None]


def title(process: Process) -> str:
    """Name a process for people: its command line, shortened, and its id."""
    text = process.name
    with suppress(OSError), open(f"/proc/{process.pid}/cmdline", "rb") as file:  # noqa: PTH123  # pathlib is slow to import
        text = file.read(4096).replace(b"\0", b" ").decode(errors="replace").strip() or text
    return f"{text if len(text) <= 80 else text[:77] + '...'} (pid {process.pid})"


def ask_to_end(*processes: int) -> None:
    """Send SIGTERM, parents first: a shell whose child ends must not get to its next line. The stopped are woken."""
    for process in processes:
        _send(process, signal.SIGTERM)
        _send(process, signal.SIGCONT)


def kill(find: Find) -> Sequence[Process]:
    """Send SIGKILL to all that `find` answers, and to what they fork meanwhile; answers whom."""
    frozen: dict[int, Process] = {}
    while fresh := [process for process in find() if process.pid not in frozen]:
        for process in fresh:
            _send(process.pid, signal.SIGSTOP)
            frozen[process.pid] = process
    for pid in frozen:
        _send(pid, signal.SIGKILL)
    return list(frozen.values())


def end(find: Find, *, grace: float, patience: float) -> list[Process]:
    """End all that `find` answers: SIGTERM, `grace` seconds later SIGKILL; answers who survives that by `patience`."""
    began, pause = time.monotonic(), _FIRST_TICK
    ask_to_end(*(process.pid for process in find()))
    while left := list(find()):
        waited = time.monotonic() - began
        if waited > grace + patience:
            return left
        if waited >= grace:
            kill(find)
        reap()
        time.sleep(pause)
        pause = min(2 * pause, _TICK)
    reap()
    return []


def reap() -> list[tuple[int, int]]:
    """Bury the children that have ended; answers the id and exit code (below zero: the signal) of each."""
    buried = []
    with suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            buried.append((found[0], os.waitstatus_to_exitcode(found[1])))
    return buried


def has_children() -> bool:
    """Say whether this process has a child, after burying those that have ended; one system call if it has none."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def flush_c_streams() -> None:
    """Write out what code in C has printed and its library still holds."""
    _C.fflush(None)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, where the system can do that."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """Ask for SIGKILL when the parent ends, where the system can do that."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def be_called(name: str) -> None:
    """Set the name that `ps` and `top` show; at most 15 characters."""
    _prctl(_PR_SET_NAME, name.encode())


def _prctl(option: int, value: int | bytes) -> None:
    if _LINUX:
        argument = ctypes.c_char_p(value) if isinstance(value, bytes) else ctypes.c_ulong(value)
        nothing = ctypes.c_ulong(0)
        _C.prctl(ctypes.c_int(option), argument, nothing, nothing, nothing)


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(
        ProcessLookupError, PermissionError
    ):  # it has just ended; or it is another user's (sudo) and survives
        os.kill(pid, number)


def _from_proc() -> Iterator[Process]:
    for entry in os.listdir("/proc"):  # noqa: PTH208  # pathlib is slow to import
        if entry.isdigit():
            with suppress(OSError), open(f"/proc/{entry}/stat", "rb") as file:  # noqa: PTH123  # it may have ended
                name, _, rest = file.read().partition(b" (")[2].rpartition(b") ")
                state, parent, _, session, _ = rest.split(b" ", 4)
                if state not in b"ZX" or _has_threads(entry):
                    text = name.decode(errors="replace")
                    yield Process(pid=int(entry), parent=int(parent), session=int(session), name=text)


def _has_threads(entry: str) -> bool:
    """Say whether a process whose first thread has ended still runs others."""
    return len(os.listdir(f"/proc/{entry}/task")) > 1  # noqa: PTH208  # the same


def _from_ps() -> Iterator[Process]:
    import subprocess  # noqa: PLC0415  # where there is no /proc

    command = ["ps", "-A", "-o", "pid=,ppid=,stat=,comm="]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as ps:  # noqa: S603  # our own words
        listing = ps.communicate()[0]
    for line in listing.splitlines():
        pid, parent, state, *name = line.split(None, 3)
        if not state.startswith("Z") and int(pid) != ps.pid:
            with suppress(OSError):  # it may have ended
                session = os.getsid(int(pid))
                yield Process(pid=int(pid), parent=int(parent), session=session, name="".join(name))
