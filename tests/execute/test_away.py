"""What a host on a cluster does with attempts: a real pool in a thread of its own, told of from there."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from runner.execute.away import Away
from runner.execute.errands import Errand, FromHost, Over, Told
from runner.schedule.messages import AttemptStarted
from runner.task import Cause, Failed, Request, Succeeded

pytestmark = pytest.mark.real


class Ears:
    """Everything that was told, and the callers that wait."""

    def __init__(self) -> None:
        self.told: list[FromHost] = []
        self.faults = 0
        self._news = threading.Condition()
        self._callers: list[threading.Thread] = []
        self.away = Away(2, self.hear)

    def hear(self, messages: Sequence[FromHost]) -> None:
        """Listen, except as often as there are to be faults."""
        with self._news:
            if self.faults:
                self.faults -= 1
                raise OSError("nobody listens")
            self.told += messages
            self._news.notify_all()

    def do(self, key: str, task: str, seconds: float, attempt: int = 1) -> None:
        """Ask for an attempt from a thread of its own."""
        request = Request(
            run="r",
            task=task,
            attempt=attempt,
            uses="tests.execute.steps:step",
            arguments={"seconds": seconds, "stop_takes": 0.0},
            env=dict(os.environ),
            path=(str(Path(__file__).parents[2]),),
        )
        caller = threading.Thread(target=self.away.do, args=(Errand(key=key, request=request),))
        self._callers.append(caller)
        caller.start()

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
