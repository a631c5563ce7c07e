"""How fast we are beside the script people would write instead, and beside other tools: one table, medians and ratios.

`python -m tests.bench.speed BARE [--runs N] [--peers] [CASE ...]` where BARE is a script that takes a graph as JSON
(`{"task": ["need", ...]}`) and a number of workers, built on graphlib and ProcessPoolExecutor. The same work,
interleaved, with default flags, journal and report on. Never collected by pytest: a busy machine is no failure.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
WORKERS = 2
Needs = Mapping[str, Sequence[str]]


def wide(count: int) -> Needs:
    """Answer tasks that need nothing."""
    return {f"t{number}": [] for number in range(count)}


def chain(count: int) -> Needs:
    """Answer tasks that each need the one before."""
    return {f"t{number}": [f"t{number - 1}"] if number else [] for number in range(count)}


def layers(count: int, width: int) -> Needs:
    """Answer layers in which each task needs three of the layer above."""
    return {
        f"l{layer}_{place}": [f"l{layer - 1}_{(place + step) % width}" for step in range(3)] if layer else []
        for layer in range(count)
        for place in range(width)
    }


CASES: Mapping[str, Needs] = {
    "phase of four": {"config": [], "power": [], "health": [], "checkpoint": ["config", "power", "health"]},
    "chain of 500": chain(500),
    "20 x 50 layers": layers(20, 50),
    "1,000 wide": wide(1000),
    "10,000 wide": wide(10_000),
}


def ours(folder: Path, needs: Needs) -> list[str]:
    """Write a graph of no-op functions; answers the command that runs it."""
    (folder / "noop.py").write_text("def noop(i: int) -> int:\n    return i\n", encoding="utf-8")
    tasks = {name: {"uses": "noop:noop", "with": {"i": 1}, "needs": list(above)} for name, above in needs.items()}
    (folder / "graph.json").write_text(json.dumps({"version": 1, "name": "bench", "tasks": tasks}), encoding="utf-8")
    return [sys.executable, "-m", "runner", "graph.json", "-j", str(WORKERS), "-o", "quiet"]


def bare(folder: Path, needs: Needs, script: str) -> list[str]:
    """Write the same graph for the bare script; answers its command."""
    (folder / "bare.json").write_text(
        json.dumps({name: list(above) for name, above in needs.items()}), encoding="utf-8"
    )
    return [sys.executable, script, "bare.json", str(WORKERS)]


def make(folder: Path, needs: Needs) -> list[str]:
    """Write the same graph for make, with `true` as its work; answers its command."""
    rules = "\n".join(f"{name}: {' '.join(above)}\n\t@true" for name, above in needs.items())
    (folder / "Makefile").write_text(
        f".PHONY: all {' '.join(needs)}\nall: {' '.join(needs)}\n{rules}\n", encoding="utf-8"
    )
    return ["make", "-s", f"-j{WORKERS}", "all"]


def ninja(folder: Path, needs: Needs) -> list[str]:
    """Write the same graph for ninja, with `true` as its work; answers its command."""
    rules = "\n".join(f"build {name}: run {' '.join(above)}" for name, above in needs.items())
    (folder / "build.ninja").write_text(f"rule run\n  command = true\n{rules}\n", encoding="utf-8")
    return ["ninja", "--quiet", f"-j{WORKERS}"]


PEERS = {"make": make, "ninja": ninja}


def timed(command: Sequence[str], folder: Path) -> tuple[float, float]:
    """Run a command; answers its wall seconds, and the peak memory (MiB) of its largest process so far."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    shutil.rmtree(folder / ".runner", ignore_errors=True)
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, env={**env, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def row(name: str, needs: Needs, script: str, *, runs: int, peers: bool) -> str:
    """Measure one case; answers its row of the table."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        commands = {"ours": ours(folder, needs), "bare": bare(folder, needs, script)}
        if peers:
            commands |= {tool: PEERS[tool](folder, needs) for tool in PEERS if shutil.which(tool)}
        seconds: dict[str, list[float]] = {who: [] for who in commands}
        for command in commands.values():
            timed(command, folder)  # once for the caches
        for _ in range(runs):
            for who, command in commands.items():
                seconds[who].append(timed(command, folder)[0])
    base = median(seconds["bare"])
    cells = [f"{median(each):.2f} s ({median(each) / base:.2f}x)" for each in seconds.values()]
    return f"| {name} | {' | '.join(cells)} | {load:.1f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("bare")
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peers", action="store_true")
    chosen = parser.parse_args()
    tools = [tool for tool in PEERS if chosen.peers and shutil.which(tool)]
    print(f"| case | ours | bare | {''.join(f'{tool} | ' for tool in tools)}load before |")
    print(f"|{'---|' * (4 + len(tools))}")
    for name, needs in CASES.items():
        if not chosen.cases or name in chosen.cases:
            script = str(Path(chosen.bare).resolve())
            print(row(name, needs, script, runs=chosen.runs, peers=chosen.peers), flush=True)


if __name__ == "__main__":
    main()
