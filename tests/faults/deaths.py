"""The ways a task can take its worker along, as tasks. Each first writes its process id into the evidence folder."""

from __future__ import annotations

import ctypes
import itertools
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

FOREVER = 3600.0


def _evidence(name: str) -> None:
    Path(os.environ["EVIDENCE"], f"{name}.{os.getpid()}").touch()


def steady(seconds: float) -> dict[str, int]:
    """Do no harm for a while."""
    time.sleep(seconds)
    return {"pid": os.getpid()}


def exception() -> None:
    """Raise something."""
    _evidence("exception")
    raise RuntimeError("it went wrong\nin two lines")


def sys_exit() -> None:
    """Leave politely."""
    _evidence("sys_exit")
    sys.exit(3)


def os_exit() -> None:
    """Leave at once, as if all were well."""
    _evidence("os_exit")
    os._exit(0)


def segfault() -> None:
    """Read from address 0."""
    _evidence("segfault")
    ctypes.string_at(0)


def abort() -> None:
    """Give up as C does."""
    _evidence("abort")
    os.abort()


def sigkill() -> None:
    """Kill its own process."""
    _evidence("sigkill")
    os.kill(os.getpid(), signal.SIGKILL)


def sigterm_from_outside() -> None:
    """Be told to end by somebody who is not the runner."""
    _evidence("sigterm_from_outside")
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(FOREVER)


def sigstop() -> None:
    """Freeze its own process."""
    _evidence("sigstop")
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(FOREVER)


def not_json() -> Any:
    """Return something that is not plain data."""
    _evidence("not_json")
    return {"rows": [{"when": threading.Lock()}]}


def not_a_number() -> Any:
    """Return a number that JSON does not know."""
    _evidence("not_a_number")
    return {"ratio": float("nan")}


def time_out() -> None:
    """Sleep for ever."""
    _evidence("time_out")
    time.sleep(FOREVER)


def loops() -> None:
    """Loop for ever in Python."""
    _evidence("loops")
    while True:
        pass


def grandchild() -> None:
    """Wait for ever for a program."""
    _evidence("grandchild")
    subprocess.run([sys.executable, "-c", _NAP], check=False)


def double_fork() -> None:
    """Sleep for ever, with a daemon deaf to SIGTERM."""
    _evidence("double_fork")
    _daemon()
    time.sleep(FOREVER)


def left_behind() -> str:
    """Return, and leave a daemon deaf to SIGTERM."""
    _evidence("left_behind")
    _daemon()
    return "done"


def sigterm_ignored() -> None:
    """Sleep for ever, deaf to SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _evidence("sigterm_ignored")
    time.sleep(FOREVER)


def holds_the_gil() -> None:
    """Loop for ever in C, where no Python signal handler can run."""
    _evidence("holds_the_gil")
    deque(itertools.repeat(None), maxlen=0)


def pipe_closed() -> None:
    """Close the pipe to the runner and go on."""
    _evidence("pipe_closed")
    os.close(_channel())
    time.sleep(FOREVER)


def all_closed() -> str:
    """Close all descriptors, as daemons do, and return."""
    _evidence("all_closed")
    os.closerange(0, 4096)
    return "done"


def garbage() -> None:
    """Write garbage into the pipe to the runner."""
    _evidence("garbage")
    os.write(_channel(), b"}{ not a reply\n")
    time.sleep(FOREVER)


def half_a_reply() -> None:
    """Die in the middle of a reply."""
    _evidence("half_a_reply")
    os.write(_channel(), b'{"is": "Ended", "outco')
    os._exit(1)


def fork_returns() -> dict[str, int]:
    """Return twice: as itself and as a copy."""
    _evidence("fork_returns")
    child = os.fork()
    if child:
        os.waitpid(child, 0)
    return {"pid": os.getpid()}


def thread_left() -> str:
    """Return while a thread still prints."""
    _evidence("thread_left")

    def chatter() -> None:
        while True:
            print("still here")
            time.sleep(0.001)

    threading.Thread(target=chatter, name="chatter").start()
    return "done"


_NAP = "import os, pathlib, time; pathlib.Path(os.environ['EVIDENCE'], f'nap.{os.getpid()}').touch(); time.sleep(3600)"


def _daemon() -> None:
    """Start a process that belongs to nobody, deaf to SIGTERM, and wait until it runs."""
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {_NAP}"
    middle = os.fork()
    if middle == 0:
        os.setsid()
        if os.fork() == 0:
            os.execv(sys.executable, [sys.executable, "-c", deaf])  # the work starts a program
        os._exit(0)
    os.waitpid(middle, 0)
    while not list(Path(os.environ["EVIDENCE"]).glob("nap.*")):
        time.sleep(0.005)


def _channel() -> int:
    """Find the worker's pipe to the runner, as a careless library would: by trying."""
    for number in range(3, 4096):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                return number
        except OSError:  # not open
            continue
    raise AssertionError("a worker has a channel")
