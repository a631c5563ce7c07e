"""The pool with real workers: who works for whom, what it prints, what it says, how it ends."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from runner.errors import Problem
from runner.schedule.messages import AttemptEnded, AttemptReturned, AttemptStarted, Noted
from runner.task import (
    Artifact,
    Cause,
    Check,
    Failed,
    LedgerRow,
    NeedResult,
    Parameter,
    Progress,
    Request,
    Signature,
    Succeeded,
)
from tests.execute.pools import ENV, ROOT, Bench

pytestmark = pytest.mark.real


# -- workers -----------------------------------------------------------------------------------------------------------


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


# -- output ------------------------------------------------------------------------------------------------------------


def test_output_belongs_to_its_attempt(bench: Bench) -> None:
    """Whatever door it comes through, each byte is in the log of the attempt that printed it."""
    pids = [bench.outputs(f"t{n}", "prints", arguments={"text": f"n{n}", "times": 2000})["value"] for n in range(6)]

    assert 1 == len(set(pids))
    for n in range(6):
        words = Counter(re.findall(r"(print|write|child|unflushed|no newline) (n\d)", bench.log(f"t{n}")))
        once = {(door, f"n{n}"): 1 for door in ("write", "child", "unflushed", "no newline")}
        assert {("print", f"n{n}"): 2000, **once} == words


def test_what_prints_nothing_has_no_log(bench: Bench) -> None:
    """No file is made for silence."""
    assert "" == bench.run("quiet", "pid").log
    assert not (bench.folder / "logs").exists()


def test_output_need_not_be_text(bench: Bench) -> None:
    """Any byte is kept as it is, the first of a boundary mark included."""
    every = bytes(range(256)) + b"\0" * 40
    end = bench.run("bytes", "prints_bytes", arguments={"hexadecimal": every.hex()})

    assert every == (bench.folder / end.log).read_bytes()


def test_a_long_output_keeps_its_head_and_tail(bench: Bench) -> None:
    """Over the limit the middle is cut, marked with its size, and the file stays near the limit."""
    size, limit = 20_000_000, 100_000
    end = bench.run("flood", "floods", arguments={"size": size}, log_limit=limit)
    text = (bench.folder / end.log).read_text()
    head, cut, tail = text.partition(f"\n[... {size // 64 * 64 - limit} bytes were cut here: the log is limited ...]\n")

    assert cut
    assert (limit // 2, limit // 2) == (len(head), len(tail))
    assert head.startswith(f"{0:063d}\n")
    assert tail.endswith(f"{size // 64 - 1:063d}\n")
    assert ["flood.1.log"] == [each.name for each in (bench.folder / "logs").iterdir()]


def test_the_last_line_can_be_seen_while_it_runs(bench: Bench) -> None:
    """A running task's newest line is at hand, and gone when it is over."""
    bench.start("talk", command="echo one; echo two; sleep 60")
    until = time.monotonic() + 10
    while bench.pool.last_line("talk") != "two" and time.monotonic() < until:
        bench.pool.wait(0.05)

    assert "two" == bench.pool.last_line("talk")
    bench.stop("talk")
    bench.end_of("talk")
    assert "" == bench.pool.last_line("talk")


def test_log_names_are_safe(bench: Bench) -> None:
    """An id becomes a file name that is no path, and long ids stay apart."""
    strange, long = "../a b/ü", "x" * 300
    logs = [bench.run(task, command="echo hi").log for task in (strange, f"{long}1", f"{long}2")]

    assert "logs/..%2Fa%20b%2F%C3%BC.1.log" == logs[0]
    assert 3 == len(set(logs))
    assert all((bench.folder / log).is_file() for log in logs)


# -- notes, parameters, results ----------------------------------------------------------------------------------------


def test_what_was_said_survives_a_crash(bench: Bench) -> None:
    """Notes are told as they happen, before the end that comes a moment later."""
    end = bench.run("dying", "says_then_dies")
    row, check = bench.notes("dying")

    assert isinstance(end.outcome, Failed)
    assert isinstance(row, LedgerRow)
    assert ("created", "document", "d1", "Task_2_a") == (row.action, row.kind, row.id, row.name)
    assert Check(name="first", verdict="passed", expected=1, observed=1) == check


def test_failed_checks_fail_the_attempt_and_keep_its_outputs(bench: Bench) -> None:
    """The message counts the checks and names the first that failed."""
    failed = bench.failure("judge", "checks", arguments={"observed": [1, 2, 3, 1, 4, 5]})

    assert Cause.FAILED_CHECK is failed.cause
    assert "4 of 6 checks failed: `row 1`, `row 2`, `row 4` and 1 more" == failed.message
    assert {"rows": 6} == failed.outputs
    assert {"rows": 2} == bench.outputs("content", "checks", arguments={"observed": [1, 1]})


