"""Going on with a run that ended early: which one it is, and what of it still holds. Starts nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from runner.errors import UsageError
from runner.graph.model import Graph
from runner.keeping import Keys
from runner.kept import Past
from runner.record.folder import RunFolder, StateFolder
from runner.record.former import Former, former
from runner.task import Json

LATEST = "latest"


class Wanted(Struct, frozen=True, kw_only=True):
    """Which run to go on with: an id, the beginning of one, or `latest`; of the graph file as it is named here."""

    run: str
    graph: str
    started_in: str


def past_of(state: StateFolder, runs: Sequence[RunFolder], wanted: Wanted) -> Former | None:
    """Answer the run to go on with, None if there is no earlier one of this graph; `runs` are the oldest first.

    Raises:
        UsageError: the run that was named is not there, or is one of another graph.
        DamagedJournal: its journal was damaged since.

    """
    if wanted.run != LATEST:
        found = former(state.find(wanted.run))
        if found is None or not _same(found, wanted):
            file = "no graph" if found is None else found.opened.file
            raise UsageError(f"--resume {wanted.run}: that is a run of {file}, not of {wanted.graph}")
        return found
    for run in reversed(runs):
        found = former(run)
        if found is not None and _same(found, wanted):
            return found
    return None


def parameters(past: Former | None, graph: Graph, given: Mapping[str, Json]) -> dict[str, Json]:
    """Answer the parameters as they were given then, where the graph still has them, under those given now."""
    then = {} if past is None else past.opened.given
    return {**{name: value for name, value in then.items() if name in graph.params}, **given}


def results_of(past: Former | None, keys: Keys, params: Mapping[str, Json], skipped: Collection[str] = ()) -> Past:
    """Answer what a new run may take over: none of what it skips, nor of what rests upon that."""
    found = {} if past is None else past.successes
    left = {task: kept for task, kept in found.items() if task not in skipped}
    return Past(successes=left, keys=keys, params=params, begun={} if past is None else past.begun)


def _same(found: Former, wanted: Wanted) -> bool:
    then, now = (Path(wanted.started_in, file).resolve() for file in (found.opened.file, wanted.graph))
    return then == now
