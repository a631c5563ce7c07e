"""Tasks that the tests of `isolation: worker` run in threads of their own process; gates let a test hold them."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections import defaultdict
from contextlib import suppress
from typing import Any

from runner.task import Context, Stopped

GATES: dict[str, threading.Event] = defaultdict(threading.Event)
SEEN: list[str] = []
"""What was gone through."""


def value(given: int = 1) -> int:
    """Return what it was given."""
    return given


def mapping() -> dict[str, Any]:
    """Return outputs."""
    return {"a": 1, "b": [None, 2.5]}


def nothing() -> None:
    """Return none."""


async def later(given: int) -> dict[str, int]:
    """Return after a turn of the loop."""
    await asyncio.sleep(0)
    return {"given": given}


def not_plain() -> Any:
    """Return what JSON does not know."""
    return {"bad": {1, 2}}


def raises() -> None:
    """Raise."""
    raise RuntimeError("it broke\nin two lines")


async def raises_later() -> None:
    """Raise in a coroutine."""
    raise RuntimeError("later")


def leaves() -> None:
    """Want to end the process."""
    sys.exit(3)


def interrupts() -> None:
    """Act as Ctrl-C would."""
    raise KeyboardInterrupt


def checks(observed: list[int], context: Context) -> int:
    """Check that everything is 1."""
    for at, each in enumerate(observed):
        context.check(f"row {at}", expected=1, observed=each)
    return len(observed)


def everything(context: Context) -> dict[str, Any]:
    """Say all that a task may know."""
    context.progress("half way", done=1, total=2)
    return {
        "who": [context.run, context.task, context.attempt, context.data_prefix, context.deadline],
        "needs": {name: dict(need.outputs) for name, need in context.needs.items()},
        "env": [context.env.get("GIVEN"), context.env.get("TASKGRAPH_TASK"), os.environ.get("GIVEN")],
    }


def keeps(context: Context) -> None:
    """Want a file to be kept."""
    context.keep("out.txt")


def leaks(where: str, secret: str, context: Context) -> Any:
    """Let a secret out."""
    if where == "check":
        context.check("login", expected="ok", observed=f"token {secret} refused")
    if where == "raise":
        raise RuntimeError(f"cannot log in with {secret}")
    if where == "ledger":
        context.created("token", secret)
    return f"Bearer {secret}" if where == "output" else None


def busy(name: str) -> None:
    """Do something in Python until somebody ends it."""
    try:
        GATES[f"{name} began"].set()
        while True:
            pass
    finally:
        SEEN.append(f"{name} cleaned up")


def deaf(name: str, context: Context) -> None:
    """Wait in C."""
    GATES[f"{name} began"].set()
    GATES[f"{name} may go on"].wait()
    context.progress("late")


def swallows(name: str) -> str:
    """Act as if nobody had asked it to stop."""
    with suppress(Stopped):
        busy(name)
    return "I go on"


def translates(name: str) -> str:
    """Make another exception of a stop."""
    try:
        busy(name)
    except Stopped:
        raise RuntimeError("something else") from None
    return ""


async def waits(name: str) -> None:
    """Wait in a coroutine for what never comes."""
    try:
        GATES[f"{name} began"].set()
        await asyncio.get_running_loop().create_future()
    finally:
        SEEN.append(f"{name} cleaned up")


def turns(count: int) -> int:
    """Take a few turns."""
    total = 0
    for each in range(count):
        total += each
    return total
