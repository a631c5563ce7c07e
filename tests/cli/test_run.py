"""A whole run through the command line: at the same time, interrupted, killed, and what is said of it."""

import os
import pty
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.command import GRAPHS, ROOT, RUNNER, alive, environment, gone, report_in, run, task_in, wait_for

pytestmark = pytest.mark.real


@pytest.mark.parametrize(("jobs", "code"), [(3, 0), (2, 1)])
def test_as_many_tasks_run_at_once_as_there_are_jobs(tmp_path: Path, jobs: int, code: int) -> None:
    """Three tasks that wait for each other succeed with three jobs and fail with two."""
    said = run(GRAPHS / "meet.yaml", "-j", str(jobs), "-p", f"folder={tmp_path}", cwd=tmp_path)

    assert code == said.code, said.out + said.err


def test_every_attempt_has_a_process_of_its_own(tmp_path: Path) -> None:
    """Tasks that run at the same time have different process ids, and the report names those they saw themselves."""
    run(GRAPHS / "meet.yaml", "-j", "3", "-p", f"folder={tmp_path}", cwd=tmp_path)
    tasks = report_in(tmp_path)["tasks"]
    seen = [task["outputs"]["pid"] for task in tasks]

    assert 3 == len(set(seen))
    assert seen == [task["attempts"][0]["pid"] for task in tasks]


def start_on_a_terminal(folder: Path, mark: str) -> tuple[subprocess.Popen[bytes], int]:
    """Start the interrupted graph as the foreground group of a pseudo-terminal."""
    master, slave = pty.openpty()
    command = [*RUNNER, str(GRAPHS / "interrupted.yaml"), "-j", "4", "-p", f"folder={folder}"]

    def take_the_terminal() -> None:
        os.setsid()
        import fcntl
        import termios

        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment(MARK=mark),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        preexec_fn=take_the_terminal,
    )
    os.close(slave)
    return process, master


def read_all(master: int) -> str:
    """Read a terminal until its other side is closed."""
    pieces = []
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # Linux answers so when the last process on the other side is gone
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(master)
    return b"".join(pieces).decode()


def test_one_interrupt_stops_and_cleans_up(tmp_path: Path) -> None:
    """Ctrl-C once: running tasks are stopped, clean-ups run in reverse order, exit 130, nothing is left running."""
    mark = f"interrupt-once-{os.getpid()}"
    process, master = start_on_a_terminal(tmp_path, mark)
    wait_for(tmp_path / "long.pid")
    wait_for(tmp_path / "stubborn.pid")
    os.write(master, b"\x03")
    screen = read_all(master)

    assert 130 == process.wait(30), screen
    assert [] == gone(mark)
    report = report_in(tmp_path)
    assert "interrupted" == report["verdict"]
    assert ["cancelled", "cancelled"] == [task_in(report, name)["state"] for name in ("long", "stubborn")]
    assert "cancelled" == task_in(report, "never")["state"]
    assert (tmp_path / "long.left").exists(), "SIGTERM lets `finally` run"
    assert all((tmp_path / f"{name}.cleaned").exists() for name in ("clean_long", "clean_first"))
    times = [task_in(report, name)["started"] for name in ("clean_long", "clean_first")]
    assert sorted(times) == times, "what started last is cleaned up first"


def test_two_interrupts_kill(tmp_path: Path) -> None:
    """Ctrl-C twice: everything is killed at once, no clean-up runs, and report.json is written all the same."""
    mark = f"interrupt-twice-{os.getpid()}"
    process, master = start_on_a_terminal(tmp_path, mark)
    wait_for(tmp_path / "stubborn.pid")
    wait_for(tmp_path / "long.pid")
    began = time.monotonic()
    os.write(master, b"\x03")
    wait_for(tmp_path / "long.left")
    os.write(master, b"\x03")
    screen = read_all(master)

    assert 130 == process.wait(30), screen
    assert time.monotonic() - began < 2, "the stubborn task's two seconds of grace were not waited for"
    assert [] == gone(mark)
    assert "interrupted" == report_in(tmp_path)["verdict"]
    assert not list(tmp_path.glob("*.cleaned"))


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_other_signals_end_a_run_in_the_same_way(tmp_path: Path, sent: signal.Signals, code: int) -> None:
    """SIGTERM and SIGHUP are an interrupt with an exit code of their own."""
    mark = f"signal-{sent.name}-{os.getpid()}"
    command = [*RUNNER, str(GRAPHS / "interrupted.yaml"), "-j", "4", "-p", f"folder={tmp_path}"]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment(MARK=mark), stdout=subprocess.DEVNULL)
    wait_for(tmp_path / "stubborn.pid")
    wait_for(tmp_path / "long.pid")
    process.send_signal(sent)

    assert code == process.wait(30)
    assert [] == gone(mark)
    assert (tmp_path / "clean_long.cleaned").exists()


@pytest.mark.parametrize("seed", range(8))
def test_nothing_outlives_a_killed_runner(tmp_path: Path, seed: int) -> None:
    """SIGKILL to the runner at any moment: five seconds later nothing of it is left."""
    mark = f"killed-{seed}-{os.getpid()}"
    command = [*RUNNER, str(GRAPHS / "interrupted.yaml"), "-j", "4", "-p", f"folder={tmp_path}"]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment(MARK=mark), stdout=subprocess.DEVNULL)
    time.sleep(random.Random(seed).uniform(0, 0.8))
    process.kill()
    process.wait(10)

    assert [] == gone(mark)


def test_processes_are_told_by_their_mark(tmp_path: Path) -> None:
    """The harness itself: a process that is left running is seen, or the tests above could not fail."""
    mark = f"control-{os.getpid()}"
    with subprocess.Popen(["sleep", "60"], env={**os.environ, "MARK": mark}, cwd=tmp_path) as process:
        assert [process.pid] == alive(mark)
        process.kill()

    assert [] == gone(mark)


def test_nothing_said_says_what_to_type() -> None:
    """`python -m runner` with nothing is a wrong command line, answered with what to type."""
    said = run(cwd=ROOT)

    assert 2 == said.code
    assert "python -m runner graphs/phase2.yaml" in said.out
