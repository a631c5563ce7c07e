"""Tasks that are over at once, most of the time; each leaves a mark of its own."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from runner.task import Context


def mark(marks: str, context: Context, sleeps: float = 0.0, dies: bool = False) -> None:
    """Leave a mark, then take some time, or die the first time."""
    with Path(marks).open("a", encoding="utf-8") as file:
        file.write(f"{context.task}.{context.attempt} {os.getpid()}\n")
    if dies and context.attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(sleeps)
