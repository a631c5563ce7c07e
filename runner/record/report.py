"""After it ran: a Report, as data. Knows no file, no format, and not how it is made (`folding`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct

from runner.record.orphans import Orphan
from runner.schedule.messages import Planned
from runner.task import Artifact, Check, Json, LedgerRow

SCHEMA = 1


class GraphName(Struct, frozen=True, kw_only=True):
    """Which graph ran: its name, its file as it was named, the digest of its text."""

    name: str
    file: str
    digest: str


class AttemptReport(Struct, frozen=True, kw_only=True):
    """One attempt; `started` is ISO-8601 UTC, None if it never began; `outcome` is `succeeded` or `failed`.

    `lane` is a row for a timeline, from 1: attempts of one lane follow each other; 0 if it never began. `worker` is the
    address of a cluster's worker, "" for this machine.
    """

    number: int
    started: str | None
    seconds: float
    outcome: str
    cause: str | None
    message: str
    traceback: str | None
    log: str
    pid: int
    worker: str
    lane: int
    left: tuple[str, ...]


class LedgerReport(LedgerRow, frozen=True, kw_only=True, omit_defaults=False, tag=False):
    """One row of the ledger; written as JSON it has all its fields."""


class ArtifactReport(Artifact, frozen=True, kw_only=True, omit_defaults=False, tag=False):
    """One file that was kept, and the attempt it is of; 0 for one that was taken over from an earlier run."""

    attempt: int = 0


class PlannedReport(Planned, frozen=True, kw_only=True, omit_defaults=False, tag=False):
    """What the approved plan of the run said of a task."""


class CheckReport(Check, frozen=True, kw_only=True, omit_defaults=False, tag=False):
    """One check and the attempt that made it; 0 for one that was kept from an earlier run."""

    attempt: int = 0


EpisodeKind = Literal[
    "waited_for_needs",
    "waited_for_service",
    "waited_for_pool",
    "waited_for_worker",
    "waited_for_process",
    "waited_to_be_alone",
    "waited_for_its_turn",
    "waited_for_rate",
    "waited_for_stagger",
    "ran",
    "returned",
    "succeeded",
    "failed",
    "stopped",
    "rested",
    "again",
    "given_up",
    "skipped",
    "blocked",
    "cancelled",
    "kept",
    "cached",
    "not_cached",
    "approved",
    "refused",
    "fanned_out",
    "gathered",
    "lost",
]


class Seen(Struct, frozen=True, kw_only=True):
    """A value that a condition read, under the name it has there."""

    name: str
    value: Json


class Episode(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that happened to a task, and why: `words` says it in a sentence.

    It began `at` and lasted `seconds` (0: a moment), both seconds of the run; `attempt` is the one it belongs to, 0 for
    none. `by` names who it was because of: what was needed, what held the pool `pool` or the workers, what failed.
    `condition` is the `if` that was asked, and `seen` what it read.
    """

    kind: EpisodeKind
    at: float
    words: str
    seconds: float = 0.0
    attempt: int = 0
    by: tuple[str, ...] = ()
    pool: str = ""
    condition: str = ""
    seen: tuple[Seen, ...] = ()


