"""A state folder in which something else lies where the runner writes: exit 5, the place and why, and no traceback."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from runner.record.folder import KEPT_RUNS
from tests.cli.command import report_in, run, task_in

pytestmark = pytest.mark.real

GRAPH = "version: 1\ntasks: {a: {run: 'touch ran'}}\n"


def _file(name: str) -> Callable[[Path], object]:
    return lambda folder: _parent(folder / name).write_text("not a folder\n", encoding="utf-8")


def _folder(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name / "inside").mkdir(parents=True)


def _parent(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _lock(folder: Path) -> str:
    return f".runner/locks/{sha256(str(folder / 'g.yaml').encode()).hexdigest()[:16]}.lock"


PLACES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a file in place of the state folder": (_file(".runner"), "the state folder cannot be written: .*/.runner"),
    "a file in place of the runs": (_file(".runner/runs"), "the state folder cannot be written: .*/runs"),
    "a file in place of the locks": (_file(".runner/locks"), "the state folder cannot be written: .*/locks/"),
    "a folder in place of the lock": (lambda folder: _folder(_lock(folder))(folder), "cannot be written: .*lock"),
    "a folder in place of the link to the latest": (_folder(".runner/latest"), "cannot be written: .*latest"),
    "a link to a place that is not there": (
        lambda folder: (folder / ".runner").symlink_to(folder / "gone"),
        "the state folder cannot be written: .*/.runner",
    ),
}


@pytest.mark.parametrize("place", PLACES)
def test_what_lies_in_the_way_is_named(tmp_path: Path, place: str) -> None:
    """Nothing of the graph was started, and what lay there is still there."""
    (tmp_path / "g.yaml").write_text(GRAPH, encoding="utf-8")
    put, words = PLACES[place]
    put(tmp_path)
    said = run("g.yaml", cwd=tmp_path)

    assert 5 == said.code, said.out + said.err
    assert 1 == len(said.err.splitlines())
    assert re.search(words, said.err)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("no/such/folder", "No such file or directory"),
        (".", "Is a directory"),
        ("/dev/full", "No space left on device"),
    ],
)
def test_events_that_cannot_be_written_end_the_run(tmp_path: Path, target: str, reason: str) -> None:
    """Whoever follows a run would else wait for ever; the message names the file."""
    (tmp_path / "g.yaml").write_text(GRAPH, encoding="utf-8")
    said = run("g.yaml", "--events", target, cwd=tmp_path)

    assert (5, f"error: --events {target}: {reason}\n") == (said.code, said.err)


def test_the_oldest_runs_of_a_graph_make_room(tmp_path: Path) -> None:
    """Fifty are kept, this one among them; the runs of other graphs, and what is no run, are left alone."""
    (tmp_path / "g.yaml").write_text(GRAPH, encoding="utf-8")
    runs = tmp_path / ".runner/runs"
    for number in range(KEPT_RUNS + 2):
        (runs / f"20250101-0000{number:05}-g-aaaa").mkdir(parents=True)
    (runs / "20240101-000000000-other-aaaa").mkdir()
    (runs / "notes").mkdir()
    said = run("g.yaml", cwd=tmp_path)
    left = sorted(each.name for each in runs.iterdir())

    assert 0 == said.code, said.err
    assert KEPT_RUNS + 2 == len(left)
    assert ["20240101-000000000-other-aaaa", "20250101-000000003-g-aaaa"] == left[:2]
    assert {report_in(tmp_path)["run"], "notes"} == set(left[-2:])


def test_a_result_whose_files_were_changed_is_not_kept(tmp_path: Path) -> None:
    """What was kept of a large output is held against its digest; a file that is another makes the task run again."""
    (tmp_path / "making.py").write_text(
        'def large() -> dict:\n    return {"text": "x" * 2_000_000}\n\ndef fails():\n    raise RuntimeError\n',
        encoding="utf-8",
    )
    graph = 'version: 1\ntasks:\n  a: {uses: "making:large"}\n  b: {uses: "making:fails", needs: [a]}\n'
    (tmp_path / "g.yaml").write_text(graph, encoding="utf-8")
    run("g.yaml", cwd=tmp_path)
    resumed = [run("g.yaml", "--resume", cwd=tmp_path) and task_in(report_in(tmp_path), "a")["state"]]
    for file in (tmp_path / ".runner/runs").glob("*/outputs/*.json"):
        file.chmod(0o600)
        file.write_text("other", encoding="utf-8")
    resumed.append(run("g.yaml", "--resume", cwd=tmp_path) and task_in(report_in(tmp_path), "a")["state"])

    assert ["kept", "succeeded"] == resumed
