"""Functions in a thread of a process that is not ours: how they end, what they may say, and how they are stopped."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from runner.execute.inside import InsideAttempt
from runner.mask import Masker
from runner.schedule.messages import StopAttempt
from runner.task import (
    Cause,
    Check,
    Failed,
    LedgerRow,
    NeedResult,
    Note,
    Outcome,
    OutputFile,
    Progress,
    Request,
    Succeeded,
)
from tests.execute.inner import GATES, SEEN

LIMIT = 20.0


class Asked:
    """An attempt, and everything that was told of it."""

    def __init__(self, uses: str, arguments: Mapping[str, Any] | None = None, **fields: Any) -> None:
        uses = uses if ":" in uses else f"tests.execute.inner:{uses}"
        given = {"run": "r", "task": "a", "attempt": 2, "path": (str(Path(__file__).parents[2]),), **fields}
        self.notes: list[Note] = []
        self.ends: list[tuple[Outcome, float, tuple[str, ...]]] = []
        self.over = threading.Event()
        self.clean = threading.Event()
        masker = Masker({"SECRET": "hush-hush"})
        request = Request(uses=uses, arguments=arguments or {}, **given)
        self.attempt = InsideAttempt(request, masker, self.notes.append, self.end)

    def end(self, outcome: Outcome, seconds: float, left: tuple[str, ...]) -> None:
        """Hear how it ended."""
        self.ends.append((outcome, seconds, left))
        self.over.set()

    def outcome(self) -> Outcome:
        """Do it here and now."""
        self.attempt.run()
        ((outcome, _, left),) = self.ends
        assert () == left
        return outcome

    def in_a_thread(self) -> threading.Thread:
        """Do it in a thread of its own, which must be of use afterwards."""
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        return thread

    def _run(self) -> None:
        self.attempt.run()
        for _ in range(1000):  # what was raised too late would be raised here
            pass
        self.clean.set()

    def stop(self, cause: Cause = Cause.TIMED_OUT, kill_after: float = 60.0, message: str = "enough") -> None:
        """Stop it."""
        self.attempt.stop(StopAttempt(task="a", attempt=2, cause=cause, kill_after=kill_after, message=message))

    def stopped(self) -> tuple[Failed, tuple[str, ...]]:
        """Wait for its end; answers how it failed, and what is left."""
        assert self.over.wait(LIMIT)
        ((outcome, _, left),) = self.ends
        assert isinstance(outcome, Failed)
        return outcome, left


def _begun(uses: str, name: str) -> tuple[Asked, threading.Thread]:
    asked = Asked(uses, {"name": name})
    thread = asked.in_a_thread()
    assert GATES[f"{name} began"].wait(LIMIT)
    return asked, thread


# -- how it ends -------------------------------------------------------------------------------------------------------

RETURNED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("value", {"given": 7}, {"value": 7}),
    ("value", {}, {"value": 1}),
    ("mapping", {}, {"a": 1, "b": [None, 2.5]}),
    ("nothing", {}, {}),
    ("later", {"given": 3}, {"given": 3}),
    ("checks", {"observed": [1, 1]}, {"value": 2}),
]


@pytest.mark.parametrize(("uses", "arguments", "outputs"), RETURNED)
def test_what_it_returns_are_its_outputs(uses: str, arguments: dict[str, Any], outputs: dict[str, Any]) -> None:
    """As in a process: a mapping as it is, nothing as none, anything else as `value`; a coroutine is waited for."""
    assert Succeeded(outputs=outputs) == Asked(uses, arguments).outcome()


FAILED: list[tuple[str, dict[str, Any], Cause, str]] = [
    ("raises", {}, Cause.EXCEPTION, "RuntimeError: it broke"),
    ("raises_later", {}, Cause.EXCEPTION, "RuntimeError: later"),
    ("leaves", {}, Cause.EXCEPTION, "called sys.exit(3)"),
    ("interrupts", {}, Cause.EXCEPTION, "KeyboardInterrupt"),
    ("not_plain", {}, Cause.BAD_OUTPUT, "`bad` is a set, and only plain data (JSON) can be handed on"),
    ("checks", {"observed": [1, 2, 3]}, Cause.FAILED_CHECK, "2 of 3 checks failed: `row 1`, `row 2`"),
    ("value", {"given": "x"}, Cause.BAD_PARAMETERS, "expected int, got 'x' (str)"),
    ("value", {"gven": 1}, Cause.BAD_PARAMETERS, "did you mean `given`?"),
    ("later", {}, Cause.BAD_PARAMETERS, "parameter `given` is missing"),
    ("vlue", {}, Cause.EXCEPTION, "has no function `vlue`; did you mean `value`"),
    ("tests.execute.nowhere:f", {}, Cause.EXCEPTION, "ModuleNotFoundError: No module named 'tests.execute.nowhere'"),
    ("keeps", {}, Cause.EXCEPTION, "cannot keep files; leave `isolation` out"),
]


@pytest.mark.parametrize(("uses", "arguments", "cause", "message"), FAILED)
def test_whatever_goes_wrong_is_an_outcome(uses: str, arguments: dict[str, Any], cause: Cause, message: str) -> None:
    """With the causes that it has in a process; nothing is raised, and the process goes on."""
    outcome = Asked(uses, arguments).outcome()

    assert isinstance(outcome, Failed)
    assert cause is outcome.cause
    assert message in outcome.message


def test_a_traceback_has_only_its_own_frames() -> None:
    """It ends at the line that raised, without ours."""
    outcome = Asked("raises").outcome()

    assert isinstance(outcome, Failed)
    assert 'raise RuntimeError("it broke' in (outcome.traceback or "")
    assert "runner/execute" not in (outcome.traceback or "")


def test_it_knows_what_it_may_know(monkeypatch: pytest.MonkeyPatch) -> None:
    """The context has everything; the environment of the process is the worker's own, and stays as it is."""
    monkeypatch.setenv("GIVEN", "to the worker")
    asked = Asked(
        "everything",
        env={"GIVEN": "to the task"},
        own_env={"TASKGRAPH_TASK": "a"},
        needs={"n": NeedResult(id="n", state="succeeded", outputs={"x": 1})},
        data_prefix="p",
        deadline=1.5,
    )
    expected = {
        "who": ["r", "a", 2, "p", 1.5],
        "needs": {"n": {"x": 1}},
        "env": ["to the task", "a", "to the worker"],
    }

    assert Succeeded(outputs=expected) == asked.outcome()
    assert [Progress(message="half way", done=1, total=2)] == asked.notes


