"""When a start may be, by the clock: `stagger` between starts, and how often a pool may be claimed. Pure.

Theory of operation. Of a start nothing is remembered but its moment. There is one question: from which moment on may an
attempt with these claims start? The queue asks it to decide, and the alarm is set to the same answer, so the two cannot
disagree by the last bit of a sum. A start counts when the attempt is handed out, also if it comes back unbegun.

Knows no task and no clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from runner.graph.model import Rate
from runner.schedule.policy import STAGGER, Claims


class Pace:
    """The starts of one run, as far as others have to wait for them."""

    def __init__(self, rates: Mapping[str, Rate]) -> None:
        self._rates = rates
        self._claimed = {pool: deque[float](maxlen=rate.count) for pool, rate in rates.items()}
        self._last: float | None = None

    def opens(self, claims: Claims) -> float:
        """Answer the moment (seconds) from which on an attempt with these claims may start, 0 for at once."""
        return max((self._opens(pool, amount) for pool, amount in claims), default=0.0)

    def holds(self, claims: Claims, now: float) -> str | None:
        """Answer what keeps these claims waiting the longest: a pool with its rate, or `STAGGER`; None for nothing."""
        latest = self.opens(claims)
        return next((pool for pool, amount in claims if self._opens(pool, amount) == latest > now), None)

    def started(self, claims: Claims, now: float) -> None:
        """Take in that an attempt with these claims was handed out."""
        for pool, _ in claims:
            if pool == STAGGER:
                self._last = now
            elif pool in self._rates:
                self._claimed[pool].append(now)

    def _opens(self, pool: str, amount: float) -> float:
        if pool == STAGGER:
            return 0.0 if self._last is None else self._last + amount
        claimed = self._claimed.get(pool)
        if claimed is None or len(claimed) < self._rates[pool].count:
            return 0.0
        return claimed[0] + self._rates[pool].seconds
