"""Which results of a former run are those of what is asked today: the same is asked, and all they rest upon is kept.

Fan-outs that a run decides are decided here beforehand, where all they need is kept: what rests upon all their
instances can then be kept from the beginning. Starts nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from graphlib import TopologicalSorter

from msgspec import Struct

from runner.graph.fan_out import fanned_out
from runner.graph.items import items_of
from runner.graph.model import Graph, TaskSpec
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
    not kept.
    """

    successes: Mapping[str, Kept]
    keys: Keys
    params: Mapping[str, Json]
    carry: Callable[[Kept], str] = carries_nothing

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
                found |= self._of(name, found)
        self.keys.follow(graph)  # without what has only been foreseen
        return {name: each for name, each in found.items() if name in tasks and not isinstance(each, Together)}

    def instances(self, graph: Graph, task: str, needs: Mapping[str, Kept]) -> dict[str, Kept]:
        """Answer which results hold for the instances of a group, resting upon these results."""
        if not self.successes:
            return {}
        self.keys.follow(graph)
        found = {key: each for name in graph.tasks[task].instances or () for key, each in self._of(name, needs).items()}
        return {name: each for name, each in found.items() if not self.carry(each)}

    # -- the helpers -----------------------------------------------------------------------------------------------

    def _of(self, name: str, needs: Mapping[str, Kept]) -> dict[str, Kept]:
        result = self.successes.get(name)
        same = result is not None and result.key and result.key == self.keys.of(name, needs)
        return {name: result} if same and result is not None and not self.keys.spoilt(name, result) else {}

    def _of_a_fan(self, graph: Graph, spec: TaskSpec, found: Mapping[str, Kept]) -> dict[str, Kept]:
        needs = [need for need in spec.needs if need in graph.tasks]
        if any(need not in found for need in needs):
            return {}
        assert spec.fan is not None, f"{spec.id} has neither `matrix` nor `foreach`"
        scope = {"params": dict(self.params), "needs": {need: seen(graph.tasks[need], found[need]) for need in needs}}
        try:
            grown = fanned_out(graph, spec.id, items_of(spec.fan, scope, graph.folder))
        except EvaluationError:  # a border: the run will fail by it
            return {}
        instances = self.instances(grown, spec.id, found)
        self.keys.follow(graph)
        return {**instances, **_together(grown.tasks[spec.id], instances)}


def _together(spec: TaskSpec, found: Mapping[str, Kept]) -> dict[str, Kept]:
    results = [found.get(name) for name in spec.instances or ()]
    whole = [each for each in results if each is not None]
    return {spec.id: group_result(whole)} if len(whole) == len(results) else {}
