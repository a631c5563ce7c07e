"""The hosts that the tests of this folder stand on: apart from each other, cut off and joined, and gone in the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cluster.engine import Engine
from tests.cluster.hosts import Host, Network, until

pytestmark = [pytest.mark.hosts, pytest.mark.xdist_group("hosts")]

ANSWERS = """
import socket, sys
server = socket.create_server((sys.argv[1], 9000))
while True:
    server.accept()[0].sendall(b"hello")
"""
ASKS = "import socket, sys; print(socket.create_connection((sys.argv[1], 9000), 1).recv(5).decode())"
HOLDS = """
import sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from tests.cluster.hosts import Network
with Network() as network:
    host = network.host("a")
    host.start("sleep", "1000", log=Path("/dev/null"))
    time.sleep(0.5)
    print(host.first, *[each.pid for each in host.processes()], flush=True)
    time.sleep(1000)
"""


def _asked(host: Host, other: Host) -> bool:
    return host.run(sys.executable, "-c", ASKS, other.address).stdout == "hello\n"


def test_hosts_see_each_other_and_nothing_of_each_other(tmp_path: Path) -> None:
    """One answers the other by the network; name, processes and covered files are its own."""
    (tmp_path / "mine").touch()
    with Network() as network:
        one, two = network.host("one", covered=[Path("/tmp")]), network.host("two")
        served = one.start(sys.executable, "-c", ANSWERS, one.address, log=tmp_path / "log")
        until(lambda: _asked(two, one), "it answers")

        assert "one\n" == one.run("hostname").stdout
        assert [served.pid] == [each.pid for each in one.processes()]
        assert [] == two.processes()
        assert not one.path(tmp_path / "mine").exists()
        assert two.path(tmp_path / "mine").exists()


def test_a_cut_is_silent_and_can_be_healed(tmp_path: Path) -> None:
    """While it is cut off a host gets no word, not even that nobody is there; then it does again."""
    with Network() as network:
        one, two = network.host("one"), network.host("two")
        one.start(sys.executable, "-c", ANSWERS, one.address, log=tmp_path / "log")
        until(lambda: _asked(two, one), "it answers")
        network.cut(one)

        assert "TimeoutError" in two.run(sys.executable, "-c", ASKS, one.address).stderr

        network.heal(one)
        until(lambda: _asked(two, one), "it answers again")


def test_hosts_end_with_whoever_made_them() -> None:
    """Even where that is killed, nobody is left on them."""
    words = [sys.executable, "-c", HOLDS, str(Path(__file__).parents[2])]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        pids = holder.stdout.readline().split()
        holder.kill()
    until(lambda: not any(Path("/proc", pid).exists() for pid in pids), "all of them are gone")

    assert 2 == len(pids)


def test_work_goes_to_both_hosts(engine: Engine) -> None:
    """The cluster is one: a client at the desk gets work done on either host."""
    with engine.client() as client:
        done = [client.submit(os.uname, workers=name, pure=False).result(20).nodename for name in ("w1", "w2")]

    assert ["first", "second"] == done


def test_a_short_cut_is_survived_by_the_engine(engine: Engine) -> None:
    """Cut off for three seconds, a worker keeps its work: what we build upon."""
    with engine.client() as client:
        asked = client.submit(time.sleep, 1.0, workers="w2", pure=False)
        engine.cut(engine.hosts[1])
        time.sleep(3.0)
        engine.heal(engine.hosts[1])

        assert asked.result(30) is None


def test_a_killed_worker_and_a_killed_scheduler_come_back(engine: Engine) -> None:
    """The supervision is real: with both killed, the cluster is whole again without our doing."""
    (worker,) = engine.worker_processes(engine.hosts[1])
    os.kill(worker.pid, signal.SIGKILL)
    engine.kill_scheduler()
    engine.whole()

    assert worker.pid not in [each.pid for each in engine.worker_processes(engine.hosts[1])]
