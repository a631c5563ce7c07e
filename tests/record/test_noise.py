"""Whether a duration is beyond the noise: the quantiles, how often it cries wolf, and what it finds."""

from __future__ import annotations

from math import exp, gamma, pi, sqrt
from random import Random

import pytest

from runner.record.noise import MOST, T, beyond, usual

TRIES = 8_000


def beyond_t(value: float, freedom: int) -> float:
    """Answer the probability that Student's t is larger, by Simpson's rule over its density."""
    steps, far = 20_000, 1.0
    density = gamma((freedom + 1) / 2) / (sqrt(freedom * pi) * gamma(freedom / 2))

    def at(x: float) -> float:  # t = value + x / (1 - x), so that the tail is finite
        t = value + x / (1 - x)
        return density * (1 + t * t / freedom) ** (-(freedom + 1) / 2) / (1 - x) ** 2

    width = (far - 1e-9) / steps
    return width / 3 * sum(at(i * width) * (1 if i in {0, steps} else 4 if i % 2 else 2) for i in range(steps + 1))


def test_the_table_holds_the_quantiles_of_t() -> None:
    """Each entry leaves one in a thousand beyond it, by integration; there is one for each number of runs."""
    assert list(range(2, MOST)) == sorted(T)
    for freedom, value in T.items():
        assert pytest.approx(0.001, rel=0.01) == beyond_t(value, freedom), freedom


@pytest.mark.parametrize("runs", [3, 5, 10, 30])
@pytest.mark.parametrize("spread", [0.05, 0.5])
def test_it_hardly_ever_cries_wolf(runs: int, spread: float) -> None:
    """Of lognormal durations that never change, hardly any is called slower; seeds are fixed, so this is no gamble."""
    chance = Random(f"{runs} {spread}")
    alarms = 0
    for _ in range(TRIES):
        *past, now = (10 * exp(chance.gauss(0, spread)) for _ in range(runs + 1))
        known = usual(past)
        assert known is not None
        alarms += beyond(now, known) == 1

    assert TRIES / 400 > alarms
    assert spread < 0.1 or TRIES / 4000 <= alarms  # nor is it deaf; where noise is small, it has to matter, too


@pytest.mark.parametrize(
    ("past", "now", "said"),
    [
        ([2.0, 2.1, 1.9, 2.0, 2.05], 3.0, 1),
        ([2.0, 2.1, 1.9, 2.0, 2.05], 2.2, 0),
        ([2.0, 2.1, 1.9, 2.0, 2.05], 1.0, -1),
        ([2.0, 2.0, 2.0], 2.01, 0),  # beyond an interval of no width, and not worth a word
        ([2.0, 2.0, 2.0], 2.5, 1),
        ([0.01, 0.01, 0.01], 0.2, 0),  # twenty times as long, and nobody would notice
        ([100.0, 101.0, 99.0], 105.0, 0),  # three runs know little
        ([1.0, 8.0, 2.0, 4.0], 30.0, 0),
        ([0.0, 0.0, 0.0], 1.0, 1),
    ],
)
def test_what_is_slower_and_what_is_noise(past: list[float], now: float, said: int) -> None:
    """Longer than chance explains and worth mentioning is slower; all else is not."""
    known = usual(past)

    assert known is not None
    assert said == beyond(now, known)


def test_too_few_runs_tell_nothing() -> None:
    """With two past durations nobody knows what is usual."""
    assert usual([1.0, 1.1]) is None
