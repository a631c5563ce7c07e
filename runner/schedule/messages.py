"""Events that happened and commands to obey: everything that goes into a schedule and comes out of it.

Times (`at`) are seconds since the command started, from a clock that never goes back. Knows no rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from msgspec import field

from runner.task import Artifact, Cause, Check, Data, Json, LedgerRow, Note, Outcome, Succeeded

CancelReason: TypeAlias = Literal["interrupted", "terminated", "hung_up", "deadline"]
AnsweredBy: TypeAlias = Literal["terminal", "nobody", "plan"]
"""Who says whether a task that asks first may start: a person at the terminal, nobody, for there is none, or a plan."""


class Kept(Data, frozen=True, kw_only=True):
    """A success taken over from an earlier run, with what it said there; `key` is that of what was asked.

    `handed` is the digest of what its needs handed to it, "" where that is not known or was nothing.
    """

    outcome: Succeeded
    run: str = ""
    checks: tuple[Check, ...] = ()
    ledger: tuple[LedgerRow, ...] = ()
    key: str = ""
    artifacts: tuple[Artifact, ...] = ()
    handed: str = ""


class Outdated(Data, frozen=True, kw_only=True):
    """A task whose last result cannot be taken over, `because` of what.

    `parts` holds a digest of each part of what is asked now, and `handed` one of what its needs hand to it: a later run
    says by them what has changed.
    """

    because: str
    parts: Mapping[str, str] = field(default_factory=dict)
    handed: str = ""


class Planned(Data, frozen=True, kw_only=True):
    """When a task was planned to start (seconds of the run), and how long all its attempts and rests were to take."""

    started: float
    seconds: float


class RunOpened(Data, frozen=True, kw_only=True):
    """A run began. Carries everything that a replay needs and the graph file does not say.

    `started` is the wall clock (ISO-8601 UTC) at second 0; `file` the graph file as it was named; `environment` the
    variables that conditions read; `kept` the results taken over from an earlier run; `durations` (seconds) what the
    order was made from; `selected` the tasks that belong to the run (None: all), `skipped` those skipped by name;
    `items` those of fan-outs that are known before; `given` the parameters as they were given; `resumes` the run that
    this one goes on with, "" if there was none to (None: none was wanted), `doubtful` what was under way when that
    ended; `planned` is what an approved plan says of each task, empty for a run without one; `shuffle` is the seed of a
    random order; `approved` are tasks that ask first and need not any more.
    """

    at: float
    run: str
    started: str
    slots: int
    file: str = ""
    params: Mapping[str, Json] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, Kept] = field(default_factory=dict)
    durations: Mapping[str, float] = field(default_factory=dict)
    fail_fast: bool = False
    selected: tuple[str, ...] | None = None
    skipped: tuple[str, ...] = ()
    items: Mapping[str, tuple[Json, ...]] = field(default_factory=dict)
    given: Mapping[str, Json] = field(default_factory=dict)
    resumes: str | None = None
    doubtful: tuple[str, ...] = ()
    planned: Mapping[str, Planned] = field(default_factory=dict)
    shuffle: int | None = None
    approved: tuple[str, ...] = ()


class AttemptStarted(Data, frozen=True, kw_only=True):
    """A worker began an attempt: time limits count from here.

    `asked` is when that worker, idle until then, was asked to. From then on the attempt holds a process, so its time
    in reports counts from there: news of a beginning travels, and may come later than another attempt's end. `key`
    tells what was asked (`runner.keeping`). `worker` is the address of a cluster's worker, "" for this machine.
    """

    at: float
    task: str
    attempt: int
    pid: int = 0
    worker: str = ""
    asked: float | None = None
    key: str = ""

    @property
    def since(self) -> float:
        """Since when the attempt holds a process."""
        return self.at if self.asked is None else self.asked


class Noted(Data, frozen=True, kw_only=True):
    """A running attempt said something: a check, a ledger row, an artifact, progress."""

    at: float
    task: str
    attempt: int
    note: Note


class AttemptEnded(Data, frozen=True, kw_only=True):
    """An attempt is over and nothing of it runs any more.

    `log` is its file in the run folder, "" if it printed nothing; `left` names processes it left behind, ended since.
    """

    at: float
    task: str
    attempt: int
    outcome: Outcome
    log: str = ""
    left: tuple[str, ...] = ()


class AttemptReturned(Data, frozen=True, kw_only=True):
    """An attempt that had not begun came back; it keeps its number."""

    at: float
    task: str
    attempt: int


class ServiceReady(Data, frozen=True, kw_only=True):
    """A service answers. `asked` is when it was started; `url` is "" where it has no port."""

    at: float
    service: str
    attempt: int
    asked: float | None = None
    url: str = ""
    port: int | None = None
    pid: int = 0


class ServiceEnded(Data, frozen=True, kw_only=True):
    """A service is over: asked to stop, dead, never ready, or its port was taken. `lines` are the last it printed."""

    at: float
    service: str
    attempt: int
    how: Literal["stopped", "died", "never_ready", "port_taken"]
    message: str = ""
    lines: tuple[str, ...] = ()
    log: str = ""


class Recalled(Data, frozen=True, kw_only=True):
    """The last results of some tasks were looked at: those that are taken over, and those that are `outdated`."""

    at: float
    kept: Mapping[str, Kept] = field(default_factory=dict)
    outdated: Mapping[str, Outdated] = field(default_factory=dict)


class Answered(Data, frozen=True, kw_only=True):
    """It was said whether a task that asks before it starts may do so, and `by` whom."""

    at: float
    task: str
    approved: bool
    by: AnsweredBy


class FannedOut(Data, frozen=True, kw_only=True):
    """The items of a fan-out are known, and which of its instances have a result that is kept; `fault` says why not."""

    at: float
    task: str
    items: tuple[Json, ...] = ()
    kept: Mapping[str, Kept] = field(default_factory=dict)
    fault: str = ""


class SlotsChanged(Data, frozen=True, kw_only=True):
    """The executor can now take another number of attempts at once, on so many `workers` (None: one for each slot).

    Only attempts of the functions that are called `short` may be more than there are workers: each worker is asked for
    several of those ahead.
    """

    at: float
    slots: int
    workers: int | None = None
    short: tuple[str, ...] = ()


class ClockTicked(Data, frozen=True, kw_only=True):
    """An alarm the schedule asked for is due."""

    at: float


class CancelAsked(Data, frozen=True, kw_only=True):
    """Somebody, or the run's deadline, asks the run to end; asked twice, everything is killed."""

    at: float
    why: CancelReason


