"""What coverage cannot do by itself: keep what a worker has measured before the warden kills it. Knows no test.

A plugin of coverage, loaded by nothing else (tests/README.md says how to measure). An idle worker waits in `os.read`
for its next request and ends there by SIGKILL, so each forked process saves what it has before it waits; not where
there is something to read already, or no function would be short any more while it is measured.
"""

from __future__ import annotations

import os
from select import select
from typing import Any

from coverage import Coverage

_BORN = os.getpid()
_read = os.read


def _saving_read(descriptor: int, length: int, /) -> bytes:
    measured = Coverage.current()
    if measured is not None and os.getpid() != _BORN and not select([descriptor], [], [], 0)[0]:
        measured.save()
    return _read(descriptor, length)


def coverage_init(_registry: Any, _options: dict[str, str]) -> None:
    """Be loaded; coverage asks for this name."""
    os.read = _saving_read
