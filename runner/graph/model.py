"""What to run: a graph as frozen data, and nothing else. Holds no state of a run, so one graph can serve many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cached_property
from typing import Literal

from msgspec import Struct, field

from runner.errors import Place
from runner.graph.shells import DEFAULT_SHELL
from runner.graph.values import Expression, Value
from runner.task import Cause, Isolation, Json


class Trigger(Enum):
    """When a task may start, once all its needs have settled (DESIGN section 5)."""

    ALL_SUCCESS = "all_success"
    ALL_DONE = "all_done"
    ONE_SUCCESS = "one_success"
    ONE_FAILED = "one_failed"
    NONE_FAILED = "none_failed"
    ALWAYS = "always"


class Backoff(Enum):
    """How rests grow from one failed attempt to the next."""

    FIXED = "fixed"
    LINEAR = "linear"
    EXPONENTIAL = "exponential"


class NotHanded(Enum):
    """Stands for what `with` of an include says of a parameter that it does not name: nothing, and not null."""

    NOT_HANDED = "its default counts"


NOT_HANDED = NotHanded.NOT_HANDED

RETRIED_BY_DEFAULT = frozenset(Cause) - {Cause.CANCELLED}


class Retry(Struct, frozen=True, kw_only=True):
    """How often and when a failed task is tried again. `attempts` counts all attempts; times are seconds."""

    attempts: int = 1
    delay: float = 1.0
    backoff: Backoff = Backoff.EXPONENTIAL
    factor: float = 2.0
    max_delay: float = 60.0
    jitter: Literal["full", "none"] = "full"
    deadline: float | None = None
    on: frozenset[Cause] = RETRIED_BY_DEFAULT


class Rate(Struct, frozen=True, kw_only=True):
    """How often a pool may be claimed: no more than `count` claims begin within any so many `seconds`."""

    count: int
    seconds: float


class ParamSpec(Struct, frozen=True, kw_only=True):
    """A typed input of the graph. `default` None with `required` means that `-p` must give it.

    One of an included file is called `GROUP.NAME`; `scope` is that group and `handed` what `with` gives it, a value
    over the parameters of the including file.
    """

    name: str
    type: str
    default: Json = None
    required: bool = False
    enum: tuple[Json, ...] = ()
    desc: str = ""
    where: Place
    scope: str = ""
    handed: Value = NOT_HANDED


class Matrix(Struct, frozen=True, kw_only=True):
    """One instance for each combination of values: `axes` maps names to lists, or is an expression that answers such.

    The rules of `exclude` and `include`, lists of mappings, are GitHub's.
    """

    axes: Value
    include: Value = ()
    exclude: Value = ()


class Foreach(Struct, frozen=True, kw_only=True):
    """One instance for each of some `items`, or for each file that a pattern of `files` meets."""

    items: Value = None
    files: tuple[str, ...] = ()


class Part(Struct, frozen=True, kw_only=True):
    """What makes an instance of a task: the template that it is `of`, and what its expressions read under `root`."""

    of: str
    root: Literal["item", "matrix"]
    value: Json

    @property
    def scope(self) -> dict[str, Json]:
        """Answer what expressions may read of it."""
        return {self.root: self.value}


class TaskSpec(Struct, frozen=True, kw_only=True):
    """One task as written, defaults filled in. Times are seconds, `memory` and `log_limit` bytes.

    `claims` are pool name to amount, `outputs` those of a command with their types. Exactly one of `uses` and `run` is
    set. `index` is its position in the file, the last word on order; instances lie between their template and the next
    task. A task with a `fan` is a template until its items are known, then the group of its `instances`, which are
    tasks by themselves, each a `part` of it. `sources` and `generates` are patterns of files; `cache` None leaves it to
    them. `stagger` lies between the start before, of a task that has one too, and its own; `manual` asks a person
    before it starts.

    `scope` is the group whose file it stands in, "" for that of the run; its id begins with it. `needs` names tasks and
    services; those of them that only its group waits for are `outer`, and those that stand for whole `groups` are named
    there.
    """

    id: str
    index: float
    where: Place
    title: str = ""
    desc: str = ""
    uses: str | None = None
    arguments: Mapping[str, Value] = field(default_factory=dict)
    run: Value = None
    shell: str = DEFAULT_SHELL
    outputs: Mapping[str, str] = field(default_factory=dict)
    artifacts: tuple[str, ...] = ()
    junit: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    trigger: Trigger = Trigger.ALL_SUCCESS
    condition: Expression | None = None
    retry: Retry = Retry()
    timeout: float | None = None
    kill_after: float = 5.0
    allow_failure: bool = False
    priority: int = 0
    estimate: float | None = None
    claims: Mapping[str, int] = field(default_factory=dict)
    data_prefix: str | None = None
    memory: int | None = None
    requires: Mapping[str, float] = field(default_factory=dict)
    isolation: Isolation = "process"
    processes: int = 1000
    log_limit: int = 64 * 1024 * 1024
    env: Mapping[str, Value] = field(default_factory=dict)
    env_file: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    workdir: str | None = None
    tags: tuple[str, ...] = ()
    cache: bool | None = None
    sources: tuple[str, ...] = ()
    generates: tuple[str, ...] = ()
    stagger: float = 0.0
    manual: bool = False
    fan: Matrix | Foreach | None = None
    max_parallel: int | None = None
    instances: tuple[str, ...] | None = None
    part: Part | None = None

    @property
    def is_template(self) -> bool:
        """Whether it stands for instances that nobody knows yet."""
        return self.fan is not None and self.instances is None and self.part is None

    scope: str = ""
    outer: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    @property
    def own_needs(self) -> tuple[str, ...]:
        """What it needs by itself: its trigger is about these."""
        return tuple(need for need in self.needs if need not in self.outer) if self.outer else self.needs

    @property
    def caches(self) -> bool:
        """Whether it is left out where its last result still holds."""
        return bool(self.sources) if self.cache is None else self.cache


class Ready(Struct, frozen=True, kw_only=True):
    """How to see that a service is ready: an HTTP path or URL, an open TCP port, or a pattern in its output."""

    http: str | None = None
    tcp: bool = False
    log: str | None = None
    timeout: float = 30.0


class ServiceSpec(Struct, frozen=True, kw_only=True):
    """One server that tasks need. `port` 0 is chosen when it starts; None means that it has none."""

    id: str
    where: Place
    run: Value
    condition: Expression | None = None
    env: Mapping[str, Value] = field(default_factory=dict)
    workdir: str | None = None
    port: int | None = None
    ready: Ready = Ready()
    stop_timeout: float = 5.0
    scope: str = ""


class Scope(Struct, frozen=True, kw_only=True):
    """What the tasks of one file have in common: where the file lies and what its root says. `name` is its group.

    `outer` is the scope of the including file, from which variables are inherited; None for that of the run. Within its
    file a task is called as the file calls it (`local`), outside by its whole id.
    """

    name: str
    outer: str | None
    folder: str
    env: Mapping[str, Value] = field(default_factory=dict)
    env_file: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    workdir: str | None = None

    def local(self, node: str) -> str:
        """Answer what the file calls a task, a service or a group of it."""
        return node.removeprefix(f"{self.name}.") if self.name else node


class Group(Struct, frozen=True, kw_only=True):
    """An included file: when its tasks may begin, and how often all of them are tried together.

    `scope` is the group that includes it, "" for the run's own file. `tasks` and `services` are all in it, those of
    groups inside of it too. `needs` are tasks and services, `groups` those of which all tasks are among the needs.
    `handed` are values for its parameters, over those of the including file; `file` is as that one names it.
    """

    id: str
    scope: str
    where: Place
    file: str
    inside: Scope
    handed: Mapping[str, Value] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    trigger: Trigger = Trigger.ALL_SUCCESS
    condition: Expression | None = None
    retry: Retry = Retry()
    tasks: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


class Graph(Struct, frozen=True, kw_only=True, dict=True):
    """A checked graph. `file` is as it was named, `folder` the absolute folder it lies in, `digest` sha256 of its text.

    `tasks` and `services` are in file order; those of included files are there, too, and come before the file's own.
    `groups` are the included files, an outer one before those inside. `workers` None means the number of CPUs. `rates`
    are those of the pools that have one.
    """

    name: str
    file: str
    folder: str
    digest: str
    title: str = ""
    desc: str = ""
    params: Mapping[str, ParamSpec] = field(default_factory=dict)
    env: Mapping[str, Value] = field(default_factory=dict)
    env_file: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    workdir: str | None = None
    workers: int | None = None
    pools: Mapping[str, int] = field(default_factory=dict)
    rates: Mapping[str, Rate] = field(default_factory=dict)
    fail_fast: bool = False
    deadline: float | None = None
    services: Mapping[str, ServiceSpec] = field(default_factory=dict)
    tasks: Mapping[str, TaskSpec] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)

    @cached_property
    def scopes(self) -> Mapping[str, Scope]:
        """What each file has in common, by group; "" is the run's own."""
        own = Scope(
            name="",
            outer=None,
            folder=self.folder,
            env=self.env,
            env_file=self.env_file,
            secrets=self.secrets,
            workdir=self.workdir,
        )
        return {"": own, **{name: group.inside for name, group in self.groups.items()}}

    @property
    def every_secret(self) -> tuple[str, ...]:
        """The variables that are secret in any of its files."""
        roots = (name for scope in self.scopes.values() for name in scope.secrets)
        own = (name for task in self.tasks.values() for name in task.secrets)
        return tuple(dict.fromkeys((*roots, *own)))

    @cached_property
    def dependents(self) -> Mapping[str, tuple[str, ...]]:
        """The tasks that need each task or service, in file order."""
        found: dict[str, list[str]] = {node: [] for node in (*self.services, *self.tasks)}
        for task in self.tasks.values():
            for need in task.needs:
                found[need].append(task.id)
        return {node: tuple(tasks) for node, tasks in found.items()}


def variables_around(graph: Graph, scope: str) -> Iterator[Mapping[str, Value]]:
    """Answer the `env` of a file and of those that include it, the innermost first."""
    home: Scope | None = graph.scopes[scope]
    while home is not None:
        yield home.env
        home = None if home.outer is None else graph.scopes[home.outer]
