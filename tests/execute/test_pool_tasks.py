"""What attempts take, say and return, with real workers: functions and commands."""

from __future__ import annotations

import time
from hashlib import sha256
from pathlib import Path

import pytest

from runner.task import (
    Artifact,
    Cause,
    Check,
    Failed,
    LedgerRow,
    NeedResult,
    Progress,
    Succeeded,
)
from tests.execute.pools import Bench

pytestmark = pytest.mark.real


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
    assert "`tests.execute.steps` has no function `pids`; did you mean `pid` or `spins` or `prints`?" == unknown.message
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


def test_a_copy_of_the_worker_has_no_say(bench: Bench) -> None:
    """A task that forks and lets its copy return has ended once, and nothing strange is in its log."""
    assert 0 < bench.outputs("fork", "comes_back_twice")["value"]
    assert "" == bench.log("fork")


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
    """The shell is the request's own words; one that does not exist is an exit code."""
    failed = bench.failure("bash", command="false; echo not reached", shell=("/bin/sh", "-e", "-c"))
    missing = bench.failure("none", command="true", shell=("/no/such/shell", "-c"))
    unknown = bench.failure("bahs", command="true", shell=("bahs", "-c"))
    too_long = bench.failure("long", command="x" * 200_000)

    assert 1 == failed.exit_code
    assert (127, Cause.EXIT_CODE) == (missing.exit_code, missing.cause)
    assert "its shell `/no/such/shell` could not be started: there is no such file" == missing.message
    assert "its shell `bahs` could not be started: no folder of PATH has it" == unknown.message
    assert "`/bin/sh` could not be started: [Errno 7] Argument list too long: '/bin/sh'" == too_long.message


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


def test_what_an_attempt_has_made_is_told_with_its_end(bench: Bench) -> None:
    """Digested in its own folder, by its worker, also where the task has gone elsewhere."""
    end = bench.run("make", command="mkdir out; echo one > out/a; cd /", generates=("out/*", "none"))
    made = {"none": "", "out/a": sha256(b"one\n").hexdigest()}

    assert isinstance(end.outcome, Succeeded)
    assert made == {each.path: each.digest for each in end.outcome.made}
