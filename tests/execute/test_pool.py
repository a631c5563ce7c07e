"""The pool with real workers: who works for whom, how attempts are stopped, what functions are."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from runner.errors import Problem
from runner.schedule.messages import AttemptEnded, AttemptReturned, AttemptStarted, Noted
from runner.task import (
    Cause,
    Failed,
    Parameter,
    Request,
    Signature,
    Succeeded,
)
from tests.execute.pools import ENV, ROOT, Bench, children_of

pytestmark = pytest.mark.real


def test_a_worker_serves_many_attempts(bench: Bench) -> None:
    """One after the other runs in the same process."""
    pids = {bench.outputs(f"t{number}", "pid")["value"] for number in range(5)}

    assert 1 == len(pids)


def test_attempts_at_the_same_time_have_processes_of_their_own(bench: Bench) -> None:
    """Two slots are two processes, and the pids of the events are theirs."""
    for task in ("a", "b"):
        bench.start(task, "step", arguments={"seconds": 0.2, "stop_takes": 0.0})
    pids = {bench.worker_of(task) for task in ("a", "b")}

    assert 2 == len(pids)
    assert pids == {
        outcome.outputs["pid"] for task in "ab" if isinstance(outcome := bench.end_of(task).outcome, Succeeded)
    }


def test_only_equal_settings_share_a_worker(bench: Bench, tmp_path: Path) -> None:
    """Another environment, folder, set of secrets or import path takes another process; going back takes the first."""
    other = tmp_path / "other"
    other.mkdir()
    bench.pool.slots = 9
    settings: list[dict[str, object]] = [
        {},
        {"env": {**ENV, "MORE": "1"}},
        {"workdir": str(other)},
        {"env": {**ENV, "TOKEN": "hunter22"}, "secrets": ("TOKEN",)},
        {"env": {**ENV, "TOKEN": "hunter22"}},
        {"path": (ROOT, str(other))},
    ]
    pids = [bench.outputs(f"a{number}", "pid", **setting)["value"] for number, setting in enumerate(settings)]
    again = [bench.outputs(f"b{number}", "pid", **setting)["value"] for number, setting in enumerate(settings)]

    assert len(settings) == len(set(pids))
    assert pids == again


def test_an_attempt_prefers_the_worker_that_has_loaded_its_function(bench: Bench) -> None:
    """With several idle workers the one that knows the function is asked."""
    for task, uses in (("a", "step"), ("b", "swallow")):
        bench.start(task, uses, arguments={"seconds": 0.3, "stop_takes": 0.0} if uses == "step" else {})
    stepping = bench.worker_of("a")
    bench.worker_of("b")
    bench.end_of("a")
    bench.start("c", "pid")  # takes the place of a and loads pid there
    known = bench.end_of("c")
    bench.stop("b")

    assert isinstance(known.outcome, Succeeded)
    assert {"value": stepping} == known.outcome.outputs


def test_idle_workers_of_another_setting_make_room(bench: Bench) -> None:
    """There are never more workers than slots, whatever their settings."""
    bench.pool.slots = 1
    pids = [bench.outputs(f"t{n}", "pid", env={**ENV, "N": str(n)})["value"] for n in range(3)]
    until = time.monotonic() + 5
    while any(Path(f"/proc/{pid}").exists() for pid in pids[:2]) and time.monotonic() < until:
        bench.pool.wait(0.05)

    assert [False, False, True] == [Path(f"/proc/{pid}").exists() for pid in pids]


def test_what_an_attempt_does_to_its_process_is_put_right(bench: Bench) -> None:
    """Environment, folder, standard streams and handlers are whole again for the next attempt in the same process."""
    env = {**ENV, "SEEN_SHARED": "all", "SEEN_EMPTY": ""}
    spoilt = bench.outputs("spoil", "spoil", env=env, own_env={"SEEN_OWN": "1"})["value"]
    seen = bench.outputs("next", "environment", env=env, own_env={"SEEN_OWN": "2"})

    assert {"cwd": str(bench.folder), "SEEN_SHARED": "all", "SEEN_EMPTY": "", "SEEN_OWN": "2"} == seen
    assert spoilt == bench.worker_of("next")
    assert "still heard" in _heard(bench, env)


def _heard(bench: Bench, env: dict[str, str]) -> str:
    """Stop a later attempt in a process whose handlers were spoilt, and answer what it has printed."""
    bench.run("p", "prints", env=env, arguments={"text": "still heard"})
    bench.start("s", "step", env=env, arguments={"seconds": 60.0, "stop_takes": 0.0})
    bench.until(Noted, "s")
    bench.stop("s", kill_after=60.0)

    assert Cause.TIMED_OUT is getattr(bench.end_of("s").outcome, "cause", None)
    return bench.log("p")


def test_a_child_sees_only_the_environment_of_its_request(bench: Bench) -> None:
    """Nothing of the runner's own environment comes through, in functions and in commands."""
    assert "SEEN_LEAK" not in os.environ  # nobody else uses the name
    os.environ["SEEN_LEAK"] = "1"
    try:
        leaky = Bench(bench.folder / "leaky")
        function = leaky.outputs("f", "environment", workdir=ROOT)
        leaky.run("c", command="env | sort", own_env={"TASKGRAPH_TASK": "c"}, workdir=ROOT)
        command = leaky.log("c")
        leaky.pool.close()
    finally:
        del os.environ["SEEN_LEAK"]

    assert {"cwd": ROOT} == function
    names = {line.partition("=")[0] for line in command.splitlines()} - {"PWD", "SHLVL", "_", "OLDPWD"}
    assert {*ENV, "TASKGRAPH_TASK"} == names


