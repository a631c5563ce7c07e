"""What an executor is asked for, with every expression filled in. Knows the graph and the schedule, starts nothing.

Secrets enter here, from the environment, and only into `with` and `env`: no event and no file ever holds one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, cast

from msgspec.structs import replace

from runner.carriers import Carriers
from runner.graph.fan_out import fanned_out, template_of
from runner.graph.items import items_of
from runner.graph.model import Graph, TaskSpec
from runner.graph.params import params_of
from runner.graph.pieces import placed
from runner.graph.promises import by_promise
from runner.graph.shells import DEFAULT_SHELL, words_of
from runner.graph.values import EvaluationError, command_text, evaluate, is_plain
from runner.keeping import Keys, group_result
from runner.kept import Past
from runner.schedule.history import Stories
from runner.schedule.machine import Schedule
from runner.schedule.messages import FannedOut, Kept, Outdated, Recalled
from runner.site import Env, Site, Surroundings, sites_of
from runner.task import PORT_MARK, SH, Json, NeedResult, Placed, Request, ServiceRequest

Recaller: TypeAlias = Callable[[str, Mapping[str, Kept]], Kept | Outdated]
"""Says of a task, and of the results it rests upon, whether its last result still holds."""
_Said: TypeAlias = tuple[Env, Mapping[str, Json], tuple[Placed, ...], str | None]
_FilledIn: TypeAlias = tuple[Mapping[str, Json], tuple[Placed, ...], str | None]


def nothing_known(_task: str, _needs: Mapping[str, Kept]) -> Outdated:
    """Answer for runs that remember nothing."""
    return Outdated(because="it has not succeeded before")


class Unfilled:
    """Requests for an executor that reads none: a rehearsal has no outputs to fill in."""

    def attempt(self, _schedule: Schedule, _stories: Stories, task: str, attempt: int) -> Request:
        """Answer an empty attempt."""
        return Request(run="", task=task, attempt=attempt)

    def service(self, _schedule: Schedule, service: str, attempt: int) -> ServiceRequest:
        """Answer an empty start of a service."""
        return ServiceRequest(run="", service=service, attempt=attempt, command="")

    def recalled(self, _schedule: Schedule, _stories: Stories, wanted: Sequence[str], now: float) -> Recalled:
        """Answer that nothing is remembered."""
        return Recalled(at=now, outdated={task: nothing_known(task, {}) for task in wanted})

    def fanned_out(self, schedule: Schedule, _stories: Stories, task: str, now: float) -> FannedOut:
        """Answer the items of a fan-out, with what is known of what it needs."""
        return _fanned_out(schedule, task, now)


class Requests:
    """Builds the requests of one run; `past` has what is left of the run that it goes on with."""

    def __init__(
        self,
        graph: Graph,
        surroundings: Surroundings,
        params: Mapping[str, Json],
        *,
        recall: Recaller = nothing_known,
        keys: Keys | None = None,
        past: Past | None = None,
    ) -> None:
        self._graph = graph
        self._past = past
        self._recall = recall
        self._around = surroundings
        self._masked = graph.every_secret  # of one task, and still a secret in every other
        self._sites = sites_of(graph, surroundings, params)
        self._keys = keys or Keys(
            graph, surroundings.environment, surroundings.started_in, params, files=surroundings.files
        )
        self._carriers = Carriers(graph)
        folder = surroundings.run_folder
        self._receipts, self._outputs = (str(Path(folder, name)) if folder else "" for name in ("receipts", "outputs"))

    def attempt(self, schedule: Schedule, stories: Stories, task: str, attempt: int) -> Request:
        """Fill in one attempt.

        Raises:
            EvaluationError: an expression cannot be evaluated with what the needed tasks returned.

        """
        spec = schedule.task(task).spec
        site = self._sites[spec.scope]
        self._keys.follow(schedule.graph)
        env, arguments, parts, command = self._said(schedule, stories, spec)
        return Request(
            run=self._run(schedule),
            task=task,
            attempt=attempt,
            uses=spec.uses,
            arguments=arguments,
            placed=parts,
            command=command,
            shell=SH if command is None else words_of(spec.shell, self._around.python),
            declared=spec.outputs,
            promises=spec.artifacts,
            junit=spec.junit,
            env=env,
            own_env={**self._own_env(schedule), **_attempt_env(spec, attempt)},
            secrets=self._masked,
            workdir=site.folder_of(spec.workdir),
            path=site.path,
            needs=dict(self._needs(schedule, stories, spec)),
            above={
                name: self._result(schedule, stories, name)
                for name in self._carriers.above(spec, schedule.graph.tasks, stories)
            },
            data_prefix=spec.data_prefix,
            deadline=spec.timeout,
            memory=spec.memory,
            processes=spec.processes,
            log_limit=spec.log_limit,
            key=self._keys.of(task, _results(schedule, stories, spec)),
            receipts=self._receipts,
            outputs=self._outputs,
            generates=spec.generates,
            requires=spec.requires,
            isolation=spec.isolation,
        )

    def _said(self, schedule: Schedule, stories: Stories, spec: TaskSpec) -> _Said:
        """Fill in what the file says of a task: its environment, its arguments, which are in files, its command."""
        if spec.run is None and not spec.env and is_plain(spec.arguments):  # most tasks of large graphs
            return self._outer_env(spec), cast("Mapping[str, Json]", spec.arguments), (), None
        site = self._sites[spec.scope]
        if spec.part is not None and not spec.env and self._keys.is_light(spec):
            return self._outer_env(spec), *self._filled_in(spec, {"params": site.params, **spec.part.scope})
        needs: dict[str, Any] = schedule.need_scope(spec.id)
        for need in (each for each in spec.own_needs if each in schedule.graph.tasks):
            if schedule.graph.tasks[need].artifacts:
                needs[site.scope.local(need)]["artifacts"] = self._files_of(schedule, stories, need)
        part = {} if spec.part is None else spec.part.scope
        scope = self._scope(schedule, site, {"needs": needs, **part})
        secrets = tuple(dict.fromkeys((*site.scope.secrets, *spec.secrets)))
        env = site.filled(self._outer_env(spec), spec.env, scope, secrets)
        scope = {**scope, "env": dict(env), "secrets": {name: env.get(name, "") for name in secrets}}
        return env, *self._filled_in(spec, scope)

    def _filled_in(self, spec: TaskSpec, scope: Mapping[str, Json]) -> _FilledIn:
        folder = self._sites[spec.scope].scope.folder
        arguments, parts = placed(evaluate(dict(spec.arguments), scope, folder=folder))
        command = None if spec.run is None else command_text(spec.run, scope)
        return cast("Mapping[str, Json]", arguments), parts, command

    def recalled(self, schedule: Schedule, stories: Stories, wanted: Sequence[str], now: float) -> Recalled:
        """Look whether the last results of these tasks still hold; all they need has settled."""
        self._keys.follow(schedule.graph)
        with self._keys.one_look():
            found = {task: self._recall(task, _results(schedule, stories, schedule.task(task).spec)) for task in wanted}
        return _recalled(found, now)

    def fanned_out(self, schedule: Schedule, stories: Stories, task: str, now: float) -> FannedOut:
        """Answer the items of a fan-out, and what of the run that is gone on with holds for them; all is settled."""
        found = _fanned_out(schedule, task, now)
        if found.fault or self._past is None:
            return found
        needs = _results(schedule, stories, schedule.task(task).spec)
        return replace(found, kept=self._past.instances(fanned_out(schedule.graph, task, found.items), task, needs))

    def describing(self) -> dict[str, dict[str, Request]]:
        """Answer for each folder that functions are looked for in which those are, by the name the graph has for them.

        Each is a request in the setting of the first task that uses it.
        """
        found: dict[str, dict[str, Request]] = {}
        for spec in self._graph.tasks.values():
            wanted = found.setdefault(self._sites[spec.scope].scope.folder, {})
            if spec.uses is not None and spec.uses not in wanted:
                wanted[spec.uses] = self._in_setting(spec)
        return found

    def commanding(self) -> dict[str, Request]:
        """Answer, for each task that names a shell, a request in its setting."""
        named = (spec for spec in self._graph.tasks.values() if spec.run is not None and spec.shell != DEFAULT_SHELL)
        return {spec.id: self._in_setting(spec) for spec in named}

    def _in_setting(self, spec: TaskSpec) -> Request:
        site = self._sites[spec.scope]
        env: Env
        try:
            env = site.filled(self._outer_env(spec), spec.env, {}, spec.secrets)
        except EvaluationError:  # a border: what it reads is not there before the run
            env = self._outer_env(spec)
        return Request(
            run="",
            task=spec.id,
            attempt=0,
            uses=spec.uses,
            shell=words_of(spec.shell, self._around.python),
            env=env,
            secrets=self._masked,
            workdir=site.folder_of(spec.workdir),
            path=site.path,
        )

    def service(self, schedule: Schedule, service: str, attempt: int) -> ServiceRequest:
        """Fill in one start of a service; a port still to be chosen is `PORT_MARK`.

        Raises:
            EvaluationError: an expression cannot be evaluated.

        """
        spec = self._graph.services[service]
        port = None if spec.port is None else spec.port or PORT_MARK
        own: Json = {"port": port, "url": None if port is None else f"http://127.0.0.1:{port}"}
        site = self._sites[spec.scope]
        scope = self._scope(schedule, site, {"services": {site.scope.local(service): own}})
        env = site.filled(site.env, spec.env, scope, site.scope.secrets)
        return ServiceRequest(
            run=self._run(schedule),
            service=service,
            attempt=attempt,
            command=command_text(spec.run, {**scope, "env": dict(env)}),
            env={**env, **self._own_env(schedule)},
            secrets=self._masked,
            workdir=site.folder_of(spec.workdir),
            port=spec.port,
            ready_http=spec.ready.http,
            ready_tcp=spec.ready.tcp,
            ready_log=spec.ready.log,
            ready_timeout=spec.ready.timeout,
            stop_timeout=spec.stop_timeout,
        )

    # -- the helpers -----------------------------------------------------------------------------------------------

    def _run(self, schedule: Schedule) -> str:
        assert schedule.opened is not None, "requests follow from RunOpened"
        return schedule.opened.run

    def _scope(self, schedule: Schedule, site: Site, own: Mapping[str, Json]) -> dict[str, Json]:
        assert schedule.opened is not None, "requests follow from RunOpened"
        run: Json = {"id": schedule.opened.run, "started": schedule.opened.started}
        services: Json = {
            site.scope.local(name): dict(schedule.service_outputs(name))
            for name, spec in self._graph.services.items()
            if spec.scope == site.scope.name
        }
        return {"params": site.params, "run": run, "env": dict(site.env), "services": services, **own}

    def _outer_env(self, spec: TaskSpec) -> Env:
        """Answer the environment outside of a task, with what its own files give."""
        own = self._around.files.tasks.get(template_of(spec.id))
        return {**self._sites[spec.scope].env, **own} if own else self._sites[spec.scope].env

    def _own_env(self, schedule: Schedule) -> dict[str, str]:
        """Answer what every process of a run may know; `TASKGRAPH_PYTHON` is the one that has our packages."""
        folder, python = self._around.run_folder, self._around.python
        return {"TASKGRAPH_RUN": self._run(schedule), "TASKGRAPH_RUN_DIR": folder, "TASKGRAPH_PYTHON": python}

    def _result(self, schedule: Schedule, stories: Stories, need: str) -> NeedResult:
        if need in self._graph.services:
            outputs = dict(schedule.service_outputs(need))
            return NeedResult(id=need, state=schedule.state(need), message=schedule.reason(need), outputs=outputs)
        task, story = schedule.task(need), stories.of(need)
        outcome = task.outcome
        return NeedResult(
            id=need,
            state=task.word,
            cause=task.cause.word if task.cause else None,
            message=getattr(outcome, "message", "") or task.reason,
            outputs=dict(outcome.outputs or {}) if outcome is not None else {},
            files=dict(outcome.files) if outcome is not None else {},
            checks=tuple(story.checks),
            ledger=tuple(story.ledger),
            artifacts=self._files(stories, task.spec),
            data_prefix=task.spec.data_prefix,
            run=story.run or self._run(schedule),
            required=not task.spec.allow_failure,
            instances=task.spec.instances or (),
        )

    def _needs(self, schedule: Schedule, stories: Stories, spec: TaskSpec) -> Iterator[tuple[str, NeedResult]]:
        """Answer what a task may know of what it needs, each fan-out with all its instances behind it.

        What only its `foreach` reads has no result for an instance: thousands of them would be handed thousands of
        items each, and a result that is kept by its item must not hang on any other.
        """
        unseen, local = self._keys.unseen(spec), self._sites[spec.scope].scope.local
        for need in _with_instances(schedule, spec.own_needs):
            if template_of(need) in unseen:
                task = schedule.task(need)
                required = not task.spec.allow_failure
                yield local(need), NeedResult(id=need, state=task.word, run=self._run(schedule), required=required)
            else:
                yield local(need), self._result(schedule, stories, need)

    def _files_of(self, schedule: Schedule, stories: Stories, task: str) -> Json:
        """Answer where the files are that a task promised; of a fan-out a list, one of each instance."""
        spec = schedule.graph.tasks[task]
        if spec.fan is None or spec.part is not None:
            return self._files(stories, spec)
        return [self._files(stories, schedule.graph.tasks[each]) for each in spec.instances or ()]

    def _files(self, stories: Stories, spec: TaskSpec) -> dict[str, Json]:
        if not spec.artifacts:
            return {}
        folder = self._around.run_folder
        return by_promise(spec.artifacts, stories.of(spec.id).artifacts, lambda each: _place_of(each.path, folder))


def _place_of(path: str, folder: str) -> str:
    """Answer where a kept file is: below the run's folder, or where a worker of a cluster has put it."""
    return path if "://" in path else str(Path(folder, path))


