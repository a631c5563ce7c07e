"""Whether a duration lies beyond the noise of past ones. Pure arithmetic; knows no run.

Theory of operation. Durations scatter by factors rather than by seconds, so it is their logarithms that are compared
with a normal distribution. Given n past ones, the next lies below `mean + t s sqrt(1 + 1/n)` with the probability that
belongs to t, Student's quantile with n - 1 degrees of freedom: a one-sided prediction interval for one future value.
It is wide where little is known (with three runs a factor of 25 standard deviations), and so needs no rule of its own
for that. What is beyond the interval but hardly longer is no news, so a change must be worth mentioning, too.

Source: W. Q. Meeker, G. J. Hahn, L. A. Escobar, Statistical Intervals, 2nd ed. (2017), section 4.8 (prediction
interval); NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2 (quantiles of t).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log, sqrt

from msgspec import Struct

FEWEST = 3
"""Past durations below which nothing is said."""
MOST = 30
"""The latest past durations that count; older ones were made on another machine, or another day."""
SHORTEST = 0.001
"""Seconds below which durations count as equal."""
WORTH_FACTOR, WORTH_SECONDS = 1.1, 0.25
"""A change must be by this factor and by so many seconds."""

# Student's t, one-sided 99.9 %, by degrees of freedom: one false alarm in a thousand tasks that did not change.
_T = (
    (2, 22.327), (3, 10.215), (4, 7.173), (5, 5.893), (6, 5.208), (7, 4.785), (8, 4.501), (9, 4.297), (10, 4.144),
    (11, 4.025), (12, 3.930), (13, 3.852), (14, 3.787), (15, 3.733), (16, 3.686), (17, 3.646), (18, 3.610), (19, 3.579),
    (20, 3.552), (21, 3.527), (22, 3.505), (23, 3.485), (24, 3.467), (25, 3.450), (26, 3.435), (27, 3.421), (28, 3.408),
    (29, 3.396),
)  # fmt: skip  # a table
T = dict(_T)


class Usual(Struct, frozen=True, kw_only=True):
    """What a duration usually is, in seconds: the middle of `runs` past ones, and the range that is noise."""

    seconds: float
    least: float
    most: float
    runs: int


def usual(past: Sequence[float]) -> Usual | None:
    """Answer what past durations (seconds, the latest last) make of the next, None if they are too few to tell."""
    latest = [log(max(each, SHORTEST)) for each in past[-MOST:]]
    if len(latest) < FEWEST:
        return None
    from statistics import fmean, stdev  # noqa: PLC0415  # it takes as long to load as all of this

    middle, reach = fmean(latest), T[len(latest) - 1] * stdev(latest) * sqrt(1 + 1 / len(latest))
    return Usual(seconds=exp(middle), least=exp(middle - reach), most=exp(min(middle + reach, 700.0)), runs=len(latest))


def beyond(seconds: float, known: Usual) -> int:
    """Say whether a duration is longer than noise explains (1), shorter (-1), or neither (0)."""
    if seconds > known.most and _worth(known.seconds, seconds):
        return 1
    return -1 if seconds < known.least and _worth(seconds, known.seconds) else 0


def _worth(short: float, long: float) -> bool:
    return long - short >= WORTH_SECONDS and long >= WORTH_FACTOR * short