class TaskReport(Struct, frozen=True, kw_only=True):
    """One task: `state` is the finer word, `reason` why it did not run, `seconds` those of all its attempts.

    `flaky` means that it ended now so and now so: after another attempt, or otherwise than in `flaky_runs`, where it
    was asked the same. `key` tells what its last attempt was asked (`runner.keeping`), `definition` what it does as it
    is written (`runner.graph.definition`), `story` what happened to it and why, in order.
    `planned` is what the approved plan of the run said of it, in seconds of the run; None where there was none.
    A fan-out has so many `instances`, and each of these is `of` it, for one `item`; None and "" for any other task.
    """

    id: str
    desc: str
    needs: tuple[str, ...]
    state: str
    reason: str
    required: bool
    kept_from: str | None
    flaky: bool
    started: str | None
    seconds: float
    attempts: tuple[AttemptReport, ...]
    outputs: Mapping[str, Json]
    checks: tuple[CheckReport, ...]
    artifacts: tuple[ArtifactReport, ...]
    ledger: tuple[LedgerReport, ...]
    data_prefix: str | None
    memory: int | None
    key: str = ""
    definition: str = ""
    flaky_runs: tuple[str, ...] = ()
    story: tuple[Episode, ...] = ()
    planned: PlannedReport | None = None
    of: str = ""
    item: Json = None
    instances: int | None = None

    @property
    def failed(self) -> bool:
        """Whether it ran and did not do what it should, allowed or not."""
        return self.state in FAILED_STATES

    @property
    def counted(self) -> tuple[CheckReport, ...]:
        """The checks that count."""
        return tuple(check for check in self.checks if self.counts(check))

    def counts(self, check: CheckReport) -> bool:
        """Whether a check is of the last attempt: what was tried again was judged again."""
        return check.attempt == (self.attempts[-1].number if self.attempts else 0)

    @property
    def message(self) -> str:
        """One line: what its last attempt said, or why it did not run."""
        if self.kept_from:
            return f"from run {self.kept_from}"
        told = self.failed or self.state == "running"
        return self.attempts[-1].message if self.attempts and told else self.reason


def without_groups(tasks: Iterable[TaskReport]) -> list[TaskReport]:
    """Answer the tasks that are counted: of a fan-out its instances, not the group that stands for them."""
    return [task for task in tasks if not task.instances]


class ServiceReport(Struct, frozen=True, kw_only=True):
    """One service: `seconds` from its first answer (`started`) to its end, `lines` the last it printed if it failed."""

    id: str
    state: str
    url: str
    started: str | None
    seconds: float
    message: str
    lines: tuple[str, ...]
    log: str


class IncludedReport(Struct, frozen=True, kw_only=True):
    """One included graph: its file as the including one names it, how it ended, and in which round."""

    id: str
    file: str
    state: str
    rounds: int


class CheckCounts(Struct, frozen=True, kw_only=True):
    """How many checks there were, by verdict; of a task that was tried again, those of its last attempt."""

    passed: int
    failed: int
    warnings: int
    total: int


class Fewer(Struct, frozen=True, kw_only=True):
    """From `at` (ISO-8601 UTC) on no more than `workers` were at work, because these tasks had crashed together."""

    at: str
    workers: int
    crashed: tuple[str, ...]


ChangeKind = Literal[
    "param",
    "definition",
    "added",
    "removed",
    "newly_failing",
    "fixed",
    "newly_skipped",
    "runs_again",
    "newly_flaky",
    "slower",
    "faster",
    "check_failing",
    "check_fixed",
]


class Change(Struct, frozen=True, kw_only=True):
    """One difference from an earlier run: of a task, of one of its checks (`name`), or of a parameter (`name`).

    A `definition` is a key of the graph file (`name`), of a task or, without one, of the graph. What is `slower` or
    `faster` took `after` seconds and usually takes `before`. `note` says more in words.
    """

    kind: ChangeKind
    task: str | None = None
    name: str | None = None
    before: Json = None
    after: Json = None
    note: str = ""


class Previous(Struct, frozen=True, kw_only=True):
    """The run of the same graph before this one, and what has changed since."""

    run: str
    changes: tuple[Change, ...]


class Report(Struct, frozen=True, kw_only=True):
    """What happened in a run. Times are ISO-8601 UTC with milliseconds, durations seconds.

    `shuffle` is the seed of the random order that its tasks were started in, None where they were not.
    """

    schema: int
    run: str
    graph: GraphName
    verdict: str
    exit_code: int
    started: str
    finished: str
    seconds: float
    sequential_seconds: float
    speedup: float
    critical_path: tuple[str, ...]
    workers: int
    params: Mapping[str, Json]
    tasks: tuple[TaskReport, ...]
    services: tuple[ServiceReport, ...]
    checks: CheckCounts
    orphans: tuple[Orphan, ...]
    previous: Previous | None
    complete: bool = True
    cancelled: str | None = None
    resumes: str | None = None
    doubtful: tuple[str, ...] = ()
    fewer_workers: tuple[Fewer, ...] = ()
    shuffle: int | None = None
    included: tuple[IncludedReport, ...] = ()


FAILED_STATES = frozenset({"failed", "timed_out", "crashed", "cancelled"})
