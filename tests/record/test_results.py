"""The last result of each task: what each kind of run leaves of it, and a derived file that may be lost or damaged."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runner.files import FileMark
from runner.mask import Masker
from runner.record.folder import RunFolder, StateFolder
from runner.record.former import former
from runner.record.journal import Journal
from runner.record.results import Known, LastResult, Results
from runner.schedule.messages import AttemptEnded, AttemptStarted, Event, Kept, Outdated, Recalled
from runner.task import Cause, Failed, Outcome, Succeeded
from tests.kit import opened

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DONE = Succeeded(outputs={"n": 1})
BAD = Failed(cause=Cause.EXIT_CODE)
MARK = FileMark(size=1, modified=2, changed=3, inode=4, digest="d")


class Clock:
    """A clock that stands still."""

    def now(self) -> float:
        """Answer the start."""
        return 0.0


class Place:
    """A state folder with runs that never happened."""

    def __init__(self, folder: Path) -> None:
        self.state = StateFolder(path=folder / ".runner")
        self.results = Results(self.state, folder / "g.yaml", ["a", "b"])
        self.count = 0

    def run(self, *events: Event, file: str = "g.yaml") -> RunFolder:
        """Leave a run with these events behind its first."""
        self.count += 1
        run = self.state.create_run("g", BEGIN + timedelta(seconds=self.count), f"{self.count:04}")
        journal = Journal(run.journal, Clock(), Masker({}))
        journal.record([opened(run=run.name, file=file), *events])
        journal.close()
        return run

    def known(self) -> Known:
        """Answer what is known, as the next run would."""
        return self.results.read(self.state.runs())

    def add(self, run: RunFolder) -> None:
        """Let a run that is over write down what it has left."""
        left = former(run)
        assert left is not None
        before = [each for each in self.state.runs() if each.name != run.name]
        self.results.add(self.results.read(before), run.name, left, {"/x": MARK})


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Answer a fresh place."""
    return Place(tmp_path)


def attempt(task: str, outcome: Outcome | None, number: int = 1, key: str = "k") -> list[Event]:
    """Answer the events of an attempt; without an outcome it was under way when the run ended."""
    events: list[Event] = [AttemptStarted(at=1.0, task=task, attempt=number, key=key)]
    return events if outcome is None else [*events, AttemptEnded(at=2.0, task=task, attempt=number, outcome=outcome)]


def looked_up(*tasks: str) -> Recalled:
    """Answer that these had to run, and what was asked."""
    return Recalled(at=0.5, outdated={task: Outdated(because="b", parts={"run": task}, handed="h") for task in tasks})


def test_a_success_is_remembered_with_what_was_asked(place: Place) -> None:
    """Of the tasks that are wanted, and no other."""
    run = place.run(looked_up("a"), *attempt("a", DONE), *attempt("c", DONE))
    kept = Kept(outcome=DONE, run=run.name, key="k", handed="h")

    assert {"a": LastResult(held=run.name, kept=kept, parts={"run": "a"})} == place.known().results


def test_the_last_that_happened_counts(place: Place) -> None:
    """A failure or an end in the midst of it makes a success before worthless."""
    first = place.run(*attempt("a", DONE), *attempt("b", DONE))
    second = place.run(*attempt("a", BAD), *attempt("b", None))
    assert {
        "a": LastResult(held=second.name, because=f"it failed in run {second.name}"),
        "b": LastResult(held=second.name, because=f"it was under way when run {second.name} ended"),
    } == place.known().results

    third = place.run(*attempt("a", BAD), *attempt("a", DONE, 2))
    found = place.known().results["a"].kept
    assert found is not None
    assert (third.name, DONE) == (found.run, found.outcome)
    assert first.name < second.name < third.name


def test_what_was_taken_over_is_held_by_the_run_that_took_it(place: Place) -> None:
    """So it outlives the run that made it, with the parts that only that one knew."""
    first = place.run(looked_up("a"), *attempt("a", DONE))
    place.add(first)
    kept = place.known().results["a"].kept
    assert kept is not None
    second = place.run(Recalled(at=0.5, kept={"a": kept}))
    expected = {"a": LastResult(held=second.name, kept=kept, parts={"run": "a"})}
    place.add(second)
    assert expected == place.known().results

    first.journal.unlink()
    first.receipts.rmdir()
    (first.path / "logs").rmdir()
    first.path.rmdir()
    assert expected == place.known().results

    place.results.file.unlink()
    assert {"a": LastResult(held=second.name, kept=kept)} == place.known().results


def test_a_result_is_forgotten_with_the_last_run_that_tells_of_it(place: Place) -> None:
    """Whoever removes runs removes what they came to."""
    run = place.run(*attempt("a", DONE))
    place.add(run)
    assert {"a"} == place.known().results.keys()

    run.path.rename(place.state.path / "elsewhere")
    assert {} == place.known().results


def test_a_run_that_ended_early_is_read_from_its_journal(place: Place) -> None:
    """Such as one that was killed: it has written nothing down."""
    place.add(place.run(*attempt("a", DONE)))
    killed = place.run(*attempt("a", None))

    assert f"it was under way when run {killed.name} ended" == place.known().results["a"].because


def test_a_run_of_another_file_of_that_name_tells_nothing(place: Place) -> None:
    """Ids of runs are made of names alone."""
    place.run(*attempt("a", DONE))
    place.run(*attempt("a", BAD), file="other/g.yaml")

    assert place.known().results["a"].kept is not None


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b'{"format":9,"known":{}}', b'{"format":1,"known":{"results":3}}']
)
def test_a_file_that_is_damaged_is_made_anew(place: Place, damage: bytes) -> None:
    """From the journals of the runs that are kept."""
    run = place.run(*attempt("a", DONE))
    place.add(run)
    whole = place.known()
    assert {"/x": MARK} == whole.files
    place.results.file.write_bytes(damage)

    assert whole.results == place.known().results
    assert {} == place.known().files


def test_what_is_written_is_for_nobody_else_and_is_json(place: Place) -> None:
    """Like everything in the state folder."""
    place.add(place.run(*attempt("a", DONE)))

    assert 0o600 == place.results.file.stat().st_mode & 0o777
    assert {"a"} == json.loads(place.results.file.read_text("utf-8"))["known"]["results"].keys()


def test_a_damaged_journal_tells_nothing(place: Place) -> None:
    """And the others do."""
    place.run(*attempt("a", DONE))
    bad = place.run(*attempt("b", DONE))
    lines = bad.journal.read_bytes().splitlines(keepends=True)
    bad.journal.write_bytes(lines[0] + b"damage\n" + b"".join(lines[2:]))

    assert {"a"} == place.known().results.keys()
