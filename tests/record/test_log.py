"""The runner's own log: each decision with its reason, at DEBUG."""

from __future__ import annotations

import logging
from pathlib import Path

from msgspec.structs import replace

from runner.driver import World, drive
from runner.execute.simulate import Simulation, Step
from runner.graph.model import Retry
from runner.mask import Masker
from runner.record.decisions import Decisions
from runner.record.log import open_log
from runner.requests import Unfilled
from runner.task import Cause, Failed
from tests.kit import Listed, graph_of, opened

GRAPH = graph_of(
    "seed; load; lint; flaky; ship: lint",
    pools={"db": 1},
    seed={"claims": {"db": 1}},
    load={"claims": {"db": 1}},
    flaky={"retry": Retry(attempts=2, delay=2.5, jitter="none")},
)
TOLD = """\
run r1 of graph.yaml with 2 slots
`seed` could start: all it needs has settled, and there is room
`load` could start and waits for room in db (seed)
`lint` could start: all it needs has settled, and there is room
`flaky` could start and waits for a free worker
`lint` attempt 1 runs in process 0
`seed` attempt 1 runs in process 0
`lint` attempt 1 failed (exit_code: exit code 2); it is failed
`lint` is failed
`ship` is blocked: `lint` failed
`flaky` attempt 1 runs in process 0
`flaky` attempt 1 failed (exit_code: exit code 2); it rests 2.50 s and is tried again
`seed` attempt 1 succeeded
`seed` is succeeded
`load` attempt 1 runs in process 0
`flaky` could start: all it needs has settled, and there is room
`flaky` attempt 2 runs in process 0
`load` attempt 1 succeeded
`load` is succeeded
`flaky` attempt 2 succeeded
`flaky` is succeeded
"""


def test_every_decision_has_its_reason(tmp_path: Path) -> None:
    """Why each task starts, waits for a pool or a worker, rests, or is blocked, in the order it was decided."""
    bad = Step(seconds=1.0, outcome=Failed(cause=Cause.EXIT_CODE, message="exit code 2"))
    steps = {("lint", 1): bad, ("flaky", 1): bad, ("flaky", 2): Step(seconds=4.0)}
    simulation = Simulation(lambda *key: steps.get(key, Step(seconds=3.0)), slots=2)
    logger = open_log(tmp_path / "runner.log", "DEBUG", Masker({}))
    world = World(executor=simulation, clock=simulation, recorder=Listed(), observer=Decisions(lambda: logger, "DEBUG"))
    drive(GRAPH, replace(opened(2), file="graph.yaml"), Unfilled(), world)
    lines = (tmp_path / "runner.log").read_text(encoding="utf-8").splitlines()

    assert TOLD.splitlines() == [line.partition("] ")[2] for line in lines]


def test_nothing_is_written_at_the_usual_level(tmp_path: Path) -> None:
    """A run that goes well opens no log."""
    logger = open_log(tmp_path / "runner.log", "WARNING", Masker({}))
    simulation = Simulation(lambda *_: Step(seconds=3.0), slots=2)
    drive(
        GRAPH,
        opened(2),
        Unfilled(),
        World(executor=simulation, clock=simulation, recorder=Listed(), observer=Decisions(lambda: logger, "WARNING")),
    )

    assert logging.WARNING == logger.level
    assert not (tmp_path / "runner.log").exists()
