"""Small real tasks for the tests of the command line. They leave marks in files: no report need be believed."""

import os
import signal
import subprocess
import time
from pathlib import Path

from runner.task import Context


def meet(folder: str, expected: int, patience: float, context: Context) -> dict[str, int]:
    """Succeed once `expected` tasks have started at the same time; fail after `patience` seconds."""
    here = Path(folder)
    (here / f"{context.task}.started").touch()
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if len(list(here.glob("*.started"))) >= expected:
            return {"pid": os.getpid()}
        time.sleep(0.01)
    (here / f"{context.task}.started").unlink()
    raise TimeoutError(f"only {len(list(here.glob('*.started')))} of {expected} had started")


def sleep(folder: str, seconds: float, context: Context) -> None:
    """Leave a mark with the process id at the start, and another at the end or when stopped."""
    mark = Path(folder, context.task)
    mark.with_suffix(".pid").write_text(str(os.getpid()), encoding="ascii")
    try:
        time.sleep(seconds)
        mark.with_suffix(".done").touch()
    finally:
        mark.with_suffix(".left").touch()


def stubborn(folder: str, context: Context) -> None:
    """Ignore SIGTERM, start a process that left the session, and stay."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", "300"], start_new_session=True)
    Path(folder, f"{context.task}.pid").write_text(f"{os.getpid()} {child.pid}", encoding="ascii")
    while True:
        time.sleep(1)


def clean(folder: str, context: Context) -> None:
    """Note that a clean-up ran, and when."""
    Path(folder, f"{context.task}.cleaned").write_text(str(time.time()), encoding="ascii")


def note(folder: str, text: str, context: Context) -> dict[str, str]:
    """Print a text, return it, and leave a mark."""
    print(text)
    Path(folder, f"{context.task}.noted").write_text(text, encoding="utf-8")
    return {"text": text}
