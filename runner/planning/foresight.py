"""What conditions will read: outputs that tasks had the last time, as far as an `if` depends on them. Starts nothing.

An `if` over the outputs of a task that never succeeded cannot be foreseen. It is then thought to hold, and the plan
says so: a plan with a task too many is a lesser evil than one without the task that everything waits for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from runner.errors import DamagedJournal
from runner.graph.model import Graph, TaskSpec
from runner.graph.values import references
from runner.planning.what_if import WhatIf
from runner.record.folder import RunFolder
from runner.record.former import former
from runner.task import Json


class Foresight(Struct, frozen=True, kw_only=True):
    """A graph without the conditions that nobody can foresee, the outputs that others read, and what was assumed."""

    graph: Graph
    outputs: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()


def foresee(graph: Graph, runs: Sequence[RunFolder], results: Collection[str], what_if: WhatIf) -> Foresight:
    """Answer what of a graph can be foreseen; `runs` are the oldest first, of `results` the outputs are known."""
    read_by = {spec.id: _outputs_read(spec) for spec in graph.tasks.values() if spec.condition is not None}
    wanted = {need for needs in read_by.values() for need in needs}
    known = {name for name in wanted if name in results or name in what_if.fail or name in what_if.crash}
    outputs = _last_outputs(wanted - known, runs)
    missing = wanted - known - outputs.keys()
    blind = {task: sorted(needs & missing) for task, needs in read_by.items() if needs & missing}
    tasks = {name: replace(graph.tasks[name], condition=None) for name in blind}
    return Foresight(
        graph=replace(graph, tasks={**graph.tasks, **tasks}) if tasks else graph,
        outputs=outputs,
        assumptions=tuple(
            f"the `if` of {task} is taken to hold: it reads outputs of {', '.join(needs)}, and no past run has them"
            for task, needs in blind.items()
        ),
    )


# -- the helpers -------------------------------------------------------------------------------------------------------


def _outputs_read(spec: TaskSpec) -> set[str]:
    """Answer the tasks whose outputs a condition reads."""
    paths = [reference.path for reference in references(spec.condition)]
    return {str(path[1]) for path in paths if path[0] == "needs" and len(path) > 2 and path[2] == "outputs"}


def _last_outputs(wanted: set[str], runs: Sequence[RunFolder]) -> dict[str, Mapping[str, Json]]:
    found: dict[str, Mapping[str, Json]] = {}
    for run in reversed(runs):
        if found.keys() >= wanted:
            break
        try:
            past = former(run)
        except (OSError, DamagedJournal):  # a border: a run that cannot be read tells nothing
            continue
        for name in wanted - found.keys():
            if past is not None and name in past.successes:
                found[name] = past.successes[name].outcome.outputs
    return found
