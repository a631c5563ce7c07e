"""Whole runs on two hosts that see neither the runner's files nor each other's: what goes there and comes back."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import ROOT, report_in, run, task_in
from tests.cluster.alike import without_its_own
from tests.cluster.engine import Engine

pytestmark = [pytest.mark.hosts, pytest.mark.xdist_group("hosts")]

HANDED_ON = """
version: 1
name: handed-on
tasks:
  big: {uses: "tests.cluster.tasks_there:big", with: {count: 300000}, requires: {near: 1}}
  total:
    uses: tests.cluster.tasks_there:total
    with: {rows: "${{ needs.big.outputs.rows }}"}
    needs: [big]
    requires: {gpu: 1}
"""
KEPT = """
version: 1
name: kept
tasks:
  pack:
    run: |
      mkdir -p parcel
      echo "from $(hostname)" > parcel/words.txt
      head -c 3000000 /dev/zero > parcel/zeros.bin
      echo packed on $(hostname)
    artifacts: [parcel/words.txt, "parcel/*.bin"]
    requires: {near: 1}
  reads: {uses: "tests.cluster.tasks_there:reads", needs: [pack], requires: {gpu: 1}}
  lists:
    run: cat ${{ needs.pack.artifacts['parcel/words.txt'] }}; wc -c ${{ needs.pack.artifacts['parcel/*.bin'] }}
    needs: [pack]
    requires: {gpu: 1}
"""
SHIPPED = """
version: 1
name: shipped
tasks:
  a: {uses: "parcel.work:hello"}
"""
GPU = """
version: 1
name: gpu
tasks:
  any: {uses: "tests.cluster.tasks_there:where", matrix: {n: [1, 2, 3, 4]}}
  gpu: {uses: "tests.cluster.tasks_there:where", matrix: {n: [1, 2, 3, 4]}, requires: {gpu: 1}}
"""


def _ran(engine: Engine, folder: Path, text: str, *words: str) -> tuple[int, str]:
    (folder / "g.yaml").write_text(text)
    program = engine.run("g.yaml", "-o", "quiet", *words, cwd=folder)
    return program.wait(90), program.said()


def _outputs(folder: Path, task: str) -> Any:
    return task_in(report_in(folder), task)["outputs"]


def test_the_same_phase_has_the_same_report(engine: Engine, tmp_path: Path) -> None:
    """`graphs/phase2.yaml` with its service at the desk, its tasks on the hosts: as at home, but for times and ids."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    file = str(ROOT / "graphs/phase2.yaml")
    at_home = run(file, "-o", "quiet", cwd=here)
    program = engine.run(file, "-o", "quiet", cwd=there)

    assert (0, 0) == (at_home.code, program.wait(90)), program.said()
    assert without_its_own(report_in(here)) == without_its_own(report_in(there))


def test_a_large_output_goes_from_host_to_host(engine: Engine, tmp_path: Path) -> None:
    """It comes back as a file of the run, and whoever reads it elsewhere is given all of it."""
    code, said = _ran(engine, tmp_path, HANDED_ON)

    assert 0 == code, said
    assert "first" == _outputs(tmp_path, "big")["host"]
    assert {"sum": 299999 * 300000 // 2, "host": "second"} == _outputs(tmp_path, "total")
    (file,) = (tmp_path / ".runner/latest/outputs").iterdir()
    assert list(range(300000)) == json.loads(file.read_bytes())


def test_kept_files_and_logs_come_back(engine: Engine, tmp_path: Path) -> None:
    """What a task promised and printed lies in the run's folder, whole, and another host reads it from its own."""
    code, said = _ran(engine, tmp_path, KEPT)

    assert 0 == code, said
    assert {"text": "from first\n", "host": "second"} == _outputs(tmp_path, "reads")
    latest = tmp_path / ".runner/latest"
    artifacts = {Path(each["path"]).name: each for each in task_in(report_in(tmp_path), "pack")["artifacts"]}
    assert {"words.txt", "zeros.bin"} == artifacts.keys()
    for each in artifacts.values():
        assert each["digest"] in hashlib.sha256((latest / each["path"]).read_bytes()).hexdigest()
    assert "packed on first\n" == (latest / "logs/pack.1.log").read_text()
    assert "from first\n" == (latest / "logs/lists.1.log").read_text().splitlines(keepends=True)[0]
    assert (latest / "logs/lists.1.log").read_text().splitlines()[1].startswith("3000000 ")


def test_packages_are_shipped_when_asked_for(engine: Engine, tmp_path: Path) -> None:
    """A package that lies beside the graph, and on no host, is taken there by `--ship`, and gone afterwards."""
    (tmp_path / "parcel").mkdir()
    (tmp_path / "parcel/__init__.py").touch()
    (tmp_path / "parcel/work.py").write_text("import os\n\ndef hello():\n    return os.uname().nodename\n")
    code, said = _ran(engine, tmp_path, SHIPPED, "--ship")

    assert 0 == code, said
    assert _outputs(tmp_path, "a")["value"] in {"first", "second"}


def test_a_missing_module_names_the_worker(engine: Engine, tmp_path: Path) -> None:
    """Not shipped, a package is missing there: that is told before anything starts, with the worker and the way out."""
    (tmp_path / "parcel").mkdir()
    (tmp_path / "parcel/__init__.py").touch()
    (tmp_path / "parcel/work.py").write_text("def hello():\n    return 1\n")
    code, said = _ran(engine, tmp_path, SHIPPED)

    assert 3 == code, said
    assert "parcel" in said
    assert any(worker in said for worker in ("w1", "w2", *(f"tcp://{host.address}" for host in engine.hosts))), said
    assert "--ship" in said


def test_what_requires_a_gpu_goes_where_one_is(engine: Engine, tmp_path: Path) -> None:
    """Only the host that declares one is given such tasks; all others go to both."""
    code, said = _ran(engine, tmp_path, GPU)

    assert 0 == code, said
    report = report_in(tmp_path)
    hosts = {task["id"]: task["outputs"].get("value") for task in report["tasks"] if task["item"] is not None}
    assert {"second"} == {host for task, host in hosts.items() if task.startswith("gpu[")}
    assert {"first", "second"} == {host for task, host in hosts.items() if task.startswith("any[")}


def test_what_nobody_has_is_said_at_once(engine: Engine, tmp_path: Path) -> None:
    """A task that requires what no worker declares does not wait for ever without a word."""
    code, said = _ran(engine, tmp_path, GPU.replace("{gpu: 1}", "{tpu: 1}"), "--dask-wait", "2s")

    assert 1 == code, said
    message = task_in(report_in(tmp_path), "gpu[1]")["attempts"][-1]["message"]
    assert "no worker of the cluster has what it requires, for 2 s: tpu: 1" == message
