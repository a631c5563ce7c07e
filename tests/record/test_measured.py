"""What past runs took: a derived file that may be lost, damaged or behind, and is then made anew from the journals."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runner.clock import WallClock
from runner.graph.check import load
from runner.mask import Masker
from runner.record.folder import RunFolder, StateFolder
from runner.record.journal import Journal
from runner.record.measured import LARGEST, History, RunMeasured, TaskRun, latest, measured_of
from runner.schedule.history import stories_of
from runner.schedule.messages import AttemptEnded, AttemptReturned, AttemptStarted, Event, RunOpened, ServiceReady
from runner.task import Cause, Failed, Succeeded

TEXT = "services:\n  db: {run: 'true', port: 0}\ntasks:\n  a: {run: 'true', needs: [db]}\n  b: {run: 'true'}\n"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class Place:
    """A folder with a graph file, and runs of it that never happened."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "g.yaml"
        self.file.write_text(TEXT, encoding="utf-8")
        self.state = StateFolder(path=folder / ".runner")
        self.history = History(self.state, self.file)
        self.count = 0

    def run(self, seconds: float, *, file: str = "g.yaml", reported: bool = True) -> RunFolder:
        """Leave a run in which `a` failed once and then took so long."""
        self.count += 1
        run = self.state.create_run("g", BEGIN + timedelta(seconds=self.count), f"{self.count:04}")
        (run.path / "graph.yaml").write_text(TEXT, encoding="utf-8")
        journal = Journal(run.journal, WallClock(), Masker({}))
        journal.record(events(seconds, file))
        journal.sync()
        journal.close()
        if reported:
            run.report.write_text("{}", encoding="utf-8")
        return run

    @property
    def runs(self) -> Sequence[RunFolder]:
        """Answer all runs, the oldest first."""
        return self.state.runs()

    @property
    def written(self) -> Path:
        """Answer where the derived file is."""
        return next((self.state.path / "history").iterdir())


def events(seconds: float, file: str = "g.yaml") -> list[Event]:
    """Answer the events of a run: the service, two attempts of `a`, one of `b` that came back unbegun."""
    crash = Failed(cause=Cause.CRASHED)
    return [
        RunOpened(at=0.5, run="r", started="2026-01-01T00:00:00.000Z", slots=2, file=file),
        AttemptReturned(at=0.6, task="b", attempt=1),
        ServiceReady(at=1.75, service="db", attempt=1, asked=0.5),
        AttemptStarted(at=2.1, task="a", attempt=1, asked=2.0),
        AttemptEnded(at=2.5, task="a", attempt=1, outcome=crash),
        AttemptStarted(at=3.0, task="a", attempt=2),
        AttemptEnded(at=3.0 + seconds, task="a", attempt=2, outcome=Succeeded()),
    ]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Answer a fresh place."""
    return Place(tmp_path)


def test_a_run_is_measured_attempt_by_attempt(place: Place) -> None:
    """Time counts from when a worker was asked; a service's until it answers; what never began says nothing."""
    found = measured_of(load(str(place.file)).graph, stories_of(events(1.5)))

    assert ["a"] == list(found.tasks)
    assert ((0.5,), 1.5) == (found.tasks["a"].failed, found.tasks["a"].seconds)
    assert {"db": 1.25} == found.services


def test_what_is_written_is_read_again_and_nothing_else_is(place: Place) -> None:
    """A run adds itself; reading what is written looks at no run folder."""
    graph = load(str(place.file)).graph
    place.history.add("r1", stories_of(events(1.0)), graph)
    place.history.add("r2", stories_of(events(2.0)), graph)

    assert {"r1": 1.0, "r2": 2.0} == seconds_of(place)
    assert not (place.state.path / "runs").exists()


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", "null", '{"history": 2, "runs": {}}', '{"history":1,"runs":{"r":{"tasks":{"a":[5]}}}}',
               '{"history":1,"runs":{"r":{"tasks":{"a":["d",[],"1"]},"services":{}}}}',
               '{"history":1,"runs":{"r":{"tasks":{"a":["d",[],-1]},"services":{}}}}']
)  # fmt: skip
def test_a_lost_or_damaged_file_is_made_anew(place: Place, damage: str) -> None:
    """Whatever became of the file, a reader that may look at the runs finds the same and writes it down again."""
    for seconds in (1.0, 2.0, 3.0):
        place.run(seconds)
    whole = place.history.caught_up(place.runs)
    before = place.written.read_text(encoding="utf-8")
    place.written.write_text(damage, encoding="utf-8")

    assert {} == place.history.read()
    assert whole == place.history.caught_up(place.runs)
    assert before == place.written.read_text(encoding="utf-8")


