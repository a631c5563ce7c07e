"""How many attempts a worker is asked for ahead: several of a function that has been quick so far, else one. Pure.

Theory of operation. Asking for one attempt at a time costs a round trip between processes for each, many times what a
short function takes. So a function whose last attempts were all short may be handed out ahead. The first attempt that
is not short takes that back. Nothing here can be wrong about more than time: what was handed out and has not begun is
taken back from a worker that turns out to be slow.
"""

from __future__ import annotations

AHEAD = 32
"""Attempts that a worker may be asked for ahead."""
SHORT = 0.005
"""Seconds that a short attempt takes at most."""
LAST = 32
"""Attempts of a function that have to have been short, one after another."""
SLOW = 10 * SHORT
"""Seconds after which those that wait behind an attempt are taken back."""


class Window:
    """The functions of which attempts are handed out ahead."""

    def __init__(self, short: float = SHORT, last: int = LAST) -> None:
        """`short` is how long a short attempt takes at most, `last` how many have to have been, one after another."""
        self._short = short
        self._last = last
        self._short_ones: dict[str, int] = {}
        self._open: set[str] = set()

    @property
    def functions(self) -> tuple[str, ...]:
        """The functions for which it is open, sorted."""
        return tuple(sorted(self._open))

    def __contains__(self, uses: str) -> bool:
        return uses in self._open

    def ended(self, uses: str, seconds: float) -> bool:
        """Take in how long an attempt took; says whether this has opened or closed the window of its function."""
        if seconds > self._short:
            return self.close(uses)
        count = self._short_ones[uses] = self._short_ones.get(uses, 0) + 1
        if count != self._last:
            return False
        self._open.add(uses)
        return True

    def close(self, uses: str) -> bool:
        """Hand out no more of a function ahead, until it was short for long enough again; says whether one did."""
        self._short_ones[uses] = 0
        was_open = uses in self._open
        self._open.discard(uses)
        return was_open
