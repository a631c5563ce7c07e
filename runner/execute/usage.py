"""What an attempt takes of the machine: memory and processes of its whole tree. Knows no limit and ends nobody.

The kernel is asked for the children of each process, so a look costs some microseconds for each of them and does not
depend on what else runs. Elsewhere than on Linux nobody is asked, and limits of memory and processes hold nothing.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from msgspec import Struct

_PAGE = os.sysconf("SC_PAGE_SIZE")
ENOUGH = 4096
"""Processes after which a look ends: more than that is more than anybody's limit, or nearly so."""


class Usage(Struct, frozen=True, kw_only=True):
    """Resident memory in bytes, pages that processes share counted for each, and how many processes there are."""

    memory: int
    processes: int


def usage_of(root: int) -> Usage:
    """Answer what a process and all below it take now; nothing if it is gone."""
    if sys.platform != "linux":
        return Usage(memory=0, processes=0)
    memory, seen = 0, [root]
    for pid in seen:  # grows while it is walked
        with suppress(OSError, ValueError, IndexError):  # it may have ended
            with open(f"/proc/{pid}/statm", "rb") as file:  # noqa: PTH123  # looked at every 50 ms
                memory += int(file.read().split()[1]) * _PAGE
            if len(seen) < ENOUGH:
                seen += _children(pid)
    return Usage(memory=memory, processes=len(seen))


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208  # the same
        with suppress(OSError), open(f"/proc/{pid}/task/{thread}/children", "rb") as file:  # noqa: PTH123  # the same
            found += map(int, file.read().split())
    return found
