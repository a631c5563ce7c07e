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
    """Answer who is still below us after five seconds, and end them."""
    until = time.monotonic() + GONE_WITHIN
    while time.monotonic() < until:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.01)
        except ChildProcessError:
            return []
    everybody = [entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    left = [pid for pid in everybody if _parent(pid) == os.getpid()]
    for pid in left:
        os.kill(int(pid), signal.SIGKILL)
    return left


def _parent(pid: str) -> int:
    try:
        return int(Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
