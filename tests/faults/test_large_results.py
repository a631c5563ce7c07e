"""A result of 50 MB stays out of the runner: a file that later tasks read, also in a run that goes on with this one."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import RUNNER, environment, report_in, run, task_in
from tests.faults.programs import ROOT, figure, planted_copy
from tests.faults.test_volume import MOST, peak_of

pytestmark = pytest.mark.real

MODULE = """
from pathlib import Path

def make(size: int):
    Path("made").open("a").write("x")
    return {"text": ["y" * 1000] * (size // 1000), "count": size // 1000}

def use(lines: list, third: str, context):
    return {"lines": len(lines), "third": len(third), "seen": len(context.needs["make"].outputs["text"])}

def gate():
    assert Path("open").exists(), "not yet"
"""
GRAPH = """
version: 1
name: large
params: {size: {type: integer, default: 50000000}}
tasks:
  make: {uses: "largework:make", with: {size: "${{ params.size }}"}}
  use:
    uses: "largework:use"
    needs: [make]
    with: {lines: "${{ needs.make.outputs.text }}", third: "${{ needs.make.outputs.text[3] }}"}
  asks: {run: "true", needs: [make], if: "needs.make.outputs.text[3] == 'y'"}
  small: {run: "test ${{ needs.make.outputs.count }} -gt 1000", needs: [make]}
  gate: {uses: "largework:gate", needs: [use]}
"""
LESS = ("-p", "size=3000000")
"""Where it is not the size that matters, but that it is a file."""
USED_LESS = {"lines": 3000, "third": 1000, "seen": 3000}
USED = {"lines": 50_000, "third": 1000, "seen": 50_000}


def prepared(folder: Path) -> Path:
    """Write module and graph."""
    (folder / "largework.py").write_text(MODULE, encoding="utf-8")
    (folder / "g.yaml").write_text(GRAPH, encoding="utf-8")
    return folder


def peak_while_running(folder: Path, root: Path = ROOT) -> int:
    """Run the graph with the engine below `root`; answers the most memory the runner had, in bytes."""
    env = environment(PYTHONPATH=os.pathsep.join([str(root), str(ROOT)]))
    process = subprocess.Popen([*RUNNER, "g.yaml", "-k", "-o", "quiet"], cwd=folder, env=env)
    peak = 0
    while process.poll() is None:
        peak = max(peak, peak_of(process.pid))
        time.sleep(0.02)
    figure(peak_mb=round(peak / 1e6, 1))
    assert 1 == process.returncode
    return peak


def test_a_result_of_50_mb_does_not_pass_through_the_runner(tmp_path: Path) -> None:
    """The runner stays small, journal and report hold path, size and digest, `with` reads, and `if` may not."""
    peak = peak_while_running(prepared(tmp_path))
    folder, report = tmp_path / ".runner/latest", report_in(tmp_path)
    told: dict[str, Any] = task_in(report, "make")["outputs"]["text"]

    assert 10 * 2**20 < peak < MOST
    assert ("outputs/make.1.0.json", (folder / told["path"]).stat().st_size) == (told["path"], told["size"])
    assert 50_000_000 < told["size"] < 51_000_000
    assert {"path", "size", "digest"} == set(told)
    assert 100_000 > sum((folder / name).stat().st_size for name in ("journal.jsonl", "report.json", "report.md"))
    assert USED == task_in(report, "use")["outputs"]
    assert "succeeded" == task_in(report, "small")["state"]
    asks = task_in(report, "asks")
    assert "failed" == asks["state"]
    assert "`needs.make.outputs.text[3]` is in a file (outputs/make.1.0.json, 47.8 MiB)" in asks["reason"]


def test_the_judge_of_large_results_sees_one_that_passes_through(tmp_path: Path) -> None:
    """The control: an engine without a limit needs far more memory than a runner may."""
    planted = planted_copy(tmp_path / "planted", (("execute/large.py", "LIMIT = 1024 * 1024", "LIMIT = 1024**4"),))

    assert MOST < peak_while_running(prepared(tmp_path), planted)


@pytest.mark.parametrize("change", ["", "gone", "cut", "other"])
def test_a_run_that_goes_on_has_the_files_of_the_one_before(tmp_path: Path, change: str) -> None:
    """Kept with their result, also when the first run is removed; what was changed since is not trusted."""
    assert 1 == run("g.yaml", "-k", *LESS, cwd=prepared(tmp_path)).code
    first = (tmp_path / ".runner/latest").resolve()
    file = first / "outputs/make.1.0.json"
    match change:
        case "gone":
            file.unlink()
        case "cut":
            os.truncate(file, 1000)
        case "other":
            file.write_bytes(b" " * file.stat().st_size)
    (tmp_path / "open").touch()
    said = run("g.yaml", "-k", "--resume", cwd=tmp_path)

    report = report_in(tmp_path)
    assert 1 == said.code  # `asks` still asks
    assert ("succeeded" if change else "kept") == task_in(report, "make")["state"]
    assert ("x" if not change else "xx") == (tmp_path / "made").read_text()
    assert USED_LESS == task_in(report, "use")["outputs"]
    own = tmp_path / ".runner/latest" / task_in(report, "make")["outputs"]["text"]["path"]
    assert 3000 == len(json.loads(own.read_bytes()))


def test_a_part_of_a_graph_has_the_files_of_what_it_needs(tmp_path: Path) -> None:
    """`--from` takes the result of the latest success, and its files with it."""
    (prepared(tmp_path) / "open").touch()
    assert 1 == run("g.yaml", "-k", *LESS, cwd=tmp_path).code
    said = run("g.yaml", "--from", "use", *LESS, cwd=tmp_path)
    report = report_in(tmp_path)

    assert 0 == said.code, said.err
    assert ("kept", "succeeded") == tuple(task_in(report, name)["state"] for name in ("make", "use"))
    assert "x" == (tmp_path / "made").read_text()
    assert USED_LESS == task_in(report, "use")["outputs"]
    assert (tmp_path / ".runner/latest/outputs/make.1.0.json").exists()
