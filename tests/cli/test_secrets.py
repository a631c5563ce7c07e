"""A secret that one task names is a secret in every other: on the screen, in logs, journal, receipts and reports."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command import environment, report_in, run, task_in

pytestmark = pytest.mark.real

GRAPH = """
version: 1
services:
  talker: {run: 'echo "service=$KEY_OF_B $TWIN"; exec sleep 60', ready: {log: service=}}
tasks:
  prints: {run: 'echo "log=$KEY_OF_B $TWIN"', needs: [talker]}
  checks: {uses: "leaky:checks"}
  returns: {uses: "leaky:returns"}
  b: {run: "true", secrets: [KEY_OF_B]}
"""
MODULE = """
import os

from runner.task import Context

def checks(*, context: Context):
    for name in ("KEY_OF_B", "TWIN"):
        context.check(f"check={os.environ[name]}", expected=1, observed=1)

def returns():
    return {"output": os.environ["KEY_OF_B"]}
"""


@pytest.mark.parametrize("view", ["plain", "group", "quiet"])
def test_what_one_task_calls_secret_no_other_shows(tmp_path: Path, view: str) -> None:
    """Its twin, which nobody calls so, is in each of these places."""
    (tmp_path / "g.yaml").write_text(GRAPH, encoding="utf-8")
    (tmp_path / "leaky.py").write_text(MODULE, encoding="utf-8")
    said = run("g.yaml", "-o", view, cwd=tmp_path, env=environment(KEY_OF_B="hunter22", TWIN="twin-of-it"))
    kept = {path: path.read_bytes() for path in (tmp_path / ".runner").rglob("*") if path.is_file()}

    assert "hunter22" not in said.out + said.err
    assert [] == [path.name for path, data in kept.items() if b"hunter22" in data]
    assert "secret_in_output" == task_in(report_in(tmp_path), "returns")["attempts"][0]["cause"]
    for place in (b"log=*** twin-of-it", b"service=*** twin-of-it", b"check=twin-of-it"):
        assert any(place in data for data in kept.values()), place
