from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.command import Said, environment, report_in, run, task_in
from tests.tasks.kit import ROOT

pytestmark = pytest.mark.real


def phase(folder: Path, *words: str, **env: str) -> tuple[Said, dict[str, Any]]:
    """Run a copy of the shipped phase in a folder."""
    if not (folder / "graphs").exists():
        shutil.copytree(ROOT / "graphs", folder / "graphs")
    said = run("graphs/phase2.yaml", *words, cwd=folder, env=environment(**env))
    return said, report_in(folder)


def edit(folder: Path, name: str, before: str, after: str) -> None:
    """Break a file of the copied phase."""
    shutil.copytree(ROOT / "graphs", folder / "graphs")
    file = folder / "graphs/phase2" / name
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after, 1), encoding="utf-8")


def shown(said: Said) -> str:
    """Answer what was printed, without the line breaks that fit it to the terminal."""
    return " ".join(said.out.split())


def seconds(task: dict[str, Any]) -> tuple[float, float]:
    """Answer when a task began and ended."""
    begin = datetime.fromisoformat(task["started"]).timestamp()
    return begin, begin + task["seconds"]


def test_the_shipped_phase_passes(tmp_path: Path) -> None:
    """Three tasks in processes of their own at the same time, then the checkpoint, against a running backend."""
    said, report = phase(tmp_path)

    assert (0, "passed", "") == (said.code, report["verdict"], said.err)
    three = [task_in(report, name) for name in ("config", "power", "health")]
    assert 3 == len({task["attempts"][0]["pid"] for task in three})
    times = [seconds(task) for task in three]
    assert times[1][0] < min(end for _, end in times)
    assert max(begin for begin, _ in times) < times[1][1]
    assert max(end for _, end in times) <= seconds(task_in(report, "checkpoint"))[0] + 0.001
    assert [{"id": "backend", "state": "stopped"}] == [
        {"id": each["id"], "state": each["state"]} for each in report["services"]
    ]
    assert 2 == len(task_in(report, "power")["ledger"])


def test_a_service_that_is_down_is_named(tmp_path: Path) -> None:
    """The summary alone tells which part of the backend to look at."""
    said, report = phase(tmp_path, BACKEND_DOWN="storage")

    assert (1, "failed") == (said.code, report["verdict"])
    assert "storage is down (declared down)" in shown(said)


def test_a_failing_assertion_is_shown_with_what_was_asked_and_answered(tmp_path: Path) -> None:
    """The summary names the request, the test, and what was seen instead."""
    edit(tmp_path, "documents.postman_collection.json", "to.have.status(204)", "to.have.status(205)")

    said, report = phase(tmp_path)

    assert (1, "failed") == (said.code, report["verdict"])
    assert "Clean up / Delete: answers 204" in shown(said)
    assert "expected response to have status code 205 but got 204" in shown(said)


def test_a_misspelt_key_is_shown_with_its_line(tmp_path: Path) -> None:
    """The summary names the file, the line, and the key that was meant."""
    edit(tmp_path, ".postman.json", '"collection_file"', '"colection_file"')

    said, _ = phase(tmp_path)

    assert 1 == said.code
    assert ".postman.json:3:3 $.colection_file" in shown(said)
    assert "did you mean `collection_file`?" in shown(said)


def test_a_record_left_behind_is_named(tmp_path: Path, backend: str) -> None:
    """In a backend of one's own (the sample is not started) the record is named with its task, until it is gone."""
    made = httpx.post(f"{backend}/api/documents", json={"name": "Task_2_forgotten"}).json()

    said, report = phase(tmp_path, "-p", f"base_url={backend}")
    httpx.delete(f"{backend}/api/documents/{made['id']}")
    again, clean = phase(tmp_path, "-p", f"base_url={backend}")

    assert (1, 0) == (said.code, again.code)
    assert backend in task_in(clean, "health")["outputs"]["url"]
    assert all(each["state"] != "stopped" for each in clean["services"])
    assert f"1 left behind: Task_2_forgotten (id {made['id']}, of config)" in shown(said)
    orphans = json.dumps(task_in(report, "checkpoint")["outputs"]["orphans"])
    assert made["id"] in orphans
