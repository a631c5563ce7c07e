"""The contract between the engine and a task: what a task is given, what it may say, how it ends.

Standard library and msgspec only, because every worker imports this file before it can run anything. Knows no graph, no
schedule, no process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Literal, Self, TypeAlias

from msgspec import Struct, field

Json: TypeAlias = bool | int | float | str | list[Any] | dict[str, Any] | None
"""Plain data, as JSON knows it. Only this crosses the border between processes."""

Verdict: TypeAlias = Literal["passed", "failed", "warning"]

Isolation: TypeAlias = Literal["process", "worker"]
"""Whether an attempt has a process of its own, or runs in that of a cluster's worker."""

TAG = "is"
"""The key under which the class of frozen data stands when it is written."""


class Data(Struct, frozen=True, kw_only=True, tag_field=TAG, tag=True, omit_defaults=True, forbid_unknown_fields=True):
    """Frozen data that crosses the border between processes, or is written down."""


class Stopped(BaseException):
    """Raised in a task's main thread when the runner asks it to end; `finally` blocks run, then the attempt is over."""


class Cause(Enum):
    """Why an attempt failed. The value is the word of the graph file (`retry.on`), the journal and the reports."""

    EXCEPTION = "exception", "the function raised an exception"
    EXIT_CODE = "exit_code", "the command ended with an exit code other than 0"
    FAILED_CHECK = "failed_check", "a check failed"
    BAD_OUTPUT = "bad_output", "what it returned is not plain data"
    BAD_PARAMETERS = "bad_parameters", "its parameters could not be used"
    SECRET_IN_OUTPUT = "secret_in_output", "an output or a ledger row held a secret"
    TIMED_OUT = "timed_out", "it ran longer than its limit"
    CRASHED = "crashed", "its process died"
    OUT_OF_MEMORY = "out_of_memory", "it used more memory than its limit"
    LOST = "lost", "nobody can say how it ended"
    CANCELLED = "cancelled", "it was stopped before it could end"

    def __new__(cls, word: str, sentence: str) -> Self:
        """Let the word be the value, because it is what is written down."""
        cause = object.__new__(cls)
        cause._value_ = word
        cause.sentence = sentence
        return cause

    sentence: str

    @property
    def word(self) -> str:
        """The word used in the graph file, the journal and the reports."""
        return str(self.value)


class Check(Data, frozen=True, kw_only=True):
    """One thing a task looked at: what it should be and what it was. `seconds` is how long the look took."""

    name: str
    verdict: Verdict
    expected: Json = None
    observed: Json = None
    message: str = ""
    seconds: float | None = None


class LedgerRow(Data, frozen=True, kw_only=True):
    """One record of test data that a task created or deleted. `at` is ISO-8601 UTC."""

    action: Literal["created", "deleted"]
    kind: str
    id: str
    at: str
    name: str | None = None
    url: str | None = None


class Artifact(Data, frozen=True, kw_only=True):
    """One file a task wants kept; `path` as the task named it, once it is kept the one below the run's folder.

    `size` (bytes) and `digest` (sha256) are those of the copy; `promise` is the item of `artifacts` it was kept for.
    """

    path: str
    title: str = ""
    size: int = 0
    digest: str = ""
    promise: str = ""


class Progress(Data, frozen=True, kw_only=True):
    """How far a task is: `done` of `total` (both optional), and a few words for the live view."""

    message: str
    done: float | None = None
    total: float | None = None


Note: TypeAlias = Check | LedgerRow | Artifact | Progress
"""What a task says while it runs."""


class OutputFile(Data, frozen=True, kw_only=True):
    """An output too large to travel: `file` is in the run's folder, JSON of `size` bytes, `digest` its sha256."""

    file: str
    size: int
    digest: str


class MadeFile(Data, frozen=True, kw_only=True):
    """A file that a task has made: `path` from its folder, `digest` sha256 of what was in it when it had succeeded.

    Where nothing was there, or nobody could read it, `digest` is "", and `path` may be the pattern.
    """

    path: str
    digest: str