def _with_instances(schedule: Schedule, needs: Sequence[str]) -> Iterator[str]:
    """Answer what a task needs, each fan-out with all its instances behind it."""
    for need in needs:
        yield need
        if need in schedule.graph.tasks:
            yield from schedule.graph.tasks[need].instances or ()


def _recalled(found: Mapping[str, Kept | Outdated], now: float) -> Recalled:
    kept = {task: each for task, each in found.items() if isinstance(each, Kept)}
    outdated = {task: each for task, each in found.items() if isinstance(each, Outdated)}
    return Recalled(at=now, kept=kept, outdated=outdated)


def _results(schedule: Schedule, stories: Stories, spec: TaskSpec) -> dict[str, Kept]:
    """Answer the successes that a task rests upon, each with its key; that of a group is made of its instances'."""
    tasks = schedule.graph.tasks
    known = {need: _result(stories, tasks[need]) for need in spec.needs if need in tasks}
    return {need: result for need, result in known.items() if result is not None}


def _result(stories: Stories, spec: TaskSpec) -> Kept | None:
    if spec.instances is None:
        return stories.tasks[spec.id].result if spec.id in stories.tasks else None
    results = [stories.tasks[name].result if name in stories.tasks else None for name in spec.instances]
    whole = [each for each in results if each is not None]
    return group_result(whole) if len(whole) == len(results) else None


def _fanned_out(schedule: Schedule, task: str, now: float) -> FannedOut:
    assert schedule.opened is not None, "requests follow from RunOpened"
    spec = schedule.task(task).spec
    assert spec.fan is not None, f"{task} has neither `matrix` nor `foreach`"
    params: Json = params_of(spec.scope, schedule.opened.params)
    scope: dict[str, Json] = {"params": params, "needs": dict(schedule.need_scope(task))}
    folder = schedule.graph.scopes[spec.scope].folder
    try:
        return FannedOut(at=now, task=task, items=tuple(items_of(spec.fan, scope, folder)))
    except EvaluationError as error:  # a border: expressions are the file author's
        return FannedOut(at=now, task=task, fault=str(error))


def _attempt_env(spec: TaskSpec, attempt: int) -> dict[str, str]:
    own = {"TASKGRAPH_TASK": spec.id, "TASKGRAPH_ATTEMPT": str(attempt)}
    return own if spec.data_prefix is None else {**own, "TASKGRAPH_DATA_PREFIX": spec.data_prefix}
