"""The key by which a result is known again: what was asked, by which code, on which results. Starts nothing.

Two attempts with the same key were asked the same: the definition with every expression filled in, the file that holds
the function, the sources it names, and the keys of what they need. What differs from run to run and says nothing (its
id, the port that a service was given) stands in it by name, and so do secrets: a key may be read by anybody.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from hashlib import blake2b, sha256
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, cast

from msgspec.json import Encoder

from runner.files import Digests, met
from runner.graph.env_files import EnvFiles
from runner.graph.fan_out import only_for_items, reads_only_its_item, template_of
from runner.graph.loose import as_text
from runner.graph.model import Graph, Scope, TaskSpec
from runner.graph.params import params_of
from runner.graph.pieces import Piece, pieces_of
from runner.graph.promises import by_promise
from runner.graph.shells import DEFAULT_SHELL
from runner.graph.values import EvaluationError, Value, command_text, evaluate, is_plain
from runner.schedule.messages import Kept
from runner.task import Json, MadeFile, Succeeded

NOTHING: frozenset[str] = frozenset()


class NoKeyError(Exception):
    """A task has no key: it rests upon what has none itself, or what is asked of it cannot be said."""


class Together(Kept, frozen=True, kw_only=True):
    """The result of a group, put together from those of its instances where it is wanted, and recorded nowhere."""

    instances: tuple[Kept, ...]


class Keys:
    """Answers the keys of the tasks of one graph, with these parameters, in this environment.

    `digests` remember files that were read before; without them nothing is remembered.
    """

    def __init__(
        self,
        graph: Graph,
        environment: Mapping[str, str],
        started_in: str,
        params: Mapping[str, Json],
        digests: Digests | None = None,
        *,
        files: EnvFiles | None = None,
    ) -> None:
        """`environment` is all that is outside of the graph, what its root's files give included."""
        self._graph = graph
        self.digests = digests or Digests({}, lambda: 0)
        self._listed: dict[tuple[str, tuple[str, ...]], list[str]] | None = None
        self._environment = environment
        self._variables = files or EnvFiles()
        self._started_in = started_in
        self._params = dict(params)
        self._modules: dict[tuple[str, str], str] = {}
        self._homes: dict[str, tuple[Mapping[str, str], Mapping[str, Json]]] = {}
        self._unseen: dict[str, frozenset[str]] = {}
        self._light: dict[str, bool] = {}

    def follow(self, graph: Graph) -> None:
        """Go on with a graph that has grown by a fan-out."""
        self._graph = graph

    def of(self, task: str, needs: Mapping[str, Kept]) -> str:
        """Answer the key of a task on these results, "" where it has none."""
        try:
            return self.asked(task, needs)[0]
        except NoKeyError:
            return ""

    def asked(self, task: str, needs: Mapping[str, Kept]) -> tuple[str, Callable[[], dict[str, str]]]:
        """Answer the key of a task on these results, and what says a digest of each part of what is asked.

        Raises:
            NoKeyError: it has none.

        """
        spec = self._graph.tasks[task]
        known = {need: needs.get(need) for need in self._above(spec)}
        above = {need: result for need, result in known.items() if result is not None and result.key}
        if len(above) < len(known):
            without = next(need for need in known if need not in above)
            raise NoKeyError(f"`{without}`, which it needs, has no result to compare")
        try:
            said = self._definition(spec, above)
        except EvaluationError as error:  # a border: the attempt will fail by it
            raise NoKeyError(str(error)) from error
        key = sha256(_written(said)).hexdigest()[:32]
        return key, lambda: {**_parts(said), **self._handed(spec, above)}

    def handed(self, task: str, needs: Mapping[str, Kept]) -> str:
        """Answer the digest of what its needs hand to a function, times aside, "" for a command or where it has none.

        A command sees of it only what its definition, filled in, says.
        """
        found = self._handed(self._graph.tasks[task], needs)
        return _digest(found) if found else ""

    @contextmanager
    def one_look(self) -> Iterator[None]:
        """Let the same patterns of several tasks name the same files, looked for once."""
        self._listed = {}
        try:
            yield
        finally:
            self._listed = None

    def spoilt(self, task: str, result: Kept) -> str:
        """Answer in a sentence what of the files that a task made is not as it made it, "" if all are."""
        folder = self.folder_of(self._graph.tasks[task])
        return next(filter(None, (self._made(folder, file) for file in result.outcome.made)), "")

    def _made(self, folder: str, file: MadeFile) -> str:
        if not file.digest:
            return f"when it had run there was no `{file.path}`"
        try:
            digest = self.digests.of(os.path.join(folder, file.path))  # noqa: PTH118  # thousands of them
        except OSError:  # a border: the files are the user's
            return f"`{file.path}`, which it made, is gone"
        return "" if digest == file.digest else f"`{file.path}`, which it made, was changed since"

    def file_of(self, name: str, scope: str = "") -> Path | None:
        """Answer the file of a module, found as the worker finds it for the tasks of a group, but not imported.

        None if there is none.
        """
        extra = [entry for entry in self._environment.get("PYTHONPATH", "").split(os.pathsep) if entry]
        path: list[str] | None = [self._started_in, self._graph.scopes[scope].folder, *extra, *sys.path]
        for part in name.split("."):  # by its own name alone: else a folder without __init__.py asks for its parent
            spec = PathFinder.find_spec(part, path)
            if spec is None:
                return None
            path = None if spec.submodule_search_locations is None else [*spec.submodule_search_locations]
        return Path(spec.origin) if spec is not None and spec.origin and Path(spec.origin).is_file() else None

    def is_light(self, spec: TaskSpec) -> bool:
        """Say whether an instance of a fan-out reads nothing but its item, and parameters."""
        if spec.part is None:
            return False
        if spec.part.of not in self._light:
            self._light[spec.part.of] = reads_only_its_item(spec)
        return self._light[spec.part.of]

    def unseen(self, spec: TaskSpec) -> frozenset[str]:
        """Answer the needs of which an instance of a fan-out sees no result: its item is all that is made of them."""
        if spec.part is None:
            return NOTHING
        if spec.part.of not in self._unseen:
            self._unseen[spec.part.of] = only_for_items(spec)
        return self._unseen[spec.part.of]

    # -- the helpers -----------------------------------------------------------------------------------------------

    def _above(self, spec: TaskSpec) -> list[str]:
        """Answer the tasks whose keys are in that of a task."""
        unseen = self.unseen(spec)
        return [need for need in spec.needs if need in self._graph.tasks and need not in unseen]

    def _definition(self, spec: TaskSpec, needs: Mapping[str, Kept]) -> dict[str, Json]:
        home = self._graph.scopes[spec.scope]
        filled = self._as_it_stands(spec, home) or self._filled_in(spec, home, needs)
        said: dict[str, Json] = {
            "uses": spec.uses,
            **filled,
            "workdir": spec.workdir if spec.workdir is not None else home.workdir,
            "prefix": spec.data_prefix,
            "module": "" if spec.uses is None else self._module(spec.uses.partition(":")[0], home),
            "needs": {name: result.key for name, result in needs.items()},
            **_promised(spec),
            **({} if spec.part is None else {"item": spec.part.value}),
        }
        return {**said, **self._files(spec)} if spec.caches or spec.sources or spec.generates else said

    def _as_it_stands(self, spec: TaskSpec, home: Scope) -> dict[str, Json]:
        """Answer what is asked of a task in which little is to be filled in, as in most of large graphs; else {}."""
        served = self._graph.services and any(need in self._graph.services for need in spec.needs)
        given = spec.env or spec.env_file or home.env or home.env_file or (home.name and self._inherited(home)[0])
        if served or given:
            return {}
        if spec.run is None and is_plain(spec.arguments):
            return {"with": cast("Json", spec.arguments), "run": None, "env": {}, "services": {}}
        if spec.part is None or not self.is_light(spec):
            return {}
        scope = {"params": params_of(home.name, self._params), **spec.part.scope}
        asked = evaluate(dict(spec.arguments), scope, folder=home.folder)
        return {"with": asked, "run": _command(spec, scope), "env": {}, "services": {}}

    def _filled_in(self, spec: TaskSpec, home: Scope, needs: Mapping[str, Kept]) -> dict[str, Json]:
        secrets = {name: f"<secret {name}>" for name in (*home.secrets, *spec.secrets)}
        inherited, outer = self._inherited(home)
        scope = {
            **outer,
            "needs": {home.local(name): seen(self._graph.tasks[name], result) for name, result in needs.items()},
            "secrets": secrets,
        }
        if spec.part is not None:
            scope |= spec.part.scope
        own = {**inherited, **self._given(self._variables.tasks.get(template_of(spec.id), {}))}
        scope["env"] = {**self._environment, **own, **secrets}
        own |= self._filled(spec.env, scope, home)
        scope["env"] = {**self._environment, **own, **secrets}
        services = [need for need in spec.needs if need in self._graph.services]
        return {
            "with": _spelled(evaluate(dict(spec.arguments), scope, folder=home.folder)),
            "run": _command(spec, scope),
            "env": {name: secrets.get(name, value) for name, value in own.items()},
            "services": {home.local(name): self._service(name, scope, home) for name in services},
        }

    def folder_of(self, spec: TaskSpec) -> str:
        """Answer where a task runs, and its files are looked for."""
        home = self._graph.scopes[spec.scope]
        given = spec.workdir if spec.workdir is not None else home.workdir
        return self._started_in if given is None else str(Path(home.folder, given))

    def _files(self, spec: TaskSpec) -> dict[str, Json]:
        folder = self.folder_of(spec)
        try:
            sources = {name: self.digests.of(os.path.join(folder, name)) for name in self._met(folder, spec.sources)}  # noqa: PTH118  # thousands of them
        except OSError as error:  # a border: the files are the user's
            raise EvaluationError(f"the source `{error.filename}` cannot be read: {error.strerror}") from error
        return {"folder": folder, "sources": sources, "generates": [*spec.generates]}

    def _met(self, folder: str, patterns: tuple[str, ...]) -> list[str]:
        if self._listed is None:
            return met(folder, patterns)
        if (folder, patterns) not in self._listed:
            self._listed[folder, patterns] = met(folder, patterns)
        return self._listed[folder, patterns]

    def _handed(self, spec: TaskSpec, needs: Mapping[str, Kept]) -> dict[str, str]:
        above = [need for need in self._above(spec) if need in needs] if spec.uses is not None else []
        return {f"handed.{need}": _digest(_given(needs[need])) for need in above}

    def _inherited(self, home: Scope) -> tuple[Mapping[str, str], Mapping[str, Json]]:
        """Answer the variables that a file and those that include it give, and what its expressions read."""
        if home.name in self._homes:
            return self._homes[home.name]
        files = self._variables.root if home.outer is None else self._variables.included.get(home.name, {})
        outer = {} if home.outer is None else self._inherited(self._graph.scopes[home.outer])[0]
        secrets = {name: f"<secret {name}>" for name in home.secrets}
        services: Json = {
            home.local(name): {"url": f"http://<{name}>", "port": f"<port of {name}>"}
            for name, each in self._graph.services.items()
            if each.scope == home.name
        }
        given = {**self._given(files), **outer}
        scope: dict[str, Json] = {
            "params": params_of(home.name, self._params),
            "run": {"id": "<run>", "started": "<start>"},
            "services": services,
            "secrets": secrets,
            "env": {**self._environment, **outer, **secrets},
        }
        own = {**given, **self._filled(home.env, scope, home)}
        self._homes[home.name] = own, {**scope, "env": {**self._environment, **own, **secrets}}
        return self._homes[home.name]

    def _filled(self, own: Mapping[str, Value], scope: Mapping[str, Json], home: Scope) -> dict[str, str]:
        return {name: as_text(evaluate(value, scope, folder=home.folder)) for name, value in own.items()}

    def _given(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Answer what a file gives, without what is secret in any task."""
        return {name: f"<secret {name}>" if name in self._secrets else value for name, value in variables.items()}

    @cached_property
    def _secrets(self) -> frozenset[str]:
        return frozenset(self._graph.every_secret)

    def _service(self, name: str, scope: Mapping[str, Json], around: Scope) -> Json:
        spec = self._graph.services[name]
        home = self._graph.scopes[spec.scope]
        if spec.scope != around.name:  # it is one of an including file
            scope = self._inherited(home)[1]
        env = self._filled(spec.env, scope, home)
        return {"run": command_text(spec.run, scope), "env": dict(env), "dir": spec.workdir}

    def _module(self, name: str, home: Scope) -> str:
        """Answer the digest of a module's file, found as the worker finds it but not imported; "" if there is none."""
        if (home.folder, name) not in self._modules:
            file = self.file_of(name, home.name)
            try:
                self._modules[home.folder, name] = "" if file is None else self.digests.of(str(file))
            except OSError as error:  # a border: the file is the user's
                raise EvaluationError(f"{file} cannot be read: {error.strerror}") from error
        return self._modules[home.folder, name]


def seen(spec: TaskSpec, result: Kept) -> Json:
    """Answer what expressions read of a result, the same whether it is of this run or kept."""
    outputs, files = _handed_on(spec, result)
    if isinstance(result, Together):
        several = [_handed_on(spec, each) for each in result.instances]
        outputs, files = ([each[part] for each in several] for part in (0, 1))
    return {"state": "succeeded", "cause": None, "outputs": outputs, "artifacts": files, "run": "<run>"}


def _handed_on(spec: TaskSpec, result: Kept) -> tuple[Json, Json]:
    outputs = {**(result.outcome.outputs or {}), **pieces_of(spec.id, result.outcome.files)}
    return outputs, by_promise(spec.artifacts, result.artifacts, lambda each: f"<{each.title} {each.digest}>")


def _command(spec: TaskSpec, scope: Mapping[str, Json]) -> str | None:
    return None if spec.run is None else command_text(spec.run, scope)


def _promised(spec: TaskSpec) -> dict[str, Json]:
    """Answer how a command is run and what a task has to hand on, as far as it says so: most say nothing."""
    said: dict[str, Json] = {
        "shell": "" if spec.shell == DEFAULT_SHELL or spec.run is None else spec.shell,
        "outputs": dict(spec.outputs),
        "artifacts": [*spec.artifacts],
        "junit": [*spec.junit],
    }
    return {name: value for name, value in said.items() if value}


def _given(result: Kept) -> Json:
    """Answer what a function may see of a result, without what differs each time: how long it took, and when."""
    checks = [(each.name, each.verdict, each.expected, each.observed, each.message) for each in result.checks]
    ledger = [(each.action, each.kind, each.id, each.name, each.url) for each in result.ledger]
    files = {name: file.digest for name, file in result.outcome.files.items()}
    promised = [(each.promise, each.title, each.digest) for each in result.artifacts if each.promise]
    instances = [_given(each) for each in result.instances] if isinstance(result, Together) else []
    return [dict(result.outcome.outputs), files, checks, ledger, *([promised] if promised else []), *instances]


def _parts(said: Mapping[str, Json]) -> dict[str, str]:
    """Answer a digest of each part of a definition that says anything, those of mappings by their own names."""
    found: dict[str, str] = {}
    for name, part in said.items():
        if isinstance(part, Mapping):
            found |= {f"{name}.{inner}": _digest(item) for inner, item in part.items()}
        elif part not in (None, "", []):
            found[name] = _digest(part)
    return found


def _digest(value: Json) -> str:
    return blake2b(_written(value), digest_size=6).hexdigest()


def group_result(instances: Sequence[Kept]) -> Together:
    """Answer the result of a group: those of its instances together."""
    key = sha256(" ".join(each.key for each in instances).encode()).hexdigest()[:32]
    whole = all(each.key for each in instances)
    return Together(outcome=Succeeded(), key=key if whole else "", instances=tuple(instances))


def _written(value: Json) -> bytes:
    """Write plain data in one way only."""
    try:
        return _ENCODER.encode(value)
    except (UnicodeEncodeError, TypeError):  # half a surrogate pair is no UTF-8; a key may be no text
        return json.dumps(value, sort_keys=True).encode()


def _spelled(value: Any) -> Json:
    """Answer plain data with the digest of each output's part that is a file in its place."""
    match value:
        case Piece():
            return [value.file.digest, *value.steps]
        case Mapping():
            return {name: _spelled(item) for name, item in value.items()}
        case list() | tuple():
            return [_spelled(item) for item in value]
        case _:
            return value  # type: ignore[no-any-return]  # all else is plain data


_ENCODER = Encoder(order="sorted")
