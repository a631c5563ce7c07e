"""What a schedule tells those who ask: who holds what, what became ready, what services say, what rings when."""

from __future__ import annotations

import pytest

from runner.errors import IllegalMove
from runner.graph.model import Retry
from runner.schedule.alarms import Alarm, Alarms, Ring
from runner.schedule.board import Board, Phase
from runner.schedule.crashes import Crashes, Places
from runner.schedule.history import Stories
from runner.schedule.machine import Schedule
from runner.schedule.messages import AttemptEnded, AttemptStarted, Kept, ServiceEnded, ServiceReady, StartAttempt
from runner.schedule.policy import chance
from runner.task import Succeeded
from tests.kit import failed, graph_of, opened


def test_tasks_that_became_ready_and_settled_are_told_in_order() -> None:
    """Each in the order in which it did, and a task that is ready twice stands there twice."""
    retry = Retry(attempts=2, delay=0.0, jitter="none")
    schedule = Schedule(graph_of("a; b; c: a b", a={"retry": retry}))
    schedule.handle(opened(slots=1))
    assert ([], ["a", "b"]) == (list(schedule.settled), list(schedule.ready))
    schedule.handle(AttemptStarted(at=1.0, task="a", attempt=1))
    schedule.handle(AttemptEnded(at=2.0, task="a", attempt=1, outcome=failed()))
    schedule.handle(AttemptStarted(at=3.0, task="b", attempt=1))
    schedule.handle(AttemptEnded(at=4.0, task="b", attempt=1, outcome=Succeeded()))

    assert ["b"] == list(schedule.settled)
    assert ["a", "b"] == list(schedule.ready)[:2]
    assert not schedule.task("a").settled
    assert schedule.task("b").settled


def test_first_starts_are_numbered_from_one() -> None:
    """In the order in which attempts began, which says in what order they are cleaned up after; 0 is not begun."""
    schedule = Schedule(graph_of("a; b; c"))
    assert schedule.opened is None
    schedule.handle(opened())
    schedule.handle(AttemptStarted(at=1.0, task="b", attempt=1))
    schedule.handle(AttemptStarted(at=2.0, task="a", attempt=1))

    assert [2, 1, 0] == [schedule.task(name).started for name in "abc"]


def test_who_holds_a_pool_is_told_with_how_much() -> None:
    """From the start of an attempt to its end; what lacks room is told by the pool's name."""
    pools = {"a": {"claims": {"db": 2}}, "b": {"claims": {"db": 2}}, "c": {}}
    schedule = Schedule(graph_of("a; b; c", pools={"db": 3}, **pools))
    schedule.handle(opened())

    assert {"a": 2} == schedule.holders("db")
    assert ("db", None) == (schedule.lacks("b"), schedule.lacks("c"))
    schedule.handle(AttemptStarted(at=1.0, task="a", attempt=1))
    assert [StartAttempt(task="b", attempt=1)] == schedule.handle(
        AttemptEnded(at=2.0, task="a", attempt=1, outcome=Succeeded())
    )
    assert {"b": 2} == schedule.holders("db")


def test_what_a_service_says_is_told() -> None:
    """Its URL and port once it is ready, its message once it failed."""
    schedule = Schedule(graph_of("a: s", services={"s": {}}))
    schedule.handle(opened())
    assert {} == schedule.service_outputs("s")
    schedule.handle(ServiceReady(at=1.0, service="s", attempt=1, url="http://x:1", port=1))
    assert {"url": "http://x:1", "port": 1} == schedule.service_outputs("s")
    schedule.handle(ServiceEnded(at=2.0, service="s", attempt=1, how="died", message="it fell over"))

    assert ("failed", "it fell over") == (schedule.state("s"), schedule.reason("s"))


def test_a_board_begins_without_slots_and_moves_by_the_table() -> None:
    """Nobody may start before somebody says how many; what the table does not have is refused and says so."""
    board = Board(graph_of("a; b: a"))

    assert (0, 0, 0) == (board.slots, board.workers, board.running)
    assert (2, []) == (board.unsettled, board.ready)
    with pytest.raises(IllegalMove, match="task `a`, attempt 0: WAITING cannot become RUNNING"):
        board.move(board.tasks["a"], Phase.RUNNING)


def test_alarms_of_one_moment_ring_in_the_order_they_were_set() -> None:
    """And earlier ones before, whenever they were set."""
    alarms = Alarms(lambda alarm: alarm.task != "gone")
    for at, task in ((2.0, "a"), (2.0, "b"), (2.0, "c"), (1.0, "d"), (0.5, "gone"), (3.0, "e")):
        alarms.set(at, Alarm(ring=Ring.LIMIT, task=task))

    assert 1.0 == alarms.next()
    found = [alarm.task for _ in range(9) if (alarm := alarms.due(2.0)) is not None]
    assert ["d", "a", "b", "c"] == found
    assert 3.0 == alarms.next()


def test_a_task_runs_alone_from_its_third_attempt_after_crashes() -> None:
    """One crash is no crash too many, and a task that never crashed has none."""
    crashes = Crashes()
    for count, alone in enumerate((False, False, True, True)):
        assert alone == crashes.alone("a"), count
        assert not crashes.alone("b")
        crashes.add("a", float(count))


def test_crashes_of_one_task_count_once_and_the_latest() -> None:
    """Three different tasks within a minute, the last crash of each, told in the order of these."""
    crashes = Crashes()

    assert [(), (), (), ()] == [crashes.add("a", at) for at in (0.0, 10.0, 20.0, 30.0)]
    assert () == crashes.add("b", 40.0)
    assert ("a", "b", "c") == crashes.add("c", 90.0)
    assert [(), (), ()] == [crashes.add(task, at) for task, at in (("d", 91.0), ("e", 92.0), ("d", 93.0))]
    assert ("e", "d", "f") == crashes.add("f", 94.0)


def test_places_are_whole() -> None:
    """Before anybody offers any there are none; a share of two and a third for each of two workers is five slots."""
    places = Places()

    assert (0, 0) == (places.workers, places.slots)
    places.offer(7, 3)
    assert places.lower()
    assert (2, 5) == (places.workers, places.slots)


def test_chance_depends_on_each_of_its_arguments() -> None:
    """Numbers from 0 to below 1 that differ by run, task and attempt, and are the same for the same."""
    found = {chance(run, task, attempt) for run in ("r", "s") for task in ("a", "b") for attempt in range(1, 26)}

    assert 100 == len(found)
    assert all(0 <= each < 1 for each in found)
    assert 0.35 < sum(found) / 100 < 0.65
    assert chance("r", "a", 1) == chance("r", "a", 1)


def test_stories_begin_at_zero_and_belong_to_their_task() -> None:
    """Before the first event nothing is opened; asking for a story makes one of that task alone."""
    stories = Stories()
    assert (None, 0.0, False) == (stories.opened, stories.ended, stories.any_ledger)
    stories.of("a").kept = Kept(outcome=Succeeded(), run="r")

    assert ("r", "") == (stories.of("a").run, stories.of("b").run)
    first = opened()
    stories.add(first)
    assert first is stories.opened
