"""What every task of a run is at, and the one writer of it. Pure. Decides nothing: the machine says where a task moves.

`Board.move` writes a phase, and with it, in the same step, everything that follows from phases: free slots, room in the
pools, how many tasks have not settled. So these can never disagree with the phases.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from math import inf

from msgspec import Struct, field

from runner.errors import IllegalMove
from runner.graph.model import Graph, TaskSpec, Trigger
from runner.schedule.policy import EVERY_SLOT, STAGGER, Claims
from runner.schedule.rules import F, K, Need, S
from runner.task import Cause, Failed, Outcome


class Phase(Enum):
    """What a task is at; the value says it in a sentence."""

    WAITING = "needs something that has not settled"
    READY = "could start now, given room"
    RUNNING = "handed to the executor; its slot and its claims are taken"
    RESTING = "failed, waiting to be tried again; holds no slot and no claim"
    SUCCEEDED = "did what it should"
    FAILED = "did not, and will not be tried again"
    SKIPPED = "will not run"

    __hash__ = object.__hash__  # each is one of a kind; Enum's own hashes the name, in Python, at every look-up


WAITING, READY, RUNNING, RESTING, SUCCEEDED, FAILED, SKIPPED = Phase  # before 3.12, `Phase.READY` costs a call or two

MOVES: Mapping[Phase, frozenset[Phase]] = {
    Phase.WAITING: frozenset({Phase.READY, Phase.SUCCEEDED, Phase.FAILED, Phase.SKIPPED}),
    Phase.READY: frozenset({Phase.RUNNING, Phase.SKIPPED}),
    Phase.RUNNING: frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.RESTING, Phase.READY}),
    Phase.RESTING: frozenset({Phase.READY, Phase.FAILED}),
    Phase.SUCCEEDED: frozenset({Phase.WAITING}),
    Phase.FAILED: frozenset({Phase.WAITING}),
    Phase.SKIPPED: frozenset({Phase.WAITING}),
}

_WORDS = {phase: phase.name.lower() for phase in Phase}

SETTLED = frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.SKIPPED})


class Why(Enum):
    """Why a task will not run."""

    BLOCKED = "something it needs failed"
    SKIPPED = "its `if` or its trigger said no"
    CANCELLED = "the run was stopped before it could start"


class TaskState(Struct, kw_only=True, eq=False):
    """One task of this run; it knows those it `needs` and its `dependents` themselves, its `services` by name.

    `rank` is the seconds of the longest path that begins with it. `unsettled` counts the tasks it needs of which it has
    not heard that they have settled, and one for the included graph it is in until that goes on. `before` numbers the
    attempts of earlier rounds of that. `started` numbers the first starts of a run from 1; `above` is the latest of
    these numbers among all it rests upon, 0 if none of them was started. `alone` says that nothing may run beside its
    next attempt; `modest` that it claims no pool, no memory and no time and needs no service; `piled` that it was
    started as one of those of which a worker is asked for several ahead; `free` that nothing is asked before it starts:
    no `if`, no last result, no person. `asked` says that somebody looks whether its last result still holds, or what
    its items are; `told` that they have; `cached` that it does.
    """

    spec: TaskSpec
    claims: tuple[tuple[str, int], ...]
    unsettled: int = 0
    needs: tuple[TaskState, ...] = ()
    services: tuple[str, ...] = ()
    dependents: list[TaskState] = field(default_factory=list)
    rank: float = 0.0
    phase: Phase = Phase.WAITING
    attempt: int = 0
    before: int = 0
    first_start: float | None = None
    started: int = 0
    above: int = 0
    stopping: bool = False
    spent: bool = False
    alone: bool = False
    modest: bool = True
    free: bool = True
    piled: bool = False
    kept: bool = False
    asked: bool = False
    told: bool = False
    cached: bool = False
    outcome: Outcome | None = None
    why: Why | None = None
    reason: str = ""

    @property
    def wants(self) -> Claims:
        """What its next attempt has to claim to start: of its pools, of time, and of all slots where it runs alone."""
        claims = (*self.claims, (STAGGER, self.spec.stagger)) if self.spec.stagger else self.claims
        return (*claims, (EVERY_SLOT, 1)) if self.alone else claims

    @property
    def always(self) -> bool:
        """Whether it cleans up: it runs even when the run is being stopped."""
        return self.spec.trigger is Trigger.ALWAYS

    @property
    def tries(self) -> int:
        """How many attempts it has had in this round."""
        return self.attempt - self.before

    @property
    def settled(self) -> bool:
        """Whether nothing more becomes of it."""
        return self.phase in SETTLED

    @property
    def cause(self) -> Cause | None:
        """Why its latest attempt failed."""
        return self.outcome.cause if isinstance(self.outcome, Failed) else None

    @property
    def need(self) -> Need:
        """How it has settled, seen from the tasks that need it."""
        if self.phase is SUCCEEDED:
            return S
        if self.phase is FAILED:
            return S if self.spec.allow_failure and self.cause is not Cause.CANCELLED else F
        assert self.phase is SKIPPED, f"{self.spec.id} has not settled"
        return K if self.why is Why.SKIPPED else F

    @property
    def word(self) -> str:
        """Its state in the words of the report (DESIGN section 3, Phases of a task)."""
        if self.why is not None:
            return self.why.name.lower()
        if self.phase is FAILED and self.cause in {Cause.TIMED_OUT, Cause.CRASHED, Cause.CANCELLED}:
            return self.cause.word
        return "kept" if self.kept else "cached" if self.cached else _WORDS[self.phase]


class Board:
    """All tasks of one run, and what follows from their phases.

    That is: free slots, who holds what of each pool, who runs `alone`, who became `ready` and who has `settled`, in
    order.
    """

    def __init__(self, graph: Graph) -> None:
        self.tasks = _states(graph)
        self.slots = 0
        self.workers = 0
        self.short: frozenset[str] = frozenset()
        self.running = 0
        self._piled = 0
        self.alone: str | None = None
        self.unsettled = len(self.tasks)
        self.settled: list[str] = []
        self.ready: list[str] = []
        self.holders: dict[str, dict[str, int]] = {pool: {} for pool in graph.pools}
        self._room: dict[str, float] = {**graph.pools, EVERY_SLOT: 1, STAGGER: inf}

    @property
    def has_slot(self) -> bool:
        """Whether one more attempt may be handed out, as far as slots and what runs alone go."""
        return self.alone is None and self.running < self.slots

    def grow(self, graph: Graph, task: str) -> list[TaskState]:
        """Take in the instances of a template whose needs have all settled: it is their group now. Answers them."""
        group, spec = self.tasks[task], graph.tasks[task]
        found = [_state_of(graph, graph.tasks[name]) for name in spec.instances or ()]
        for each in found:
            each.needs, each.above = group.needs, group.above
            each.dependents.append(group)
            self.tasks[each.spec.id] = each
        for need in group.needs if spec.scope else ():  # which may be tried again, and then tells the instances
            need.dependents.remove(group)
            need.dependents += found
        group.spec, group.claims, group.services = spec, (), ()
        group.needs, group.unsettled = tuple(found), len(found)
        self.unsettled += len(found)
        return found

    def fits(self, claims: Claims) -> bool:
        """Say whether the pools have room for these claims."""
        return self.full(claims) is None

    def full(self, claims: Claims) -> str | None:
        """Answer the first pool that has no room for these claims (`EVERY_SLOT`: something runs), None if all have."""
        for pool, amount in claims:  # asked more often than anything else, and mostly with no claims
            if self._room[pool] < amount:
                return pool
        return None

    def has_place(self, task: TaskState) -> bool:
        """Say whether a worker is free for it, or may be asked ahead for it: only for what is short.

        A worker takes one attempt, or its share of the slots in short ones. What is not short waits for a worker of its
        own, and everything less urgent behind it: else short ones could keep all workers from it.
        """
        if not self.may_pile(task):
            return self.running < self.workers
        one_each = self.running - self._piled
        return (self.workers - one_each) * (self.slots // max(1, self.workers)) > self._piled

    def may_pile(self, task: TaskState) -> bool:
        """Say whether a worker may be asked for it ahead: it is short, and holds nothing while it waits."""
        return task.spec.uses in self.short and task.modest and not task.alone

    def move(self, task: TaskState, to: Phase) -> None:
        """Write a phase, by the table.

        Raises:
            IllegalMove: the table has no such move.

        """
        if to not in MOVES[task.phase]:
            raise IllegalMove(
                f"task `{task.spec.id}`, attempt {task.attempt}: {task.phase.name} cannot become {to.name}"
            )
        if task.phase is RUNNING:
            self._take(task, -1)
        if to is WAITING:
            self.unsettled += 1
        task.phase = to
        if to is RUNNING:
            self._take(task, 1)
        if to is READY:
            self.ready.append(task.spec.id)
        if to in SETTLED:
            self.unsettled -= 1
            self.settled.append(task.spec.id)

    def renew(self, task: TaskState) -> None:
        """Let a settled task wait as if it had never been tried; its attempts are numbered on.

        What it hears of others, `unsettled` and `above`, is counted anew by whoever lets it.
        """
        self.move(task, WAITING)
        task.before = task.attempt
        task.first_start, task.started = None, 0
        task.spent = task.asked = task.told = task.kept = task.cached = False
        task.outcome, task.why, task.reason = None, None, ""

    def _take(self, task: TaskState, sign: int) -> None:
        self.running += sign
        if sign > 0:
            task.piled = self.may_pile(task)
        self._piled += sign * task.piled
        self._room[EVERY_SLOT] = 0 if self.running else 1
        if task.alone:
            self.alone = task.spec.id if sign > 0 else None
        for pool, amount in task.claims:
            self._room[pool] -= sign * amount
            if sign > 0:
                self.holders[pool][task.spec.id] = amount
            else:
                del self.holders[pool][task.spec.id]


def _states(graph: Graph) -> dict[str, TaskState]:
    """Answer all tasks as they are before a run, each with those it needs and those that need it, in file order."""
    found = {spec.id: _state_of(graph, spec) for spec in graph.tasks.values()}
    for state in found.values():
        state.needs = tuple([found[need] for need in state.spec.needs if need in found])
        state.unsettled = len(state.needs) + bool(state.spec.scope)
        for need in state.needs:
            need.dependents.append(state)
    return found


def _state_of(graph: Graph, spec: TaskSpec) -> TaskState:
    services = tuple([need for need in spec.needs if need in graph.services]) if graph.services else ()
    modest = not spec.claims and not spec.stagger and spec.memory is None and not services
    free = spec.condition is None and not spec.caches and not spec.manual
    claims = tuple(sorted(spec.claims.items())) if spec.claims else ()
    return TaskState(spec=spec, claims=claims, services=services, modest=modest, free=free)
