"""The graph files of a run as they were: kept in its folder, and read again from there. Knows no run."""

from __future__ import annotations

from pathlib import Path

from runner.errors import RunnerFault
from runner.graph.check import Loaded, load
from runner.graph.files import kept_name
from runner.record.folder import RunFolder, write_whole


def keep_graph(loaded: Loaded, file: str, run: RunFolder) -> None:
    """Keep copies of a graph file and of all it includes; `file` is what it was called.

    Raises:
        RunnerFault: the disk does not take them.

    """
    write_whole(run.path / f"graph{Path(file).suffix or '.yaml'}", loaded.text)
    try:
        if loaded.included:
            run.included.mkdir(mode=0o700)
    except OSError as error:  # a border: the disk
        raise RunnerFault(f"{run.included} cannot be written: {error.strerror}") from error
    for group, each in loaded.included.items():
        write_whole(run.included / kept_name(group, each.document.source.file), each.text)


def graph_kept(run: RunFolder) -> Loaded:
    """Answer the graph of a run from the copies that it keeps.

    Raises:
        GraphError, UsageError: they were damaged since.

    """
    return load(str(run.graph), str(run.included))
