"""Who is below us, as the kernel says: for harnesses that judge whether anybody was left. Uses nothing of ours."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from pathlib import Path

GONE_WITHIN = 5.0
"""Seconds after which nothing may be left."""


def adopt_orphans() -> None:
    """Become a child subreaper: whoever is left behind below us becomes our child."""
    ctypes.CDLL(None).prctl(36, ctypes.c_ulong(1), 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def children_left() -> list[str]:
    """Answer who is still below us after five seconds, and end them, and who comes to us by their ends."""
    if _gone_by(time.monotonic() + GONE_WITHIN):
        return []
    left = _children()
    while not _gone_by(time.monotonic() + 0.1):
        for pid in _children():
            os.kill(int(pid), signal.SIGKILL)
    return left


def names_below() -> list[str]:
    """Answer the names of all processes that we, or ours, have started, except those that wait to be buried."""
    everybody = {int(entry.name): _parent(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    below = {os.getpid()}
    while new := {pid for pid, parent in everybody.items() if parent in below} - below:
        below |= new
    return [name for pid in below - {os.getpid()} if (name := _name_of(pid))]


def _gone_by(moment: float) -> bool:
    """Bury children until none is left or the time is over; says whether none is left."""
    while time.monotonic() < moment:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.01)
        except ChildProcessError:
            return True
    return False


def _children() -> list[str]:
    everybody = [entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in everybody if _parent(pid) == os.getpid()]


def _parent(pid: str) -> int:
    try:
        return int(Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _name_of(pid: int) -> str:
    """Answer a process's name, "" if it has ended."""
    try:
        name, _, rest = Path("/proc", str(pid), "stat").read_text().partition("(")[2].rpartition(")")
    except OSError:
        return ""
    return "" if rest.split()[0] == "Z" else name
