"""A plan as data: what would run, when, how long, on how many workers, and what is needed for it. Holds no rule."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from runner.planning.durations import Source
from runner.planning.fans import FanPlanned
from runner.planning.resampling import Range
from runner.planning.what_if import WhatIf
from runner.task import Json

SCHEMA = 1
"""The version of the JSON that a plan is written as."""


class PlannedAttempt(Struct, frozen=True, kw_only=True):
    """One attempt: when (seconds), on which worker (from 1), and how it ends."""

    start: float
    seconds: float
    worker: int
    outcome: str


class PlannedTask(Struct, frozen=True, kw_only=True):
    """One task: when it starts (seconds; None: it does not run) and how long its attempts and rests take together.

    `slack` is by how much it could be later and nothing else would; `source` where its time is from, `runs` from how
    many past runs; `state` how it ends and `reason` why it does not run; `sees` how its needs ended, where not all did
    well and it runs in spite of that; `kept` the run that its result is taken from, kept or cached; `asks`: a person is
    asked first. A fan-out has so many `instances`, each `of` it; it lasts from the start of the first to the end of the
    last.
    """

    id: str
    start: float | None
    seconds: float
    slack: float | None
    source: Source
    runs: int
    state: str
    attempts: tuple[PlannedAttempt, ...] = ()
    reason: str = ""
    critical: bool = False
    sees: Mapping[str, str] = field(default_factory=dict)
    kept: str | None = None
    title: str = ""
    asks: bool = False
    of: str = ""
    instances: int | None = None


class PlannedService(Struct, frozen=True, kw_only=True):
    """One service: when it is started (seconds; None: it is not), and after how many seconds it is ready."""

    id: str
    start: float | None
    seconds: float
    slack: float | None
    source: Source
    runs: int
    critical: bool = False


class PlannedWorker(Struct, frozen=True, kw_only=True):
    """What one worker does: its tasks one after another, and how long it is busy (seconds)."""

    number: int
    tasks: tuple[str, ...]
    busy: float


class PlannedPool(Struct, frozen=True, kw_only=True):
    """What a pool is used for: the most that is claimed at once, by whom at all, and the part of it that is used.

    `rate` is how often it may be claimed, in words.
    """

    name: str
    size: int
    peak: int
    used: float
    tasks: tuple[str, ...]
    rate: str = ""


class Memory(Struct, frozen=True, kw_only=True):
    """The most that running tasks may take together (bytes), how many have no limit, and what the machine has."""

    peak: int
    unlimited: int
    machine: int | None


class NeededParameter(Struct, frozen=True, kw_only=True):
    """A parameter, its value, and whether it was given or is the default."""

    name: str
    value: Json
    given: bool
    desc: str = ""


class NeededSecret(Struct, frozen=True, kw_only=True):
    """A variable whose value is secret, and whether it is set."""

    name: str
    is_set: bool


class Kept(Struct, frozen=True, kw_only=True):
    """What would be taken over of a task and from which run (None: it runs again), and why."""

    task: str
    run: str | None
    why: str


class CurvePoint(Struct, frozen=True, kw_only=True):
    """What so many workers come to: makespan (seconds) and speed-up."""

    workers: int
    makespan: float
    speedup: float


class Plan(Struct, frozen=True, kw_only=True):
    """What a run would do. Times are seconds from its start.

    `range` is where the makespan falls in eight of ten runs. `curve` has a point for each number of workers that was
    asked for, `enough` the smallest that comes within 5 % of the best; both empty where one number was. `kept` says
    what `--resume` keeps, `cached` what becomes of the tasks that are cached where that is possible, `fans` which
    fan-outs are decided while running. `assumptions` are sentences about what could not be known. `shuffle` is the seed
    of a random order.
    """

    schema: int = SCHEMA
    name: str
    file: str
    digest: str
    makespan: float
    sequential_seconds: float
    speedup: float
    workers: int
    busiest: int
    critical_path: tuple[str, ...]
    range: Range
    tasks: tuple[PlannedTask, ...]
    services: tuple[PlannedService, ...]
    lanes: tuple[PlannedWorker, ...]
    pools: tuple[PlannedPool, ...]
    memory: Memory
    params: tuple[NeededParameter, ...]
    secrets: tuple[NeededSecret, ...]
    resumes: str | None
    kept: tuple[Kept, ...]
    curve: tuple[CurvePoint, ...]
    enough: int | None
    what_if: WhatIf
    verdict: str
    exit_code: int
    assumptions: tuple[str, ...] = ()
    cached: tuple[Kept, ...] = ()
    shuffle: int | None = None
    fans: tuple[FanPlanned, ...] = ()
