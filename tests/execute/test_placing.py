"""Which host gets an attempt: every answer beside that of a naive oracle, which keeps lists and counts them anew."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import runner.execute.placing
from runner.execute.placing import AHEAD, Placing, claimed
from tests.execute.planting import UNTOUCHED, Bug, planted

NAMES = ("gpu", "GPU", "Licence", "memory", "MEMORY")
AMOUNTS = st.integers(0, 12).map(lambda quarters: quarters / 4)  # their sums are exact
RESOURCES = st.dictionaries(st.sampled_from(NAMES), AMOUNTS, max_size=3).filter(
    lambda named: len(named) == len({name.lower() for name in named})
)
NEEDS = st.dictionaries(st.sampled_from(("gpu", "licence", "memory")), AMOUNTS, max_size=2)

GAMES = 400
STEPS = 60


class Game:
    """Hosts that come and go, attempts that are placed and over, by chance; the attributes are the oracle."""

    def __init__(self, placing: Placing, random: Random) -> None:
        self.placing = placing
        self.random = random
        self.hosts: dict[str, tuple[int, dict[str, float]]] = {}
        self.placed: dict[str, tuple[str, Mapping[str, float]]] = {}
        self.filled: set[str] = set()
        self.limits: list[int] = []
        self.count = 0

    def play(self) -> None:
        """Do this and that, and look after each."""
        self.host_comes()
        steps = [self.host_comes, self.host_goes, self.limited, *[self.place] * 5, *[self.over] * 5, self.ask]
        for _ in range(STEPS):
            self.random.choice(steps)()
            self.nobody_has_more_than_there_is()

    # -- what the oracle knows -------------------------------------------------------------------------------------

    def at(self, address: str) -> list[Mapping[str, float]]:
        return [needs for where, needs in self.placed.values() if where == address]

    def slots(self) -> int:
        return min([sum(threads for threads, _ in self.hosts.values()), *self.limits])

    def offers(self, address: str, needs: Mapping[str, float], busy: list[Mapping[str, float]]) -> bool:
        """Say whether a host has what is needed beside what others there need."""
        _, declared = self.hosts[address]
        for name, amount in needs.items():
            if name in declared:
                if sum(each.get(name, 0.0) for each in busy) + amount > declared[name]:
                    return False
            elif name != "memory" and amount > 0:
                return False
        return True

    def fitting(self, needs: Mapping[str, float], ahead: int) -> list[str]:
        if len(self.placed) >= self.slots() * ahead:
            return []
        return [
            address
            for address, (threads, _) in self.hosts.items()
            if len(self.at(address)) < threads * ahead
            and (ahead == 1 or address not in self.filled)
            and self.offers(address, needs, self.at(address))
        ]

    def busyness(self, address: str) -> float:
        return len(self.at(address)) / self.hosts[address][0]

    # -- what happens ----------------------------------------------------------------------------------------------

    def host_comes(self) -> None:
        self.count += 1
        address, threads = f"tcp://host:{self.count}", self.random.randrange(4)
        names = self.random.sample(("gpu", "Licence", "MEMORY"), self.random.randrange(4))
        declared = {name: self.random.randrange(13) / 4 for name in names}
        self.placing.add(address, threads, declared)
        self.hosts[address] = threads, {name.lower(): amount for name, amount in declared.items()}

    def host_goes(self) -> None:
        if len(self.hosts) < 3:
            return
        address = self.random.choice(list(self.hosts))
        self.placing.remove(address)
        del self.hosts[address]
        self.filled.discard(address)
        self.placed = {key: each for key, each in self.placed.items() if each[0] != address}

    def limited(self) -> None:
        if self.random.random() < 0.1:
            self.limits.append(self.random.randrange(12))
            self.placing.limit(self.limits[-1])

    def place(self) -> None:
        names = self.random.sample(("gpu", "licence", "memory"), self.random.choice((0, 0, 1, 1, 2)))
        needs = {name: self.random.choice((0, 1, 1, 2, 5)) / 4 for name in names}
        ahead = self.random.choice((1, AHEAD))
        for _ in range(self.random.choice((1, 3, 2 * AHEAD))):
            self.count += 1
            self.place_one(f"k{self.count}", needs, ahead)

    def place_one(self, key: str, needs: Mapping[str, float], ahead: int) -> None:
        fitting = self.fitting(needs, ahead)
        found = self.placing.place(key, needs, ahead)
        if not fitting:
            assert found is None
            return
        assert found in fitting
        assert min(map(self.busyness, fitting)) == self.busyness(found)
        self.placed[key] = found, needs
        if len(self.at(found)) >= self.hosts[found][0] * AHEAD:
            self.filled.add(found)

    def over(self) -> None:
        for _ in range(min(self.random.choice((1, 3, AHEAD)), len(self.placed))):
            key = self.random.choice(list(self.placed))
            address, _ = self.placed.pop(key)
            self.placing.over(address, key)
            self.placing.over(address, key)  # twice is once
            self.placing.over("tcp://nobody:0", key)
            if len(self.at(address)) <= self.hosts[address][0] * AHEAD // 2:
                self.filled.discard(address)

    def ask(self) -> None:
        needs = {name: self.random.randrange(13) / 4 for name in self.random.sample(("gpu", "memory"), 1)}
        assert any(self.offers(address, needs, []) for address in self.hosts) is self.placing.could_ever(needs)

    # -- what always holds -----------------------------------------------------------------------------------------

    def nobody_has_more_than_there_is(self) -> None:
        assert tuple(self.hosts) == self.placing.addresses
        assert self.slots() == self.placing.threads
        for address, (threads, declared) in self.hosts.items():
            assert len(self.at(address)) <= threads * AHEAD
            for name, amount in declared.items():
                assert sum(each.get(name, 0.0) for each in self.at(address)) <= amount


def first_to_fall(kind: type[Placing]) -> int | None:
    """Answer the seed of the first game in which an answer is not the oracle's."""
    for seed in range(GAMES):
        try:
            Game(kind(), Random(seed)).play()
        except AssertionError:
            return seed
    return None


