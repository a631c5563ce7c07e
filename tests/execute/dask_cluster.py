"""A Dask cluster of this machine in a process of its own, and the way to ask it for things: for tests.

As a program it is the cluster: it prints its scheduler's address, then answers each line of its input by one of JSON.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = str(Path(__file__).parents[2])


class DaskCluster:
    """A cluster that is there within `with`."""

    def __init__(self, workers: int, **options: Any) -> None:
        self._options = {"n_workers": workers, "threads_per_worker": 1, **options}
        self.address = ""

    def __enter__(self) -> Self:
        words = [sys.executable, "-m", "tests.execute.dask_cluster", json.dumps(self._options)]
        env = {**os.environ, "PYTHONPATH": ROOT}
        self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=env, text=True
        )
        self.address = self._line()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.end()

    def pids(self) -> dict[str, int]:
        """Answer the process of each worker by its address."""
        pids: dict[str, int] = self._ask("pids")
        return pids

    def kill(self, address: str) -> None:
        """Kill the process of a worker; its nanny starts another one."""
        os.kill(self.pids()[address], signal.SIGKILL)

    def scale(self, workers: int) -> None:
        """Let there be so many workers."""
        self._ask("scale", workers)

    def retire(self, address: str) -> None:
        """Let a worker leave in good order."""
        self._ask("retire", address)

    def end(self) -> None:
        """End everything."""
        self._process.communicate()
        self._process.wait(60)

    def _ask(self, *words: Any) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()
        return json.loads(self._line())

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def main(options: str) -> None:
    """Be a cluster until the input ends."""
    from distributed import Client, LocalCluster

    given = {
        "dashboard_address": "127.0.0.1:0",
        "silence_logs": logging.CRITICAL,
        "host": "127.0.0.1",
        **json.loads(options),
    }
    with LocalCluster(**given) as cluster, Client(cluster) as client:
        print(cluster.scheduler_address, flush=True)
        for line in sys.stdin:
            answer: Any = None
            match json.loads(line):
                case ["pids"]:
                    answer = client.run(os.getpid)
                case ["scale", workers]:
                    cluster.scale(workers)
                case ["retire", address]:
                    client.retire_workers([address])
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
