"""The shipped phase against real parts: the sample backend, Newman, and what breaks when something is broken."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import ROOT, environment, gone, report_in, run, task_in

pytestmark = [pytest.mark.real, pytest.mark.timeout(300), pytest.mark.xdist_group("newman")]


@pytest.fixture
def phase(tmp_path: Path) -> Path:
    """Answer a copy of the shipped graphs, to be broken."""
    shutil.copytree(ROOT / "graphs", tmp_path / "graphs", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def span(task: dict[str, Any]) -> tuple[float, float]:
    """Answer when the one attempt of a task began and ended, in seconds."""
    attempt = task["attempts"][0]
    began = datetime.fromisoformat(attempt["started"]).timestamp()
    return began, began + attempt["seconds"]


@contextmanager
def backend(folder: Path, **env: str) -> Iterator[str]:
    """Serve the sample backend as if it were a person's own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    words = ["-m", "uvicorn", "--app-dir", str(folder / "graphs/phase2"), "backend:app", "--port", str(port)]
    process = subprocess.Popen([sys.executable, *words, "--log-level", "warning"], env={**os.environ, **env})
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{url}/api/documents", timeout=1)
                break
            except OSError:
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def test_the_phase_passes_against_the_sample_backend(phase: Path) -> None:
    """Config, power and health run at the same time, each in a process of its own; checkpoint after them."""
    mark = f"phase2-{os.getpid()}"
    said = run("graphs/phase2.yaml", cwd=phase, env=environment(MARK=mark), timeout=200)

    assert 0 == said.code, said.out + said.err
    assert "PASSED phase2" in said.out
    report = report_in(phase)
    tasks = {name: task_in(report, name) for name in ("config", "power", "health", "checkpoint")}
    spans = {name: span(task) for name, task in tasks.items()}
    three = ("config", "power", "health")
    assert 3 == len({tasks[name]["attempts"][0]["pid"] for name in three})
    starts, ends = [spans[name][0] for name in three], [spans[name][1] for name in three]
    assert max(starts) < min(ends), "they overlap in time"
    assert spans["checkpoint"][0] >= max(spans[name][1] for name in three)
    assert report["checks"]["total"] > 10
    assert [] == report["orphans"]
    assert (phase / ".runner/latest/report.md").exists()
    assert [] == gone(mark)


def test_the_phase_states_what_its_plan_states(phase: Path) -> None:
    """Three workers, a claim on firestore and 1 GiB each, the prefixes; nothing about it is odd."""
    from runner.graph.check import load

    loaded = load(str(phase / "graphs/phase2.yaml"))
    tasks = loaded.graph.tasks

    assert (3, {"firestore": 3}) == (loaded.graph.workers, dict(loaded.graph.pools))
    for name, prefix in (("config", "Task_2_"), ("power", "Task_3_"), ("health", "Task_4_")):
        assert ({"firestore": 1}, 2**30, prefix) == (
            dict(tasks[name].claims),
            tasks[name].memory,
            tasks[name].data_prefix,
        )
        assert tasks[name].estimate
    assert () == tuple(loaded.warnings)


def test_a_backend_of_ones_own_is_verified(phase: Path) -> None:
    """With -p base_url=... that backend is used and the sample is not started."""
    with backend(phase) as url:
        said = run("graphs/phase2.yaml", "-p", f"base_url={url}", cwd=phase, timeout=200)

    assert 0 == said.code, said.out + said.err
    assert ["off"] == [service["state"] for service in report_in(phase)["services"]]


def test_a_service_that_is_down_is_named(phase: Path) -> None:
    """A part of the backend that is down fails health and the checkpoint, and the summary names it."""
    with backend(phase, BACKEND_DOWN="storage") as url:
        said = run("graphs/phase2.yaml", "-p", f"base_url={url}", cwd=phase, timeout=200)

    assert 1 == said.code, said.out + said.err
    assert "failed" == task_in(report_in(phase), "health")["state"]
    assert "storage" in said.out


def test_a_failing_assertion_is_named(phase: Path) -> None:
    """A failing assertion of the collection is in the summary, with its request."""
    file = phase / "graphs/phase2/documents.postman_collection.json"
    collection = json.loads(file.read_text(encoding="utf-8"))
    lines = ["pm.test('the moon is cheese', () => pm.expect(1).to.equal(2));"]
    collection["item"].append(
        {
            "name": "Ask the moon",
            "request": {"method": "GET", "url": "{{base_url}}/api/health"},
            "event": [{"listen": "test", "script": {"type": "text/javascript", "exec": lines}}],
        }
    )
    file.write_text(json.dumps(collection), encoding="utf-8")
    said = run("graphs/phase2.yaml", cwd=phase, timeout=200)

    assert 1 == said.code, said.out + said.err
    assert "failed" == task_in(report_in(phase), "power")["state"]
    for word in ("the moon is cheese", "Ask the moon", "expected 1 to equal 2"):
        assert word in said.out, said.out


def test_a_misspelt_key_is_named(phase: Path) -> None:
    """A misspelt key of .postman.json is named with its line and the key that was meant."""
    file = phase / "graphs/phase2/.postman.json"
    file.write_text(file.read_text(encoding="utf-8").replace("collection_file", "colection_file"), encoding="utf-8")
    said = run("graphs/phase2.yaml", cwd=phase, timeout=200)

    assert 1 == said.code, said.out + said.err
    assert "failed" == task_in(report_in(phase), "config")["state"]
    for word in ("colection_file", "collection_file", ".postman.json:3"):
        assert word in said.out, said.out


def test_a_record_left_behind_is_named(phase: Path) -> None:
    """A record under a task's prefix that is still there fails the checkpoint and is listed."""
    with backend(phase) as url:
        body = json.dumps({"name": "Task_3_forgotten", "body": ""}).encode()
        kind = {"Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(f"{url}/api/documents", body, kind), timeout=5)
        said = run("graphs/phase2.yaml", "-p", f"base_url={url}", cwd=phase, timeout=200)

    assert 1 == said.code, said.out + said.err
    assert "failed" == task_in(report_in(phase), "checkpoint")["state"]
    assert "Task_3_forgotten" in said.out
    assert ["power"] == [orphan["task"] for orphan in report_in(phase)["orphans"]]


def test_a_backend_that_is_not_there_is_said(phase: Path) -> None:
    """Nobody answering is health `down` with the address that was asked."""
    said = run("graphs/phase2.yaml", "-p", "base_url=http://127.0.0.1:9", cwd=phase, timeout=200)

    assert 1 == said.code, said.out + said.err
    assert "127.0.0.1:9" in said.out
    assert {"failed"} == {task_in(report_in(phase), name)["state"] for name in ("power", "health", "checkpoint")}
