"""What becomes of what waits, once all it needs has settled: of a task, and of an included graph. Pure. Does nothing.

A decision is data; the machine does what it says. So it is asked again as often as something has changed, and where it
says to ask somebody, the machine does that once.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from runner.graph.fan_out import reads_its_item
from runner.graph.model import Group, TaskSpec
from runner.graph.values import EvaluationError, is_true
from runner.schedule.board import WAITING, TaskState, Why
from runner.schedule.fate import NeverRuns, Runs, Wants, fate_of
from runner.schedule.included import IncludedState
from runner.schedule.messages import Ask, FanOut, Recall
from runner.schedule.reasons import scope_of
from runner.schedule.rules import Need
from runner.schedule.situation import GOING, Situation


class Asks(Struct, frozen=True, kw_only=True):
    """Somebody has to look first: a person, or whoever knows items and last results."""

    command: Ask | FanOut | Recall


class Gathers(Struct, frozen=True, kw_only=True):
    """It is the group of a fan-out, and its instances have settled."""


class Skips(Struct, frozen=True, kw_only=True):
    """It never runs."""

    why: Why
    reason: str


class Fails(Struct, frozen=True, kw_only=True):
    """Its `if` cannot be evaluated."""

    reason: str


Decision: TypeAlias = Runs | Wants | Asks | Gathers | Skips | Fails


class Deciding(Situation):
    """One run of one graph, and what becomes of each part of it."""

    def _decision_on(self, task: TaskState) -> Decision:
        """Say what becomes of an untried task whose tasks have settled; its services may have to start first."""
        if task.spec.instances is not None:
            return Gathers()
        if self.mode is not GOING and not task.always:
            return Skips(why=Why.CANCELLED, reason=self._stopped_for)
        if self.mode is not GOING and not task.above:
            return Skips(why=Why.SKIPPED, reason="nothing above it was started")
        known = not task.spec.is_template  # what a fan-out is for does not hang on when a server gets ready or dies
        services = {name: self._services.need(name) if known else None for name in task.services}
        spec = task.spec
        plain = not spec.groups and not spec.outer  # as mostly
        needs = {need.spec.id: need.need for need in task.needs} if plain else self._needs(spec)
        fate = fate_of(spec.trigger, needs, services, self.state)
        ruled_out = isinstance(fate, NeverRuns) and not fate.by_services
        if task.phase is WAITING and not ruled_out and not task.free:
            unwanted = self._unwanted(task)
            if unwanted is not None:
                return unwanted
        match fate:
            case NeverRuns(why=why, reason=reason):
                return Skips(why=why, reason=reason)
            case Runs() | Wants():
                return Asks(command=FanOut(task=spec.id)) if spec.is_template else fate

    def _decision_on_graph(self, group: IncludedState) -> Runs | Skips | Fails:
        """Say whether an included graph begins, all of whose needs have settled."""
        spec = group.spec
        if self.mode is not GOING:
            return Skips(why=Why.CANCELLED, reason=self._stopped_for)
        fate = fate_of(spec.trigger, self._needs(spec), {}, self.state)
        if isinstance(fate, NeverRuns):
            return Skips(why=fate.why, reason=f"`{spec.id}` did not begin: {fate.reason}")
        if spec.condition is None:
            return Runs()
        try:
            wanted = is_true(spec.condition, scope_of(self._opened, self.need_scope(spec.id), spec.scope))
        except EvaluationError as error:  # a border: the file's author wrote this expression
            return Fails(reason=f"the `if` of `{spec.id}` could not be evaluated: {error}")
        unwanted = Skips(why=Why.SKIPPED, reason=f"the `if` of `{spec.id}` is false: {spec.condition.source}")
        return Runs() if wanted else unwanted

    # -- the helpers -----------------------------------------------------------------------------------------------

    def _needs(self, spec: TaskSpec | Group) -> dict[str, Need]:
        """Answer how what is needed has settled; an included graph is one thing, whatever became of its tasks."""
        needs = spec.own_needs if isinstance(spec, TaskSpec) else spec.needs
        tasks = {need: self._board.tasks[need].need for need in needs if need in self._board.tasks}
        for name in spec.groups:
            group = self._included.all[name]
            for task in group.spec.tasks:
                tasks.pop(task, None)
            tasks[name] = self._included.need(group, self._services.any_broken(group.spec.services))
        return tasks

    def _unwanted(self, task: TaskState) -> Decision | None:
        """Ask the `if` of a task, then whether it can be left out, then a person; None where nothing speaks against it.

        All are asked before any service is started for it: what is left out needs none, and a person may take time.
        """
        denied = self._denied_by_its_if(task)
        if denied is not None or task.spec.is_template:
            return denied
        if task.spec.caches and not task.told and self.mode is GOING:  # it may be left out, as far as is known
            return Asks(command=Recall(task=task.spec.id))
        return None if self._questions.agreed(task.spec) else Asks(command=Ask(task=task.spec.id))

    def _denied_by_its_if(self, task: TaskState) -> Skips | Fails | None:
        """Ask the `if` of a task, None if it says yes.

        It reads no service, so it is asked before any: a server is not started for a task that will not run, and how
        that task ends does not depend on when a server died.
        """
        condition, part = task.spec.condition, task.spec.part
        if condition is None or (task.spec.is_template and reads_its_item(task.spec)):
            return None
        scope = scope_of(self._opened, self.need_scope(task.spec.id), task.spec.scope)
        try:
            wanted = is_true(condition, scope if part is None else {**scope, **part.scope})
        except EvaluationError as error:  # a border: the file's author wrote this expression
            return Fails(reason=f"its `if` could not be evaluated: {error}")
        return None if wanted else Skips(why=Why.SKIPPED, reason=f"its `if` is false: {condition.source}")
