"""How fast we are beside the script people would write instead, and beside other tools: one table, medians and ratios.

`python -m tests.bench.speed BARE [--runs N] [--peers] [CASE ...]` where BARE is a script that takes a graph as JSON
(`{"task": ["need", ...]}`) and a number of workers, built on graphlib and ProcessPoolExecutor. The same work,
interleaved, with default flags, journal and report on. Exits 1 where something is slower or larger than it should be.
Never collected by pytest: a busy machine is no failure.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from msgspec import Struct

from tests.bench.cases import CASES, Case
from tests.bench.tools import KEEPING, Tool, bare, installed, ours
from tests.bench.watched import LONGEST, ROOT, Memory, TooSlowError, memory_of, seconds_of


class Figures(Struct, frozen=True, kw_only=True):
    """What one tool took for one case: the median of its seconds (None: too long), and the most memory."""

    seconds: float | None
    memory: Memory


def measured(case: Case, tools: Mapping[str, Tool], runs: int) -> dict[str, Figures]:
    """Measure one case; each tool is first looked at for its memory, then all are timed in turns."""
    with tempfile.TemporaryDirectory() as place:
        folders = {name: Path(place, name) for name in tools}
        memory: dict[str, Memory] = {}
        for name, tool in tools.items():
            with suppress(TooSlowError):  # it is asked once, and told as too slow
                memory[name] = memory_of(_asked(case, tool, folders[name], first=True), folders[name])
        seconds: dict[str, list[float]] = {name: [] for name in tools}
        for _ in range(runs):
            for name in memory:
                command = _asked(case, tools[name], folders[name], first=False)
                seconds[name].append(seconds_of(command, folders[name]) - case.beside)
    return {
        name: Figures(seconds=median(each) if each else None, memory=memory.get(name, Memory()))
        for name, each in seconds.items()
    }


def row(case: Case, tools: Sequence[str], found: Mapping[str, Figures], load: float) -> str:
    """Answer a row of the table; a tool that was not asked has an empty cell."""
    base = found["bare"].seconds if "bare" in found else None
    cells = [_cell(found[name], base) if name in found else "" for name in tools]
    return f"| {case.name} | {case.limit} | {' | '.join(cells)} | {load:.1f} |"


def kept(case: Case, found: Mapping[str, Figures]) -> bool:
    """Say whether we are as fast and as small as we should be."""
    us = found["ours"]
    if us.seconds is None:
        return False
    base = found["bare"].seconds if "bare" in found else None
    fast = case.ratio is None or base is None or us.seconds <= case.ratio * base
    quick = case.seconds is None or us.seconds <= case.seconds
    return fast and quick and (case.memory is None or us.memory.pss <= case.memory)


def main(words: Sequence[str]) -> int:
    """Print the table; answers 1 where a figure is worse than it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bare", type=Path)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(case.name for case in CASES))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peers", action="store_true", help="beside other tools, too, as far as they are installed")
    chosen = parser.parse_intermixed_args(words)
    tools = {"ours": ours, "bare": bare(chosen.bare), **(installed() if chosen.peers else {})}
    print(f"{datetime.now(UTC):%Y-%m-%d}, commit {_commit()}, {os.cpu_count()} cores, median of {chosen.runs} runs\n")
    print(f"| case | at most | {' | '.join(tools)} | load before |")
    print(f"|{'---|' * (len(tools) + 3)}")
    good = True
    for case in CASES:
        if not chosen.cases or case.name in chosen.cases:
            load = os.getloadavg()[0]
            found = measured(case, _fit(case, tools), chosen.runs)
            print(row(case, list(tools), found, load), flush=True)
            good = good and kept(case, found)
    return 0 if good else 1


# -- the helpers -------------------------------------------------------------------------------------------------------


def _fit(case: Case, tools: Mapping[str, Tool]) -> dict[str, Tool]:
    """Answer the tools that can do a case."""
    if case.work is None:
        return {"ours": ours}
    return {name: tool for name, tool in tools.items() if not case.work.keeps or name in KEEPING}


def _asked(case: Case, tool: Tool, folder: Path, *, first: bool) -> Sequence[str]:
    """Answer the command of a case, in a fresh folder; where what was done is to be known again, it stays."""
    stays = case.work is not None and case.work.keeps and not first
    if not stays:
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "done").mkdir(parents=True)
    if case.work is None:
        assert case.command is not None, "a case has work or a command"
        return case.command(folder)
    command = tool(folder, case.work)
    if first and case.work.keeps:
        seconds_of(command, folder)
    return command


def _cell(figures: Figures, base: float | None) -> str:
    if figures.seconds is None:
        return f"over {LONGEST:g} s"
    ratio = "" if base is None else f" ({figures.seconds / base:.2f}x)"
    return f"{figures.seconds:.2f} s{ratio}, {figures.memory.pss:.0f}/{figures.memory.rss:.0f} MB"


def _commit() -> str:
    asked = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(asked, cwd=ROOT, capture_output=True, check=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
