"""The contract of every executor and the worker-death table, at hosts that share nothing with the runner but a network.

The tests are those of `tests/execute` and `tests/faults`; here is the world they run in. One of them is said anew,
because it asks the kernel of this machine about processes by the numbers that they have on their hosts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.execute.cluster import Cluster
from runner.execute.simulate import Step
from runner.schedule.messages import AttemptStarted
from tests.cluster.engine import Engine
from tests.cluster.hosts import until as true
from tests.execute import test_executor_contract as contract
from tests.execute.worlds import ClusterWorld, until
from tests.faults.harness import observe
from tests.faults.test_deaths import DEATHS, NAMED

pytestmark = [pytest.mark.hosts, pytest.mark.xdist_group("hosts")]

BY_NUMBERS = "test_after_close_nothing_is_left_running"
globals().update(
    {name: test for name, test in vars(contract).items() if name.startswith("test_") and name != BY_NUMBERS}
)


@pytest.fixture
def world(engine: Engine, tmp_path: Path, marks: Path) -> Iterator[ClusterWorld]:
    """Run the executor at the desk, its attempts on the hosts."""
    with engine.desk.inside():
        made = ClusterWorld(tmp_path, engine.address)
        made.marks = marks
        yield made
        made.executor.close()


def test_after_close_nothing_is_left_on_any_host(world: ClusterWorld, engine: Engine) -> None:
    """Attempts that would go on for ever, deaf ones too, are gone when it is closed; closing again does nothing."""
    before = engine.everybody()
    world.attempt("a", Step(seconds=60.0))
    world.attempt("deaf", Step(seconds=60.0, stop_takes=60.0))
    until(world, lambda events: sum(isinstance(event, AttemptStarted) for event in events) == 2)
    there = engine.everybody() - before
    world.executor.close()
    world.executor.close()

    assert 2 <= len(there)
    assert set() == engine.everybody() - before


@pytest.mark.parametrize("death", DEATHS)
def test_a_death_on_a_host_costs_one_attempt_of_one_task(
    death: str, world: ClusterWorld, engine: Engine, marks: Path
) -> None:
    """A task that dies there ends its own attempt, with the cause it would have here, and leaves nobody behind."""
    assert isinstance(world.executor, Cluster)
    before = engine.everybody()
    seen = observe(death, str(marks), world.executor)

    assert seen["evidence"]
    assert (1, *DEATHS[death]) == (seen["ends"], seen["cause"], seen["message"])
    assert ("ok", "ok") == (seen["bystander"], seen["after"])
    assert (death in NAMED) == bool(seen["left"])
    true(lambda: engine.everybody() <= before, "nobody is left", 5.0)