def test_large_outputs_are_files(tmp_path: Path) -> None:
    """They are written where the request says, and read by who needs them; one that was changed since is no input."""
    text = "x" * 2**20
    outcome = Asked("builtins:dict", {"text": text}, outputs=str(tmp_path)).outcome()
    assert isinstance(outcome, Succeeded)
    (file,) = outcome.files.values()

    assert {"text": text} == {"text": json.loads((tmp_path / Path(file.file).name).read_bytes())}

    changed = OutputFile(file=file.file, size=file.size, digest="0" * 64)
    outcomes = [
        Asked("everything", outputs=str(tmp_path), needs={"n": NeedResult(id="n", state="", files={"text": each})})
        for each in (file, changed)
    ]
    read, refused = [each.outcome() for each in outcomes]

    assert isinstance(refused, Failed)
    assert "is not what was written" in refused.message
    assert isinstance(read, Succeeded)
    assert "needs" in read.files, "what was read is large again"


# -- secrets -----------------------------------------------------------------------------------------------------------


def _leak(where: str) -> tuple[Failed, list[Note]]:
    asked = Asked("leaks", {"where": where, "secret": "hush-hush"})
    outcome = asked.outcome()
    assert isinstance(outcome, Failed)
    return outcome, asked.notes


@pytest.mark.parametrize(
    ("where", "cause", "message"),
    [
        ("raise", Cause.EXCEPTION, "RuntimeError: cannot log in with ***"),
        ("check", Cause.FAILED_CHECK, "1 of 1 checks failed: `login`"),
        ("output", Cause.SECRET_IN_OUTPUT, "an output held the value of the secret `SECRET`"),
        ("ledger", Cause.SECRET_IN_OUTPUT, "a ledger row held the value of the secret `SECRET`"),
    ],
)
def test_secrets_are_masked_before_anything_leaves(where: str, cause: Cause, message: str) -> None:
    """As in a process, and in every text of the outcome."""
    outcome, notes = _leak(where)

    assert (cause, message) == (outcome.cause, outcome.message)
    assert "hush-hush" not in repr((outcome, notes))
    match notes:
        case [Check(observed=observed)]:
            assert "token *** refused" == observed
        case [LedgerRow(id=record)]:
            assert "***" == record
        case _:
            assert [] == notes


# -- stops -------------------------------------------------------------------------------------------------------------


@pytest.mark.real
@pytest.mark.parametrize("uses", ["busy", "waits"])
def test_a_stop_is_heard_at_the_next_line(uses: str) -> None:
    """Also by a coroutine that waits; what is to be cleaned up is, and the stop says why it ended."""
    name = f"heard {uses}"
    asked, thread = _begun(uses, name)
    asked.stop(Cause.CANCELLED, message="")
    failed, left = asked.stopped()
    thread.join(LIMIT)

    assert (Cause.CANCELLED, "it was stopped before it could end", ()) == (failed.cause, failed.message, left)
    assert f"in {uses}" in (failed.traceback or "")
    assert f"{name} cleaned up" in SEEN
    assert asked.clean.is_set()
    for timer in [each for each in threading.enumerate() if isinstance(each, threading.Timer)]:
        timer.join(LIMIT)  # nobody's patience is waited for any more
        assert not timer.is_alive()


