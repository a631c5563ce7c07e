"""How long the pool waits for what does not come: real processes, and a clock that a test sets on."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.clock import WallClock
from runner.errors import Problem
from runner.execute.description import IMPORT_LIMIT
from runner.execute.handout import UNHEARD
from runner.execute.pool import Pool
from runner.schedule.messages import AttemptStarted, ServiceEnded
from runner.task import Request
from tests.cli.command import wait_for
from tests.execute.pools import Bench

pytestmark = pytest.mark.real

DEAF = """
import os, pathlib, socket
server = socket.create_server(("127.0.0.1", int(os.environ["TASKGRAPH_PORT"])))
while True:
    kept = server.accept()[0]
    pathlib.Path("looked-at").touch()
    globals()[str(kept)] = kept
"""
"""A server that takes every connection and never answers."""


class SettableClock(WallClock):
    """A wall clock that can be set on."""

    ahead = 0.0

    def now(self) -> float:
        return super().now() + self.ahead


class Patient(Bench):
    """A bench whose pool has a clock that can be set on."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.pool.close()
        self.clock = self.settable = SettableClock()
        self.pool = Pool(folder, self.clock)
        self.pool.slots = 2

    def once(self, happened: Callable[[], object]) -> None:
        """Let the pool work until something is so."""
        while not happened():
            self.events += self.pool.wait(0.05)

    def let_pass(self, seconds: float) -> None:
        """Set the clock on."""
        self.settable.ahead += seconds
        self.pool.wake()


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[Patient]:
    """Make a real pool whose clock can be set on."""
    made = Patient(tmp_path)
    yield made
    made.pool.close()


def test_a_worker_that_somebody_froze_is_replaced(patient: Patient) -> None:
    """When it has not begun half a minute after it was asked, another one is, and the work is done once."""
    first = patient.outputs("first", "pid")["value"]
    os.kill(first, signal.SIGSTOP)
    patient.start("second", "pid")
    patient.events += patient.pool.wait(0.5)
    patient.let_pass(UNHEARD)
    second = patient.worker_of("second")
    patient.end_of("second")

    assert first != second
    assert 1 == sum(isinstance(event, AttemptStarted) and event.task == "second" for event in patient.events)


def test_a_module_that_is_imported_for_ever_is_given_up(patient: Patient) -> None:
    """After a minute; what it printed last is told, and the next one is described all the same."""
    patient.pool.slots = 1  # one after the other: a minute is soon over for whoever is asked beside it
    begun = patient.folder / "begun"
    endless = "import pathlib, time\nprint('here', flush=True)\npathlib.Path('begun').touch()\ntime.sleep(3600)\n"
    (patient.folder / "endless.py").write_text(endless, encoding="utf-8")
    setting: dict[str, Any] = {"env": dict(os.environ), "workdir": str(patient.folder), "path": (str(patient.folder),)}
    names = ["endless:run", "os:getcwd"]
    wanted = {name: Request(run="", task="", attempt=0, uses=name, **setting) for name in names}

    def a_minute_later() -> None:
        wait_for(begun)
        patient.let_pass(IMPORT_LIMIT)

    later = threading.Thread(target=a_minute_later)
    later.start()
    given_up, other = patient.pool.describe(wanted).values()
    later.join()

    assert isinstance(given_up, Problem)
    assert "`endless:run` cannot be imported: it took too long" == given_up.message
    assert "the last it printed: here" == given_up.hint
    assert not isinstance(other, Problem)


def test_a_server_that_never_answers_is_not_ready(patient: Patient) -> None:
    """A look ends after five seconds and another begins; when its time is over, the last reason is told."""
    (patient.folder / "deaf.py").write_text(DEAF, encoding="utf-8")
    patient.serve("web", "exec python3 deaf.py", port=0, ready_http="/health", ready_timeout=60.0)
    looked_at = patient.folder / "looked-at"
    for _ in range(2):
        patient.once(looked_at.exists)
        looked_at.unlink()
        patient.let_pass(5.0)
    patient.let_pass(60.0)
    end = patient.until(ServiceEnded, "web")

    assert isinstance(end, ServiceEnded)
    assert ("never_ready", "not ready within 60 s: no answer within 5 s") == (end.how, end.message)
