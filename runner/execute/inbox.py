"""What a worker was asked for and may begin: its channel, read, and its permits. Knows no attempt.

Theory of operation. Requests may come several at a time. Before one begins, a permit is taken for it: a byte in a pipe
from which the runner takes, too, when it wants back what has not begun (`permits`). What was taken back is named by
`Forget`, with which a new generation of permits begins; a permit of a generation that we do not know yet says that the
channel holds a `Forget` which has to be read first. A permit that was good once stays so: what it is for was not taken
back.
"""

from __future__ import annotations

import os
import select
from collections import deque
from collections.abc import Callable

from runner.execute.wire import GENERATIONS, Describe, Forget, Lines, Setting, ToWorker, decode
from runner.task import Request


class Inbox:
    """The requests of one worker, in order."""

    def __init__(self, channel: int, permits: int, settle_in: Callable[[Setting], None]) -> None:
        """`settle_in` is told what all attempts share."""
        self._channel = channel
        self._permits = permits
        self._settle_in = settle_in
        self._lines = Lines(None)
        self._todo: deque[Request | Describe] = deque()
        self._generation = 0
        self._permit: int | None = None
        self._good = False

    def take(self) -> Request | Describe | None:
        """Answer what may begin now, None if it takes waiting (`wait`)."""
        if self._permit is None:
            self._permit = self._permit_at_hand()
        self._good = self._good or self._permit == self._generation
        if not self._good or not self._todo:
            return None
        self._permit, self._good = None, False
        return self._todo.popleft()

    def wait(self) -> bool:
        """Wait for messages, or for a permit where only that is lacking; says whether the channel still holds."""
        if self._permit is None and self._todo:
            ready, _, _ = select.select((self._channel, self._permits), (), ())
            if self._channel not in ready:
                return True
        piece = os.read(self._channel, 65536)
        for line in self._lines.feed(piece):
            self._enter(decode(ToWorker, line))
        return bool(piece)

    def _enter(self, message: ToWorker) -> None:
        match message:
            case Setting():
                self._settle_in(message)
            case Describe() | Request():
                self._todo.append(message)
            case Forget(count=count):
                for _ in range(count):
                    self._todo.pop()
                self._generation = (self._generation + 1) % GENERATIONS

    def _permit_at_hand(self) -> int | None:
        try:
            return os.read(self._permits, 1)[0]
        except (BlockingIOError, IndexError):  # none, or the runner is gone
            return None
