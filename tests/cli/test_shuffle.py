"""A random order: it finds needs that nobody wrote down, and its seed has it again."""

import json
from pathlib import Path

import pytest

from tests.cli.command import ROOT, report_in, run

pytestmark = pytest.mark.real
GRAPH = ROOT / "graphs/examples/shuffle.yaml"


def order_in(report: dict[str, object]) -> list[str]:
    """Answer the tasks of a run in the order in which they were started."""
    tasks: list[dict[str, str]] = report["tasks"]  # type: ignore[assignment]  # as JSON is
    return [task["id"] for task in sorted(tasks, key=lambda task: task["started"])]


def test_a_seed_finds_the_need_and_has_the_same_order_again(tmp_path: Path) -> None:
    """In file order it passes; by the seed of its comment it fails, twice the same way, as the plan of it said."""
    assert 0 == run(GRAPH, "-o", "quiet", cwd=tmp_path).code
    planned = json.loads(run("plan", GRAPH, "--shuffle", "4", "--json", cwd=tmp_path).out)
    starts = sorted(planned["tasks"], key=lambda task: task["start"])
    orders = []
    for _ in range(2):
        said = run(GRAPH, "--shuffle", "4", cwd=tmp_path)
        report = report_in(tmp_path)
        orders.append(order_in(report))

        assert 1 == said.code
        assert 4 == report["shuffle"] == planned["shuffle"]
        assert "in a random order (--shuffle 4)" in said.out
        assert "Started in a random order: --shuffle 4 has the same again." in said.out
        assert "report" == next(task["id"] for task in report["tasks"] if task["state"] == "failed")
    assert [task["id"] for task in starts] == orders[0] == orders[1] != ["build", "lint", "report"]


def test_without_a_number_one_is_chosen_and_said(tmp_path: Path) -> None:
    """The chosen seed stands in the report, in words and as data, and a replay of the journal agrees with the run."""
    run(GRAPH, "--shuffle", cwd=tmp_path)
    report = report_in(tmp_path)
    told = run("report", cwd=tmp_path).out
    again = json.loads(run("report", "--json", cwd=tmp_path).out)

    assert 0 <= report["shuffle"] < 10_000
    assert f"--shuffle {report['shuffle']} has the same again." in told
    assert order_in(again) == order_in(report)


@pytest.mark.parametrize("seed", ["soon", "-1", "1.5", "9" * 16])
def test_what_is_no_seed_is_told_so(tmp_path: Path, seed: str) -> None:
    """A seed is a whole number that is not too long; anything else is exit 2 and nothing is started."""
    said = run(GRAPH, f"--shuffle={seed}", cwd=tmp_path)

    assert 2 == said.code
    assert f"`{seed}` is not a seed (a whole number); alone it stands behind GRAPH" in said.err
    assert not (tmp_path / ".runner").exists()


def test_an_approved_plan_is_of_its_order(tmp_path: Path) -> None:
    """A plan in a random order is run in that order; in another it is refused with exit 7."""
    run("plan", GRAPH, "--shuffle", "5", "--out", "p.json", cwd=tmp_path)
    same, other = (
        run("run", "--plan", "p.json", cwd=tmp_path),
        run("run", "--plan", "p.json", "--shuffle=6", cwd=tmp_path),
    )

    assert "--shuffle 5" in same.out
    assert 7 == other.code
    assert "shuffle: 5 then, 6 now" in other.err
