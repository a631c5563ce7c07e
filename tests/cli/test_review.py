"""Three runs of one graph, and what the commands that review say of them: through the real command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import report_in, run, task_in

pytestmark = pytest.mark.real

GRAPH = """\
version: 1
name: moody
params:
  deep: {type: boolean, default: false}
pools: {db: 1}
tasks:
  first: {run: "true", pools: [db]}
  moody: {run: "test ! -e broken", needs: [first]}
  after: {run: "true", needs: [moody]}
  deep: {run: "true", if: params.deep}
"""


def test_a_task_with_moods_is_reviewed(tmp_path: Path) -> None:
    """It passes, fails and passes, asked the same: explain, diff, history and the report call it by its name."""
    (tmp_path / "g.yaml").write_text(GRAPH, encoding="utf-8")
    runs = []
    for mood in ("good", "bad", "good"):
        if mood == "bad":
            (tmp_path / "broken").touch()
        else:
            (tmp_path / "broken").unlink(missing_ok=True)
        run("g.yaml", "-o", "quiet", cwd=tmp_path)
        runs.append(report_in(tmp_path))
    names = [each["run"] for each in runs]
    moody = [task_in(each, "moody") for each in runs]

    assert [("succeeded", False, []), ("failed", True, names[:1]), ("succeeded", True, names[1:2])] == [
        (each["state"], each["flaky"], each["flaky_runs"]) for each in moody
    ]
    rows = json.loads(run("history", "g.yaml", "--json", cwd=tmp_path).out)
    assert [("passed", ["moody"]), ("failed", ["moody"]), ("passed", [])] == [
        (row["verdict"], row["flaky"]) for row in rows
    ]
    said = json.loads(run("diff", names[0], names[1], "--json", cwd=tmp_path).out)
    kinds = {(each["kind"], each["task"]) for each in said["changes"]}
    assert {("newly_failing", "moody"), ("newly_skipped", "after")} == kinds
    assert "fixed" in run("diff", cwd=tmp_path).out
    assert (
        "moody succeeded (flaky: failed before, asked the same)" in run("explain", "latest", "moody", cwd=tmp_path).out
    )
    story = json.loads(run("explain", names[1], "deep", "--json", cwd=tmp_path).out)["story"]
    assert [("skipped", [{"name": "params.deep", "value": False}])] == [(each["kind"], each["seen"]) for each in story]
    wrong = run("explain", "latest", "mody", cwd=tmp_path)
    assert (2, "did you mean `moody`?") == (wrong.code, wrong.err.strip()[-21:])
