"""Services with real processes: when they are ready, how they end, what is told about it."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from runner.schedule.messages import AttemptEnded, ServiceEnded, ServiceReady, StopService
from runner.task import PORT_MARK
from tests.execute.pools import ENV, Bench, children_of

pytestmark = pytest.mark.real

SERVER = Path(__file__).with_name("server.py")
SERVE = f"exec {sys.executable} {SERVER}"


def _stop(bench: Bench, service: str, kill_after: float = 5.0) -> ServiceEnded:
    bench.pool.stop(StopService(service=service, attempt=1, kill_after=kill_after))
    return bench.end_of_service(service)


def test_a_service_is_ready_when_it_answers_well(bench: Bench) -> None:
    """It is not ready while it answers 503, and it is told where and under which process id it is."""
    bench.serve("web", f"{SERVE} --port $TASKGRAPH_PORT --unwell 3", port=0, ready_http="/health")
    ready = bench.ready("web")
    port = ready.port or 0
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET /count HTTP/1.0\r\n\r\n")
        answer = connection.makefile("rb").read()

    assert 1024 <= port
    assert f"http://127.0.0.1:{port}" == ready.url
    assert b"server.py" in Path(f"/proc/{ready.pid}/cmdline").read_bytes()
    assert answer.endswith(b"\r\n\r\n4"), "three times unwell, then well"
    assert ("stopped", "") == (_stop(bench, "web").how, bench.end_of_service("web").message)
    assert not Path(f"/proc/{ready.pid}").exists()


def test_a_chosen_port_stands_wherever_it_is_wanted(bench: Bench) -> None:
    """The mark in the command and in the environment, and TASKGRAPH_PORT, are the port that was chosen."""
    env = {**ENV, "URL": f"http://127.0.0.1:{PORT_MARK}/"}
    command = f"echo $TASKGRAPH_PORT {PORT_MARK} $URL; {SERVE} --port {PORT_MARK}"
    bench.serve("web", command, port=0, env=env, ready_tcp=True)
    port = bench.ready("web").port
    _stop(bench, "web")

    assert f"{port} {port} http://127.0.0.1:{port}/" == (bench.folder / "logs/web.log").read_text().splitlines()[0]


def test_two_services_get_two_ports(bench: Bench) -> None:
    """Ports that are chosen differ, and services take no place from tasks."""
    for name in ("one", "two", "three"):
        bench.serve(name, f"{SERVE} --port $TASKGRAPH_PORT", port=0)
    ports = {bench.ready(name).port for name in ("one", "two", "three")}

    assert 3 == len(ports)
    assert isinstance(bench.run("task", command="true"), AttemptEnded)


def test_a_whole_url_and_a_redirect_are_ready(bench: Bench) -> None:
    """A ready URL may be spelt out, and any status from 200 to 399 will do."""
    url = f"http://localhost:{PORT_MARK}/moved?to=x"
    bench.serve("web", f"{SERVE} --port $TASKGRAPH_PORT", port=0, ready_http=url)

    assert isinstance(bench.ready("web"), ServiceReady)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/missing", r"http://127.0.0.1:\d+/missing: status 404"),
        ("/half", r"http://127.0.0.1:\d+/half: an answer that broke off"),
        ("/nothing", r"http://127.0.0.1:\d+/nothing: it closed the connection without an answer"),
        ("/garbage", r"http://127.0.0.1:\d+/garbage: no whole answer"),
    ],
)
def test_a_service_that_answers_badly_is_never_ready(bench: Bench, path: str, reason: str) -> None:
    """It is ended after its time, and the last reason and the last lines it printed are told."""
    bench.serve("web", f"{SERVE} --port $TASKGRAPH_PORT --says hello", port=0, ready_http=path, ready_timeout=1.0)
    end = bench.end_of_service("web")

    assert "never_ready" == end.how
    assert re.fullmatch(f"not ready within 1 s: {reason}", end.message)
    assert ("hello", "ended by SIGTERM") == end.lines
    assert "logs/web.log" == end.log
    assert not [event for event in bench.events if isinstance(event, ServiceReady)]


def test_a_service_that_is_silent_is_never_ready(bench: Bench) -> None:
    """Nobody listens: the reason says so; one deaf to SIGTERM is killed after its stop_timeout."""
    bench.serve("deaf", "trap '' TERM; while :; do sleep 0.1; done", port=0, ready_timeout=0.5, stop_timeout=0.3)
    end = bench.end_of_service("deaf")

    assert "never_ready" == end.how
    assert re.fullmatch(r"not ready within 0.5 s: 127.0.0.1:\d+: connection refused", end.message)


def test_a_pattern_in_the_log_makes_it_ready(bench: Bench) -> None:
    """The pattern may come in two pieces, and behind much else."""
    noise = "yes noise | head -n 20000"
    bench.serve(
        "log",
        f"{noise}; printf 'listening '; sleep 0.3; echo on 5432; {noise}; sleep 60",
        ready_log=r"^listening on \d+$",
    )
    ready = bench.ready("log")

    assert ("", None) == (ready.url, ready.port)
    assert "stopped" == _stop(bench, "log").how


def test_a_pattern_that_never_comes_is_said(bench: Bench) -> None:
    """The reason names the pattern."""
    bench.serve("log", "echo hello; sleep 60", ready_log="listening", ready_timeout=0.3)

    assert "not ready within 0.3 s: nothing it printed matched `listening`" == bench.end_of_service("log").message


def test_a_pattern_may_be_printed_before_anything_else_is_heard(bench: Bench) -> None:
    """It is ready when it runs and has printed the pattern, in whatever order that is heard."""
    for number in range(20):
        bench.serve(f"log{number}", "echo up; sleep 60", ready_log="up")
    pids = {bench.ready(f"log{number}").pid for number in range(20)}

    assert 20 == len(pids - {0})


def test_a_pattern_that_is_none_is_said(bench: Bench) -> None:
    """A broken regular expression is the graph's fault, told as the service's end."""
    bench.serve("log", "sleep 60", ready_log="(")

    assert "`ready.log` is no pattern" in bench.end_of_service("log").message


def test_without_a_probe_it_is_ready_when_it_runs(bench: Bench) -> None:
    """No port and no probe: that it has begun is all there is to know."""
    bench.serve("worker", "sleep 60")

    assert 0 < bench.ready("worker").pid


def test_a_service_that_ends_has_died(bench: Bench) -> None:
    """Whether before or after it was ready, the message tells how, and the last lines are there."""
    bench.serve("early", "echo no database; exit 3", port=0)
    bench.serve("late", "echo up; sleep 0.2; echo lost; kill -9 $$", ready_log="up")
    early, late = bench.end_of_service("early"), bench.end_of_service("late")

    assert ("died", "it ended by itself: exit code 3", ("no database",)) == (early.how, early.message, early.lines)
    assert ("died", "it ended by itself: killed by SIGKILL") == (late.how, late.message)
    assert ("up", "lost") == late.lines


def test_a_fixed_port_that_is_taken_is_found_before_anything_starts(bench: Bench) -> None:
    """Somebody else's answer must not be taken for the service's."""
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", 0))
        somebody.listen()
        port = somebody.getsockname()[1]
        bench.serve("web", "touch started; sleep 60", port=port, ready_tcp=True)
        end = bench.end_of_service("web")

    assert ("port_taken", f"port {port} is taken: Address already in use") == (end.how, end.message)
    assert not (bench.folder / "started").exists()


def test_a_port_that_is_taken_meanwhile_is_told(bench: Bench) -> None:
    """A server that finds its port taken says so in its last words."""
    bench.serve("web", "echo 'OSError: [Errno 98] Address already in use' >&2; exit 1", port=0)
    end = bench.end_of_service("web")

    assert "port_taken" == end.how
    assert ("OSError: [Errno 98] Address already in use",) == end.lines


def test_a_port_that_somebody_takes_while_it_starts_is_told(bench: Bench) -> None:
    """Whatever its last words are: when it has ended the port is looked at."""
    bench.serve("web", "echo $TASKGRAPH_PORT > port.new; mv port.new port; until [ -e go ]; do :; done; exit 1", port=0)
    file = bench.folder / "port"
    while not file.exists():
        bench.events += bench.pool.wait(0.05)
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", int(file.read_text())))
        somebody.listen()
        (bench.folder / "go").touch()

        assert "port_taken" == bench.end_of_service("web").how


def test_a_service_without_a_port_that_ends_early_has_died(bench: Bench) -> None:
    """It cannot have found its port taken, whatever it says."""
    bench.serve("log", "echo address already in use; exit 1", ready_log="listening")

    assert "died" == bench.end_of_service("log").how


def test_a_service_may_be_stopped_before_it_runs(bench: Bench) -> None:
    """Stopped in the same moment it is never ready, and its end says that it was stopped."""
    for number in range(8):
        bench.serve(f"web{number}", "trap '' TERM; sleep 0.5")  # it would be ready as soon as it runs
        bench.pool._turn(bench.clock.now())
        time.sleep(0.01 * number)  # some run by then, which we have yet to hear
        bench.pool.stop(StopService(service=f"web{number}", attempt=1, kill_after=5.0))

    assert ["stopped"] * 8 == [bench.end_of_service(f"web{number}").how for number in range(8)]
    assert not [event for event in bench.events if isinstance(event, ServiceReady)]


def test_what_cannot_be_looked_at_is_said(bench: Bench) -> None:
    """A probe needs no certificate: https is for a pattern or an open port."""
    bench.serve("web", "sleep 60", port=0, ready_http="https://localhost/")
    end = bench.end_of_service("web")

    assert ("never_ready", "`https://localhost/` cannot be probed, only http:// can; use `tcp` or `log`") == (
        end.how,
        end.message,
    )


def test_what_a_service_leaves_behind_ends_with_it(bench: Bench) -> None:
    """Its children and daemons are gone when its end is told."""
    bench.serve(
        "web", "sleep 3600 & echo $! > child; (setsid sleep 3601 & echo $! > daemon); echo up; wait", ready_log="up"
    )
    bench.ready("web")
    _stop(bench, "web")
    pids = [int((bench.folder / name).read_text()) for name in ("child", "daemon")]

    assert [False, False] == [Path(f"/proc/{pid}").exists() for pid in pids]


def test_a_service_may_take_its_time_to_stop(bench: Bench) -> None:
    """It hears SIGTERM, and its end is told when it has cleaned up."""
    bench.serve(
        "slow", "trap 'sleep 0.3; echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done", ready_log="up"
    )
    bench.ready("slow")
    end = _stop(bench, "slow", kill_after=60.0)

    assert ("stopped", "up", "bye") == (end.how, end.lines[0], end.lines[-1])


def test_the_worker_of_a_service_does_not_stay(bench: Bench) -> None:
    """A service that has ended leaves no idle process."""
    bench.serve("short", "true")
    bench.end_of_service("short")
    until = time.monotonic() + 5
    while time.monotonic() < until and children_of(bench.pool._lifeline.pid):
        bench.pool.wait(0.05)

    assert [] == children_of(bench.pool._lifeline.pid)


def test_secrets_are_masked_in_a_services_log(bench: Bench) -> None:
    """Neither its file nor its last lines hold one."""
    bench.serve("web", "echo token=$TOKEN", env={**ENV, "TOKEN": "hunter22"}, secrets=("TOKEN",))
    end = bench.end_of_service("web")

    assert ("token=***",) == end.lines
    assert "token=***\n" == (bench.folder / end.log).read_text()


def test_closing_the_pool_ends_services(bench: Bench) -> None:
    """After close nothing is left of them."""
    pool = Bench(bench.folder / "own")
    pool.serve("web", f"{SERVE} --port $TASKGRAPH_PORT", port=0, workdir=str(bench.folder))
    pid = pool.ready("web").pid
    pool.pool.close()

    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
