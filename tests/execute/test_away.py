"""What a host on a cluster does with attempts: a real pool in a thread of its own, told of from there."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from runner.errors import Problem
from runner.execute.away import CLOSED, PIECE, UNHEARD, Away
from runner.execute.errands import Errand, FromHost, Over, Printed, Recall, StopErrand, Told
from runner.schedule.messages import AttemptStarted, StopAttempt
from runner.task import Cause, Failed, Request, Signature, Succeeded
from tests.execute.pools import children_of

pytestmark = pytest.mark.real


class Ears:
    """Everything that was told, and the callers that wait."""

    def __init__(self, idle: float = 10.0) -> None:
        self.told: list[FromHost] = []
        self.faults = 0
        self._news = threading.Condition()
        self._callers: list[threading.Thread] = []
        self.away = Away(2, self.hear, idle=idle)

    def hear(self, messages: Sequence[FromHost]) -> None:
        """Listen, except as often as there are to be faults."""
        with self._news:
            if self.faults:
                self.faults -= 1
                raise OSError("nobody listens")
            self.told += messages
            self._news.notify_all()

    def do(self, key: str, task: str, seconds: float, attempt: int = 1, **fields: Any) -> threading.Thread:
        """Ask for an attempt from a thread of its own."""
        step = {"uses": "tests.execute.steps:step", "arguments": {"seconds": seconds, "stop_takes": 0.0}}
        request = request_for(task, attempt, **{**step, **fields})
        caller = threading.Thread(target=self.away.do, args=(Errand(key=key, request=request),))
        self._callers.append(caller)
        caller.start()
        return caller

    def stop(self, key: str, task: str, attempt: int = 1) -> None:
        """Stop an attempt."""
        why = {"cause": Cause.CANCELLED, "kill_after": 5.0, "message": "enough"}
        self.away.hear(StopErrand(key=key, stop=StopAttempt(task=task, attempt=attempt, **why)))

    def events_of(self, key: str) -> list[str]:
        """Name what was told of a key."""
        about = [each for each in self.told if each.key == key]
        return [type(each.event if isinstance(each, Told) else each).__name__ for each in about]

    def until(self, kind: type[FromHost], key: str) -> FromHost:
        """Wait for a message about a key."""
        with self._news:
            assert self._news.wait_for(lambda: self._about(kind, key), 20.0), self.told
            return self._about(kind, key)[0]

    def end_of(self, key: str) -> Over:
        """Wait for the end of a key."""
        over = self.until(Over, key)
        assert isinstance(over, Over)
        return over

    def close(self) -> None:
        """End everything, and see that every caller comes back."""
        self.away.close()
        for caller in self._callers:
            caller.join(10.0)
        assert not any(caller.is_alive() for caller in self._callers)

    def _about(self, kind: type[FromHost], key: str) -> list[FromHost]:
        return [each for each in self.told if isinstance(each, kind) and each.key == key]


def request_for(task: str, attempt: int = 1, **fields: Any) -> Request:
    """Answer what is asked for."""
    given = {"env": dict(os.environ), "path": (str(Path(__file__).parents[2]),), **fields}
    return Request(run="r", task=task, attempt=attempt, **given)


def wait_for(known: Callable[[], bool]) -> None:
    """Look until something is known."""
    until = time.monotonic() + 20.0
    while not known():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture
def ears() -> Iterator[Ears]:
    """Listen to a host with two threads."""
    made = Ears()
    yield made
    made.close()


def test_a_second_attempt_of_a_task_begins_when_the_first_is_over(ears: Ears) -> None:
    """One that was given up still runs here: it is ended first, as lost, and neither is taken for the other."""
    ears.do("one", "a", 60.0)
    ears.until(Told, "one")
    ears.do("two", "a", 0.0, attempt=2)
    first, second = ears.end_of("one").end, ears.end_of("two").end
    order = [
        each.key
        for each in ears.told
        if isinstance(each, Over) or (isinstance(each, Told) and isinstance(each.event, AttemptStarted))
    ]

    assert isinstance(first.outcome, Failed)
    assert Cause.LOST is first.outcome.cause
    assert isinstance(second.outcome, Succeeded)
    assert ["one", "one", "two", "two"] == order


def test_a_fault_of_a_host_costs_what_it_has_in_hand(ears: Ears) -> None:
    """Whatever goes wrong in its thread, its attempts are lost, and it can do others."""
    ears.faults = 1
    ears.do("one", "a", 60.0)
    end = ears.end_of("one").end

    assert isinstance(end.outcome, Failed)
    assert (Cause.LOST, "its host cannot go on: nobody listens") == (end.outcome.cause, end.outcome.message)

    ears.do("two", "b", 0.0)

    assert isinstance(ears.end_of("two").end.outcome, Succeeded)


def _failed(over: Over) -> tuple[Cause, str]:
    assert isinstance(over.end.outcome, Failed), over
    return over.end.outcome.cause, over.end.outcome.message


# -- stops -------------------------------------------------------------------------------------------------------------


def test_a_stop_ends_what_runs(ears: Ears) -> None:
    """With its cause; a second one, and asking it back, change nothing; its caller returns, and not before."""
    caller = ears.do("one", "a", 60.0)
    ears.until(Told, "one")
    ears.away.hear(Recall(key="one", task="a", attempt=1))
    ears.stop("one", "a")
    ears.stop("one", "a")

    assert (Cause.CANCELLED, "enough") == _failed(ears.end_of("one"))

    caller.join(10.0)

    assert not caller.is_alive()
    assert ["AttemptStarted", "Over"] == [name for name in ears.events_of("one") if name != "Noted"]


@pytest.mark.parametrize("message", ["stop", "recall"])
def test_what_is_given_back_before_it_came_does_not_begin(message: str, ears: Ears) -> None:
    """Whoever asked is told at once, and when it comes it is not done; the next one of its task is."""
    if message == "stop":
        ears.stop("one", "a")
    else:
        ears.away.hear(Recall(key="one", task="a", attempt=1))
    told = ears.events_of("one")
    comes = ears.away.comes("one"), ears.away.comes("two")
    ears.do("two", "a", 0.0)
    ears.end_of("two")

    assert ["AttemptReturned"] == told == ears.events_of("one")
    assert (False, True) == comes


def test_what_is_given_back_while_it_is_fetched_does_not_begin(ears: Ears) -> None:
    """It has come, and is not in hand yet: its files may be on their way."""
    assert ears.away.comes("one")
    assert ears.away.comes("two")

    ears.stop("one", "a")
    ears.away.forsake("two")
    callers = [ears.do("one", "a", 60.0), ears.do("two", "b", 60.0)]
    for caller in callers:
        caller.join(10.0)

    assert [False, False] == [caller.is_alive() for caller in callers]
    assert ["AttemptReturned"] == [name for key in ("one", "two") for name in ears.events_of(key)]


@pytest.mark.parametrize("how", ["stop", "forsake"])
def test_what_is_given_back_behind_another_does_not_begin(how: str, ears: Ears) -> None:
    """While it waits for a former attempt of its task it has not begun: it is not done after that either."""
    ears.do("one", "a", 60.0, arguments={"seconds": 60.0, "stop_takes": 0.5})
    ears.until(Told, "one")
    caller = ears.do("two", "a", 60.0, attempt=2)
    wait_for(lambda: "two" in ears.away._coming)
    if how == "stop":
        ears.stop("two", "a", attempt=2)
    else:
        ears.away.forsake("two")
    caller.join(10.0)

    assert not caller.is_alive()
    assert Cause.LOST is _failed(ears.end_of("one"))[0]
    assert (["AttemptReturned"] if how == "stop" else []) == ears.events_of("two")


def test_what_nobody_asks_for_any_more_is_ended(ears: Ears) -> None:
    """As lost: whoever should hear of it was told so. A key that is nobody's is none."""
    ears.do("one", "a", 60.0)
    ears.until(Told, "one")
    for key in ("nobody", "one", "one"):
        ears.away.forsake(key)

    assert (Cause.LOST, "the cluster had given it up, so it was ended") == _failed(ears.end_of("one"))
    assert ears.away.comes("nobody")


