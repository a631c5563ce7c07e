"""Random games: a graph, how every attempt of it goes, and what comes from outside. Knows no rule of the schedule.

All chance comes from one `random.Random`, so a seed names a game, and hypothesis can shrink one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace as dataclass_replace
from random import Random
from typing import Any

from msgspec.structs import replace

from runner.execute.simulate import ServiceStep, Simulation, Step
from runner.graph.compose import joined, tied
from runner.graph.fan_out import opened as opened_with
from runner.graph.fan_out import pool_of
from runner.graph.model import Backoff, Foreach, Graph, Group, Rate, Retry, Scope, ServiceSpec, TaskSpec, Trigger
from runner.graph.values import parse, parse_bare
from runner.schedule.machine import Schedule
from runner.schedule.messages import (
    CancelAsked,
    CancelReason,
    Event,
    Kept,
    RunOpened,
    SlotsChanged,
    StartAttempt,
    StartService,
    StopAttempt,
)
from runner.task import Cause, Failed, Request, ServiceRequest, Succeeded
from tests.kit import HERE, Answers, Played, opened, play, service_of, task_of, whole

CONDITIONS = {True: parse_bare("params.yes"), False: parse_bare("params.no"), None: parse_bare("fromJSON('{')")}
"""An `if` that says yes, one that says no, one that cannot be evaluated."""

OVER = {
    f"g{n}": parse_bare(" && ".join(f"needs.g{n}.state != '{state}'" for state in ("waiting", "going", "resting")))
    for n in range(20)
}
"""An `if` for whoever needs a group: it says yes, because nobody is asked before that is over."""

OF_ITEMS = parse_bare("item != 'b'")
"""An `if` that is asked of each instance of a fan-out, and says yes to all but one."""
LISTED = ("${{ needs.NEED.outputs.items }}", '${{ needs.NEED.outputs.items || fromJSON(\'["x", "b"]\') }}')
"""What fan-outs are for: what a need returned, so nothing where that failed; or else two of our own."""
ITEMS = ("a", "b", "c")

TRIGGERS = (Trigger.ALL_SUCCESS, *Trigger)
CAUSES = (Cause.EXCEPTION, Cause.EXCEPTION, Cause.EXIT_CODE, Cause.FAILED_CHECK, Cause.CRASHED)
RETRIED = (
    frozenset(Cause) - {Cause.CANCELLED},
    frozenset({Cause.EXCEPTION, Cause.TIMED_OUT}),
    frozenset({Cause.CRASHED}),
)
REASONS: tuple[CancelReason, ...] = ("interrupted", "terminated", "hung_up", "deadline")

Key = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Game:
    """One random run.

    `returned` attempts come back unbegun the first time, `unfit` ones fail before they are handed out. The last results
    of the tasks in `holds` still hold, if somebody looks; those of the instances in `taken` are kept, once they come to
    be, which is `late` seconds after all they need has settled; whoever asks a person gets his `answers`. `lasting`
    says whether its services stay up once they are.
    """

    graph: Graph
    first: RunOpened
    steps: Mapping[Key, Step]
    services: Mapping[Key, ServiceStep]
    outside: tuple[Event, ...]
    returned: frozenset[Key]
    unfit: frozenset[Key]
    holds: frozenset[str]
    answers: Answers
    taken: frozenset[str]
    late: float
    lasting: bool

    @property
    def undisturbed(self) -> bool:
        """Whether nobody stops the run, so that the oracle knows how each task ends."""
        cancelled = any(isinstance(event, CancelAsked) for event in self.outside)
        return self.lasting and not self.first.fail_fast and not cancelled and self.graph.deadline is None

    def truth(self, spec: TaskSpec | ServiceSpec | Group) -> bool | None:
        """Answer what an `if` says: None where it cannot be evaluated."""
        if spec.condition is None or any(spec.condition is each for each in OVER.values()):
            return True
        if spec.condition is OF_ITEMS:
            return not isinstance(spec, TaskSpec) or spec.part is None or spec.part.value != "b"
        return next(said for said, condition in CONDITIONS.items() if condition is spec.condition)

    def broken(self, service: str) -> bool:
        """Say whether a service never gets ready, however often it may be started."""
        spec = self.graph.services[service]
        if (says := self.truth(spec)) is not True:
            return says is None
        tries = [self.services[service, attempt] for attempt in (1, 2, 3)][: 3 if spec.port == 0 else 1]
        step = next((step for step in tries if not step.port_taken), None)
        return step is None or step.ready_after is None or (step.dies_after or 1e9) < step.ready_after

    def step(self, task: str, attempt: int) -> Step:
        """Answer how an attempt goes."""
        assert (task, attempt) in self.steps, f"{task} may not have an attempt {attempt}"
        return self.steps[task, attempt]

    def service_step(self, service: str, attempt: int) -> ServiceStep:
        """Answer how a start of a service goes."""
        assert (service, attempt) in self.services, f"{service} may not be started {attempt} times"
        return self.services[service, attempt]

    def play(self, kind: type[Schedule] = Schedule) -> Played:
        """Run it in virtual time."""
        return play(
            self.graph,
            self.simulation(),
            self.first,
            kind=kind,
            unfit=self.unfit,
            holds=self.holds,
            taken=self.taken,
            late=self.late,
            answers=self.answers,
        )

    def simulation(self) -> Simulation:
        """Build the executor and clock of this game."""
        simulation = Fickle(self)
        for event in self.outside:
            simulation.at(event.at, event)
        return simulation


class Fickle(Simulation):
    """The simulation of a game, which returns some attempts before they begin."""

    def __init__(self, game: Game) -> None:
        super().__init__(game.step, game.service_step, slots=game.first.slots)
        self._returns = set(game.returned)

    def start(self, command: StartAttempt | StartService, request: Request | ServiceRequest) -> None:
        super().start(command, request)
        if isinstance(command, StartAttempt) and (key := (command.task, command.attempt)) in self._returns:
            self._returns.remove(key)
            self.stop(StopAttempt(task=key[0], attempt=key[1], cause=Cause.LOST, kill_after=0.0))


def game_of(chance: Random, *, most: int = 12) -> Game:
    """Make up a game of one task or more."""
    maybe = _Maybe(chance)
    crashy = maybe(0.2)
    lasting = not maybe(0.12)
    ahead = maybe(0.4 if crashy else 0.12)  # workers are asked for several attempts ahead, and few tasks forbid it
    pools = (
        {name: chance.randint(1, 3) for name in ("p", "q")[: chance.randint(1, 2)]}
        if maybe(0.2 if ahead else 0.75)
        else {}
    )
    names = [f"t{number}" for number in range(chance.randint(1, most))]
    rated = maybe(0.3)
    files = _Files(maybe, pools=pools, crashy=crashy, lasting=lasting)
    graph = replace(
        files.file(names, 0),
        pools=pools,
        rates={pool: Rate(count=chance.randint(1, 3), seconds=maybe.seconds(0.3, 5.0)) for pool in pools if rated},
        fail_fast=maybe(0.3),
        deadline=chance.uniform(0.0, 30.0) if maybe(0.03) else None,
    )
    tasks = list(graph.tasks.values())
    steps = {
        (task.id, n): _step(maybe, task, crashy=crashy)
        for task in tasks
        for n in range(1, task.retry.attempts * rounds_around(graph, task.scope) + 1)
    }
    limited = {task.id for task in tasks if task.retry.deadline is not None}  # which counts from a first begin
    unfit = frozenset(key for key in steps if maybe(0.02) and key[0] not in limited)
    steps |= {key: Step(seconds=0.0, outcome=Failed(cause=Cause.BAD_PARAMETERS)) for key in unfit}
    returned = frozenset(key for key in steps if maybe(0.03)) - unfit
    broken = any(each.condition is CONDITIONS[None] for each in (*tasks, *graph.groups.values()))
    asking = [task.id for task in tasks if task.manual]
    answers = {name: (maybe.seconds(0.0, 4.0) if maybe(0.8) else 0.0, maybe(0.7)) for name in asking}
    first = _opened(maybe, graph, broken=broken)
    game = Game(
        graph=graph,
        first=replace(first, approved=tuple(name for name in asking if maybe(0.15))),
        steps=steps,
        services=_service_steps(maybe, graph, lasting=lasting),
        outside=_outside(maybe, ahead=ahead),
        returned=returned,
        unfit=unfit,
        holds=frozenset(task.id for task in tasks if maybe(0.5)),
        answers=answers,
        taken=frozenset(),
        late=0.0,
        lasting=lasting,
    )
    return _fanned(maybe, game, crashy=crashy) if maybe(0.35) else game


def _fanned(maybe: _Maybe, game: Game, *, crashy: bool) -> Game:
    """Do some tasks of a game for several items: for what a need returns, or for what is known before."""
    chance, tasks = maybe.chance, dict(game.graph.tasks)
    above = {name: [need for need in spec.own_needs if need in tasks] for name, spec in tasks.items()}
    fans = [name for name in tasks if name not in game.first.kept and maybe(0.6 if above[name] else 0.15)]
    steps, pools = dict(game.steps), dict(game.graph.pools)
    for name in fans:
        need = game.graph.scopes[tasks[name].scope].local(chance.choice(above[name] or ["nothing"]))
        pools |= {pool_of(name): chance.randint(1, 2)} if maybe(0.4) else {}
        claims = {**tasks[name].claims, **({pool_of(name): 1} if pool_of(name) in pools else {})}
        condition = OF_ITEMS if maybe(0.3) else tasks[name].condition
        fan = Foreach(items=parse(chance.choice(LISTED).replace("needs.NEED", f"needs['{need}']")))
        tasks[name] = replace(tasks[name], fan=fan, claims=claims, condition=condition)
        steps |= {
            (f"{name}[{item}]", n): _step(maybe, tasks[name], crashy=crashy)
            for item in (*ITEMS, "x")
            for n in range(1, tasks[name].retry.attempts * rounds_around(game.graph, tasks[name].scope) + 1)
        }
    asked = [f"{name}[{item}]" for name in fans if tasks[name].manual for item in (*ITEMS, "x")]
    answers = {name: (maybe.seconds(0.0, 4.0) if maybe(0.8) else 0.0, maybe(0.7)) for name in asked}
    late = maybe.seconds(0.5, 6.0) if maybe(0.3) else 0.0
    game = dataclass_replace(game, answers={**game.answers, **answers}, late=late)
    known = {name: _items(maybe) for name in fans if not above[name] or maybe(0.25)}
    steps = {key: _returning(maybe, step) for key, step in steps.items()}
    graph = opened_with(replace(game.graph, tasks=tasks, pools=pools), known)
    if not maybe(0.2):
        return dataclass_replace(game, graph=graph, steps=steps)
    taken = frozenset(f"{name}[{item}]" for name in fans if name not in known for item in ITEMS if maybe(0.3))
    return dataclass_replace(game, graph=graph, steps=steps, taken=taken)


def _items(maybe: _Maybe) -> tuple[str, ...]:
    return tuple(maybe.chance.sample(ITEMS, maybe.chance.choice((0, 1, 2, 2, 3))))


def _returning(maybe: _Maybe, step: Step) -> Step:
    """Let what succeeds return some items."""
    if not isinstance(step.outcome, Succeeded):
        return step
    return replace(step, outcome=Succeeded(outputs={"items": [*_items(maybe)]}))


def rounds_around(graph: Graph, scope: str) -> int:
    """Answer how often the tasks of a file may be tried anew: the rounds of all groups around, multiplied."""
    rounds = 1
    while scope:
        rounds *= graph.groups[scope].retry.attempts
        scope = graph.groups[scope].scope
    return rounds


class _Maybe:
    """Chance with a shorter name for "in so many cases out of one"."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance

    def __call__(self, share: float) -> bool:
        return self.chance.random() < share

    def seconds(self, low: float, high: float) -> float:
        return self.chance.uniform(low, high)


