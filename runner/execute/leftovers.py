"""What an attempt leaves behind in its worker: processes, which are ended, and threads, which end with the worker."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from runner.execute import tree

GRACE = 1.0
"""Seconds between SIGTERM and SIGKILL for what was left behind."""
PATIENCE = 10.0
"""Seconds after which what survives SIGKILL is given up (DESIGN section 5, Retrying)."""


def end_leftovers(*, stopped: bool) -> tuple[str, ...]:
    """End what the attempt left running, and name it; after a stop only wait, for then the warden ends it."""
    if not tree.has_children():
        return ()
    if stopped:
        _wait_for_all()
        return ()
    helpers = _multiprocessing_helpers()

    def others() -> list[tree.Process]:
        return [process for process in tree.family(os.getpid()) if process.pid not in helpers]

    left = tuple(tree.title(process) for process in others())
    survivors = tree.end(others, grace=GRACE, patience=PATIENCE)
    _end_multiprocessing_helpers()
    return (*left, *(f"{tree.title(process)} survived SIGKILL" for process in survivors))


def threads_left() -> list[threading.Thread]:
    """Answer the threads that still run; nothing can end them but the end of their process."""
    if threading.active_count() == 1:
        return []
    own = threading.current_thread()
    return [thread for thread in threading.enumerate() if thread is not own]


def _wait_for_all() -> None:
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:  # none is left
        return


def _multiprocessing_helpers() -> set[int | None]:
    """Answer the processes that `multiprocessing` keeps for the next time: they are no left-overs of the task."""
    tracker, server = _tracker(), _fork_server()
    return {getattr(tracker, "_pid", None), getattr(server, "_forkserver_pid", None)}


def _end_multiprocessing_helpers() -> None:
    # Its own tests end them so; it offers no public way, and starts them anew when they are wanted.
    for helper in (_fork_server(), _tracker()):
        if helper is not None and hasattr(helper, "_stop"):
            helper._stop()  # noqa: SLF001  # said above


def _tracker() -> Any:
    return getattr(sys.modules.get("multiprocessing.resource_tracker"), "_resource_tracker", None)


def _fork_server() -> Any:
    return getattr(sys.modules.get("multiprocessing.forkserver"), "_forkserver", None)