def test_runs_that_are_gone_are_forgotten_and_fresh_ones_added(place: Place) -> None:
    """The file follows the runs that are kept."""
    first, _ = place.run(1.0), place.run(2.0)
    place.history.caught_up(place.runs)
    first.journal.unlink()
    first.journal.with_name("graph.yaml").unlink()
    gone = [run for run in place.runs if run.name != first.name]
    place.run(3.0)
    kept = [*gone, place.runs[-1]]

    assert [2.0, 3.0] == [run.tasks["a"].seconds for run in place.history.caught_up(kept).values()]
    assert [2.0, 3.0] == list(seconds_of(place).values())


def test_a_run_that_may_be_going_on_is_not_written_down(place: Place) -> None:
    """The newest run without a report counts as far as it is, and is looked at again; an older one was killed."""
    place.run(1.0, reported=False)
    place.run(2.0, reported=False)

    assert [1.0, 2.0] == [run.tasks["a"].seconds for run in place.history.caught_up(place.runs).values()]
    assert [1.0] == list(seconds_of(place).values())


def test_another_graph_of_the_same_name_says_nothing(place: Place) -> None:
    """Runs are told apart by the path of their graph file."""
    place.run(1.0, file="elsewhere/g.yaml")
    place.run(2.0)
    found = place.history.caught_up(place.runs)

    assert [[], ["a"]] == [list(run.tasks) for run in found.values()]


def test_of_large_graphs_fewer_runs_are_kept_but_some_always() -> None:
    """The file stays small: as many of the latest runs as hold 50,000 task runs together, three at least."""

    def kept(size: int) -> list[str]:
        run = RunMeasured(tasks={str(number): TaskRun("d") for number in range(size)})
        return [*latest((f"r{number:02}", run) for number in reversed(range(20)))]

    assert [f"r{number:02}" for number in range(20)] == kept(1)
    assert ["r15", "r16", "r17", "r18", "r19"] == kept(LARGEST // 5)
    assert ["r17", "r18", "r19"] == kept(LARGEST // 2)


def test_damaged_runs_cost_themselves_only(place: Place) -> None:
    """A run whose journal or graph cannot be read is passed over."""
    no_journal, no_graph, torn, _ = (place.run(float(seconds)) for seconds in range(1, 5))
    no_journal.journal.unlink()
    (no_graph.path / "graph.yaml").write_text("tasks: 5", encoding="utf-8")
    torn.journal.write_bytes(b"x" + torn.journal.read_bytes())

    assert [4.0] == [run.tasks["a"].seconds for run in place.history.caught_up(place.runs).values()]


def test_a_folder_that_cannot_be_written_is_still_read(place: Place) -> None:
    """A history that cannot be written down costs time, nothing else."""
    place.run(1.0)
    (place.state.path / "history").write_text("in the way", encoding="utf-8")

    assert [1.0] == [run.tasks["a"].seconds for run in place.history.caught_up(place.runs).values()]


def seconds_of(place: Place) -> dict[str, float | None]:
    """Answer what is written down of `a`, by run; the file says the same as what is read."""
    found = {name: run.tasks["a"].seconds for name, run in place.history.read().items()}
    raw = json.loads(place.written.read_bytes())["runs"]
    assert found == {name: run["tasks"]["a"][2] for name, run in raw.items()}
    return found