class _Files:
    """Makes up graph files, some of which include others."""

    def __init__(
        self,
        maybe: _Maybe,
        *,
        pools: Mapping[str, int],
        crashy: bool,
        lasting: bool,
    ) -> None:
        self._maybe = maybe
        self._pools, self._crashy, self._lasting = pools, crashy, lasting
        self._remembers, self._grouped = maybe(0.3), maybe(0.4)
        self._spaced, self._asking = maybe(0.15), maybe(0.2)

    def file(self, names: list[str], depth: int) -> Graph:
        """Put tasks of these names into a file, or into files that it includes."""
        maybe, chance = self._maybe, self._maybe.chance
        services = _services(maybe, lasting=self._lasting)
        tasks: list[TaskSpec] = []
        groups: dict[str, Group] = {}
        inner: dict[str, Graph] = {}
        known: list[str] = []  # what later ones may need
        left = [*names]
        while left:
            if self._grouped and depth < 2 and maybe(0.4):
                name = f"g{len(groups)}"
                mine, left = left[: (size := chance.randint(1, 4))], left[size:]
                inner[name] = self.file(mine, depth + 1)
                groups[name] = self._group(name, known, services)
                known += [name, *(f"{name}.{task}" for task in inner[name].tasks)]
            else:
                name = left.pop(0)
                tasks.append(self._task(name, known, services))
                known.append(name)
        chance.shuffle(tasks)  # the file order has nothing to do with the order of needs
        own = whole([replace(task, index=index) for index, task in enumerate(tasks)], services)
        return tied(joined(replace(own, groups=groups), inner))

    def _needs(self, known: list[str], services: list[ServiceSpec]) -> list[str]:
        maybe, chance = self._maybe, self._maybe.chance
        near = known[-5:] if maybe(0.7) else known
        needs = chance.sample(near, min(len(near), chance.randint(0, 3)))
        needs = [need for need in needs if "." not in need or need.partition(".")[0] not in needs]  # not part and whole
        return needs + [service.id for service in services if maybe(0.35)]

    def _group(self, name: str, known: list[str], services: list[ServiceSpec]) -> Group:
        maybe, chance = self._maybe, self._maybe.chance
        needs = self._needs(known, services)
        trigger = chance.choice([each for each in TRIGGERS if each is not Trigger.ALWAYS])
        if all(need.startswith("s") for need in needs) and trigger in (Trigger.ONE_SUCCESS, Trigger.ONE_FAILED):
            trigger = Trigger.ALL_SUCCESS
        retry = replace(_retry(maybe), jitter="none", deadline=None, attempts=chance.choice((2, 2, 3)))
        condition = CONDITIONS[chance.choice((True, False, False, None))] if maybe(0.12) else None
        return Group(
            id=name,
            scope="",
            where=HERE,
            file="",
            inside=Scope(name=name, outer="", folder="/"),
            needs=tuple(needs),
            trigger=trigger,
            condition=condition,
            retry=retry if maybe(0.55) else Retry(),
        )

    def _task(self, name: str, known: list[str], services: list[ServiceSpec]) -> TaskSpec:
        maybe, chance = self._maybe, self._maybe.chance
        needs = self._needs(known, services)
        trigger = chance.choice(TRIGGERS)
        if not needs and trigger in (Trigger.ONE_SUCCESS, Trigger.ONE_FAILED):
            trigger = Trigger.ALL_SUCCESS  # without needs these are errors of the file
        claims = {pool: chance.randint(1, size) for pool, size in self._pools.items() if maybe(0.55)}
        more: dict[str, Any] = {}
        if maybe(0.12):
            more["condition"] = CONDITIONS[chance.choice((True, False, False, False, None))]
        elif (group := next((need for need in needs if need in OVER), "")) and maybe(0.5):
            more["condition"] = OVER[group]
        if maybe(0.3):
            more["timeout"] = maybe.seconds(0.5, 8.0)
        if maybe(0.3):
            more["estimate"] = maybe.seconds(0.5, 8.0)
        if self._remembers and maybe(0.6):
            more["cache"] = True
        if self._spaced and maybe(0.7):
            more["stagger"] = maybe.seconds(0.05, 2.0)
        if self._asking and trigger is not Trigger.ALWAYS and maybe(0.5):
            more["manual"] = True
        return task_of(
            name,
            needs=tuple(needs),
            trigger=trigger,
            claims=claims,
            retry=_retry(maybe) if maybe(0.8 if self._crashy else 0.4) else Retry(),
            kill_after=maybe.seconds(0.5, 6.0),
            allow_failure=maybe(0.2),
            priority=chance.choice((0, 0, 0, 0, 1, -1)),
            **more,
        )