@pytest.mark.parametrize("seed", range(GAMES // 100))
def test_every_answer_is_that_of_the_oracle(seed: int) -> None:
    """Whatever comes, goes, is limited, placed and over, in any order; a hundred games each."""
    for each in range(100 * seed, 100 * seed + 100):
        Game(Placing(), Random(each)).play()


HAS = "_has(host, needs)"
BUGS = (
    UNTOUCHED,
    Bug("a host takes one too many", "in_hand) >= host.threads * ahead", "in_hand) > host.threads * ahead"),
    Bug("the limit of the run is forgotten", "if self._most is None else min(self", "if True else min(self"),
    Bug("a second limit replaces the first", "most if self._most is None else min(most, self._most)", "most"),
    Bug("the limit counts for what is ahead, too", ">= self.threads * ahead:", ">= self.threads:"),
    Bug("resources in use are not counted", " and _fits(host, needs)\n", "\n"),
    Bug("memory counts everywhere", 'float("inf") if name == "memory" else 0.0', "0.0"),
    Bug("names have case", "{name.lower(): amount for", "{name: amount for"),
    Bug("the busiest host is chosen", "host = min(free,", "host = max(free,"),
    Bug("a former load counts", " and load == host.load", ""),
    Bug("a load that went down is not seen", "self._in_hand -= 1\n            self._push(host)", "self._in_hand -= 1"),
    Bug("what a lost host had counts on", "self._in_hand -= len(host.in_hand)", "pass"),
    Bug("the heap made anew forgets", "if each is not host]", "if each.in_hand]"),
    Bug("a host with many threads counts as busy", "len(self.in_hand) / self.threads if", "len(self.in_hand) if"),
    Bug("a host is never full", "host.filled = len(host.in_hand) >= host.threads * AHEAD", "host.filled = False"),
    Bug("a full host stays full", "host.filled and len(host.in_hand) > host.threads * AHEAD // 2", "host.filled"),
    Bug("a full host is asked at once again", "> host.threads * AHEAD // 2", "> host.threads * AHEAD - 1"),
    Bug("what is over keeps its place", "host.in_hand.pop(key, None)", "host.in_hand.get(key)"),
    Bug("a host that is gone is offered", "self._hosts.pop(address, None)", "self._hosts.get(address)"),
    Bug("what is busy could never be had", f"any({HAS} for", f"any(_fits(host, needs) and {HAS} for"),
)  # fmt: skip  # a line each


@pytest.mark.parametrize("bug", BUGS, ids=repr)
def test_the_oracle_falls_for_each_planted_bug(bug: Bug) -> None:
    """And for none if there is none."""
    fallen = first_to_fall(planted(runner.execute.placing, bug).Placing)

    assert (bug is UNTOUCHED) is (fallen is None)


@given(st.integers(1, 40), st.sampled_from([0.1, 0.2, 0.3, 0.7, 1 / 3, 1.1]))
def test_as_many_shares_fit_as_people_count(count: int, share: float) -> None:
    """Ten tenths are one, though ten times the float that is nearest to a tenth is not."""
    placing = Placing()
    placing.add("a", 1000, {"gpu": round(count * share, 9)})
    found = [placing.place(f"k{number}", {"gpu": share}) for number in range(count + 1)]

    assert ["a"] * count + [None] == found


@given(NEEDS, RESOURCES)
def test_what_is_claimed_of_a_worker(needs: dict[str, float], declared: dict[str, float]) -> None:
    """What is needed and declared, by the worker's own names; nothing for what is not needed."""
    claims = claimed(needs, declared)

    assert {name for name in declared if needs.get(name.lower(), 0) > 0} == claims.keys()
    assert [needs[name.lower()] for name in claims] == list(claims.values())


@given(st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.7, 1 / 3]), max_size=60), st.randoms(use_true_random=False))
def test_a_worker_that_got_all_of_a_resource_back_has_all_of_it(shares: list[float], random: Random) -> None:
    """Dask subtracts claims and adds them again, in any order: no error of rounding may make it too little for ever."""
    whole, total = claimed({"gpu": sum(shares)}, {"GPU": 100.0}), sum(shares)
    claims = [claimed({"gpu": share}, {"GPU": 100.0})["GPU"] for share in shares]
    available = total
    for claim in claims:
        available -= claim
    random.shuffle(claims)
    for claim in claims:
        available += claim

    assert whole.get("GPU", 0.0) <= available
    assert all(claim <= share for claim, share in zip(sorted(claims), sorted(shares), strict=True))
