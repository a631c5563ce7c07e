"""Workers, scheduler, network and runner are lost in the middle of a run: what was done is told, and nobody is left."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster.engine import Engine
from tests.cluster.hosts import Program, until
from tests.faults import accounts

pytestmark = [pytest.mark.hosts, pytest.mark.xdist_group("hosts"), pytest.mark.timeout(240)]

TASKS, SECONDS = 24, (0.5, 1.5)
CUT = 20.0


def _begin(engine: Engine, folder: Path, marks: Path, *words: str) -> Program:
    """Start a run, and wait until a third of it is done."""
    (folder / "g.yaml").write_text(accounts.graph(9, TASKS, SECONDS, marks, attempts=4, layers=4))
    program = engine.run("g.yaml", "-o", "quiet", *words, cwd=folder)
    done = TASKS // 3
    until(
        lambda: program.ended() or sum(kind == accounts.END for kind, _, _ in accounts.marked(marks)) >= done,
        "a third of it is done",
    )
    return program


def _kill_worker(engine: Engine) -> None:
    """Kill what runs the tasks on the second host."""
    for each in engine.worker_processes(engine.hosts[1]):
        os.kill(each.pid, signal.SIGKILL)


def _restart_scheduler(engine: Engine) -> None:
    """Kill the scheduler, and start another in its place."""
    engine.kill_scheduler()
    time.sleep(1.0)
    engine.start_scheduler()


def _cut(number: int, seconds: float = CUT) -> Callable[[Engine], None]:
    """Answer how to cut one host off for some time: 0 is the desk, 1 the scheduler's, 2 the other."""

    def cut(engine: Engine) -> None:
        host = (engine.desk, *engine.hosts)[number]
        engine.cut(host)
        time.sleep(seconds)
        engine.heal(host)

    return cut


def _reset_runner(engine: Engine) -> None:
    """Reset what the runner has open to the scheduler."""
    engine.reset(engine.desk)


def _reset_worker(engine: Engine) -> None:
    """Reset what a worker has open to the scheduler: to both, the other is dead."""
    engine.reset(engine.hosts[1])


LOSSES = {
    "worker": _kill_worker,
    "scheduler": _restart_scheduler,
    "network of the scheduler": _cut(1),
    "network of a worker": _cut(2),
    "network of the runner": _cut(0),
    "connections of the runner": _reset_runner,
    "connections of a worker": _reset_worker,
}


@pytest.mark.parametrize("lose", LOSSES.values(), ids=LOSSES)
def test_what_is_lost_is_tried_again_and_all_else_goes_on(
    engine: Engine, tmp_path: Path, marks: Path, lose: Callable[[Engine], None]
) -> None:
    """Each attempt ends once, as it was or as lost; a lost one is tried again; nothing runs twice at a time."""
    program = _begin(engine, tmp_path, marks)
    lose(engine)

    assert 0 == program.wait(120), program.said()
    assert engine.all_gone()
    assert [] == accounts.broken(marks, tmp_path / ".runner/latest")


def test_a_killed_runner_leaves_nobody_and_goes_on(engine: Engine, tmp_path: Path, marks: Path) -> None:
    """Its attempts on the hosts end with it; resumed, what was recorded is kept and what is missing is done."""
    _begin(engine, tmp_path, marks).kill()

    assert engine.all_gone(30.0)

    before = accounts.marked(marks)
    recorded = accounts.successes(accounts.recorded(tmp_path / ".runner/latest"))
    resumed = engine.run("g.yaml", "-o", "quiet", "--resume", cwd=tmp_path)

    assert 0 == resumed.wait(120), resumed.said()
    after = accounts.marked(marks) - before
    report = accounts.reported(tmp_path / ".runner/latest")
    again = {task for _, task, _ in after}
    assert recorded
    assert set() == again & recorded
    assert {task for _, task, _ in before} - recorded <= set(report["doubtful"])
    assert {"succeeded"} == {task["state"] for task in report["tasks"]} - {"kept"}


def test_a_scheduler_that_stays_away_ends_the_run(engine: Engine, tmp_path: Path, marks: Path) -> None:
    """After the time of `--dask-wait` that is a fault with a reason; nobody is left, and it can be gone on with."""
    program = _begin(engine, tmp_path, marks, "--dask-wait", "3s")
    engine.kill_scheduler()

    assert 5 == program.wait(60), program.said()
    (words,) = program.said().splitlines()
    assert "for 3 s: the connection to the scheduler was lost; go on with --resume" in words
    assert engine.all_gone(30.0)

    engine.whole()
    recorded = accounts.successes(accounts.recorded(tmp_path / ".runner/latest"))
    before = accounts.marked(marks)
    resumed = engine.run("g.yaml", "-o", "quiet", "--resume", cwd=tmp_path)

    assert 0 == resumed.wait(120), resumed.said()
    assert set() == {task for _, task, _ in accounts.marked(marks) - before} & recorded


LONG = """
version: 1
name: long
tasks:
  a: {run: exec sleep 60, requires: {gpu: 1}}
"""


def test_a_killed_runner_takes_its_attempts_along(engine: Engine, tmp_path: Path) -> None:
    """Nobody has to tell the hosts: the scheduler forgets what it had asked for, and so do they; files, too."""
    (tmp_path / "g.yaml").write_text(LONG)
    program = engine.run("g.yaml", "-o", "quiet", cwd=tmp_path)
    until(lambda: program.ended() or _asleep(engine), "it is at work")

    assert 2 == len(_kept(engine))

    program.kill()
    until(lambda: not _asleep(engine), "its attempt has ended", 3.0)
    until(lambda: not _kept(engine), "its files are gone", 3.0)


def _kept(engine: Engine) -> list[Path]:
    """Answer the folders that runs have at workers."""
    return [found for host in engine.hosts for found in host.path("/tmp/dask-scratch-space").glob("*/taskgraph-*")]


def _asleep(engine: Engine) -> bool:
    return any(each.words == ("sleep", "60") for each in engine.hosts[1].processes())


LIMITED = """
version: 1
name: limited
tasks:
  a: {{run: "echo start a 1 >> {marks}/a; exec sleep 60", timeout: 3s, kill_after: 1s, requires: {{gpu: 1}}}}
"""


def test_a_limit_holds_on_a_host_that_is_cut_off(engine: Engine, tmp_path: Path, marks: Path) -> None:
    """Nobody can tell that host to stop the attempt, so it does so itself; when it is heard again the run is over."""
    (tmp_path / "g.yaml").write_text(LIMITED.format(marks=marks))
    program = engine.run("g.yaml", "-o", "quiet", cwd=tmp_path)
    until(lambda: program.ended() or (marks / "a").exists(), "it has begun")
    second = engine.hosts[1]
    engine.cut(second)
    try:
        until(lambda: not _asleep(engine), "it is stopped", 12.0)
        time.sleep(5.0)
    finally:
        engine.heal(second)

    assert 1 == program.wait(60), program.said()
    (task,) = accounts.reported(tmp_path / ".runner/latest")["tasks"]
    assert "timed_out" == task["state"]
