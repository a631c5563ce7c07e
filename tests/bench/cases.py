"""What is timed, and what each case should be at most. Measures nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from tests.bench.tools import Needs, Work, ours


class Case(Struct, frozen=True, kw_only=True):
    """One row: work that is asked of every tool, or a `command` of ours alone.

    At most `ratio` times what the bare script takes, `seconds`, and `memory` (MB, as PSS). `beside` is how long the
    work itself takes: what is beyond is told and compared.
    """

    name: str
    work: Work | None = None
    command: Callable[[Path], Sequence[str]] | None = None
    ratio: float | None = None
    seconds: float | None = None
    memory: float | None = None
    beside: float = 0.0

    @property
    def limit(self) -> str:
        """Answer in a few words what it should be at most."""
        ratio = "" if self.ratio is None else f"{self.ratio:g}x"
        seconds = "" if self.seconds is None else f"{self.seconds:g} s"
        memory = "" if self.memory is None else f"{self.memory:g} MB"
        return ", ".join(word for word in (ratio, seconds, memory) if word)


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


def _validated_yaml(folder: Path) -> Sequence[str]:
    """Check 10,000 tasks, written as people write YAML; their functions are not asked."""
    rows = (
        f"  {name}:\n    uses: work:noop\n    with: {{i: 1}}\n    needs: [{', '.join(above)}]\n"
        for name, above in layers(100, 100).items()
    )
    (folder / "graph.yaml").write_text(f"version: 1\nname: bench\ntasks:\n{''.join(rows)}", encoding="utf-8")
    return _runner("validate", "--static", "graph.yaml")


def _validated_json(folder: Path) -> Sequence[str]:
    """Check 100,000 tasks in a file that a program wrote; their functions are not asked."""
    ours(folder, Work(needs=layers(1000, 100)))
    return _runner("validate", "--static", "graph.json")


def _planned(folder: Path) -> Sequence[str]:
    """Plan 100,000 tasks, from the file to what is printed."""
    ours(folder, Work(needs=layers(1000, 100)))
    return _runner("plan", "graph.json", "-j", "8")


def _simulated(_folder: Path) -> Sequence[str]:
    """Drive 1,000,000 tasks on 10,000 workers; the whole process counts, with making the graph."""
    return [sys.executable, "-m", "tests.bench.simulated", "1000000", "10000"]


def _runner(*words: str) -> Sequence[str]:
    return [sys.executable, "-m", "runner", *words]


_PHASE = {"config": [], "power": [], "health": [], "checkpoint": ["config", "power", "health"]}

CASES: Sequence[Case] = (
    Case(name="phase of four", work=Work(needs=_PHASE), ratio=1.5),
    Case(name="three of 1 s, over 1 s", work=Work(needs=wide(3), seconds=1.0, workers=3), ratio=1.5, beside=1.0),
    Case(name="1,000 wide", work=Work(needs=wide(1000))),
    Case(name="10,000 wide", work=Work(needs=wide(10_000)), ratio=0.7, memory=120),
    Case(name="chain of 500", work=Work(needs=chain(500)), ratio=0.8),
    Case(name="20 x 50 layers", work=Work(needs=layers(20, 50)), ratio=0.9),
    Case(name="1,000 up to date", work=Work(needs=wide(1000), keeps=True), seconds=0.35),
    Case(name="check 10,000 YAML", command=_validated_yaml, seconds=0.8),
    Case(name="check 100,000 JSON", command=_validated_json, seconds=3),
    Case(name="plan 100,000", command=_planned, seconds=6),
    Case(name="simulate 1,000,000", command=_simulated, seconds=90, memory=3000),
)
