"""The task of the soak, and what becomes of each of its attempts: known beforehand, so that a judge needs no report."""

from __future__ import annotations

import os
import signal
import sys
import time
from hashlib import blake2b
from pathlib import Path

from runner.task import Check, Context

ATTEMPTS = 3
SHARES = {"succeeded": 78, "exception": 8, "exit": 4, "crashed": 4, "killed": 3, "timed_out": 2, "checked": 1}
"""Of a hundred attempts."""
CAUSES = {"exit": "exception", "killed": "crashed", "checked": "failed_check"}
"""How the report calls it, where that is another word."""
MARKS = Path("marks")


def fate(seed: int, task: str, attempt: int) -> str:
    """Answer what becomes of an attempt."""
    digest = blake2b(f"{seed} {task} {attempt}".encode(), digest_size=4).digest()
    number = int.from_bytes(digest, "big") % sum(SHARES.values())
    for word, share in SHARES.items():
        number -= share
        if number < 0:
            return word
    raise AssertionError(number)


def fates(seed: int, task: str) -> list[str]:
    """Answer what becomes of all attempts of a task: they end with the first success."""
    found: list[str] = []
    while len(found) < ATTEMPTS and "succeeded" not in found:
        found.append(fate(seed, task, len(found) + 1))
    return found


def work(seed: int, task: str, context: Context) -> dict[str, str]:
    """Leave a mark, and end as it was said."""
    attempt = int(os.environ["TASKGRAPH_ATTEMPT"])
    with MARKS.open("a") as marks:
        marks.write(f"{task} {attempt}\n")
    match fate(seed, task, attempt):
        case "exception":
            raise ValueError(task)
        case "exit":
            sys.exit(3)
        case "crashed":
            os._exit(7)
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "timed_out":
            time.sleep(3600)
        case "checked":
            context.add(Check(name="soaked", verdict="failed"))
    print(task)
    return {"task": task}
