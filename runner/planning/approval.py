"""A plan that was written down to be approved, and whether what would run today is still that. Starts nothing.

What a plan rests upon (`Ground`) is written down with it: the text and the meaning of the graph, parameters, the files
that are its inputs, what conditions read of the environment, and what is kept. A run of the plan looks at all of that
again, and any difference is named; none is small enough to be overlooked, for somebody has said yes to this one plan.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import fields, replace

from runner.errors import PlanChanged, UsageError
from runner.files import met
from runner.graph.definition import as_written
from runner.graph.digests import digest_of_files
from runner.graph.env_files import digest_without
from runner.graph.expression import Literal
from runner.graph.loose import EvaluationError
from runner.graph.model import Graph, Group, ServiceSpec, TaskSpec
from runner.graph.select import Wish
from runner.graph.values import functions_called
from runner.keeping import Keys
from runner.mask import Masker
from runner.opening import Options
from runner.plain import NotThisShape, from_plain, to_plain
from runner.planning.model import Plan
from runner.record.folder import write_whole
from runner.schedule.messages import Kept, Outdated, Planned, RunOpened
from runner.task import Json

FORMAT = 1
WORDS = {"arguments": "with", "condition": "if", "claims": "pools"}
"""Fields of a task that the graph file calls otherwise."""
SILENT = frozenset({"id", "index", "where", "title", "desc"})
"""What of a task or service is for people, or follows from its place."""


class Ground(Struct, frozen=True, kw_only=True):
    """What a plan rests upon; digests by key for each task and service, by path for each input."""

    digest: str
    workers: int
    fail_fast: bool = False
    params: Mapping[str, Json] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    root: Mapping[str, str] = field(default_factory=dict)
    nodes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
    cached: Mapping[str, str] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()
    shuffle: int | None = None
    items: Mapping[str, str] = field(default_factory=dict)


class Approval(Struct, frozen=True, kw_only=True):
    """A plan that can be run: which graph, as what was given then, what it rests upon, and what it said of each task.

    `wish` is the choice of tasks, by kind; `resume` the run it goes on with, `force` whether it does everything again.
    `file` is where it was read from.
    """

    graph: str
    ground: Ground
    planned: Mapping[str, Planned]
    given: Mapping[str, Json] = field(default_factory=dict)
    wish: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    resume: str | None = None
    force: bool = False
    file: str = ""


def ground_of(
    graph: Graph, digest: str, opened: RunOpened, keys: Keys, recalled: Mapping[str, Kept | Outdated]
) -> Ground:
    """Answer what a run that would be opened so rests upon; `recalled` is what is foreseen of cached tasks."""
    settings = ("env", "env_file", "workdir", "pools", "rates", "deadline", "secrets")
    return Ground(
        digest=digest,
        workers=opened.slots,
        fail_fast=opened.fail_fast,
        params=opened.params,
        environment=opened.environment,
        root={name: _mark(getattr(graph, name)) for name in settings},
        nodes={
            **{service.id: _meaning(service) for service in graph.services.values()},
            **{task.id: _meaning(task) for task in graph.tasks.values()},
            **{group.id: _meaning(group) for group in graph.groups.values()},
        },
        inputs=dict(_inputs(graph, opened, keys)),
        kept={task: kept.run for task, kept in opened.kept.items()},
        cached={task: each.run for task, each in recalled.items() if isinstance(each, Kept)},
        skipped=opened.skipped,
        shuffle=opened.shuffle,
        items={task: _mark(items) for task, items in opened.items.items()},
    )


def write_approval(file: str, approval: Approval, plan: Plan, masker: Masker) -> None:
    """Write a plan down.

    Raises:
        UsageError: it would hold the value of a secret.
        RunnerFault: the disk does not take it.

    """
    said = to_plain(approval)
    found = masker.found_in(said)
    if found is not None:
        raise UsageError(f"--out {file}: it would hold the value of {found}; hand secrets over in the environment")
    whole = {"taskgraph_plan": FORMAT, "approval": said, "plan": to_plain(plan)}
    write_whole(Path(file), json.dumps(whole, indent=2, ensure_ascii=False) + "\n")


def read_approval(file: str) -> Approval:
    """Read a plan that was written down.

    Raises:
        UsageError: there is no such file, or it is no plan of ours.

    """
    try:
        data = json.loads(Path(file).read_bytes())
        if data["taskgraph_plan"] != FORMAT:
            raise UsageError(f"--plan {file}: it was written by another version; plan again with `plan --out {file}`")
        found: Approval = from_plain(Approval, {**data["approval"], "file": file})
        Wish(**found.wish)  # it may name a choice there is not
    except OSError as error:  # a border: the file is the user's
        raise UsageError(f"--plan {file}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, RecursionError, NotThisShape) as error:
        raise UsageError(f"--plan {file}: it is no plan that `plan --out` wrote") from error
    return found


def approved(options: Options, approval: Approval) -> Options:
    """Answer the options of a run of an approved plan; what is said beside it must be the same, or the run is refused.

    Raises:
        UsageError: the options name another graph, or choose tasks.

    """
    if options.graph and Path(options.graph).resolve() != Path(approval.graph).resolve():
        raise UsageError(f"--plan {approval.file}: it is a plan of {approval.graph}, not of {options.graph}")
    if options.wish != Wish():
        raise UsageError(f"--plan {approval.file}: the plan says which tasks run; leave out --only, --skip and so on")
    return replace(
        options,
        graph=approval.graph,
        params={**approval.given, **options.params},
        jobs=options.jobs or approval.ground.workers,
        fail_fast=approval.ground.fail_fast if options.fail_fast is None else options.fail_fast,
        wish=Wish(**{kind: tuple(names) for kind, names in approval.wish.items()}),
        resume=options.resume or approval.resume,
        force=options.force or approval.force,
        shuffle=approval.ground.shuffle if options.shuffle is None else options.shuffle,
        approval=approval,
    )


def planned_now(approval: Approval, now: Ground, at: float) -> dict[str, Planned]:
    """Answer what an approved plan says of each task of a run that begins at this second.

    Raises:
        PlanChanged: what would run is not what was approved; holds every difference.

    """
    differences = tuple(_differences(approval.ground, now))
    if differences:
        raise PlanChanged(approval.file, differences)
    return {name: replace(each, started=each.started + at) for name, each in approval.planned.items()}


# -- the helpers -------------------------------------------------------------------------------------------------------


def _mark(value: Any) -> str:
    said = json.dumps(as_written(value), sort_keys=True)
    return blake2b(said.encode(), digest_size=6).hexdigest()


def _meaning(spec: TaskSpec | ServiceSpec | Group) -> dict[str, str]:
    told = [each.name for each in fields(spec) if each.name not in SILENT]
    return {WORDS.get(name, name): _mark(getattr(spec, name)) for name in told}


def _inputs(graph: Graph, opened: RunOpened, keys: Keys) -> Iterator[tuple[str, str]]:
    """Yield the files that a run rests upon, each with its digest; "" for one that is not there."""
    for spec in graph.params.values():
        path = opened.params.get(spec.name)
        if spec.type == "path" and isinstance(path, str) and path and not Path(path).is_dir():
            yield path, _digest(Path(path))
    used = dict.fromkeys((task.scope, task.uses.partition(":")[0]) for task in graph.tasks.values() if task.uses)
    for scope, name in used:
        module = keys.file_of(name, scope)
        yield (f"module {name}", "") if module is None else (str(module), _digest(module))
    scopes, secrets = graph.scopes, frozenset(graph.every_secret)
    roots = ((scope.folder, scope.env_file) for scope in scopes.values())
    own = ((scopes[task.scope].folder, task.env_file) for task in graph.tasks.values())
    for file in dict.fromkeys(Path(folder, name) for folder, names in (*roots, *own) for name in names):
        yield str(file), digest_without(file, secrets)
    for task in graph.tasks.values():
        if task.sources:
            yield f"sources of `{task.id}`", _sources(keys.folder_of(task), task.sources, keys)
        for call in (*functions_called(task.arguments), *functions_called(task.env)):
            patterns = [each.value for each in call.arguments if isinstance(each, Literal)]
            if call.function == "hashFiles":
                yield f"files {' '.join(map(str, patterns))}", _files(graph.scopes[task.scope].folder, patterns)


def _sources(folder: str, patterns: tuple[str, ...], keys: Keys) -> str:
    try:
        return _mark([(name, keys.digests.of(str(Path(folder, name)))) for name in met(folder, patterns)])
    except OSError:  # a border: what cannot be read is told when the task runs
        return ""


def _digest(path: Path) -> str:
    try:
        return sha256(path.read_bytes()).hexdigest()
    except OSError:  # a border: what cannot be read is told by the task that reads it
        return ""


def _files(folder: str, patterns: list[Any]) -> str:
    try:
        return digest_of_files(folder, [str(each) for each in patterns])
    except EvaluationError:  # a border: the same
        return ""


def _differences(then: Ground, now: Ground) -> Iterator[str]:
    if then.digest != now.digest:
        told = [*_settings(then.root, now.root), *_nodes(then.nodes, now.nodes)]
        yield from told or ["the graph file has changed, though only in words for people or in its layout"]
    for name in sorted({*then.params, *now.params}):
        if then.params.get(name) != now.params.get(name):
            yield f"parameter `{name}`: {_shown(then.params.get(name))} then, {_shown(now.params.get(name))} now"
    for path in sorted({*then.inputs, *now.inputs}):
        if then.inputs.get(path) != now.inputs.get(path):
            yield f"input {path} {_what(then.inputs.get(path, ''), now.inputs.get(path, ''))}"
    for name in sorted({*then.environment, *now.environment}):
        if then.environment.get(name) != now.environment.get(name):
            yield f"environment variable `{name}`, which a condition reads, has changed"
    for task in sorted({*then.items, *now.items}):
        if then.items.get(task) != now.items.get(task):
            yield f"`{task}` would be done for other items"
    for word, before, after in (("kept", then.kept, now.kept), ("cached", then.cached, now.cached)):
        for task in sorted({*before, *after}):
            one, other = (_taken(word, each.get(task)) for each in (before, after))
            if one != other:
                yield f"task `{task}` was to be {one}, and would be {other}"
    for what in ("workers", "fail_fast", "skipped", "shuffle"):
        if getattr(then, what) != getattr(now, what):
            yield f"{what}: {_shown(getattr(then, what))} then, {_shown(getattr(now, what))} now"


def _settings(then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    changed = [name for name in now if then.get(name) != now[name]]
    if changed:
        yield f"the graph has changed: {', '.join(f'`{name}`' for name in changed)}"


def _nodes(then: Mapping[str, Mapping[str, str]], now: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for name in {**then, **now}:
        if name not in now:
            yield f"`{name}` is gone"
        elif name not in then:
            yield f"`{name}` is new"
        elif then[name] != now[name]:
            keys = [key for key in {**then[name], **now[name]} if then[name].get(key) != now[name].get(key)]
            yield f"`{name}` has changed: {', '.join(f'`{key}`' for key in keys)}"


def _what(then: str, now: str) -> str:
    return "has changed" if then and now else "is there now" if now else "is gone"


def _taken(word: str, run: str | None) -> str:
    return "done" if run is None else f"{word} from {run}"


def _shown(data: Json) -> str:
    text = json.dumps(to_plain(data), ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:79]}…"
