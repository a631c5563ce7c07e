"""Who has come to a cluster, and when nobody is a fault: each thing that can be heard, in each order that matters."""

from __future__ import annotations

from itertools import permutations

import pytest

from runner.execute.attendance import Attendance
from runner.execute.heard import Connected, HostCame, HostLeft, HostRefused, Unreachable

PATIENCE = 30.0
A = HostCame(address="tcp://a:1", threads=1)
A_LEFT = HostLeft(address="tcp://a:1", why="its worker is gone")
B_REFUSED = HostRefused(address="tcp://b:1", why="it cannot import the runner")
NOBODY = "nothing could be done at tcp://s:8786 for 30 s: {}; go on with --resume"

Heard = Connected | HostCame | HostLeft | HostRefused | Unreachable


def after(*heard: Heard) -> Attendance:
    """Answer what is known after this was heard, a second apart."""
    made = Attendance("tcp://s:8786", PATIENCE, 0.0)
    for second, each in enumerate(heard, 1):
        made.hear(each, float(second))
    return made


@pytest.mark.parametrize(
    ("heard", "now", "fault"),
    [
        ((), 29.9, ""),
        ((), 30.0, NOBODY.format("it has no worker")),
        ((Unreachable(why="Timed out"),), 1.0, "no Dask scheduler answers at tcp://s:8786: Timed out"),
        ((Connected(workers=0), Unreachable(why="lost")), 29.9, ""),
        ((Connected(workers=0), Unreachable(why="lost")), 30.0, NOBODY.format("lost")),
        (
            (Connected(workers=0), Unreachable(why="lost"), Connected(workers=0)),
            30.0,
            NOBODY.format("it has no worker"),
        ),
        ((Connected(workers=1), A), 1e9, ""),
        ((Connected(workers=1), A, A_LEFT), 32.9, ""),
        ((Connected(workers=1), A, A_LEFT), 33.0, NOBODY.format("it has no worker")),
        ((Connected(workers=1), A, A_LEFT, A), 1e9, ""),
        ((Connected(workers=1), A, A_LEFT, A_LEFT), 33.0, NOBODY.format("it has no worker")),
        (
            (Connected(workers=1), B_REFUSED),
            2.0,
            "no worker of the cluster can be used; tcp://b:1: it cannot import the runner",
        ),
        ((Connected(workers=2), A, B_REFUSED), 1e9, ""),
        ((Connected(workers=2), A, B_REFUSED, A_LEFT), 33.9, ""),
        (
            (Connected(workers=2), A, B_REFUSED, A_LEFT),
            34.0,
            NOBODY.format("tcp://b:1: it cannot import the runner"),
        ),
    ],
)
def test_when_nobody_is_a_fault(heard: tuple[Heard, ...], now: float, fault: str) -> None:
    """At once where there never was anybody to be used, else after the time that one is patient."""
    known = after(*heard)

    assert fault == known.fault(now)
    assert known.is_empty or known.ends is None


@pytest.mark.parametrize("order", list(permutations((Connected(workers=2), A, B_REFUSED))))
def test_it_is_whole_when_all_have_come_or_were_refused(order: tuple[Heard, ...]) -> None:
    """In whatever order that is heard; not before the last of it."""
    assert [False, False, True] == [after(*order[:count]).is_whole for count in (1, 2, 3)]


def test_a_worker_that_was_refused_may_come_later() -> None:
    """Somebody has installed what it lacked: it counts once, and is named no more."""
    known = after(Connected(workers=2), B_REFUSED, A, HostCame(address="tcp://b:1", threads=1))

    assert (False, True, "") == (known.is_empty, known.is_whole, known.fault(1e9))
