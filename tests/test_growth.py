"""How work grows with the size of a graph: what is called is counted, so that no busy machine can fail a test."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

import pytest

from runner.execute.placing import Placing
from runner.execute.simulate import Simulation, Step
from runner.graph.check import load
from runner.graph.model import Graph, Trigger
from runner.opening import Options
from runner.planning.planner import Question, plan_of
from runner.schedule.messages import CancelAsked
from tests.kit import graph_of, play, scripted

MOST = 2.2
"""How many times as many calls twice the tasks may take: twice, and what sorting and heaps add."""


def calls(work: Callable[[], object]) -> int:
    """Count the calls that some work makes, those into C as well."""
    count = 0

    def look(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def layers(count: int) -> Mapping[str, Sequence[str]]:
    """Answer tasks in layers of twenty, each with needs among the layer above."""
    chance = Random(count)
    return {
        f"t{number}": [f"t{place}" for place in chance.sample(range(number // 20 * 20 - 20, number // 20 * 20), 3)]
        if number >= 20
        else []
        for number in range(count)
    }


def file_of(folder: Path, count: int, kind: str) -> str:
    """Write a graph with a pool for every ten tasks, some of them claimed; answers its path."""
    tasks: dict[str, Any] = {
        name: {"run": "true", "needs": list(needs), "pools": [f"p{number // 10}"] if number % 3 == 0 else []}
        for number, (name, needs) in enumerate(layers(count).items())
    }
    pools = {f"p{number}": 1 for number in range(count // 10)}
    path = folder / f"graph{count}.{kind}"  # JSON is YAML, too
    path.write_text(json.dumps({"version": 1, "pools": pools, "tasks": tasks}, indent=1), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("kind", ["json", "yaml"])
def test_reading_grows_with_the_file(kind: str, tmp_path: Path) -> None:
    """Twice the tasks, with twice the pools, are read and checked with about twice the calls."""
    small, large = (file_of(tmp_path, count, kind) for count in (400, 800))
    load(small)

    assert calls(lambda: load(large)) <= MOST * calls(lambda: load(small))


def test_planning_grows_with_the_graph(tmp_path: Path) -> None:
    """Twice the tasks, with twice the pools, are planned with about twice the calls."""
    small, large = (Options(graph=file_of(tmp_path, count, "json"), jobs=4) for count in (400, 800))

    def planned(options: Options) -> Callable[[], object]:
        return lambda: plan_of(options, Question(), lambda: 0.0)

    planned(small)()

    assert calls(planned(large)) <= MOST * calls(planned(small))


def cleaned_up(graph: Graph) -> Callable[[], object]:
    """Answer a run that is cancelled when all is over but one task, for which all clean-ups wait."""
    simulation = Simulation(*scripted({"slow": Step(seconds=2000.0)}), slots=4)
    simulation.at(1000.0, CancelAsked(at=1000.0, why="interrupted"))
    return lambda: play(graph, simulation, turns=10**6)


def test_clean_ups_grow_with_their_number() -> None:
    """Twice the clean-ups of a run that was cancelled take about twice the calls."""
    small, large = (
        graph_of(
            "; ".join(["slow", *(f"t{number}; c{number}: t{number} slow" for number in range(count))]),
            **{f"c{number}": {"trigger": Trigger.ALWAYS} for number in range(count)},
        )
        for count in (200, 400)
    )

    assert calls(cleaned_up(large)) <= MOST * calls(cleaned_up(small))


def placed(hosts: int) -> Callable[[], object]:
    """Answer the placing of a thousand attempts, each over before the next comes, at so many hosts."""
    placing = Placing()
    for number in range(hosts):
        placing.add(f"tcp://host:{number}", 4, {})

    def work() -> None:
        for number in range(1000):
            address = placing.place(f"k{number}", {})
            assert address is not None
            placing.over(address, f"k{number}")

    return work


def test_placing_does_not_grow_with_the_hosts() -> None:
    """An attempt is placed with as many calls at a thousand hosts as at a hundred, but for what a heap adds."""
    assert calls(placed(1000)) <= 1.5 * calls(placed(100))