class Succeeded(Data, frozen=True, kw_only=True):
    """The attempt did what it should; `outputs` is what the function returned, as a mapping, but for the `files`.

    `made` are the files that its patterns (`generates`) named then.
    """

    outputs: Mapping[str, Json] = field(default_factory=dict)
    files: Mapping[str, OutputFile] = field(default_factory=dict)
    made: tuple[MadeFile, ...] = ()


class Failed(Data, frozen=True, kw_only=True):
    """The attempt did not: `message` is one line for people, `traceback` as text, `outputs` only where it returned."""

    cause: Cause
    message: str = ""
    traceback: str | None = None
    exit_code: int | None = None
    outputs: Mapping[str, Json] | None = None
    files: Mapping[str, OutputFile] = field(default_factory=dict)


Outcome: TypeAlias = Succeeded | Failed


class Parameter(Data, frozen=True, kw_only=True):
    """One keyword argument of a task's function. `type` is a plain type word such as `str | None`, or "" if unknown."""

    name: str
    type: str
    required: bool
    default: Json = None


class Signature(Data, frozen=True, kw_only=True):
    """What a worker says about a function before anything runs.

    `outputs` names the fields of what it returns with their type words; None where the annotation does not say.
    """

    uses: str
    parameters: tuple[Parameter, ...]
    accepts_any: bool = False
    outputs: Mapping[str, str] | None = None


class NeedResult(Data, frozen=True, kw_only=True):
    """What a task may know of one it needs: `state` is the word of the report, `run` the run the result comes from.

    `checks` and `ledger` are those of all its attempts; `artifacts` says where the files are that it promised, for a
    glob a list. Of a service `outputs` holds `url` and `port`. A task with `matrix` or `foreach` names its `instances`,
    in the order of its items: these are what has outputs and checks, and they stand beside it under their own ids.
    """

    id: str
    state: str
    cause: str | None = None
    message: str = ""
    outputs: Mapping[str, Json] = field(default_factory=dict)
    files: Mapping[str, OutputFile] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    ledger: tuple[LedgerRow, ...] = ()
    artifacts: Mapping[str, Json] = field(default_factory=dict)
    data_prefix: str | None = None
    run: str = ""
    required: bool = True
    instances: tuple[str, ...] = ()


class Placed(Data, frozen=True, kw_only=True):
    """What of an output that is a file belongs at a place of the arguments: `steps` lead into the file."""

    at: tuple[str | int, ...]
    file: OutputFile
    steps: tuple[str | int, ...] = ()


SH = ("/bin/sh", "-c")
"""What stands before a command that names no shell."""


class Request(Data, frozen=True, kw_only=True):
    """One attempt, as a worker is asked for it: a function (`uses`, `arguments`) or a shell command (`command`).

    `shell` are the words before the command. `declared` are the outputs it has to write, with their types. `promises`
    are files and globs to keep, `junit` those whose cases become checks, all seen from `workdir`.

    `env` is the whole environment of the attempt; attempts with equal `env`, `workdir` and `secrets` may share a
    worker. `own_env` (`TASKGRAPH_*`) differs for each attempt. `secrets` names variables of `env` whose values are
    masked. `path` is put before sys.path. `needs` holds what the task needs; `above` those of all its ancestors, needs
    included, that have a data prefix or ledger rows. `deadline` is seconds from the attempt's start, for the task to
    read; the runner enforces it from outside, as it does `memory` (bytes) and `processes` of the attempt's whole tree,
    and `log_limit` (bytes) of what it prints. `key` tells what is asked, `generates` which files it
    makes. Folders, "" for none: `receipts`, in which the worker writes its outcome down, and `outputs` for large
    outputs; `placed` says which of them are for `arguments`. `requires` are amounts of what a cluster's worker must
    have; with `isolation` "worker" a function may run in that worker's own process.
    """

    run: str
    task: str
    attempt: int
    uses: str | None = None
    arguments: Mapping[str, Json] = field(default_factory=dict)
    command: str | None = None
    shell: tuple[str, ...] = SH
    declared: Mapping[str, str] = field(default_factory=dict)
    promises: tuple[str, ...] = ()
    junit: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    own_env: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    workdir: str = "."
    path: tuple[str, ...] = ()
    needs: Mapping[str, NeedResult] = field(default_factory=dict)
    above: Mapping[str, NeedResult] = field(default_factory=dict)
    data_prefix: str | None = None
    deadline: float | None = None
    memory: int | None = None
    processes: int = 1000
    log_limit: int = 64 * 1024 * 1024
    key: str = ""
    receipts: str = ""
    outputs: str = ""
    placed: tuple[Placed, ...] = ()
    generates: tuple[str, ...] = ()
    requires: Mapping[str, float] = field(default_factory=dict)
    isolation: Isolation = "process"


