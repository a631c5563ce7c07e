"""The tests of the schedule, tested: each planted bug must make them fall."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from runner.errors import IllegalMove
from runner.schedule.machine import Schedule
from tests.schedule.generator import game_of
from tests.schedule.planted import BUGS, SOURCE, Bug, planted
from tests.schedule.test_properties import CHUNKS, GRAPHS, judge


def first_to_fall(kind: type[Schedule], games: int) -> int | None:
    """Answer the seed of the first game that a schedule does not play by the rules.

    Only objections and refused moves count: a bug that merely crashes would prove nothing.
    """
    for seed in range(games):
        try:
            judge(game_of(Random(seed)), kind)
        except (AssertionError, IllegalMove):
            return seed
    return None


def test_a_copy_without_a_bug_stands(tmp_path: Path) -> None:
    """What falls below falls for its bug, not for being a copy."""
    with planted(None, tmp_path, "planted_nothing") as kind:
        found = first_to_fall(kind, 200)

    assert kind is not Schedule
    assert found is None


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.sentence.replace(" ", "-"))
def test_the_property_tests_fall_for_each_planted_bug(bug: Bug, tmp_path: Path) -> None:
    """One of the random graphs of the property tests finds each bug."""
    with planted(bug, tmp_path, "planted_bug") as kind:
        found = first_to_fall(kind, CHUNKS * GRAPHS)

    assert found is not None, f"nobody noticed that {bug.sentence}"


def test_every_part_of_the_schedule_that_decides_has_its_bug() -> None:
    """No file with a rule in it goes untested; the others hold data, words for people and the heap of alarms."""
    without_rules = {"__init__.py", "messages.py", "reasons.py", "history.py", "alarms.py"}
    files = {file.name for file in SOURCE.glob("*.py")} - without_rules

    assert files == {bug.file for bug in BUGS}