def test_a_note_that_is_not_plain_is_the_tasks_fault(bench: Bench) -> None:
    """It raises where it is said, and the traceback shows the task's line."""
    failed = bench.failure("say", "checks_what_is_not_plain")

    assert Cause.EXCEPTION is failed.cause
    assert "TypeError: Check: `expected` is a object, and only plain data (JSON) can be handed on" == failed.message
    assert 'context.check("when", expected=object()' in (failed.traceback or "")
    assert "runner/execute" not in (failed.traceback or "")


def test_a_task_knows_what_it_is_told(bench: Bench) -> None:
    """Context carries run, task, attempt, prefix, deadline, needs and environment; progress and artifacts come out."""
    seen = bench.outputs(
        "know",
        "everything_it_knows",
        attempt=3,
        data_prefix="Task_9_",
        deadline=12.5,
        needs={"config": NeedResult(id="config", state="succeeded", outputs={"url": "http://x"})},
        own_env={"TASKGRAPH_TASK": "know"},
    )

    assert ["r", "know", 3, "Task_9_", 12.5] == seen["who"]
    assert {"config": ["succeeded", {"url": "http://x"}]} == seen["needs"]
    assert "know" == seen["own"]
    assert [
        Progress(message="half way", done=1, total=2),
        Artifact(path="out.txt", title="the output"),
    ] == bench.notes("know")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seconds": "long", "stop_takes": 0.0}, "parameter `seconds`: expected float, got 'long' (str)"),
        ({"seconds": True, "stop_takes": 0.0}, "parameter `seconds`: expected float, got True (bool)"),
        ({"seconds": 1.0}, "parameter `stop_takes` is missing"),
        ({"second": 1.0, "stop_takes": 0.0}, "no parameter `second`, did you mean `seconds`?"),
        ({"seconds": 1.0, "stop_takes": 0.0, "context": 1}, "no parameter `context`"),
    ],
)
def test_parameters_that_do_not_fit_are_named(bench: Bench, arguments: dict[str, object], message: str) -> None:
    """A wrong parameter fails the attempt before the function runs, and says which, what it wanted and what it got."""
    failed = bench.failure("wrong", "step", arguments=arguments)

    assert Cause.BAD_PARAMETERS is failed.cause
    assert message in failed.message


def test_models_come_in_and_go_out_as_plain_data(bench: Bench) -> None:
    """A pydantic parameter is made from a mapping, and a dataclass that is returned becomes one."""
    span = {"low": 1, "high": 5}
    failed = bench.failure("bad", "tests.execute.heavy:width", arguments={"span": {"low": -1, "high": "x"}})

    assert {"width": 4, "inside": True} == bench.outputs(
        "good", "tests.execute.heavy:width", arguments={"span": span, "point": 3}
    )
    assert Cause.BAD_PARAMETERS is failed.cause
    assert "parameter `span`: expected Range: at low: " in failed.message
    assert "got -1; at high: " in failed.message


def test_unknown_functions_and_modules_are_the_attempts_fault(bench: Bench) -> None:
    """The message says what is missing; the pool goes on."""
    unknown, missing = bench.failure("f", "pids"), bench.failure("m", "no.such.module:run")

    assert (Cause.EXCEPTION, Cause.EXCEPTION) == (unknown.cause, missing.cause)
    assert "`tests.execute.steps` has no function `pids`; did you mean `pid` or `prints`?" == unknown.message
    assert "ModuleNotFoundError: No module named 'no'" == missing.message


def test_coroutines_run_and_are_cancelled(bench: Bench) -> None:
    """An async function runs to its end; stopped, its finally blocks run."""
    bench.start("stopped", "tests.execute.heavy:asynchronous", arguments={"seconds": 60.0})
    assert {"value": "slept"} == bench.outputs("ends", "tests.execute.heavy:asynchronous", arguments={"seconds": 0.0})
    bench.stop("stopped", kill_after=60.0)
    end = bench.end_of("stopped")

    assert isinstance(end.outcome, Failed)
    assert Cause.TIMED_OUT is end.outcome.cause
    assert "cleaned up\n" == bench.log("ends")


