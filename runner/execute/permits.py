"""Permits to begin, seen from the runner: bytes in a pipe, of which the worker takes one an attempt. Knows no work.

Both of us hold the reading end, so what has not begun can be taken back at any moment, also from a worker that is busy
or dead: the kernel gives each byte to one of us. A byte is the number of its generation; a new one begins whenever some
were taken back, and tells the worker that word of it is on its way.
"""

from __future__ import annotations

import os
from contextlib import suppress

from runner.execute.wire import GENERATIONS

_PIECE = 4096


class Permits:
    """The pipe of one worker; `reading` is the end that it is given."""

    def __init__(self) -> None:
        """Open the pipe.

        Raises:
            OSError: no descriptor is left.

        """
        self.reading, self._writing = os.pipe()
        os.set_blocking(self.reading, False)  # its own signature
        self._wanted = 0
        self._generation = 0

    def add(self) -> None:
        """Let one more attempt begin, from the next `grant` on."""
        self._wanted += 1

    def grant(self) -> None:
        """Write what was added."""
        if self._wanted:
            permits, self._wanted = bytes([self._generation]) * self._wanted, 0
            os.write(self._writing, permits)

    def take_back(self) -> int:
        """Take back all that are left; answers how many there were."""
        count, self._wanted = self._wanted, 0
        with suppress(BlockingIOError):
            while taken := os.read(self.reading, _PIECE):
                count += len(taken)
        if count:
            self._generation = (self._generation + 1) % GENERATIONS
        return count

    def close(self) -> None:
        """Close both ends."""
        os.close(self.reading)
        os.close(self._writing)
