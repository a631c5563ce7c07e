"""The key by which a result is known again: what was asked, by which code, on which results. Starts nothing.

Two attempts with the same key were asked the same: the definition with every expression filled in, the file that holds
the function, and the keys of what they need. What differs from run to run and says nothing (its id, the port that a
service was given) stands in it by name, and so do secrets: a key may be read by anybody.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from functools import cached_property
from graphlib import TopologicalSorter
from hashlib import sha256
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from runner.graph.loose import as_text
from runner.graph.model import Graph, TaskSpec
from runner.graph.pieces import Piece, pieces_of
from runner.graph.values import EvaluationError, Value, command_text, evaluate
from runner.schedule.messages import Kept
from runner.task import Json


class Keys:
    """Answers the keys of the tasks of one graph, with these parameters, in this environment."""

    def __init__(
        self, graph: Graph, environment: Mapping[str, str], started_in: str, params: Mapping[str, Json]
    ) -> None:
        self._graph = graph
        self._environment = environment
        self._started_in = started_in
        self._params = dict(params)
        self._modules: dict[str, str] = {}

    def of(self, task: str, needs: Mapping[str, Kept]) -> str:
        """Answer the key of a task on these results, "" where it has none: it rests upon what has no key itself."""
        spec = self._graph.tasks[task]
        above = {need: needs.get(need) for need in spec.needs if need in self._graph.tasks}
        if any(result is None or not result.key for result in above.values()):
            return ""
        try:
            said = self._definition(spec, {name: result for name, result in above.items() if result is not None})
        except EvaluationError:  # a border: the attempt will fail by it
            return ""
        return sha256(json.dumps(said, sort_keys=True, default=_spelled).encode()).hexdigest()[:32]

    def kept(self, successes: Mapping[str, Kept]) -> dict[str, Kept]:
        """Answer which results of a former run are those of what is asked today: all they rest upon is kept, too."""
        found: dict[str, Kept] = {}
        above = {
            name: [need for need in spec.needs if need in self._graph.tasks] for name, spec in self._graph.tasks.items()
        }
        for name in TopologicalSorter(above).static_order():
            result = successes.get(name)
            if result is not None and result.key and result.key == self.of(name, found):
                found[name] = result
        return found

    def file_of(self, name: str) -> Path | None:
        """Answer the file of a module, found as the worker finds it but not imported; None if there is none."""
        extra = [entry for entry in self._environment.get("PYTHONPATH", "").split(os.pathsep) if entry]
        path: list[str] | None = [self._started_in, self._graph.folder, *extra, *sys.path]
        for part in name.split("."):  # by its own name alone: else a folder without __init__.py asks for its parent
            spec = PathFinder.find_spec(part, path)
            if spec is None:
                return None
            path = None if spec.submodule_search_locations is None else [*spec.submodule_search_locations]
        return Path(spec.origin) if spec is not None and spec.origin and Path(spec.origin).is_file() else None

    # -- the helpers -----------------------------------------------------------------------------------------------

    def _definition(self, spec: TaskSpec, needs: Mapping[str, Kept]) -> Json:
        secrets = {name: f"<secret {name}>" for name in (*self._graph.secrets, *spec.secrets)}
        scope = {
            **self._scope,
            "needs": {name: _seen(name, result) for name, result in needs.items()},
            "secrets": secrets,
        }
        scope["env"] = {**self._environment, **secrets}
        own = self._filled(self._graph.env, scope)
        scope["env"] = {**self._environment, **own, **secrets}
        own |= self._filled(spec.env, scope)
        scope["env"] = {**self._environment, **own, **secrets}
        services = [need for need in spec.needs if need in self._graph.services]
        return {
            "uses": spec.uses,
            "with": evaluate(dict(spec.arguments), scope, folder=self._graph.folder),
            "run": None if spec.run is None else command_text(spec.run, scope),
            "env": {name: secrets.get(name, value) for name, value in own.items()},
            "workdir": spec.workdir if spec.workdir is not None else self._graph.workdir,
            "prefix": spec.data_prefix,
            "module": "" if spec.uses is None else self._module(spec.uses.partition(":")[0]),
            "needs": {name: result.key for name, result in needs.items()},
            "services": {name: self._service(name, scope) for name in services},
        }

    @cached_property
    def _scope(self) -> dict[str, Json]:
        services: Json = {
            name: {"url": f"http://<{name}>", "port": f"<port of {name}>"} for name in self._graph.services
        }
        return {"params": self._params, "run": {"id": "<run>", "started": "<start>"}, "services": services}

    def _filled(self, own: Mapping[str, Value], scope: Mapping[str, Json]) -> dict[str, str]:
        return {name: as_text(evaluate(value, scope, folder=self._graph.folder)) for name, value in own.items()}

    def _service(self, name: str, scope: Mapping[str, Json]) -> Json:
        spec = self._graph.services[name]
        return {"run": command_text(spec.run, scope), "env": dict(self._filled(spec.env, scope)), "dir": spec.workdir}

    def _module(self, name: str) -> str:
        """Answer the digest of a module's file, found as the worker finds it but not imported; "" if there is none."""
        if name not in self._modules:
            file = self.file_of(name)
            self._modules[name] = "" if file is None else sha256(file.read_bytes()).hexdigest()
        return self._modules[name]


def _seen(name: str, result: Kept) -> Json:
    """Answer what expressions read of a result, the same whether it is of this run or kept."""
    outputs = {**(result.outcome.outputs or {}), **pieces_of(name, result.outcome.files)}
    return {"state": "succeeded", "cause": None, "outputs": outputs, "run": "<run>"}


def _spelled(piece: Any) -> Json:
    """Answer what stands in a key for a part of an output that is a file."""
    assert isinstance(piece, Piece), "all else is plain data"
    return [piece.file.digest, *piece.steps]
