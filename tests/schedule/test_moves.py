"""Phases: the table of moves is what the engine's README says, and nothing moves against it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from itertools import product
from pathlib import Path
from typing import TypeVar

import pytest

import runner
from runner.errors import IllegalMove
from runner.schedule.board import MOVES, SETTLED, Board, Phase
from runner.schedule.included import INCLUDED_MOVES, IncludedPhase, Includeds
from runner.schedule.machine import Schedule
from runner.schedule.services import SERVICE_MOVES, ServicePhase, Services
from tests.kit import graph_of, grouped_of, opened, service_of

T = TypeVar("T", bound=Enum)
README = Path(runner.__file__).with_name("README.md")


def documented() -> dict[str, set[str]]:
    """Read the table of phases in the README: from each phase to those it may become."""
    found: dict[str, set[str]] = {}
    for line in README.read_text().splitlines():
        cells = [
            [word for word in re.findall(r"`(\w+)`", cell) if word in Phase.__members__] for cell in line.split("|")
        ]
        if len(cells) == 5 and cells[1]:
            found |= {name: set(cells[3]) for name in cells[1]}
    return found


def reachable(start: T, moves: Mapping[T, frozenset[T]]) -> set[T]:
    """Answer the phases that some moves lead to."""
    found, waiting = {start}, [start]
    while waiting:
        new = moves[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def test_the_table_is_the_one_in_the_readme() -> None:
    """What a reader is told about phases is what the board goes by."""
    assert documented() == {phase.name: {to.name for to in ends} for phase, ends in MOVES.items()}


@pytest.mark.parametrize(("start", "end"), list(product(Phase, repeat=2)), ids=lambda phase: phase.name)
def test_a_task_moves_by_the_table_alone(start: Phase, end: Phase) -> None:
    """Every pair of phases: what the table has is done, all else is refused and changes nothing."""
    schedule = Schedule(graph_of("a"))
    schedule.handle(opened())
    task = schedule.task("a")
    task.phase = start
    if end in MOVES[start]:
        schedule._move(task, end)
        assert end is task.phase
    else:
        with pytest.raises(IllegalMove, match=f"`a`.*{start.name} cannot become {end.name}"):
            schedule._move(task, end)
        assert start is task.phase


@pytest.mark.parametrize(("start", "end"), list(product(ServicePhase, repeat=2)), ids=lambda phase: phase.name)
def test_a_service_moves_by_its_table_alone(start: ServicePhase, end: ServicePhase) -> None:
    """The same for services."""
    services = Services({"db": service_of("db")}, {"db": 1})
    service = services._all["db"]
    service.phase = start
    if end in SERVICE_MOVES[start]:
        services._move(service, end)
        assert end is services.phase("db")
    else:
        with pytest.raises(IllegalMove, match=f"`db`.*{start.name} cannot become {end.name}"):
            services._move(service, end)
        assert start is services.phase("db")


def test_no_phase_is_a_trap_or_out_of_reach() -> None:
    """From waiting every phase can be reached; from every phase the end can; after it only another round may come."""
    assert set(Phase) == reachable(Phase.WAITING, MOVES)
    assert set(ServicePhase) == reachable(ServicePhase.WAITING, SERVICE_MOVES)
    assert SETTLED == {phase for phase, ends in MOVES.items() if ends <= {Phase.WAITING}}
    assert all(reachable(phase, MOVES) & SETTLED for phase in Phase)
    assert set(IncludedPhase) == reachable(IncludedPhase.WAITING, INCLUDED_MOVES)


@pytest.mark.parametrize(("start", "end"), list(product(IncludedPhase, repeat=2)), ids=lambda phase: phase.name)
def test_a_group_moves_by_its_table_alone(start: IncludedPhase, end: IncludedPhase) -> None:
    """The same for groups."""
    graph = grouped_of("a", "b")
    groups = Includeds(graph, Board(graph))
    group = groups.all["g"]
    group.phase = start
    if end in INCLUDED_MOVES[start]:
        groups.move(group, end)
        assert end is group.phase
    else:
        with pytest.raises(IllegalMove, match=f"`g`.*{start.name} cannot become {end.name}"):
            groups.move(group, end)
        assert start is group.phase
