"""Tasks that the tests of the pool run in real workers; what takes long to import is in `heavy`."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from runner.task import Context, Progress, Stopped


def step(seconds: float, stop_takes: float, context: Context, fails: str = "", mark: str = "") -> dict[str, int]:
    """Say that it is at work, take some time, and some to stop; then end as told."""
    try:
        context.progress("at work")
        time.sleep(seconds)
    except Stopped:
        _deaf_sleep(stop_takes)
        raise
    if fails:
        raise RuntimeError(fails)
    if mark:
        Path(mark).touch()
    return {"pid": os.getpid()}


def _deaf_sleep(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.01)


def pid() -> int:
    """Say who works."""
    return os.getpid()


def swallow() -> str:
    """Act as if nobody had asked it to stop."""
    try:
        time.sleep(60)
    except Stopped:
        return "I go on"
    return "nobody asked"


def after_the_end(mark: str) -> str:
    """Return at once, and tell by a file."""
    Path(mark).touch()
    return "done"


def environment() -> dict[str, str]:
    """Say what it sees of its surroundings."""
    seen = {name: value for name, value in os.environ.items() if name.startswith("SEEN_")}
    return {"cwd": str(Path.cwd()), **seen}


def spoil() -> int:
    """Leave as much disorder as a careless task can."""
    os.environ["SEEN_SPOILT"] = "yes"
    os.environ.pop("SEEN_SHARED", None)
    os.chdir("/")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.stdout.close()
    sys.stderr = None
    os.close(1)
    return os.getpid()


def prints(text: str, times: int = 1) -> int:
    """Print through every door."""
    for _ in range(times):
        print(f"print {text}")
    os.write(2, f"write {text}\n".encode())
    subprocess.run(["/bin/sh", "-c", f"echo child {text}"], check=True)
    ctypes.CDLL(None).printf(b"unflushed %s\n", text.encode())
    print(f"no newline {text}", end="")
    return os.getpid()


def prints_bytes(hexadecimal: str) -> None:
    """Print bytes that are no text."""
    os.write(1, bytes.fromhex(hexadecimal))


def floods(size: int) -> None:
    """Print more than anybody wants to read: numbered lines of 64 bytes."""
    number = 0
    while number * 64 < size:
        count = min(1024, size // 64 - number)
        os.write(1, b"".join(b"%063d\n" % (number + at) for at in range(count)))
        number += max(count, 1)


def says_then_dies(context: Context) -> None:
    """Say something, and die before anything can be done about it."""
    context.created("document", "d1", name="Task_2_a")
    context.check("first", expected=1, observed=1)
    os.kill(os.getpid(), signal.SIGKILL)


def checks(observed: list[Any], context: Context) -> dict[str, int]:
    """Check that everything is 1."""
    for at, each in enumerate(observed):
        context.check(f"row {at}", expected=1, observed=each)
    return {"rows": len(observed)}


def checks_what_is_not_plain(context: Context) -> None:
    """Say something that cannot be recorded."""
    context.check("when", expected=object(), observed=1)  # type: ignore[arg-type]


def everything_it_knows(context: Context) -> dict[str, Any]:
    """Say all that a task may know."""
    context.add_progress = None  # type: ignore[attr-defined]  # it is an object like any other
    context.progress("half way", done=1, total=2)
    context.keep("out.txt", title="the output")
    return {
        "who": [context.run, context.task, context.attempt, context.data_prefix, context.deadline],
        "needs": {name: [need.state, dict(need.outputs)] for name, need in context.needs.items()},
        "own": context.env.get("TASKGRAPH_TASK"),
    }


def leaks(where: str, context: Context) -> dict[str, str]:
    """Let a secret out in one of the ways there are."""
    secret = os.environ["SECRET_TOKEN"]
    match where:
        case "print":
            print("half", end=" ", flush=True)
            os.write(1, secret[:5].encode())
            time.sleep(0.05)
            os.write(1, f"{secret[5:]} end\n".encode())
        case "raise":
            raise RuntimeError(f"cannot log in with {secret}")
        case "check":
            context.check("login", expected="ok", observed=f"token {secret} refused")
        case "output":
            return {"token": f"Bearer {secret}"}
        case "ledger":
            context.created("token", secret)
        case "progress":
            context._say(Progress(message=f"trying {secret}"))
        case _:
            raise AssertionError(where)
    return {}


def large(size: int) -> str:
    """Return a lot."""
    return "x" * size


def length(text: str) -> int:
    """Take a lot."""
    return len(text)


def comes_back_twice() -> int:
    """Return as itself, and again as a copy."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
    return child


def chatters(size: int, context: Context) -> None:
    """Say long things for ever."""
    while True:
        context.progress("x" * size)


def uses_multiprocessing() -> int:
    """Start processes the way libraries do."""
    import multiprocessing

    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return int(pool.apply(abs, (-3,)))


def forks_in_multiprocessing() -> int:
    """Start processes as copies of the worker."""
    import multiprocessing

    with multiprocessing.get_context("fork").Pool(2) as pool:
        return sum(pool.map(abs, [-1, -2]))


def hoard(size: int) -> None:
    """Take memory, and keep it."""
    held = b"x" * size
    time.sleep(60)
    del held


def many(count: int) -> dict[str, list[int]]:
    """Return too much to travel."""
    return {"rows": list(range(count))}


def length_of(need: str, output: str, context: Context) -> int:
    """Say how many items an output has of a task that is needed."""
    return len(context.needs[need].outputs[output])


def pid_after(seconds: float) -> int:
    """Say who works, after a while."""
    time.sleep(seconds)
    return os.getpid()


def spins(context: Context) -> None:
    """Compute for ever."""
    context.progress("at work")
    number = 0
    while True:
        number += 1