class Receipt(Data, frozen=True, kw_only=True):
    """What a worker writes down of an attempt: before it begins, without an outcome, and again before it replies.

    `key` is the request's, `notes` all it said.
    """

    task: str
    attempt: int
    key: str = ""
    outcome: Outcome | None = None
    notes: tuple[Note, ...] = ()


class ServiceRequest(Data, frozen=True, kw_only=True):
    """One start of a service: a shell command and how to see that it is ready. `port` None means it has none.

    `port` 0 is chosen by the executor and reaches the command as `TASKGRAPH_PORT` and in place of `PORT_MARK`.
    `ready_http` is a path such as `/health` or a whole URL; `ready_timeout` and `stop_timeout` are seconds.
    """

    run: str
    service: str
    attempt: int
    command: str
    shell: tuple[str, ...] = SH
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    workdir: str = "."
    port: int | None = None
    ready_http: str | None = None
    ready_tcp: bool = False
    ready_log: str | None = None
    ready_timeout: float = 30.0
    stop_timeout: float = 5.0


PORT_MARK = "\x00port\x00"
"""Stands in a service's command and environment where its port belongs until the executor has chosen one."""


class Context:
    """What a running task is given: who it is, what it needs, and how to say what it sees.

    A function that wants it has a parameter `context: Context`. Everything said through it is recorded as it happens,
    so it survives a crash that comes a moment later.
    """

    def __init__(self, request: Request, say: Callable[[Note], None], now: Callable[[], str]) -> None:
        """`say` hands a note to the engine; `now` answers the time as ISO-8601 UTC."""
        self.run = request.run
        self.task = request.task
        self.attempt = request.attempt
        self.needs: Mapping[str, NeedResult] = request.needs
        self.above: Mapping[str, NeedResult] = request.above
        self.data_prefix = request.data_prefix
        self.deadline = request.deadline
        self._request = request
        self._say = say
        self._now = now

    @property
    def env(self) -> Mapping[str, str]:
        """The environment of the attempt."""
        return {**self._request.env, **self._request.own_env}

    def check(self, name: str, *, expected: Json, observed: Json, message: str = "") -> None:
        """Add a check that passes if `observed` equals `expected`. A failed check fails the task when it returns."""
        verdict: Verdict = "passed" if expected == observed else "failed"
        self._say(Check(name=name, verdict=verdict, expected=expected, observed=observed, message=message))

    def add(self, check: Check) -> None:
        """Add a check that was judged elsewhere."""
        self._say(check)

    def progress(self, message: str, *, done: float | None = None, total: float | None = None) -> None:
        """Say how far the task is."""
        self._say(Progress(message=message, done=done, total=total))

    def keep(self, path: str, *, title: str = "") -> None:
        """Keep a file with the run, as it is now: one that is not there, or is no plain file, raises."""
        self._say(Artifact(path=path, title=title))

    def created(self, kind: str, id: str, *, name: str | None = None, url: str | None = None) -> None:  # noqa: A002
        """Enter a created test record in the ledger, at the moment it exists."""
        self._say(LedgerRow(action="created", kind=kind, id=id, name=name, url=url, at=self._now()))

    def deleted(self, kind: str, id: str, *, name: str | None = None, url: str | None = None) -> None:  # noqa: A002
        """Enter a deleted test record in the ledger, once it is gone."""
        self._say(LedgerRow(action="deleted", kind=kind, id=id, name=name, url=url, at=self._now()))