def test_multiprocessing_leaves_nothing(bench: Bench) -> None:
    """The helpers that multiprocessing keeps are no left-overs, and the worker stays fit."""
    ends = [bench.run(f"t{n}", uses) for n, uses in enumerate(("uses_multiprocessing", "forks_in_multiprocessing") * 2)]

    assert [3, 3, 3, 3] == [end.outcome.outputs["value"] for end in ends if isinstance(end.outcome, Succeeded)]
    assert [()] * 4 == [end.left for end in ends]
    assert 1 == len({bench.worker_of(f"t{n}") for n in range(4)})


def test_a_task_that_swallows_the_stop_was_still_stopped(bench: Bench) -> None:
    """SIGTERM came before its end was decided, so the stop's cause counts, whatever it returns."""
    bench.start("deaf", "swallow")
    bench.worker_of("deaf")
    time.sleep(0.5)
    bench.stop("deaf")
    end = bench.end_of("deaf")

    assert isinstance(end.outcome, Failed)
    assert Cause.TIMED_OUT is end.outcome.cause


def test_a_stopped_task_tells_where_it_was(bench: Bench) -> None:
    """The traceback ends at the line that was interrupted, without our frames."""
    bench.start("slow", "step", arguments={"seconds": 60.0, "stop_takes": 0.0})
    bench.until(Noted, "slow")
    time.sleep(0.2)
    bench.stop("slow")
    end = bench.end_of("slow")

    assert isinstance(end.outcome, Failed)
    assert "time.sleep(seconds)" in (end.outcome.traceback or "")
    assert "runner/execute" not in (end.outcome.traceback or "")


def test_what_is_stopped_before_it_begins_never_ran(bench: Bench) -> None:
    """With the warden held, the order and the stop arrive together: the attempt comes back and has left no trace."""
    returned = 0
    for number in range(8):  # a worker may still be quicker than the stop
        task, mark = f"late{number}", bench.folder / str(number)
        os.kill(bench.pool._lifeline.pid, signal.SIGSTOP)
        bench.start(task, "after_the_end", arguments={"mark": str(mark)}, env={**ENV, "OTHER": task})
        bench.stop(task)
        os.kill(bench.pool._lifeline.pid, signal.SIGCONT)
        if isinstance(bench.until((AttemptEnded, AttemptReturned), task), AttemptReturned):
            returned += 1
            assert not mark.exists()

    assert 1 <= returned
    assert {"value": "done"} == bench.outputs("next", "after_the_end", arguments={"mark": "mark"})


def test_a_stop_that_comes_too_late_hurts_nobody_else(bench: Bench) -> None:
    """Its worker hears SIGTERM with nothing to do, so nobody else is given to it."""
    for number in range(12):
        early, mark = f"early{number}", bench.folder / str(number)
        bench.start(early, "after_the_end", arguments={"mark": str(mark)})
        while not mark.exists():
            time.sleep(0.001)
        time.sleep(0.02)
        bench.stop(early)
        assert isinstance(bench.end_of(early).outcome, Succeeded)
        assert bench.outputs(f"next{number}", "step", arguments={"seconds": 0.02, "stop_takes": 0.0})


def test_a_stop_never_cuts_a_message_in_two(bench: Bench) -> None:
    """It waits until what the task is saying has been said, though the pipe is full and the runner busy."""
    for number in range(4):
        task = f"t{number}"
        bench.start(task, "chatters", arguments={"size": 3_000_000})
        bench.until(Noted, task)
        time.sleep(0.2)  # nobody reads, so it fills the pipe and waits in the middle of a message
        bench.stop(task, kill_after=60.0)
        time.sleep(0.2)
        outcome = bench.end_of(task).outcome

        assert isinstance(outcome, Failed)
        assert (Cause.TIMED_OUT, "stopped") == (outcome.cause, outcome.message)
        assert "in chatters" in (outcome.traceback or ""), "its reply was heard"