@pytest.mark.real
@pytest.mark.parametrize("uses", ["swallows", "translates"])
def test_a_stop_counts_whatever_is_made_of_it(uses: str) -> None:
    """It came before the end was decided, as in a process."""
    asked, _ = _begun(uses, uses)
    asked.stop()
    failed, left = asked.stopped()

    assert (Cause.TIMED_OUT, "enough", ()) == (failed.cause, failed.message, left)


def test_what_is_stopped_before_it_begins_is_not_called() -> None:
    """A stop may be faster than the thread."""
    asked = Asked("busy", {"name": "never"})
    asked.stop()
    outcome = asked.outcome()

    assert isinstance(outcome, Failed)
    assert (Cause.TIMED_OUT, "enough") == (outcome.cause, outcome.message)
    assert not GATES["never began"].is_set()


def test_what_has_ended_cannot_be_stopped() -> None:
    """It is over as it was, and is told once; nothing is raised in whatever its thread does now."""
    asked = Asked("value")
    asked.attempt.run()
    asked.stop(kill_after=0.0)
    total = sum(range(1000))

    assert 499500 == total
    assert [Succeeded(outputs={"value": 1})] == [outcome for outcome, _, _ in asked.ends]


@pytest.mark.real
def test_one_that_waits_in_c_is_given_up() -> None:
    """After its patience the end is told, and what is left behind; what it does later changes nothing."""
    asked, thread = _begun("deaf", "deaf")
    asked.stop(kill_after=0.0)
    failed, left = asked.stopped()

    assert ("the thread of a",) == left
    assert (Cause.TIMED_OUT, "enough; it did not heed the stop and goes on") == (failed.cause, failed.message)

    GATES["deaf may go on"].set()
    thread.join(LIMIT)

    assert asked.clean.is_set()
    assert 1 == len(asked.ends)
    assert [] == asked.notes


@pytest.mark.real
def test_a_second_stop_hastens_the_first_says_why() -> None:
    """The one with the least patience counts for when."""
    asked, thread = _begun("deaf", "hastened")
    asked.stop(Cause.CANCELLED, kill_after=60.0, message="the first")
    asked.stop(Cause.TIMED_OUT, kill_after=0.0, message="the second")
    failed, left = asked.stopped()
    GATES["hastened may go on"].set()
    thread.join(LIMIT)

    assert Cause.CANCELLED is failed.cause
    assert "the first; it did not heed the stop and goes on" == failed.message
    assert ("the thread of a",) == left
    assert asked.clean.is_set()


@pytest.fixture
def _restless() -> Iterator[None]:
    """Let threads take turns as often as Python can, so that they meet anywhere."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.real
@pytest.mark.filterwarnings("ignore:.*coroutine 'waits'")  # made, and stopped before anybody could wait for it
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # raised where Python ignores it
@pytest.mark.usefixtures("_restless")
def test_stops_at_any_moment_end_it_once_and_nothing_else() -> None:
    """Before, between and after its lines, once or twice: one end, stopped or done, and a thread that is of use."""
    random, outcomes = Random(1), []
    for number in range(900):
        asked = Asked("turns", {"count": random.randrange(3000)}) if number % 3 else Asked("waits", {"name": "n"})
        thread = asked.in_a_thread()
        for _ in range(random.randrange(6000)):
            pass
        for _ in range(random.choice((1, 2))):
            asked.stop()
        thread.join(LIMIT)

        assert asked.clean.is_set(), f"round {number}: a stop came after the end"
        ((outcome, _, left),) = asked.ends
        assert () == left
        if isinstance(outcome, Failed):
            assert (Cause.TIMED_OUT, "enough") == (outcome.cause, outcome.message)
        outcomes.append(type(outcome).__name__)

    assert {"Failed", "Succeeded"} == set(outcomes)


TRACED = """
import sys, threading
sys.path.insert(0, sys.argv[1])
from tests.execute.test_inside import Asked

def profiled() -> int:
    seen = []
    sys.setprofile(lambda frame, event, argument: seen.append(event))
    (lambda: None)()
    sys.setprofile(None)
    return len(seen)

Asked("nothing").outcome()
for _ in range(50):
    asked = Asked("turns", {"count": 2000})
    thread = asked.in_a_thread()
    asked.stop()
    thread.join()
print(profiled() > 0)
"""


@pytest.mark.real
def test_nothing_is_left_that_python_would_look_for() -> None:
    """A stop that was taken back made every function hang that was profiled afterwards, in CPython 3.11."""
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", TRACED, root], cwd=root, capture_output=True, text=True, timeout=60, check=False
    )

    assert ("True\n", "") == (done.stdout, done.stderr)
