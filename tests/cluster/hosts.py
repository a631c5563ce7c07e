"""Hosts on one machine: namespaces of their own for network, processes, files and name, and a switch that joins them.

Needs root. Each host has one address, sees no process of another, and has folders of its own where it is told to
(`covered`), so what lies there must come by the network. Nothing of the machine's own network is touched, and the hosts
end with the process that made them, however it ends. Knows nothing of Dask, nor of the runner.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

FIRST = Path(__file__).parent / "first.py"
NAMESPACES = ("--net", "--mount", "--pid", "--uts", "--ipc")
CLONE_NEWNET = 0x40000000


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    """A process of a host; `pid` is the machine's number, not the host's."""

    pid: int
    name: str
    words: tuple[str, ...]


class Program:
    """A program that was started on a host, with its output in a file of the machine."""

    def __init__(self, entered: subprocess.Popen[bytes], log: Path) -> None:
        self._entered = entered
        self.log = log

    @property
    def pid(self) -> int:
        """The machine's number of the program itself, which is the child of what entered the host."""
        children = Path(f"/proc/{self._entered.pid}/task/{self._entered.pid}/children")
        until(lambda: bool(children.read_text()), "it entered the host")
        return int(children.read_text().split()[0])

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it, if it has not ended, and see its end."""
        if self._entered.poll() is None:
            self.send(signal.SIGKILL)
        self.wait(10.0)

    def ended(self) -> bool:
        """Whether it is over."""
        return self._entered.poll() is not None

    def wait(self, limit: float) -> int:
        """Wait for its end; answers its exit code, negative where a signal ended it."""
        return self._entered.wait(limit)

    def said(self) -> str:
        """Answer what it has written so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")


class Host:
    """One host: its first process, its address, and the folders it has for itself."""

    def __init__(self, name: str, address: str, covered: Sequence[Path] = ()) -> None:
        self.name = name
        self.address = address
        self._programs: list[Program] = []
        words = [sys.executable, "-I", "-S", str(FIRST), name, *map(str, covered)]
        unshare = ["unshare", *NAMESPACES, "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
        self._unshare = subprocess.Popen([*unshare, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._unshare.stdout is not None
        assert b"ready\n" == self._unshare.stdout.readline(), "a host needs root, iproute2 and util-linux"
        self.first = Program(self._unshare, Path(os.devnull)).pid

    def start(self, *words: str, log: Path, cwd: str = "/", env: Mapping[str, str] | None = None) -> Program:
        """Start a program here; its output goes to a file that the machine sees, whatever this host has covered."""
        with log.open("ab") as file:
            entered = subprocess.Popen(
                [*self._enter(), "sh", "-c", 'cd "$0" && exec "$@"', cwd, *words],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=dict(os.environ if env is None else env),
            )
        program = Program(entered, log)
        self._programs.append(program)
        return program

    def run(self, *words: str, limit: float = 20.0) -> subprocess.CompletedProcess[str]:
        """Run a short program here; answers its exit code and what it said."""
        return subprocess.run([*self._enter(), *words], capture_output=True, text=True, timeout=limit, check=False)

    def processes(self) -> list[Process]:
        """Answer everybody who lives here, except its first process."""
        everybody = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        home = Path(f"/proc/{self.first}/ns/pid").readlink()
        found = [_process(pid, home) for pid in everybody if pid != self.first]
        return [each for each in found if each is not None]

    def path(self, path: Path | str) -> Path:
        """Answer where the machine sees a file of this host."""
        return Path(f"/proc/{self.first}/root", str(path).lstrip("/"))

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Let this thread, and the threads and processes it starts, use the network of this host."""
        with Path("/proc/thread-self/ns/net").open("rb") as own, Path(f"/proc/{self.first}/ns/net").open("rb") as other:
            _use_network(other.fileno())
            try:
                yield
            finally:
                _use_network(own.fileno())

    def end(self) -> None:
        """End the host and everybody on it."""
        assert self._unshare.stdin is not None
        assert self._unshare.stdout is not None
        self._unshare.stdin.close()
        self._unshare.stdout.close()
        self._unshare.wait(20.0)
        for program in self._programs:
            program.wait(20.0)

    def _enter(self) -> list[str]:
        return ["nsenter", "--target", str(self.first), *NAMESPACES, "--"]


class Network:
    """A switch with hosts at it. The switch is a host too, without an address: it only passes on."""

    def __enter__(self) -> Self:
        """Make the switch."""
        self._switch = Host("switch", "")
        self._hosts: list[Host] = []
        _ip(self._switch, "link", "add", "bridge", "type", "bridge")
        _ip(self._switch, "link", "set", "bridge", "up")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, what: BaseException | None, where: TracebackType | None
    ) -> None:
        """End all hosts, whatever has happened."""
        for host in [*self._hosts, self._switch]:
            host.end()

    def host(self, name: str, *, covered: Sequence[Path] = ()) -> Host:
        """Add a host; the first has the address 10.77.0.1."""
        host = Host(name, f"10.77.0.{len(self._hosts) + 1}", covered)
        self._hosts.append(host)
        _ip(self._switch, "link", "add", "name", name, "type", "veth", "peer", "name", "eth0", "netns", str(host.first))
        _ip(self._switch, "link", "set", "dev", name, "up")
        _ip(host, "address", "add", f"{host.address}/24", "dev", "eth0")
        _ip(host, "link", "set", "eth0", "up")
        self.heal(host)
        return host

    def cut(self, host: Host) -> None:
        """Pass on nothing to or from a host: no reset, no word, and it does not notice its cable."""
        _ip(self._switch, "link", "set", "dev", host.name, "nomaster")

    def heal(self, host: Host) -> None:
        """Pass on again."""
        _ip(self._switch, "link", "set", "dev", host.name, "master", "bridge")


def until(true: Callable[[], bool], what: str, limit: float = 30.0) -> None:
    """Wait until something is true."""
    end = time.monotonic() + limit
    while not true():
        assert time.monotonic() < end, f"not within {limit:g} s: {what}"
        time.sleep(0.01)


def _ip(host: Host, *words: str) -> None:
    """Set up the network of a host; numbers of processes are the machine's, so only its network is entered."""
    enter = ["nsenter", "--target", str(host.first), "--net", "--"]
    ran = subprocess.run([*enter, "ip", *words], capture_output=True, text=True, check=False)
    assert 0 == ran.returncode, f"ip {' '.join(words)} on {host.name}: {ran.stderr}"


def _process(pid: int, home: Path) -> Process | None:
    folder = Path("/proc", str(pid))
    try:
        if (folder / "ns/pid").readlink() != home:
            return None
        words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        return Process(pid=pid, name=(folder / "comm").read_text().strip(), words=tuple(words[:-1]))
    except OSError:  # it has just ended
        return None


def _use_network(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
