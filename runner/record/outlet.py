"""A stream whose reader may go away: a closed terminal, `| head`. Knows nothing of what is written."""

from __future__ import annotations

from typing import TextIO


class Outlet:
    """Writes as long as somebody reads, and drops the rest: a run is worth more than the sight of it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._closed = False

    def write(self, text: str) -> None:
        """Write a text; nothing is seen of it before `flush`."""
        try:
            if not self._closed:
                self._stream.write(text)
        except OSError:  # a border: whoever reads is not ours
            self._closed = True

    def flush(self) -> None:
        """Let what was written be seen."""
        try:
            if not self._closed:
                self._stream.flush()
        except OSError:  # a border: whoever reads is not ours
            self._closed = True