def _retry(maybe: _Maybe) -> Retry:
    chance = maybe.chance
    limited = maybe(0.3)
    return Retry(
        attempts=chance.randint(2, 4),
        delay=maybe.seconds(0.1, 4.0),
        backoff=chance.choice(tuple(Backoff)),
        factor=chance.choice((1.0, 1.5, 2.0, 3.0)),
        max_delay=maybe.seconds(0.5, 6.0) if maybe(0.3) else 60.0,
        jitter="none"
        if limited or maybe(0.5)
        else "full",  # with both, only the hash knows whether a rest ends in time
        deadline=maybe.seconds(1.0, 25.0) if limited else None,
        on=RETRIED[0] if maybe(0.7) else chance.choice(RETRIED),
    )


def _step(maybe: _Maybe, task: TaskSpec, *, crashy: bool) -> Step:
    fails = maybe((0.9 if crashy else 0.55) if task.retry.attempts > 1 else 0.25)
    longer = maybe(0.1 if task.trigger is Trigger.ALWAYS else 0.01)  # than a clean-up may take
    return Step(
        seconds=maybe.seconds(60.0, 90.0) if longer else maybe.seconds(0.1, 8.0),
        outcome=Failed(cause=Cause.CRASHED if crashy else maybe.chance.choice(CAUSES)) if fails else Succeeded(),
        start_after=maybe.seconds(0.0, 1.0) if maybe(0.2) else 0.0,
        stop_takes=maybe.seconds(0.0, 8.0) if maybe(0.5) else 0.0,
    )