def test_a_limit_holds_when_the_runner_cannot_be_heard(ears: Ears) -> None:
    """Some seconds later than the runner would have stopped it."""
    began = time.monotonic()
    ears.do("one", "a", 60.0, deadline=0.5)

    assert (Cause.TIMED_OUT, "it ran longer than its limit") == _failed(ears.end_of("one"))
    assert UNHEARD + 0.5 <= time.monotonic() - began


# -- what is told ------------------------------------------------------------------------------------------------------


def test_what_is_printed_is_told_in_pieces_before_the_end(ears: Ears) -> None:
    """All of it, in order, and no piece is larger than it may be."""
    ears.do("one", "a", 0.0, uses="tests.execute.steps:floods", arguments={"size": 10 * PIECE})
    ears.end_of("one")
    pieces = [each.piece for each in ears.told if isinstance(each, Printed)]

    assert b"".join(b"%063d\n" % number for number in range(10 * PIECE // 64)) == b"".join(pieces)
    assert PIECE >= max(map(len, pieces))
    assert "Over" == ears.events_of("one")[-1]


def test_secrets_are_hidden_before_anything_is_told(ears: Ears) -> None:
    """Those of the whole run, beside those of an attempt's own environment."""
    ears.away.hide({"OTHER": "hush-hush"})
    ears.do("one", "a", 0.0, uses="tests.execute.steps:prints", arguments={"text": "hush-hush"})
    ears.end_of("one")
    printed = b"".join(each.piece for each in ears.told if isinstance(each, Printed))

    assert b"print ***" in printed
    assert b"hush" not in printed


# -- questions ---------------------------------------------------------------------------------------------------------


def test_functions_are_described_beside_attempts(ears: Ears) -> None:
    """What they take, or why nobody can say; attempts go on meanwhile."""
    ears.do("one", "a", 60.0)
    ears.until(Told, "one")
    names = ("tests.execute.steps:length", "tests.execute.nowhere:f")
    told = ears.away.describe({uses: request_for("a", uses=uses) for uses in names})
    ears.stop("one", "a")

    assert list(names) == list(told)
    assert [Signature, Problem] == [type(each) for each in told.values()]
    assert Cause.CANCELLED is _failed(ears.end_of("one"))[0]


def _hangs(folder: Path) -> Request:
    mark = f"pathlib.Path({str(folder / 'began')!r}).touch()"
    Path(folder, "hangs.py").write_text(f"import pathlib, time\n{mark}\ntime.sleep(60)\n")
    return request_for("q", uses="hangs:f", path=(str(folder),))


def _asked(ears: Ears, wanted: dict[str, Request]) -> tuple[threading.Thread, list[dict[str, Any]]]:
    answers: list[dict[str, Any]] = []
    asking = threading.Thread(target=lambda: answers.append(ears.away.describe(wanted)))
    asking.start()
    return asking, answers


def test_a_pool_that_fails_costs_what_is_in_hand_and_asked(ears: Ears, tmp_path: Path) -> None:
    """Its warden is killed: attempts are lost, questions are answered, and the next ones find another warden."""
    ears.do("one", "a", 60.0)
    ears.until(Told, "one")
    asking, answers = _asked(ears, {"hangs:f": _hangs(tmp_path), "m:f": request_for("q", uses="m:f")})
    wait_for((tmp_path / "began").exists)
    assert ears.away._pool is not None
    os.kill(ears.away._pool._lifeline.pid, signal.SIGKILL)
    cause, message = _failed(ears.end_of("one"))
    asking.join(10.0)

    assert Cause.LOST is cause
    assert message.startswith("its host cannot go on: ")
    assert [{"hangs:f", "m:f"}] == [set(answer) for answer in answers]
    assert {message} == {problem.message for problem in answers[0].values()}

    ears.do("two", "a", 0.0, attempt=2)

    assert isinstance(ears.end_of("two").end.outcome, Succeeded)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # that is how its thread ends
def test_a_host_that_cannot_even_say_so_keeps_nobody_waiting(ears: Ears) -> None:
    """Whoever called returns; then somebody else sees that nothing was told."""
    ears.faults = 2
    caller = ears.do("one", "a", 60.0)
    caller.join(20.0)
    assert ears.away._thread is not None
    ears.away._thread.join(10.0)

    assert not caller.is_alive()
    assert [] == ears.events_of("one")


# -- its end -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("begun", [False, True])
def test_closing_ends_everything(tmp_path: Path, *, begun: bool) -> None:
    """What runs, what waits, what is asked: all callers return, nothing more is told, and no process is left."""
    ears, others = Ears(), children_of(os.getpid())
    for key, task in (("one", "a"), ("two", "b")):
        ears.do(key, task, 60.0)
        ears.until(Told, key)
    mine = set(children_of(os.getpid())) - set(others)
    asking, answers = _asked(ears, {"hangs:f": _hangs(tmp_path)})
    wait_for((tmp_path / "began").exists if begun else lambda: bool(ears.away._questions))
    ears.close()
    asking.join(10.0)
    told = len(ears.told)
    ears.do("three", "c", 0.0)
    after = ears.away.describe({"m:f": request_for("q", uses="m:f")})
    ears.close()

    assert not asking.is_alive()
    assert {"hangs:f"} == answers[0].keys()
    assert [CLOSED] == [problem.message for problem in after.values() if isinstance(problem, Problem)]
    assert told == len(ears.told)
    assert not any(isinstance(each, Over) for each in ears.told)
    assert not ears.away.comes("four")
    assert mine
    assert not mine & set(children_of(os.getpid()))


def test_its_processes_leave_when_there_is_nothing_to_do() -> None:
    """And come back with the next attempt."""
    ears = Ears(idle=0.2)
    ears.do("one", "a", 0.0)
    ears.end_of("one")
    assert ears.away._thread is not None
    ears.away._thread.join(20.0)
    left, pool = ears.away._thread.is_alive(), ears.away._pool
    ears.do("two", "a", 0.5, attempt=2)  # longer than it would wait for work
    second = ears.end_of("two")
    ears.close()

    assert not left
    assert pool is None
    assert isinstance(second.end.outcome, Succeeded)


def test_nothing_is_lost_between_two_lives() -> None:
    """Attempts that come just as the thread leaves are done by the next one, each of them once."""
    ears = Ears(idle=0.0)
    for number in range(12):
        ears.do(f"k{number}", f"t{number % 3}", 0.0, attempt=number)
        if number % 3 == 2:
            for each in range(number - 2, number + 1):
                ears.end_of(f"k{each}")
    ears.close()

    assert [["AttemptStarted", "Noted", "Over"]] * 12 == [ears.events_of(f"k{number}") for number in range(12)]
