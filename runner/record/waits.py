"""Who could have started and waited, for which pool or worker, and for how long. Told by replaying; knows no words.

Theory of operation. What a ready task lacks hangs on its claims alone, and tasks of a graph have few different ones. So
it is asked once an event for each set of claims that somebody waits with, and the time is added up by what was lacking.
A wait is then the difference between two such sums. Asked for each task it would be the square of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct, field

from runner.schedule.board import Phase, TaskState
from runner.schedule.machine import Schedule
from runner.schedule.policy import EVERY_SLOT, STAGGER, Claims
from runner.schedule.situation import Mode

Lack: TypeAlias = Literal["pool", "worker", "others", "turn", "rate", "stagger"]
"""Room in a pool; a free worker; that all others end; its turn, for clean-ups of a stopped run go one at a time; that a
pool may be claimed again; that its `stagger` has gone by."""

HOLDERS = 10
"""How many of those who were in the way are named."""


class Wait(Struct, frozen=True, kw_only=True):
    """A ready task waited so many seconds for one thing, in all; `holders` were in the way when that began.

    Where it lacked now this and now that, its waits are told one after another, each summed up: `at` is then as if.
    """

    at: float
    seconds: float
    lack: Lack
    pool: str = ""
    holders: tuple[str, ...] = ()


_Key: TypeAlias = tuple[Lack, str]


class _Group(Struct, kw_only=True):
    """Those who wait with the same claims: what they lack `since` when, who held that, and all seconds before."""

    key: _Key
    since: float
    waiting: dict[str, None] = field(default_factory=dict)
    holders: dict[_Key, tuple[str, ...]] = field(default_factory=dict)
    seconds: dict[_Key, float] = field(default_factory=dict)

    def until(self, now: float) -> dict[_Key, float]:
        """Answer the seconds by what was lacking, up to now."""
        return {**self.seconds, self.key: self.seconds.get(self.key, 0.0) + now - self.since}


class _Begun(Struct, frozen=True, kw_only=True):
    at: float
    group: _Group
    key: _Key
    holders: tuple[str, ...]
    before: dict[_Key, float]


class Waits:
    """All waits of a run, told one event at a time, after the schedule has handled it."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._task = schedule.task  # what a task is at
        self._ready = 0
        self._settled = 0
        self._begun: dict[str, _Begun] = {}
        self._groups: dict[Claims, _Group] = {}
        self._running: dict[str, None] = {}

    def turn(self, now: float, started: Sequence[str], ended: str) -> dict[str, tuple[Wait, ...]]:
        """Take in an event: which tasks it `started`, which it `ended`, "" for none; answers waits that are over."""
        self._running.pop(ended, None)
        settled = self._schedule.settled[self._settled :]
        self._settled += len(settled)
        over = [name for name in (*started, *settled) if name in self._begun]
        told = {name: tuple(self._until(name, now)) for name in over if name in self._begun}
        self._running |= dict.fromkeys(started)
        for group in self._groups.values():
            self._note(group, now)
        self._begin_all(self._schedule.ready[self._ready :], now)
        self._ready = len(self._schedule.ready)
        return told

    # -- the helpers -----------------------------------------------------------------------------------------------

    def _begin_all(self, names: Sequence[str], now: float) -> None:
        begun: dict[Claims, _Begun] = {}  # those with the same claims begin alike
        for name in names:
            task = self._task(name)
            if task.phase is not Phase.READY:
                continue
            claims = task.wants
            if claims not in begun:
                begun[claims] = self._begin(task, claims, now)
            self._begun[name] = begun[claims]
            begun[claims].group.waiting[name] = None

    def _begin(self, task: TaskState, claims: Claims, now: float) -> _Begun:
        key = self._lacking(task)
        group = self._groups.setdefault(claims, _Group(key=key, since=now))
        group.waiting[task.spec.id] = None
        self._note(group, now)
        holders = self._holders(key)
        group.holders.setdefault(key, holders)
        return _Begun(at=now, group=group, key=key, holders=holders, before=group.until(now))

    def _until(self, name: str, now: float) -> Iterator[Wait]:
        begun = self._begun.pop(name)
        group, at = begun.group, begun.at
        del group.waiting[name]
        after = group.until(now)
        keys = [begun.key, *(key for key in after if key != begun.key)]
        for key in keys:
            seconds = after[key] - begun.before.get(key, 0.0)
            if seconds > 0:
                holders = begun.holders if key == begun.key else group.holders.get(key, ())
                yield Wait(at=at, seconds=seconds, lack=key[0], pool=key[1], holders=holders)
                at += seconds

    def _note(self, group: _Group, now: float) -> None:
        """Add up what was lacking until now, if it is something else from now on."""
        name = next(iter(group.waiting), None)
        if name is None or (task := self._task(name)).phase is not Phase.READY:
            return
        key = self._lacking(task)
        if key != group.key:
            group.seconds = group.until(now)
            group.key, group.since = key, now
            group.holders[key] = self._holders(key)

    def _lacking(self, task: TaskState) -> _Key:
        pool = self._schedule.lacks(task.spec.id)
        if pool == EVERY_SLOT:
            return "others", ""
        if pool is not None:
            return "pool", pool
        if self._schedule.mode is Mode.ENDING:
            return "turn", ""
        held = self._schedule.held(task.spec.id)
        if held is not None:
            return ("stagger", "") if held == STAGGER else ("rate", held)
        return "worker", ""

    def _holders(self, key: _Key) -> tuple[str, ...]:
        lack, pool = key
        if lack in {"rate", "stagger"}:
            return ()
        who = self._schedule.holders(pool) if lack == "pool" else self._running
        return tuple(name for name, _ in zip(who, range(HOLDERS), strict=False))