def _services(maybe: _Maybe, *, lasting: bool) -> list[ServiceSpec]:
    count = maybe.chance.randint(1, 2) if maybe(0.35 if lasting else 1.0) else 0
    return [
        service_of(
            f"s{number}",
            port=maybe.chance.choice((0, 8000)),
            condition=CONDITIONS[maybe.chance.choice((True, False, False, None))] if maybe(0.25) else None,
            stop_timeout=maybe.seconds(0.5, 6.0),
        )
        for number in range(count)
    ]


def _service_steps(maybe: _Maybe, graph: Graph, *, lasting: bool) -> dict[Key, ServiceStep]:
    """Say how each start of each service goes; where it may come in several rounds, all go alike."""
    found: dict[Key, ServiceStep] = {}
    for name, spec in graph.services.items():
        rounds = rounds_around(graph, spec.scope)
        alike = _service_step(maybe, lasting=lasting)
        for n in range(1, 3 * rounds + 1):
            found[name, n] = alike if rounds > 1 else _service_step(maybe, lasting=lasting)
    return found


def _service_step(maybe: _Maybe, *, lasting: bool) -> ServiceStep:
    stop_takes = maybe.seconds(0.0, 8.0)
    if maybe(0.3):
        return ServiceStep(port_taken=True)
    if maybe(0.25):
        ready = maybe.seconds(5.0, 9.0) if maybe(0.3) else None  # ready only after it is dead, or not at all
        return ServiceStep(ready_after=ready, dies_after=maybe.seconds(0.1, 4.0), stop_takes=stop_takes)
    ready = maybe.seconds(0.0, 4.0)
    dies = None if lasting else ready + maybe.seconds(0.1, 15.0)
    return ServiceStep(ready_after=ready, dies_after=dies, stop_takes=stop_takes)