def test_large_requests_and_replies_pass(bench: Bench) -> None:
    """Twenty megabytes go in and come out, while another task goes on."""
    bench.start("beside", "step", arguments={"seconds": 0.2, "stop_takes": 0.0})
    size = 20_000_000

    assert size == bench.outputs("in", "length", arguments={"text": "y" * size})["value"]
    assert size == len(bench.outputs("out", "large", arguments={"size": size})["value"])
    assert isinstance(bench.end_of("beside").outcome, Succeeded)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"workdir": "/no/such/folder"}, "its workdir cannot be entered: [Errno 2] No such file or directory"),
        ({"env": {"A": "nul\0nul"}}, "its environment cannot be set: embedded null byte"),
        ({"env": {"PIN": "123"}, "secrets": ("PIN",)}, "the secret `PIN` has fewer than 4 characters"),
    ],
)
def test_surroundings_that_cannot_be_are_the_attempts_fault(
    bench: Bench, fields: dict[str, object], message: str
) -> None:
    """A folder or an environment that is impossible fails the attempt, not the pool."""
    failed = bench.failure("where", "pid", **fields)

    assert Cause.BAD_PARAMETERS is failed.cause
    assert message in failed.message
    assert bench.outputs("next", "pid")


# -- commands ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "cause", "message", "code"),
    [
        ("exit 3", Cause.EXIT_CODE, "exit code 3", 3),
        ("no-such-program-anywhere", Cause.EXIT_CODE, "exit code 127 (command not found)", 127),
        ("kill -SEGV $$", Cause.CRASHED, "killed by SIGSEGV", 139),
        ("kill -KILL 0", Cause.CRASHED, "killed by SIGKILL", 137),
        ("sh -c 'kill -ABRT $$'; exit $?", Cause.EXIT_CODE, "exit code 134 (killed by SIGABRT)", 134),
    ],
)
def test_a_command_ends_by_its_exit_code(bench: Bench, command: str, cause: Cause, message: str, code: int) -> None:
    """Not 0 is a failure; a signal is a crash, also where a script kills its whole group."""
    failed = bench.failure("sh", command=command)

    assert (cause, message, code) == (failed.cause, failed.message, failed.exit_code)


def test_a_command_that_ends_well_succeeds(bench: Bench) -> None:
    """Exit code 0 is a success without outputs, and both its streams are in the log."""
    assert {} == bench.outputs("sh", command="echo out; echo err >&2; pwd")
    assert f"out\nerr\n{bench.folder}\n" == bench.log("sh")


def test_another_shell_can_be_asked_for(bench: Bench) -> None:
    """The shell is the request's own word, with its options; one that does not exist is an exit code."""
    failed = bench.failure("bash", command="false; echo not reached", shell="/bin/sh -e")
    missing = bench.failure("none", command="true", shell="/no/such/shell")

    assert 1 == failed.exit_code
    assert (127, Cause.EXIT_CODE) == (missing.exit_code, missing.cause)
    assert "`/no/such/shell` could not be started" in missing.message


def test_a_stop_reaches_the_whole_tree_of_a_command(bench: Bench) -> None:
    """Every process of a pipeline hears SIGTERM and may clean up; the attempt ends when the last has."""
    trap = "trap 'sleep 0.3; echo $0 cleaned; exit 0' TERM; echo ready; while :; do sleep 0.05; done"
    (bench.folder / "part.sh").write_text(trap)
    bench.start("tree", command="sh part.sh & (setsid sh part.sh &) ; sh part.sh")
    until = time.monotonic() + 10
    while time.monotonic() < until and _log_now(bench, "tree").count("ready") < 3:
        bench.events += bench.pool.wait(0.05)
    bench.stop("tree", kill_after=60.0)
    end = bench.end_of("tree")

    assert isinstance(end.outcome, Failed)
    assert (Cause.TIMED_OUT, "stopped") == (end.outcome.cause, end.outcome.message)
    assert 3 == bench.log("tree").count("part.sh cleaned")


def _log_now(bench: Bench, task: str) -> str:
    file = bench.folder / "logs" / f"{task}.1.log"
    return file.read_text() if file.exists() else ""


def test_what_a_command_leaves_behind_is_ended_and_named(bench: Bench) -> None:
    """A process in the background does not outlive its attempt."""
    end = bench.run("sh", command="sleep 3600 & echo $! > pid; sleep 0.2")
    pid = int((bench.folder / "pid").read_text())

    assert isinstance(end.outcome, Succeeded)
    assert (f"sleep 3600 (pid {pid})",) == end.left
    assert not Path(f"/proc/{pid}").exists()


# -- stops -------------------------------------------------------------------------------------------------------------


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


def test_an_idle_worker_that_dies_costs_nothing(bench: Bench) -> None:
    """Killed between two attempts, or just when it is asked, a worker is replaced and the attempt runs once."""
    first = bench.outputs("a", "pid")["value"]
    os.kill(first, signal.SIGKILL)
    second = bench.outputs("b", "pid")["value"]

    assert first != second
    assert 1 == sum(isinstance(event, AttemptStarted) and event.task == "b" for event in bench.events)


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


# -- descriptions ------------------------------------------------------------------------------------------------------


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
        ("no-such-function", "`tests.execute.steps` has no function `pids`", "did you mean `pid` or `prints`?"),
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
