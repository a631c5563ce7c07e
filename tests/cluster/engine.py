"""A Dask cluster on two hosts, as somebody would run one: the scheduler on the first, supervised workers on both.

The hosts have files of their own below /tmp, where tests work; the engine and the tests are installed there. A worker
that ends is started again, as by systemd or Kubernetes: Dask's workers end by themselves when their scheduler is gone.
Knows nothing of the runner.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from tests.cluster.hosts import Host, Network, Process, Program, until

if TYPE_CHECKING:
    from distributed import Client

ROOT = Path(__file__).parents[2]
TMP = Path("/tmp")
PORT = 8786
RUNNER = (sys.executable, "-m", "runner")
DASK = (sys.executable, "-m", "dask")
SUPERVISED = 'while :; do "$@"; sleep 0.5; done'
OURS = ("tg-warden", "tg-worker")
"""How processes of the runner's are called, wherever they are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    """A Dask worker that is wanted: its name, its host, how many tasks at once, and what it declares."""

    name: str
    host: Host
    threads: int = 2
    resources: str = ""


class Engine:
    """The cluster: three hosts, of which `desk` is where the runner is, and what runs on them."""

    def __init__(self, logs: Path) -> None:
        assert not ROOT.is_relative_to(TMP), "the hosts would not see a checkout below /tmp"
        self._logs = logs
        self._network = Network()
        self._wanted: list[Worker] = []
        self._runners: list[Program] = []

    def __enter__(self) -> Self:
        """Make the hosts, and start the cluster."""
        self._network.__enter__()
        self.desk = self._network.host("desk")
        self.hosts = tuple(self._network.host(name, covered=[TMP]) for name in ("first", "second"))
        self.address = f"tcp://{self.hosts[0].address}:{PORT}"
        self.start_scheduler()
        for number, host in enumerate(self.hosts, 1):
            self.start_worker(Worker(name=f"w{number}", host=host, resources="near=9" if number == 1 else "gpu=1"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, what: BaseException | None, where: TracebackType | None
    ) -> None:
        """End everything."""
        self._network.__exit__(kind, what, where)

    def whole(self) -> None:
        """Wait until the scheduler and all workers are there, the scheduler started again if it was killed."""
        if self._scheduler.ended():
            self.start_scheduler()
        with self.client() as client:
            client.wait_for_workers(len(self._wanted), timeout=60)

    @contextmanager
    def client(self) -> Iterator[Client]:
        """Answer a client of Dask at the desk."""
        from distributed import Client  # collected with all tests, which need not load it

        with self.desk.inside(), Client(self.address, timeout=30, set_as_default=False) as client:
            yield client

    def run(self, *words: str, cwd: Path, env: Mapping[str, str] | None = None) -> Program:
        """Start the runner at the desk, with this cluster as its executor."""
        whole = (*RUNNER, *words, "--executor", "dask", "--dask-address", self.address)
        variables = {**_environment(), "NO_COLOR": "1", **(env or {})}
        program = self.desk.start(*whole, log=cwd / "said", cwd=str(cwd), env=variables)
        self._runners.append(program)
        return program

    def end_runs(self) -> None:
        """Kill every runner that still runs, because its test has failed."""
        for program in self._runners:
            program.kill()
        self._runners.clear()

    def start_scheduler(self) -> None:
        """Start the scheduler on the first host."""
        words = ("--host", self.hosts[0].address, "--port", str(PORT), "--no-dashboard", "--no-show")
        self._scheduler = self._start(self.hosts[0], "scheduler", *DASK, "scheduler", *words)

    def kill_scheduler(self) -> None:
        """Kill the scheduler; nobody starts it again."""
        self._scheduler.kill()

    def start_worker(self, worker: Worker) -> Program:
        """Start a worker with its nanny; whoever ends is started again."""
        self._wanted.append(worker)
        words = ["--name", worker.name, "--host", worker.host.address, "--nthreads", str(worker.threads)]
        words += ["--nanny", "--no-dashboard", "--death-timeout", "60"]
        words += ["--resources", worker.resources] if worker.resources else []
        supervised = ("sh", "-c", SUPERVISED, "sh", *DASK, "worker", self.address, *words)
        return self._start(worker.host, worker.name, *supervised)

    def worker_processes(self, host: Host) -> list[Process]:
        """Answer the processes that run tasks on a host: those a nanny has started."""
        return [each for each in host.processes() if any("spawn_main" in word for word in each.words)]

    def everybody(self) -> set[int]:
        """Answer every process of the hosts, whoever's it is."""
        return {each.pid for host in self.hosts for each in host.processes()}

    def cut(self, host: Host) -> None:
        """Cut a host off."""
        self._network.cut(host)

    def heal(self, host: Host) -> None:
        """Join it again."""
        self._network.heal(host)

    def reset(self, host: Host) -> None:
        """Reset every connection from a host to the scheduler, as a firewall does that has forgotten them."""
        ran = host.run("ss", "--kill", "dst", self.hosts[0].address, "dport", "=", f":{PORT}")
        assert str(PORT) in ran.stdout, ran.stderr

    def left(self) -> dict[str, list[str]]:
        """Answer which processes of the runner's live on which host."""
        everybody = {host.name: [each.name for each in host.processes()] for host in (self.desk, *self.hosts)}
        return {host: [name for name in names if name.startswith(OURS)] for host, names in everybody.items()}

    def all_gone(self, limit: float = 10.0) -> bool:
        """Wait until no process of the runner's is left on any host."""
        until(lambda: not any(self.left().values()), f"nobody is left: {self.left()}", limit)
        return True

    def _start(self, host: Host, name: str, *words: str) -> Program:
        return host.start(*words, log=self._logs / f"{name}.log", env=_environment())


def _environment() -> Mapping[str, str]:
    """Answer the environment of the cluster: not the test's own variables, so nothing comes along by accident."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT)}