def _opened(maybe: _Maybe, graph: Graph, *, broken: bool) -> RunOpened:
    """Open the run; with a `broken` condition nothing fails fast: what it settles at once has no order of its own."""
    chance = maybe.chance
    few = maybe(0.1)
    return opened(
        run=f"r{chance.randint(0, 9)}",
        slots=chance.choice((1, 1, 2, 2, 3, 4)),
        params={f"{scope}.{name}".lstrip("."): name == "yes" for scope in graph.scopes for name in ("yes", "no")},
        kept={name: Kept(outcome=Succeeded()) for name in graph.tasks if few and maybe(0.35)},
        durations={name: maybe.seconds(0.5, 8.0) for name in graph.tasks if maybe(0.3)},
        fail_fast=maybe(0.12) and not broken,
        shuffle=chance.randint(0, 99) if maybe(0.08) else None,
    )


def _outside(maybe: _Maybe, *, ahead: bool) -> tuple[Event, ...]:
    events: list[Event] = []
    chance = maybe.chance
    if ahead:
        events.append(_slots(0.0, chance.randint(1, 3), chance.choice((2, 3, 5)), short=True))
    elif maybe(0.25):
        slots = [chance.randint(0, 4) for _ in range(chance.randint(0, 2))]
        times = sorted(maybe.seconds(0.0, 12.0) for _ in range(len(slots) + 1))
        window = chance.choice((None, 1, 2, 3, 5))  # so many attempts each worker takes; None: an executor without
        short = chance.random() < 0.8
        counts = [*slots, chance.randint(1, 4)]
        events += [_slots(at, count, window, short=short) for at, count in zip(times, counts, strict=True)]
    if maybe(0.22):
        at = maybe.seconds(0.0, 20.0)
        for _ in range(chance.choice((1, 1, 2, 3))):
            events.append(CancelAsked(at=at, why=chance.choice(REASONS)))
            at += maybe.seconds(0.0, 8.0)
    return tuple(events)


def _slots(at: float, workers: int, window: int | None, *, short: bool) -> SlotsChanged:
    """Offer another number of workers; `short` says that the function of all tasks may be asked for ahead."""
    if window is None:
        return SlotsChanged(at=at, slots=workers)
    return SlotsChanged(at=at, slots=workers * window, workers=workers, short=("nowhere:nothing",) if short else ())
