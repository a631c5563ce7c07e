"""What all tasks of one graph file are filled in with: variables, parameters, folders. Knows no schedule.

An included file inherits the variables of the file that includes it, as that one does those of the shell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field

from runner.graph.env_files import EnvFiles
from runner.graph.loose import as_text
from runner.graph.model import Graph, Scope
from runner.graph.params import params_of
from runner.graph.values import Value, evaluate
from runner.task import Json

Env = Mapping[str, str]


class Surroundings(Struct, frozen=True, kw_only=True):
    """Where a run happens: the shell's environment, the folder it was started in, its own folder, our Python.

    `files` are what files of variables give; those of the root are in `environment`, too.
    """

    environment: Env = field(default_factory=dict)
    files: EnvFiles = field(default_factory=EnvFiles)
    started_in: str = "."
    run_folder: str = ""
    python: str = ""


class Site(Struct, frozen=True, kw_only=True):
    """One file of a run. `env` are its variables, `workdir` where its tasks run that say nothing else.

    `path` is put before sys.path: functions are found where the command was started, then beside the file.
    """

    scope: Scope
    params: dict[str, Json]
    env: Env
    workdir: str
    path: tuple[str, ...]

    def folder_of(self, workdir: str | None) -> str:
        """Answer where a task of this file runs whose own `workdir` is this."""
        return self.workdir if workdir is None else str(Path(self.scope.folder, workdir))

    def filled(
        self, outer: Env, own: Mapping[str, Value], more: Mapping[str, Json], secrets: Sequence[str]
    ) -> dict[str, str]:
        """Lay variables over those outside; a value may read what lies outside of it, and secrets of these names.

        Raises:
            EvaluationError: a value cannot be evaluated.

        """
        return _filled(self.scope, outer, own, {"params": self.params, **more}, secrets)


def sites_of(graph: Graph, around: Surroundings, params: Mapping[str, Json]) -> dict[str, Site]:
    """Answer the site of each file of a graph, by its group; `params` are those of the whole run.

    Raises:
        EvaluationError: a variable cannot be evaluated.

    """
    found: dict[str, Site] = {}
    for scope in graph.scopes.values():  # an outer one comes before those inside
        outer = around.environment if scope.outer is None else found[scope.outer].env
        given = around.files.included.get(scope.name)
        own = params_of(scope.name, params)
        found[scope.name] = Site(
            scope=scope,
            params=own,
            env=_filled(scope, {**given, **outer} if given else outer, scope.env, {"params": own}, scope.secrets),
            workdir=around.started_in if scope.workdir is None else str(Path(scope.folder, scope.workdir)),
            path=(around.started_in, scope.folder),
        )
    return found


def _filled(
    scope: Scope, outer: Env, own: Mapping[str, Value], more: Mapping[str, Json], names: Sequence[str]
) -> dict[str, str]:
    if not own:
        return outer if isinstance(outer, dict) else dict(outer)
    secrets: Json = {name: outer.get(name, "") for name in names}
    inner = {**more, "env": dict(outer), "secrets": secrets}
    return {**outer, **{name: as_text(evaluate(value, inner, folder=scope.folder)) for name, value in own.items()}}
