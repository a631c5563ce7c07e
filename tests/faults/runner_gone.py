"""Kills a process that runs a pool, in a peculiar situation, and prints as JSON what became of it.

    python tests/faults/runner_gone.py copied|locked FOLDER

copied: another process still holds a copy of every descriptor of the dead runner, the lifeline included.
locked: the warden holds a copy of the run's lock, which must not be free before everything has ended.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

from runner.clock import WallClock
from runner.execute.pool import Pool
from runner.schedule.messages import StartAttempt
from runner.task import Request
from tests.faults.below import adopt_orphans, children_left


def main(situation: str, folder: str) -> None:
    """Run and print what was seen."""
    adopt_orphans()
    runner = os.fork()
    if runner == 0:
        _run(situation, Path(folder))
    _wait_for(Path(folder, "task"))
    seen: dict[str, object] = {}
    if situation == "locked":
        warden = int(Path(folder, "warden").read_text())
        os.kill(warden, signal.SIGSTOP)
        _kill(runner)
        seen["locked_while_it_ends"] = _is_locked(folder)
        os.kill(warden, signal.SIGCONT)
        seen["left"] = children_left()
        seen["locked_afterwards"] = _is_locked(folder)
    else:
        _wait_for(Path(folder, "copy"))
        copy = int(Path(folder, "copy").read_text())
        _kill(runner)
        seen["task_gone"] = _gone(int(Path(folder, "task").read_text()))
        os.kill(copy, signal.SIGKILL)
        seen["left"] = children_left()
    print(json.dumps(seen))


def _run(situation: str, folder: Path) -> NoReturn:
    try:
        pool = Pool(folder, WallClock())
        _write(folder / "warden", pool._lifeline.pid)
        if situation == "locked":
            lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX)
            pool.hold(lock)
        elif os.fork() == 0:
            _write(folder / "copy", os.getpid())
            time.sleep(3600)
        command = "echo $$ > new; mv new task; sleep 3600"
        request = Request(run="r", task="a", attempt=1, command=command, env=dict(os.environ), workdir=str(folder))
        pool.start(StartAttempt(task="a", attempt=1), request)
        while True:
            pool.wait(None)
    finally:
        os._exit(1)


def _write(file: Path, number: int) -> None:
    new = file.with_suffix(".new")
    new.write_text(str(number))
    new.rename(file)


def _wait_for(file: Path) -> None:
    until = time.monotonic() + 20.0
    while not file.exists() and time.monotonic() < until:
        time.sleep(0.01)


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _gone(pid: int) -> bool:
    until = time.monotonic() + 5.0
    while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
        time.sleep(0.01)
    return not Path(f"/proc/{pid}").exists()


def _is_locked(folder: str) -> bool:
    with Path(folder, "lock").open("r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


if __name__ == "__main__":
    main(*sys.argv[1:])
