"""Workers of a Dask cluster are killed while a graph runs: nothing is lost, and nothing done twice that is not told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.programs import figure, run_harness


@pytest.mark.real
def test_killed_workers_cost_attempts_and_nothing_else(tmp_path: Path) -> None:
    """Three kills; this folder's README has the command for fifty and what came of it."""
    seen = run_harness("cluster_kills.py", str(tmp_path / "work"), "3", "40", "0.2", "0.8", "9", folder=tmp_path)

    figure(**seen)

    assert ([], [], 0) == (seen["broken"], seen["left"], seen["code"])
    assert 3 == seen["kills"]
    assert 1 <= seen["lost"]