Event: TypeAlias = (
    RunOpened
    | AttemptStarted
    | Noted
    | AttemptEnded
    | AttemptReturned
    | ServiceReady
    | ServiceEnded
    | Recalled
    | Answered
    | FannedOut
    | SlotsChanged
    | ClockTicked
    | CancelAsked
)


class StartAttempt(Data, frozen=True, kw_only=True):
    """Run this attempt of this task."""

    task: str
    attempt: int


class StopAttempt(Data, frozen=True, kw_only=True):
    """End this attempt for this cause: SIGTERM, `kill_after` seconds later SIGKILL, to everything it started."""

    task: str
    attempt: int
    cause: Cause
    kill_after: float
    message: str = ""


class StartService(Data, frozen=True, kw_only=True):
    """Start this service; `attempt` above 1 follows a taken port."""

    service: str
    attempt: int


class StopService(Data, frozen=True, kw_only=True):
    """End this service: SIGTERM, `kill_after` seconds later SIGKILL, to everything it started."""

    service: str
    attempt: int
    kill_after: float


class Recall(Data, frozen=True, kw_only=True):
    """See whether the last result of this task still holds, so that it need not run."""

    task: str


class Ask(Data, frozen=True, kw_only=True):
    """Ask a person whether this task may start; all else that it needs is there, but for its services."""

    task: str


class FanOut(Data, frozen=True, kw_only=True):
    """Say what this task is to be done for: all it needs has settled."""

    task: str


class LimitWorkers(Data, frozen=True, kw_only=True):
    """Let no more than so many workers be at work from now on; what runs goes on to its end."""

    workers: int


Command: TypeAlias = StartAttempt | StopAttempt | StartService | StopService | LimitWorkers | Recall | Ask | FanOut
