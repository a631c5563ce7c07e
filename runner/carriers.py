"""Which tasks above one may have left test data behind: those with a data prefix or with rows in the ledger. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from runner.graph.model import Graph, TaskSpec
from runner.schedule.history import Stories


class Carriers:
    """Answers for each task of a graph; of a task all that are above it have settled when it is asked for."""

    def __init__(self, graph: Graph) -> None:
        self._known: dict[str, frozenset[str]] = {}
        self._any_prefix = any(spec.data_prefix is not None for spec in graph.tasks.values())

    def above(self, spec: TaskSpec, tasks: Mapping[str, TaskSpec], stories: Stories) -> list[str]:
        """Answer the tasks above one, of all there are by now, that have a data prefix or ledger rows."""
        if not self._any_prefix and not stories.any_ledger:
            return []
        found = {self._from(need, tasks, stories) for need in spec.needs if need in tasks}
        return sorted(frozenset().union(*found))

    def _from(self, task: str, tasks: Mapping[str, TaskSpec], stories: Stories) -> frozenset[str]:
        waiting = [task]
        while waiting:  # a work list, not recursion: chains may be long
            name = waiting[-1]
            spec = tasks[name]
            above = [need for need in spec.needs if need in tasks]
            missing = [need for need in above if need not in self._known]
            if name in self._known or not missing:
                waiting.pop()
                carries = spec.data_prefix is not None or bool(stories.of(name).ledger)
                own = frozenset({name}) if carries else frozenset()
                self._known.setdefault(name, own.union(*(self._known[need] for need in above)))
            else:
                waiting += missing
        return self._known[task]
