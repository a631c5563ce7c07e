"""Order and rests, by hand-made numbers."""

from __future__ import annotations

from collections import Counter

import pytest
from msgspec.structs import replace

from runner.graph.model import Backoff, Retry
from runner.schedule.policy import ReadyQueue, chance, ranks, rest_before, urgency
from tests.kit import graph_of


@pytest.mark.parametrize(
    ("backoff", "expected"),
    [
        (Backoff.FIXED, [2.0, 2.0, 2.0, 2.0]),
        (Backoff.LINEAR, [2.0, 4.0, 6.0, 7.0]),
        (Backoff.EXPONENTIAL, [2.0, 6.0, 7.0, 7.0]),
    ],
)
def test_rests_grow_by_their_law_up_to_their_limit(backoff: Backoff, expected: list[float]) -> None:
    """Fixed stays, linear adds, exponential multiplies; none passes `max_delay`."""
    retry = Retry(attempts=5, delay=2.0, backoff=backoff, factor=3.0, max_delay=7.0, jitter="none")

    assert expected == [rest_before(retry, "r", "a", attempt) for attempt in (1, 2, 3, 4)]


def test_a_thousand_attempts_do_not_overflow() -> None:
    """The exponent of a patient task fits into a float."""
    retry = Retry(attempts=10_000, delay=1.0, factor=1e9, max_delay=30.0, jitter="none")

    assert 30.0 == rest_before(retry, "r", "a", 9_999)


def test_rests_grow_as_long_as_they_may() -> None:
    """The hundred and first rest, too, is longer than the one before; no rest at first is none at last."""
    retry = Retry(attempts=10_000, delay=1.0, factor=1.05, max_delay=600.0, jitter="none")

    assert pytest.approx(131.501, abs=0.001) == rest_before(retry, "r", "a", 101)
    assert 0.0 == rest_before(replace(retry, delay=0.0, factor=9.0), "r", "a", 9_999)


def test_full_jitter_takes_any_part_of_the_rest() -> None:
    """Over many tasks the rests fill the whole range evenly; those of one task differ."""
    retry = Retry(attempts=2, delay=10.0, backoff=Backoff.FIXED, jitter="full")
    rests = [rest_before(retry, "r", f"t{number}", 1) for number in range(5000)]
    tenths = Counter(int(rest) for rest in rests)

    assert set(range(10)) == set(tenths)
    assert all(400 < count < 600 for count in tenths.values())
    assert 100 == len({rest_before(retry, "r", "a", attempt) for attempt in range(1, 101)})


def test_chance_depends_on_run_task_and_attempt_and_on_nothing_else() -> None:
    """The same attempt of the same run always draws the same number; any other draws another."""
    draws = {chance(run, task, attempt) for run in ("r1", "r2") for task in ("a", "b") for attempt in (1, 2)}

    assert 8 == len(draws)
    assert chance("r1", "a", 1) == chance("r1", "a", 1)


def test_a_seed_names_an_order_and_every_order_has_a_seed() -> None:
    """Shuffled, three tasks come in each of six orders about as often, whatever is urgent; a seed always in one."""
    tasks = graph_of("a; b; c", a={"priority": 9}).tasks.values()

    def order(seed: int) -> str:
        return "".join(task.id for task in sorted(tasks, key=lambda task: urgency(task, 5.0, seed)))

    counts = Counter(order(seed) for seed in range(3000))

    assert 6 == len(counts)
    assert all(400 < count < 600 for count in counts.values())
    assert order(7) == order(7)


def test_a_rank_is_the_longest_way_to_the_end() -> None:
    """Measured seconds stand above estimates, and a task nobody knows anything about counts as one second."""
    graph = graph_of("a; b: a; c: a; d: b c", a={"estimate": 5.0}, b={"estimate": 9.0}, c={"estimate": 3.0})
    durations = {"a": 2.0, "b": 1.5}

    assert {"d": 1.0, "c": 4.0, "b": 2.5, "a": 6.0} == ranks(graph, durations)


def test_the_queue_lets_the_next_one_pass_where_claims_do_not_fit() -> None:
    """The most urgent task that fits comes first; what is no longer ready is forgotten."""
    queue = ReadyQueue()
    queue.push((("db", 2),), (0, 0, 1), "big")
    queue.push((("db", 1),), (0, 0, 2), "gone")
    queue.push((("db", 1),), (0, 0, 3), "small")
    queue.push((), (0, 0, 4), "free")
    room = {"db": 1}

    def fits(claims: tuple[tuple[str, int], ...]) -> bool:
        return all(room[pool] >= amount for pool, amount in claims)

    taken = [queue.pop(fits, lambda task: task == "gone", lambda _task: True) for _ in range(3)]
    room["db"] = 2

    assert ["small", "free", None] == taken
    assert None is queue.pop(fits, lambda _task: False, lambda _task: False)
    assert "big" == queue.pop(fits, lambda _task: False, lambda _task: True)
