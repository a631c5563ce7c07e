"""A Dask cluster on this machine, in a process of its own that lasts as long as its input is open. Knows no run.

It leads a session, so that a terminal's Ctrl-C reaches only the runner: Dask's workers would end by it, and with them
what the runner is about to stop in good order.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from distributed import LocalCluster

BEGINNING = 60.0
"""Seconds that the cluster may take to start."""
END = 30.0
"""Seconds that it may take to end."""
# Not `-m`: it has to find exactly the modules that we find, in a folder that may hold a `runner` of its own.
_START = "import sys; sys.path[:] = sys.argv[2:]; from runner.execute.own_cluster import main; main(int(sys.argv[1]))"


@asynccontextmanager
async def own_cluster(workers: int) -> AsyncIterator[str]:
    """Answer the address of a cluster's scheduler; all of it is gone afterwards.

    Raises:
        OSError: it does not start.

    """
    process = await asyncio.create_subprocess_exec(
        *_words(workers), stdin=PIPE, stdout=PIPE, stderr=DEVNULL, start_new_session=True
    )
    assert process.stdin is not None, "it was asked for"
    assert process.stdout is not None, "it was asked for"
    try:
        address = ""
        with suppress(TimeoutError):
            address = (await asyncio.wait_for(process.stdout.readline(), BEGINNING)).decode().strip()
        if not address:
            raise OSError("no cluster starts on this machine; `dask scheduler` and `dask worker` may say why")
        yield address
    finally:
        process.stdin.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), END)
        with suppress(ProcessLookupError):  # it has ended
            process.kill()


def _words(workers: int) -> list[str]:
    path = [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100  # as text, as it came
    return [sys.executable, "-P", "-c", _START, str(workers), *path]


def main(workers: int) -> None:
    """Be the cluster."""
    options = {"threads_per_worker": 1, "dashboard_address": "127.0.0.1:0", "silence_logs": logging.CRITICAL}
    with LocalCluster(n_workers=workers, **options) as cluster:
        print(cluster.scheduler_address, flush=True)  # noqa: T201  # to whoever started us
        sys.stdin.read()
