"""Which results of a former run are those of what is asked today: the same is asked, and all they rest upon is kept.

Fan-outs that a run decides are decided here beforehand, where all they need is kept: what rests upon all their
instances can then be kept from the beginning. Starts nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from graphlib import TopologicalSorter
from math import inf

from msgspec import Struct, field

from runner.graph.fan_out import fanned_out
from runner.graph.items import items_of
from runner.graph.model import Graph, TaskSpec
from runner.graph.params import params_of
from runner.graph.values import EvaluationError
from runner.keeping import Keys, Together, group_result, seen
from runner.schedule.messages import Kept
from runner.task import Json


def carries_nothing(_kept: Kept) -> str:
    """Answer for whoever only asks."""
    return ""


class Past(Struct, frozen=True, kw_only=True):
    """The successes of a former run, with the keys and the `params` of today.

    `carry` brings the files of a result that is kept while the run goes on; one of which a file is not what it was is
    not kept. `begun` is when the attempt that each result is of began there: one that began before what it rests upon
    is of an earlier round of an included graph.
    """

    successes: Mapping[str, Kept]
    keys: Keys
    params: Mapping[str, Json]
    carry: Callable[[Kept], str] = carries_nothing
    begun: Mapping[str, float] = field(default_factory=dict)

    def kept(self, graph: Graph) -> dict[str, Kept]:
        """Answer which results hold for the tasks of a graph."""
        found: dict[str, Kept] = {}
        if not self.successes:
            return found
        tasks = graph.tasks
        above = {name: [need for need in spec.needs if need in tasks] for name, spec in tasks.items()}
        for name in TopologicalSorter(above).static_order():
            spec = tasks[name]
            if spec.is_template:
                found |= self._of_a_fan(graph, spec, found)
            elif spec.instances is not None:
                found |= _together(spec, found)
            else:
                found |= self._of(spec, found)
        self.keys.follow(graph)  # without what has only been foreseen
        return {name: each for name, each in found.items() if name in tasks and not isinstance(each, Together)}

    def instances(self, graph: Graph, task: str, needs: Mapping[str, Kept]) -> dict[str, Kept]:
        """Answer which results hold for the instances of a group, resting upon these results."""
        if not self.successes:
            return {}
        self.keys.follow(graph)
        instances = [graph.tasks[name] for name in graph.tasks[task].instances or ()]
        found = {name: each for spec in instances for name, each in self._of(spec, needs).items()}
        return {name: each for name, each in found.items() if not self.carry(each)}

    # -- the helpers -----------------------------------------------------------------------------------------------

    def _of(self, spec: TaskSpec, needs: Mapping[str, Kept]) -> dict[str, Kept]:
        result, began = self.successes.get(spec.id), self.begun.get(spec.id, inf)
        if result is None or not result.key or any(self.begun.get(need, 0.0) > began for need in spec.needs):
            return {}
        same = result.key == self.keys.of(spec.id, needs) and not self.keys.spoilt(spec.id, result)
        return {spec.id: result} if same else {}

    def _of_a_fan(self, graph: Graph, spec: TaskSpec, found: Mapping[str, Kept]) -> dict[str, Kept]:
        needs = [need for need in spec.needs if need in graph.tasks]
        if any(need not in found for need in needs):
            return {}
        assert spec.fan is not None, f"{spec.id} has neither `matrix` nor `foreach`"
        home, params = graph.scopes[spec.scope], params_of(spec.scope, self.params)
        scope: dict[str, Json] = {
            "params": params,
            "needs": {home.local(need): seen(graph.tasks[need], found[need]) for need in needs},
        }
        try:
            grown = fanned_out(graph, spec.id, items_of(spec.fan, scope, home.folder))
        except EvaluationError:  # a border: the run will fail by it
            return {}
        instances = self.instances(grown, spec.id, found)
        self.keys.follow(graph)
        return {**instances, **_together(grown.tasks[spec.id], instances)}


def _together(spec: TaskSpec, found: Mapping[str, Kept]) -> dict[str, Kept]:
    results = [found.get(name) for name in spec.instances or ()]
    whole = [each for each in results if each is not None]
    return {spec.id: group_result(whole)} if len(whole) == len(results) else {}
