"""Tasks that are cached, by the real command line: what is left out, what runs again, and what is said of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import RUNNER, environment, gone, report_in, run, task_in, wait_for

pytestmark = pytest.mark.real

GRAPH = """
version: 1
params: {who: {type: string, default: me}}
secrets: [TOKEN]
services:
  web: {run: "echo up >> served; exec sleep 60"}
tasks:
  prepare: {run: "echo prepare >> ran"}
  build:
    run: "echo build >> ran; mkdir -p out; cat src/* > out/all; test ! -e broken"
    sources: [src/*]
    generates: [out/*]
    env: {KEY: "${{ secrets.TOKEN }}"}
    needs: [prepare]
  check:
    uses: work:check
    with: {who: "${{ params.who }}"}
    cache: true
    needs: [build, web]
  publish: {run: "echo publish ${{ needs.check.outputs.size }} >> ran", needs: [check]}
"""
CODE = """
from pathlib import Path
from runner.task import Context

def check(*, context: Context, who: str) -> dict[str, object]:
    with open("ran", "a") as file:
        file.write("check\\n")
    context.check("all there", expected=2, observed=len(Path("out/all").read_text().split()))
    context.created("document", "d1", name="d1")
    Path("seen.txt").write_text(who)
    context.keep("seen.txt")
    return {"size": 3, "large": who * 600_000}
"""
AS_USUAL = ["prepare", "publish 3"]
"""What runs each time: what is not cached."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Answer a folder in which everything has been done once."""
    (tmp_path / "g.yaml").write_text(GRAPH, encoding="utf-8")
    (tmp_path / "work.py").write_text(CODE, encoding="utf-8")
    (tmp_path / "src").mkdir()
    for name in ("a", "b"):
        (tmp_path / "src" / name).write_text(f"{name}\n", encoding="utf-8")
    assert ["prepare", "build", "check", "publish 3"] == ran(tmp_path)
    return tmp_path


def ran(folder: Path, *words: str, code: int = 0, env: dict[str, str] | None = None) -> list[str]:
    """Run the graph and answer what really ran, in order."""
    (folder / "ran").write_text("", encoding="utf-8")
    said = run("g.yaml", *words, cwd=folder, env=env or environment(TOKEN="s3cr3t-1"))
    assert code == said.code, said.out + said.err
    return (folder / "ran").read_text(encoding="utf-8").splitlines()


def why(folder: Path, task: str) -> str:
    """Answer what `explain` says of the last result of a task, for the latest run."""
    story = json.loads(run("explain", "latest", task, "--json", cwd=folder).out)["story"]
    return next(str(each["words"]) for each in story if each["kind"] in {"cached", "not_cached"})


def states(folder: Path) -> dict[str, str]:
    """Answer how the tasks of the latest run ended."""
    return {task["id"]: task["state"] for task in report_in(folder)["tasks"]}


def test_what_still_holds_is_left_out_with_all_it_came_to(folder: Path) -> None:
    """Outputs, large ones too, checks, records and kept files are taken over; no service is started for it."""
    before = task_in(report_in(folder), "check")
    first = report_in(folder)["run"]

    assert "up\n" == (folder / "served").read_text("utf-8")
    assert AS_USUAL == ran(folder)
    assert "up\n" == (folder / "served").read_text("utf-8")
    assert ["succeeded", "cached", "cached", "succeeded"] == list(states(folder).values())
    report = report_in(folder)
    after = task_in(report, "check")
    same = ("ledger", "key")
    assert [before[each] for each in same] == [after[each] for each in same]
    for kind in ("checks", "artifacts"):
        assert [{**each, "attempt": 0} for each in before[kind]] == after[kind]
    assert (first, [], "unused") == (after["kept_from"], after["attempts"], report["services"][0]["state"])
    assert 3 == after["outputs"]["size"]
    latest = folder / ".runner/latest"
    assert "me" == (latest / after["artifacts"][0]["path"]).read_text("utf-8")
    assert before["outputs"]["large"] == after["outputs"]["large"]
    assert (latest / after["outputs"]["large"]["path"]).stat().st_size > 1_000_000
    assert f"cached: nothing it rests upon has changed since run {first}" == why(folder, "check")

    assert AS_USUAL == ran(folder), "and the run after that knows it still"
    assert first == task_in(report_in(folder), "check")["kept_from"]


def test_a_touch_changes_nothing_and_a_change_does(folder: Path) -> None:
    """What is in a file counts, not when it was written; what rests upon it is asked something else."""
    os.utime(folder / "src/a", (1, 1))
    assert AS_USUAL == ran(folder)

    (folder / "src/a").write_text("A\n", encoding="utf-8")
    assert ["prepare", "build", "check", "publish 3"] == ran(folder)
    assert "not cached: the source `src/a` has changed" == why(folder, "build")
    assert "not cached: `build`, which it needs, is asked something else" == why(folder, "check")
    assert AS_USUAL == ran(folder)


@pytest.mark.parametrize("how", ["gone", "changed"])
def test_what_was_made_must_be_there_as_it_was_made(folder: Path, how: str) -> None:
    """It is made anew; what rests upon it is asked the same, and stays as it is."""
    if how == "gone":
        (folder / "out/all").unlink()
    else:
        (folder / "out/all").write_text("b\na\n", encoding="utf-8")

    assert ["prepare", "build", "publish 3"] == ran(folder)
    assert f"not cached: `out/all`, which it made, {'is gone' if how == 'gone' else 'was changed since'}" == why(
        folder, "build"
    )
    assert "a\nb\n" == (folder / "out/all").read_text("utf-8")


def test_what_failed_runs_again(folder: Path) -> None:
    """Though nothing has changed since it succeeded the last time, it has failed after that."""
    (folder / "src/c").write_text("c\n", encoding="utf-8")
    (folder / "broken").touch()
    assert ["prepare", "build"] == ran(folder, code=1)
    failed = report_in(folder)["run"]
    (folder / "broken").unlink()
    (folder / "src/c").unlink()

    assert ["prepare", "build", "publish 3"] == ran(folder)
    assert f"not cached: it failed in run {failed}" == why(folder, "build")


def test_what_was_under_way_when_the_runner_was_killed_runs_again(folder: Path) -> None:
    """Nobody has written down what had happened by then, so its journal is read."""
    (folder / "g.yaml").write_text(GRAPH.replace("test ! -e broken", "touch begun; sleep 60"), encoding="utf-8")
    env = environment(TOKEN="s3cr3t-1", MARK=str(folder))
    with subprocess.Popen([*RUNNER, "g.yaml"], cwd=folder, env=env, stdout=subprocess.DEVNULL) as runner:
        wait_for(folder / "begun")
        runner.send_signal(signal.SIGKILL)
    assert [] == gone(str(folder))
    killed = max(path.name for path in (folder / ".runner/runs").iterdir())
    (folder / "g.yaml").write_text(GRAPH, encoding="utf-8")

    assert ["prepare", "build", "publish 3"] == ran(folder)
    assert f"not cached: it was under way when run {killed} ended" == why(folder, "build")


def test_force_runs_everything(folder: Path) -> None:
    """And is at odds with going on with a run."""
    assert ["prepare", "build", "check", "publish 3"] == ran(folder, "--force")
    assert "not cached: the run does everything again (`--force`)" == why(folder, "build")
    assert ["build"] == ran(folder, "-f", "--only", "build")
    said = run("g.yaml", "--force", "--resume", cwd=folder)

    assert (2, True) == (said.code, "--resume keeps what is done, and --force does it again" in said.err)


def test_a_parameter_is_part_of_what_is_asked(folder: Path) -> None:
    """The last result alone is remembered: going back is a change, too."""
    for who in ("you", "me"):
        assert ["prepare", "check", "publish 3"] == ran(folder, "-p", f"who={who}")
        assert "not cached: `with.who` has changed" == why(folder, "check")
    assert AS_USUAL == ran(folder)


def test_a_run_that_goes_on_keeps_and_caches(folder: Path) -> None:
    """What the former run had done is kept, cached or not; of the rest what still holds is left out."""
    text = GRAPH.replace('"echo publish', '"test ! -e down && echo publish')
    (folder / "g.yaml").write_text(text, encoding="utf-8")
    (folder / "down").touch()
    assert ["prepare"] == ran(folder, code=1)
    (folder / "down").unlink()

    assert ["publish 3"] == ran(folder, "--resume")
    assert {"prepare": "kept", "build": "kept", "check": "kept", "publish": "succeeded"} == states(folder)

    assert ["prepare"] == ran(folder, "--only", "prepare")
    assert ["publish 3"] == ran(folder, "--resume")
    assert {"prepare": "kept", "build": "cached", "check": "cached", "publish": "succeeded"} == states(folder)


def test_what_made_files_are_gone_is_not_kept_either(folder: Path) -> None:
    """`--resume` looks as the cache does."""
    shutil.rmtree(folder / "out")

    assert ["build", "publish 3"] == ran(folder, "--resume")
    assert "cached" == states(folder)["check"]


def test_no_secret_is_in_a_key_or_in_what_is_remembered(folder: Path) -> None:
    """Its name is; so another value is no reason to run, and none is written down anywhere."""
    assert AS_USUAL == ran(folder, env=environment(TOKEN="s3cr3t-2"))
    kept = [path for path in (folder / ".runner").rglob("*") if path.is_file()]

    assert len(kept) > 10
    assert [] == [str(path) for path in kept if b"s3cr3t-" in path.read_bytes()]


def test_the_index_may_be_lost_and_runs_may_be_removed(folder: Path) -> None:
    """Without the index the journals tell; without the runs nothing does."""
    shutil.rmtree(folder / ".runner/history")
    assert AS_USUAL == ran(folder)

    shutil.rmtree(folder / ".runner/runs")
    assert ["prepare", "build", "check", "publish 3"] == ran(folder)
    assert "not cached: it has not succeeded before" == why(folder, "check")


def test_what_a_function_is_handed_counts(folder: Path) -> None:
    """A need that runs each time and says something else each time makes what rests upon it run again."""
    (folder / "work.py").write_text(
        "import time\ndef now() -> float: return time.time()\ndef same() -> int: return 1\n"
        "def use() -> None: open('ran', 'a').write('use\\n')\n",
        encoding="utf-8",
    )
    for function, expected in (("same", []), ("now", ["use"])):
        (folder / "g.yaml").write_text(
            f"tasks:\n  a: {{uses: 'work:{function}'}}\n  b: {{uses: 'work:use', cache: true, needs: [a]}}\n",
            encoding="utf-8",
        )
        ran(folder)
        assert expected == ran(folder)
    assert "not cached: what `a` hands to it has changed" == why(folder, "b")


def test_skipping_what_would_be_kept_skips_it(folder: Path) -> None:
    """Whoever leaves a task out by name gets neither it nor what rests upon it."""
    assert [] == ran(folder, "--resume", "--skip", "prepare")
    assert {"skipped"} == set(states(folder).values())
    assert ["prepare"] == ran(folder, "--skip", "build")
