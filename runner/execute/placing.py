"""Which host of a cluster gets an attempt: threads, resources, and how many may be handed over ahead. Pure.

Theory of operation. We place attempts ourselves, and pin each to its host, because an engine that places them also
moves them: it would do the work of a dead worker again by itself, though nobody asked it to, and count that as no
attempt. A host takes as many attempts as it has threads. Only short functions that need no process of their own may be
more (`AHEAD` for each thread): a round trip through the scheduler takes ten times as long as they do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from heapq import heapify, heappop, heappush
from itertools import count

from msgspec import Struct, field

AHEAD = 16
"""Attempts that one thread of a host may be asked for: enough to hide the way there and back, and not more, because
nobody can say of those at a lost host which had begun. A host that has so many is asked for more once it has half of
them left, for many at once: each message through the scheduler costs more than what is in it."""
SHARES = 1024
"""Parts of one to which claims are rounded down. Dask subtracts claims and adds them again: exactly, if they are such
parts. Of tenths something is lost now and then, and then what needs all that a worker declares would wait for ever."""
_ROUNDING = 1e-9  # ten tenths are one
MOST_PASSED = 8
"""Entries of the heap for each host, from which on it is made anew."""

Needs = Mapping[str, float]
"""Amounts by the name of a resource, as tasks write it: case does not count."""


class Host(Struct, kw_only=True, eq=False):
    """A worker of the cluster that serves this run, and what it has in hand."""

    address: str
    number: int
    threads: int
    resources: Mapping[str, float] = field(default_factory=dict)
    in_hand: dict[str, Needs] = field(default_factory=dict)
    filled: bool = False

    @property
    def load(self) -> float:
        """How many attempts it has for each of its threads; one without threads is never free."""
        return len(self.in_hand) / self.threads if self.threads else math.inf

    def left(self, name: str) -> float:
        """Answer how much of a resource is free."""
        return self.resources[name] - sum(needs.get(name, 0.0) for needs in self.in_hand.values())


class Placing:
    """The hosts of one run.

    Sums are kept, and the least busy host lies on top of a heap, so that an attempt costs the same however many hosts
    there are. A host is put into the heap anew whenever its load changes; what is there of former loads is passed over.
    """

    def __init__(self) -> None:
        self._hosts: dict[str, Host] = {}
        self._most: int | None = None
        self._numbers = count()
        self._offered = 0
        self._in_hand = 0
        self._heap: list[tuple[float, int, Host]] = []

    # -- the questions ---------------------------------------------------------------------------------------------

    @property
    def threads(self) -> int:
        """How many attempts may run at once."""
        return self._offered if self._most is None else min(self._offered, self._most)

    @property
    def addresses(self) -> tuple[str, ...]:
        """The hosts there are."""
        return tuple(self._hosts)

    def could_ever(self, needs: Needs) -> bool:
        """Say whether any host has as much as an attempt needs, busy or not."""
        return any(_has(host, needs) for host in self._hosts.values())

    # -- hosts come and go -----------------------------------------------------------------------------------------

    def add(self, address: str, threads: int, resources: Mapping[str, float]) -> None:
        """Take in a new host."""
        declared = {name.lower(): amount for name, amount in resources.items()}
        self.remove(address)
        host = self._hosts[address] = Host(
            address=address, number=next(self._numbers), threads=threads, resources=declared
        )
        self._offered += threads
        self._push(host)

    def remove(self, address: str) -> None:
        """Take in that a host is gone."""
        host = self._hosts.pop(address, None)
        if host is not None:
            self._offered -= host.threads
            self._in_hand -= len(host.in_hand)

    def limit(self, most: int) -> None:
        """Let no more than so many attempts run at once."""
        self._most = most if self._most is None else min(most, self._most)

    # -- attempts come and go --------------------------------------------------------------------------------------

    def place(self, key: str, needs: Needs, ahead: int = 1) -> str | None:
        """Claim a place for an attempt; answers its host, None where there is none now.

        The least busy host is chosen, by attempts for each thread. `ahead` is how many a thread may be asked for.
        """
        if self._in_hand >= self.threads * ahead:
            return None
        host = self._least_busy()
        if host is None or host.load >= ahead:
            return None  # then all others have as much
        if not _takes(host, needs, ahead):
            free = [host for host in self._hosts.values() if _takes(host, needs, ahead)]
            host = min(free, key=lambda host: host.load, default=None)
        if host is None:
            return None
        host.in_hand[key] = {name: amount for name, amount in needs.items() if name in host.resources}
        host.filled = len(host.in_hand) >= host.threads * AHEAD
        self._in_hand += 1
        self._push(host)
        return host.address

    def over(self, address: str, key: str) -> None:
        """Give the place of an attempt back."""
        host = self._hosts.get(address)
        if host is not None and host.in_hand.pop(key, None) is not None:
            host.filled = host.filled and len(host.in_hand) > host.threads * AHEAD // 2
            self._in_hand -= 1
            self._push(host)

    # -- the helpers -----------------------------------------------------------------------------------------------

    def _push(self, host: Host) -> None:
        """Put a host into the heap with the load it has now; of hosts with equal loads the first to come is on top."""
        if len(self._heap) > MOST_PASSED * len(self._hosts):
            self._heap = [(each.load, each.number, each) for each in self._hosts.values() if each is not host]
            heapify(self._heap)
        heappush(self._heap, (host.load, host.number, host))

    def _least_busy(self) -> Host | None:
        while self._heap:
            load, _, host = self._heap[0]
            if self._hosts.get(host.address) is host and load == host.load:
                return host
            heappop(self._heap)
        return None


def claimed(needs: Needs, resources: Mapping[str, float]) -> dict[str, float]:
    """Answer what an attempt claims of the resources that a worker declares, by the worker's own names."""
    claims = {name: math.floor(needs.get(name.lower(), 0.0) * SHARES) / SHARES for name in resources}
    return {name: claim for name, claim in claims.items() if claim}


def _takes(host: Host, needs: Needs, ahead: int) -> bool:
    """Say whether a host takes one more attempt with these needs now."""
    if len(host.in_hand) >= host.threads * ahead or (ahead > 1 and host.filled):
        return False
    return _has(host, needs) and _fits(host, needs)


def _has(host: Host, needs: Needs) -> bool:
    """Say whether a host has what is needed; memory counts only where it is declared."""
    return all(host.resources.get(name, _unsaid(name)) + _ROUNDING >= amount for name, amount in needs.items())


def _fits(host: Host, needs: Needs) -> bool:
    return all(host.left(name) + _ROUNDING >= amount for name, amount in needs.items() if name in host.resources)


def _unsaid(name: str) -> float:
    return float("inf") if name == "memory" else 0.0
