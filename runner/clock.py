"""The clock of a real run: seconds since the command started, and what they are in UTC. Never goes back."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class WallClock:
    """Wall clock at the start plus monotonic time, so that a clock set back in between hurts nothing."""

    def __init__(self) -> None:
        self.started = datetime.now(UTC)
        self._zero = time.monotonic()

    def now(self) -> float:
        """Answer the seconds since the start."""
        return round(time.monotonic() - self._zero, 6)  # what a journal line needs, and no more