def test_everything_may_be_heard_at_once(bench: Bench) -> None:
    """A worker that began, spoke, printed and died before anybody listened has one whole story."""
    bench.start("short", command="echo last words; kill -9 $PPID; sleep 60")
    time.sleep(0.5)
    end = bench.end_of("short")

    assert isinstance(end.outcome, Failed)
    assert "killed by SIGKILL" == end.outcome.message
    assert "last words\n" == bench.log("short")
    assert isinstance(bench.run("next", command="true").outcome, Succeeded)


def test_an_idle_worker_that_dies_costs_nothing(bench: Bench) -> None:
    """Killed between two attempts, or just when it is asked, a worker is replaced and the attempt runs once."""
    first = bench.outputs("a", "pid")["value"]
    os.kill(first, signal.SIGKILL)
    second = bench.outputs("b", "pid")["value"]

    assert first != second
    assert 1 == sum(isinstance(event, AttemptStarted) and event.task == "b" for event in bench.events)


def test_workers_that_were_ordered_before_are_asked_first(bench: Bench) -> None:
    """Two wait in reserve, of which one is killed: the other serves the first attempt, a new one the second."""
    bench.pool.order(2)
    while len(born := children_of(bench.pool._lifeline.pid)) < 2:
        bench.pool.wait(0.01)
    os.kill(born[0], signal.SIGKILL)
    bench.pool.wait(0.2)
    bench.start("a", command="sleep 1")
    bench.start("b", command="sleep 1")
    pids = {started.pid for name in "ab" if isinstance(started := bench.until(AttemptStarted, name), AttemptStarted)}

    assert [False, True] == [pid in pids for pid in born]
    assert 2 == len(pids)


def test_a_wake_ends_the_wait(bench: Bench) -> None:
    """`wake` may be called from anywhere, as a signal handler does, before or during the wait."""
    bench.pool.wake()
    assert [] == list(bench.pool.wait(60.0))

    timer = threading.Timer(0.2, bench.pool.wake)
    timer.start()
    assert [] == list(bench.pool.wait(60.0))
    timer.join()


def test_ends_of_others_hurt_nobody(bench: Bench) -> None:
    """While workers crash all around, a command that starts one process after the other loses none of them."""
    bench.start("busy", command="while [ ! -e enough ]; do /bin/true || exit 9; done")
    for crash in range(40):
        assert Cause.CRASHED is bench.failure(f"crash {crash}", command="sleep 60 & kill -9 $PPID").cause
    (bench.folder / "enough").touch()

    assert isinstance(bench.end_of("busy").outcome, Succeeded)


def test_functions_are_described_without_being_run(bench: Bench) -> None:
    """Parameters, defaults and outputs come as plain words; what is wrong comes as a problem, and hurts nobody else."""
    broken = bench.folder / "broken_at_import.py"
    broken.write_text("print('before')\nimport os\nos.kill(os.getpid(), 9)\n")
    uses = ["steps:step", "heavy:width", "steps:pids", "steps:everything_it_knows"]
    names = [f"tests.execute.{each}" for each in uses] + ["broken_at_import:x", "no_such_module:x"]
    setting: dict[str, Any] = {"env": dict(os.environ), "workdir": str(bench.folder), "path": (ROOT, str(bench.folder))}
    found = bench.pool.describe({name: Request(run="", task="", attempt=0, uses=name, **setting) for name in names})

    assert names == list(found)
    assert (
        Signature(
            uses=names[0],
            parameters=(
                Parameter(name="seconds", type="float", required=True),
                Parameter(name="stop_takes", type="float", required=True),
                Parameter(name="fails", type="str", required=False, default=""),
                Parameter(name="mark", type="str", required=False, default=""),
            ),
            outputs=None,
        )
        == found[names[0]]
    )
    assert (
        Signature(
            uses=names[1],
            parameters=(
                Parameter(name="span", type="", required=True),
                Parameter(name="point", type="int | None", required=False),
            ),
            outputs={"width": "int", "inside": "bool"},
        )
        == found[names[1]]
    )
    problems = [problem for problem in found.values() if isinstance(problem, Problem)]
    assert [
        (
            "no-such-function",
            "`tests.execute.steps` has no function `pids`",
            "did you mean `pid` or `spins` or `prints`?",
        ),
        (
            "cannot-import",
            "`broken_at_import:x` cannot be imported: its process was killed by SIGKILL",
            "the last it printed: before",
        ),
        (
            "cannot-import",
            "`no_such_module:x` cannot be imported: ModuleNotFoundError: No module named 'no_such_module'",
            "",
        ),
    ] == [(problem.code, problem.message, problem.hint) for problem in problems]
