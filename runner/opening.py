"""How a run begins: what a person may say about it, and the first event that follows. Knows no process.

A plan begins as a run does, so both ask here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from runner.errors import GraphError, Problem, UsageError
from runner.graph.check import Loaded
from runner.graph.env_files import EnvFiles, read_env_files
from runner.graph.model import Graph
from runner.graph.select import Selection, Wish, spelled_out
from runner.graph.values import references
from runner.record.folder import RunFolder, StateFolder
from runner.schedule.messages import RunOpened
from runner.task import Json

if TYPE_CHECKING:
    from runner.planning.approval import Approval


class Options(Struct, frozen=True, kw_only=True):
    """What a person may say about a run; None for `jobs` and `fail_fast` leaves it to the graph.

    `wait` is for the end of another run of the same graph; `resume` names a run to go on with, or `latest`;
    `force` does everything again, whatever still holds; `reports` are formats to write besides those of every run;
    `approval` is the plan that it must be; `shuffle` is the seed of a random order; `approve` names tasks that ask
    first and need not. `files` are variables that the graph's files give; the root's are in `environment`, too.

    Raises:
        UsageError: it is to go on with a run, and to do everything again.

    """

    graph: str
    params: Mapping[str, Json] = field(default_factory=dict)
    jobs: int | None = None
    fail_fast: bool | None = None
    state_dir: str = ".runner"
    wish: Wish = field(default_factory=Wish)
    events: str | None = None
    log_level: str = "WARNING"
    wait: bool = False
    resume: str | None = None
    force: bool = False
    reports: tuple[str, ...] = ()
    approval: Approval | None = None
    shuffle: int | None = None
    approve: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=lambda: given_environment(dict(os.environ)))
    files: EnvFiles = field(default_factory=EnvFiles)
    started_in: str = field(default_factory=os.getcwd)

    def __post_init__(self) -> None:
        """Refuse what is at odds."""
        if self.force and self.resume is not None:
            raise UsageError("--resume keeps what is done, and --force does it again: leave one of them out")


def given_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Answer the environment that the shell gave: Python adds `LC_CTYPE` to its own where the locale is C (PEP 538)."""
    coerced = environment.get("LC_CTYPE") in {"C.UTF-8", "C.utf8", "UTF-8"} and "LC_ALL" not in environment
    if not coerced:
        return dict(environment)
    try:
        first = Path("/proc/self/environ").read_bytes().split(b"\0")  # as it was when we began
    except OSError:  # a border: not every system tells
        return dict(environment)
    added = not any(each.startswith(b"LC_CTYPE=") for each in first)
    return {name: value for name, value in environment.items() if name != "LC_CTYPE" or not added}


def with_env_files(options: Options, loaded: Loaded) -> Options:
    """Answer options whose environment has what the files of variables give that a graph names.

    Raises:
        GraphError: a file is not there, or something in it is wrong.

    """
    files = read_env_files(loaded, options.environment)
    return replace(options, environment={**files.root, **options.environment}, files=files)


def most_of(graph: Graph, options: Options) -> int | None:
    """Answer how many attempts may run at once, None where nobody has said."""
    return options.jobs or graph.workers


def slots_of(graph: Graph, options: Options) -> int:
    """Answer how many attempts may run at once on this machine."""
    return most_of(graph, options) or os.cpu_count() or 1


def opened_of(selection: Selection, params: Mapping[str, Json], options: Options) -> RunOpened:
    """Answer the first event of a run, but for its id and its times."""
    graph = selection.graph
    return RunOpened(
        at=0.0,
        run="",
        started="",
        file=options.graph,
        slots=slots_of(graph, options),
        params=params,
        environment={name: options.environment[name] for name in _read(graph) if name in options.environment},
        fail_fast=graph.fail_fast if options.fail_fast is None else options.fail_fast,
        selected=tuple(graph.tasks) if selection.partial else None,
        skipped=selection.skipped,
        shuffle=options.shuffle,
        approved=spelled_out(options.approve, graph),
    )


def secret_values(graph: Graph, options: Options) -> dict[str, str]:
    """Answer the values of the variables that are secret, those that are set; a task's file may have another one."""
    names = set(graph.every_secret)
    found = {name: options.environment[name] for name in sorted(names) if options.environment.get(name)}
    for task, own in (*options.files.included.items(), *options.files.tasks.items()):
        for name in sorted(names & own.keys()):
            if own[name] and own[name] not in found.values():
                found[f"{name} of {task}" if name in found else name] = own[name]
    return found


def check_items(graph: Graph, items: Mapping[str, Sequence[Json]], options: Options) -> None:
    """See that no item that is known before holds a secret: instances are named by them, in every file of the run.

    Raises:
        GraphError: one does.

    """
    from runner.mask import Masker  # noqa: PLC0415  # few graphs have a fan-out

    masker = Masker(secret_values(graph, options))
    for task, found in items.items():
        name = masker.found_in(list(found))
        if name is not None:
            message = f"an item of `{task}` holds the value of the secret {name}, and its instance would be named by it"
            hint = "fan out over names, and let each instance read the secret of its name"
            where = graph.tasks[task].where
            raise GraphError([Problem(code="secret-in-items", message=message, where=where, hint=hint)])


def stem_of(graph: str) -> str:
    """Answer the part of a run's id that comes from the graph file."""
    return "".join(letter if letter.isalnum() or letter in "_-" else "_" for letter in Path(graph).stem)[:40] or "graph"


def runs_of(state: StateFolder, graph: str) -> Sequence[RunFolder]:
    """Answer the runs of one graph file, told by the name in their ids."""
    stem = stem_of(graph)
    return [run for run in state.runs() if run.name[19:].rpartition("-")[0] == stem]


# -- the helpers -------------------------------------------------------------------------------------------------------


def _read(graph: Graph) -> set[str]:
    """Answer the environment variables that conditions read: a replay needs their values."""
    conditions = [
        *(task.condition for task in graph.tasks.values()),
        *(service.condition for service in graph.services.values()),
        *(group.condition for group in graph.groups.values()),
    ]
    found = [reference for condition in conditions if condition for reference in references(condition)]
    return {str(reference.path[1]) for reference in found if reference.path[0] == "env" and len(reference.path) > 1}
