"""What fan-outs that are decided while running will come to: what they came to the last time. Starts nothing.

What a task will be done for hangs on an output that is not there yet. A plan takes the items of the run it goes on
with, else of the latest run that had any, and says so; where no run had, it takes a single one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from runner.errors import DamagedJournal
from runner.graph.fan_out import fanned_out, in_order, reads_its_item
from runner.graph.loose import EvaluationError
from runner.graph.model import Graph
from runner.record.folder import RunFolder
from runner.record.former import Former, former
from runner.record.measured import Measured
from runner.task import Json

NOBODY_KNOWS: tuple[Json, ...] = ("?",)
"""The items of a fan-out that no run has had."""


class FanPlanned(Struct, frozen=True, kw_only=True):
    """What a fan-out is planned with that is decided while running: so many instances, as in `run` ("": nobody knows).

    `past` are the sizes that it had in past runs, the oldest first.
    """

    task: str
    size: int
    run: str
    past: tuple[int, ...]


class Fanned(Struct, frozen=True, kw_only=True):
    """A graph in which every fan-out has its instances, what was only foreseen of that, and what was assumed."""

    graph: Graph
    fans: tuple[FanPlanned, ...] = ()
    assumptions: tuple[str, ...] = ()


def fan_foreseen(graph: Graph, runs: Sequence[RunFolder], past: Former | None, measured: Measured) -> Fanned:
    """Answer a graph with the instances that it will probably have; `runs` are the oldest first."""
    templates = [spec.id for spec in graph.tasks.values() if spec.is_template]
    if not templates:
        return Fanned(graph=graph)
    known = _last_items(templates, runs, past)
    fans: list[FanPlanned] = []
    blind: list[str] = []
    for name in templates:
        run, items = known.get(name, ("", NOBODY_KNOWS))
        try:
            graph = fanned_out(graph, name, items)
        except EvaluationError:  # a border: the file has changed, and now two of these are called the same
            run, items = "", NOBODY_KNOWS
            graph = fanned_out(graph, name, items)
        if not run and reads_its_item(graph.tasks[f"{name}[?]"]):
            graph = _unasked(graph, f"{name}[?]")
            blind.append(name)
        fans.append(FanPlanned(task=name, size=len(items), run=run, past=tuple(_sizes(name, measured))))
    told = (f"the `if` of {name} is taken to hold: it reads an item, and nobody knows one yet" for name in blind)
    return Fanned(graph=in_order(graph), fans=tuple(fans), assumptions=tuple(told))


# -- the helpers -------------------------------------------------------------------------------------------------------


def _unasked(graph: Graph, task: str) -> Graph:
    return replace(graph, tasks={**graph.tasks, task: replace(graph.tasks[task], condition=None)})


def _last_items(
    wanted: Sequence[str], runs: Sequence[RunFolder], past: Former | None
) -> dict[str, tuple[str, tuple[Json, ...]]]:
    found: dict[str, tuple[str, tuple[Json, ...]]] = {}
    _take(wanted, past, found)
    for run in reversed(runs):
        if found.keys() >= set(wanted):
            break
        try:
            _take(wanted, former(run), found)
        except (OSError, DamagedJournal):  # a border: a run that cannot be read tells nothing
            continue
    return found


def _take(wanted: Sequence[str], run: Former | None, found: dict[str, tuple[str, tuple[Json, ...]]]) -> None:
    for name in wanted:
        if run is not None and name in run.items and name not in found:
            found[name] = (run.opened.run, run.items[name])


def _sizes(task: str, measured: Measured) -> Iterator[int]:
    for run in measured.values():
        size = sum(name.startswith(f"{task}[") for name in run.tasks)
        if size:
            yield size
