"""SIGTERM as a worker hears it: remembered, and answered by what is going on. Knows no request and no pipe.

Theory of operation. A signal handler runs between any two instructions of the main thread, so what it may do depends on
where that is. `arm` says what a stop should do from now on (raise `Stopped`, cancel a coroutine, leave), `disarm` that
it should only be remembered. It is done once. While a message is being written it has to wait (`held`), or half a line
would reach the runner; it is made up for at the end of the line.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType

Action = Callable[[], None]


class StopSignal:
    """Whether SIGTERM has come, and what it does. Made and used in the main thread; other threads may only hold it."""

    def __init__(self) -> None:
        self.heard = False
        self._action: Action | None = None
        self._holding = False
        self._main = threading.get_ident()
        self._masks: dict[int, set[int]] = {}
        os.register_at_fork(before=self._block, after_in_parent=self._unblock, after_in_child=self._hand_over)

    def install(self) -> None:
        """Become the handler of SIGTERM, whoever was before."""
        signal.signal(signal.SIGTERM, self._hear)

    def arm(self, action: Action) -> None:
        """Let a stop do this from now on, and at once if it has come already."""
        self._action = action
        if self.heard:
            self._act()

    def disarm(self) -> None:
        """Only remember a stop from now on."""
        self._action = None

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        self.heard = True
        if not self._holding:
            self._act()

    def _act(self) -> None:
        action, self._action = self._action, None
        if action is not None:
            action()

    # A copy that the task forks, say for multiprocessing, must die of SIGTERM as any process does. Python forgets a
    # signal that reaches the copy before it is set up, so it waits in the kernel until the copy has the usual handler.

    def _block(self) -> None:
        self._masks[threading.get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def _unblock(self) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self._masks.pop(threading.get_ident()))

    def _hand_over(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._unblock()

    def __enter__(self) -> None:
        """Hold a stop back while the main thread writes a message."""
        if threading.get_ident() == self._main:
            self._holding = True

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        if threading.get_ident() == self._main:
            self._holding = False
            if self.heard:
                self._act()
