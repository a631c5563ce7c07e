"""What a person reads of a plan: golden files hold whole texts, and every line fits, however narrow the terminal."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from runner.planning.gantt import about
from runner.planning.model import Plan
from runner.planning.text import render_plan
from runner.record.render.text import COLOURED, PLAIN
from tests.planning.scenes import PHASE, past, planned

GOLDEN = Path(__file__).parents[1] / "golden" / "planning"
HOURS = """
title: People
workers: 2
tasks:
  think: {run: x, estimate: 30m, priority: 1}
  build: {run: x, estimate: 3h30m, needs: [think]}
  paint: {run: x, estimate: 1d2h, needs: [think]}
  judge: {run: x, estimate: 15m, needs: [build, paint]}
"""


def text_of(folder: Path, text: str, width: int, **said: object) -> str:
    """Plan a graph and write the plan, without what differs from machine to machine."""
    return settled(render_plan(planned(folder, text, **said), PLAIN, width))


def settled(text: str) -> str:
    """Leave the size of this machine out."""
    return re.sub(r"of the [\d.]+ GiB", "of the 16 GiB", text) + "\n"


GIVEN = {
    "plan.txt": (PHASE, 100, {}),
    "plan-narrow.txt": (PHASE, 60, {}),
    "plan-failing.txt": (PHASE, 100, {"fail": ["health"]}),
    "plan-compared.txt": (PHASE, 100, {"workers": (1, 2, 3, 4)}),
    "plan-hours.txt": (HOURS, 100, {}),
}


@pytest.mark.parametrize("name", GIVEN)
def test_a_plan_reads_as_a_person_has_read_it(name: str, tmp_path: Path) -> None:
    """Each text equals its golden file (TASKGRAPH_GOLDEN=1 writes them anew, to be read)."""
    text, width, said = GIVEN[name]
    found = text_of(tmp_path, text, width, **said)
    if os.environ.get("TASKGRAPH_GOLDEN"):
        (GOLDEN / name).write_text(found, encoding="utf-8")

    assert (GOLDEN / name).read_text(encoding="utf-8") == found


def test_a_plan_from_the_past_reads_well(tmp_path: Path) -> None:
    """Where runs are known, the range is told, and each row says how many runs it is from."""
    runs = [{"config": 2.0 + number / 10, "power": 4.0 + number % 3, "health": 0.5} for number in range(6)]
    past(tmp_path, PHASE, runs)
    found = text_of(tmp_path, PHASE, 100)
    if os.environ.get("TASKGRAPH_GOLDEN"):
        (GOLDEN / "plan-measured.txt").write_text(found, encoding="utf-8")

    assert (GOLDEN / "plan-measured.txt").read_text(encoding="utf-8") == found


def plans(folder: Path) -> list[Plan]:
    """Answer plans of all kinds, large and hostile ones too."""
    chain = ("" if number < 9 else f", needs: [task_number_{number - 9}]" for number in range(120))
    named = (f"  task_number_{number}: {{run: x, estimate: 5s{needs}}}\n" for number, needs in enumerate(chain))
    many = "tasks:\n" + "".join(named)
    wide = f"tasks:\n  {'u' * 70}: {{run: x}}\n  b: {{run: x, if: 'false'}}\n  c: {{run: x, estimate: 100d}}\n"
    none = "tasks:\n  a: {run: x, if: 'false'}\n"
    return [
        *(planned(folder, text) for text in (PHASE, HOURS, many, wide, none)),
        planned(folder, PHASE, fail=["health"], slow=["power=100x"]),
        planned(folder, many, workers=(1, 2, 200)),
    ]


def test_every_line_fits(tmp_path: Path) -> None:
    """From 40 columns on nothing is wider than the terminal; a name that is too long for it is cut."""
    for plan in plans(tmp_path):
        for width in (40, 41, 60, 79, 80, 100, 200):
            for line in render_plan(plan, PLAIN, width).splitlines():
                assert cell_len(line) <= width or " " not in line.strip(), f"{plan.name}, {width}: {line}"


def test_colours_change_nothing_but_colours(tmp_path: Path) -> None:
    """Without its colours a plan is the plain one."""
    for plan in plans(tmp_path):
        coloured = render_plan(plan, COLOURED, 100)

        assert render_plan(plan, PLAIN, 100) == re.sub(r"\x1b\[\d+m", "", coloured) != coloured


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0"), (0.0004, "0"), (0.0006, "1 ms"), (0.25, "250 ms"), (0.9994, "999 ms"), (0.9996, "1.00 s"),
        (9.994, "9.99 s"), (9.996, "10.0 s"), (59.94, "59.9 s"), (59.96, "1 min"), (61, "1 min 01 s"),
        (1800, "30 min"), (3599.4, "59 min 59 s"), (3599.6, "1 h"), (5400, "1 h 30 min"), (7200, "2 h"),
        (4 * 3600 + 300, "4 h 05 min"), (172799, "2 d"), (172800, "2 d"), (200000, "2 d 8 h"), (8640000, "100 d"),
    ],
)  # fmt: skip
def test_times_read_well_from_milliseconds_to_days(seconds: float, words: str) -> None:
    """Two figures that matter, in the units people use, without zeros that say nothing."""
    assert words == about(seconds)
