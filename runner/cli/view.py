"""How a run is watched: live on a terminal, as lines elsewhere, in groups, or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TextIO

from runner.cli.style import colour_system, size_of

if TYPE_CHECKING:
    from runner.clock import WallClock
    from runner.execute.ports import Crew, Observer
    from runner.graph.model import Graph
    from runner.record.folder import RunFolder
    from runner.record.live import Region
    from runner.wiring import Watch

MODES = {
    "live": "a view that is drawn over (on a terminal; elsewhere it is `plain`)",
    "plain": "a line for each event, and what tasks print behind their ids",
    "group": "what a task has printed in one piece, when it ends",
    "quiet": "nothing but the verdict",
}


def mode_of(stream: TextIO, wish: str | None) -> str:
    """Answer how to show a run on a stream: as wished, else live on a terminal outside of CI."""
    if wish is not None and wish != "live":
        return wish
    able = stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    return "live" if able and (wish == "live" or not os.environ.get("CI")) else "plain"


@contextmanager
def watching(stream: TextIO, mode: str, colour: str, clock: WallClock) -> Iterator[Watch]:
    """Answer who makes the view of a run; however it ends, a live one leaves a clean screen."""
    if mode != "live":
        yield lambda loaded, folder, pool: _lines(mode, stream, loaded.graph, folder, pool)
        return
    from runner.record.live import LiveView, Region

    region: Region = Region(stream, partial(size_of, stream), colour_system(stream, colour))
    try:
        yield lambda loaded, _folder, pool: LiveView(loaded.graph, region, clock.now, pool.last_line)
    finally:
        region.clear()


@contextmanager
def for_whoever_reads(stream: TextIO) -> Iterator[None]:
    """Let a reader who has gone (a closed terminal, `| head`) cost what is shown to him, never the exit code."""
    try:
        yield
        stream.flush()
    except OSError:  # a border: whoever reads is not ours
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # or the interpreter would complain when it ends


def _lines(mode: str, stream: TextIO, graph: Graph, folder: RunFolder, pool: Crew) -> Observer:
    from runner.driver import Unwatched
    from runner.record.printed import Grouped, Streamed
    from runner.record.progress import PlainProgress, width_of_ids

    if mode == "quiet":
        return Unwatched()
    if mode == "group":
        github = os.environ.get("GITHUB_ACTIONS") == "true"
        return PlainProgress(stream, graph, Grouped(folder.path, github=github))
    streamed = Streamed(graph, width_of_ids(graph))
    pool.listen(streamed.hear)
    return PlainProgress(stream, graph, streamed)
