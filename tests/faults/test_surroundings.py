"""What surrounds a run fails it: disk, folders, clock, terminal, descriptors. By the real command line."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from runner.record.journal import read
from tests.cli.command import ROOT, RUNNER, environment, gone, report_in, run, task_in, wait_for
from tests.cli.test_run import start_on_a_terminal
from tests.faults.programs import laboratory, planted_copy

pytestmark = pytest.mark.real

GRAPH = """
version: 1
tasks:
  one: {run: "touch began; sleep 1; echo one"}
  two: {run: "echo two; seq 1 2000", needs: [one]}
  bytes: {run: "printf 'caf\\\\351 \\\\377\\\\376 end\\\\n'"}
"""
LOUD = """
version: 1
tasks:
  loud: {run: "touch began; yes 0123456789012345678901234567890123456789 | head -c 8000000; sleep 1"}
  noted: {uses: "noting:note"}
"""
NOTING = """
def note(context):
    for number in range(20000):
        context.check(f"check {number}", expected="x" * 80, observed="x" * 80)
"""
FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


def prepared(folder: Path, graph: str = GRAPH) -> Path:
    """Write the graph and what it names."""
    (folder / "g.yaml").write_text(graph, encoding="utf-8")
    (folder / "noting.py").write_text(NOTING, encoding="utf-8")
    return folder


def mounted(mount: str) -> list[str]:
    """Answer what puts a mount before the runner, in a namespace of its own; nothing where the kernel forbids that."""
    allowed = subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode == 0
    return ["unshare", "-rm", "sh", "-c", f'{mount} && exec "$@"', "sh"] if allowed else []


def sound(seen: Any, code: int) -> None:
    """Hold against a run what holds for every one: its exit code, nobody left, nothing that only a programmer reads."""
    assert code == seen["code"], seen["err"]
    assert [] == seen["left"]
    assert "Traceback" not in seen["out"] + seen["err"]


# -- the disk ----------------------------------------------------------------------------------------------------------


def full_disks(folder: Path) -> Iterator[dict[str, Any]]:
    """Answer how a disk can be full here: a limit of the kernel on every file, and a file system of 1 MB."""
    yield {"file_size": 1_000_000}
    (folder / ".runner").mkdir(exist_ok=True)
    if before := mounted(f"mount -t tmpfs -o size=1m none {folder}/.runner"):
        yield {"before": before}


@pytest.mark.parametrize("task", ["loud", "noted"])
def test_a_full_disk_ends_the_run(tmp_path: Path, task: str) -> None:
    """Where a log or the journal cannot be written the runner says so, exits with 5, and ends all it had started."""
    prepared(tmp_path, LOUD)
    for way in full_disks(tmp_path):
        seen = laboratory(tmp_path, "g.yaml", "--only", task, "-o", "quiet", **way)
        sound(seen, 5)

        assert "cannot be written: " in seen["err"], way
        assert any(why in seen["err"] for why in ("No space left on device", "File too large"))


def test_what_a_full_disk_leaves_of_a_journal_can_be_read(tmp_path: Path) -> None:
    """A prefix of what happened; the run counts as interrupted, and reading it does no harm."""
    sound(laboratory(prepared(tmp_path, LOUD), "g.yaml", "--only", "noted", "-o", "quiet", file_size=1_000_000), 5)
    journal = (tmp_path / ".runner/latest/journal.jsonl").resolve()
    said = run("report", cwd=tmp_path)

    assert 1000 < len(read(journal).events) < 20_000
    assert 0 == said.code, said.err
    assert "INTERRUPTED" in said.out


def test_a_state_folder_that_cannot_be_written_is_said_before_anything_starts(tmp_path: Path) -> None:
    """A folder of the kernel's own, which even root cannot write, and a file system that was mounted read-only."""
    prepared(tmp_path)
    (tmp_path / "state").mkdir()
    before = mounted(f"mount -t tmpfs -o ro,size=1m none {tmp_path}/state")
    ways: list[tuple[str, dict[str, Any]]] = [
        ("/sys/state", {}),
        *([("state/x", {"before": before})] if before else []),
    ]
    for state, way in ways:
        seen = laboratory(tmp_path, "g.yaml", "--state-dir", state, **way)
        sound(seen, 5)

        assert seen["err"].startswith("error: the state folder cannot be written: "), seen["err"]
    assert not (tmp_path / "began").exists()


def halves(folder: Path, root: Path = ROOT) -> list[str]:
    """Look, as often as can be, at the reports of a run that are some megabytes; answers the half ones seen."""
    prepared(folder, LOUD)
    env = environment(PYTHONPATH=os.pathsep.join([str(root), str(ROOT)]))
    process = subprocess.Popen([*RUNNER, "g.yaml", "--only", "noted", "-o", "quiet"], cwd=folder, env=env)
    seen, looks = [], 0
    while process.poll() is None:
        for path in folder.glob(".runner/runs/*/report.*"):
            data = path.read_bytes()
            looks += 1
            whole = data.endswith((b"}\n", b".\n", b"</html>\n"))
            seen += [] if whole else [f"{path.name}: {len(data)} bytes"]
    assert 0 == process.returncode
    assert looks
    return seen


def test_a_report_is_whole_or_not_there(tmp_path: Path) -> None:
    """Whoever looks while it is written sees all of it or none; an engine that writes in place is found out."""
    in_place = (("record/folder.py", 'path.with_name(f".{path.name}.new")', "path"),)
    planted = planted_copy(tmp_path / "planted", in_place)
    for name in ("whole", "halves"):
        (tmp_path / name).mkdir()

    assert [] == halves(tmp_path / "whole")
    assert any(halves(tmp_path / "halves", planted) for _ in range(5))


def test_state_files_are_their_owners_alone(tmp_path: Path) -> None:
    """Folders 0700 and files 0600 whatever the umask, in every format, with outputs and kept files."""
    module = "def large(context):\n    context.keep('g.yaml')\n    return ['x' * 1000] * 2000\n"
    (tmp_path / "large.py").write_text(module, encoding="utf-8")
    prepared(tmp_path, "version: 1\ntasks: {large: {uses: 'large:large'}, one: {run: 'echo one'}}\n")
    words = ("g.yaml", "--report", "all", "--log-level", "DEBUG")
    sound(laboratory(tmp_path, *words, before=["sh", "-c", 'umask 0; exec "$@"', "sh"]), 0)
    paths = [path for path in (tmp_path / ".runner").rglob("*") if path.name != ".gitignore" and not path.is_symlink()]
    open_to_others = {path.name: oct(path.stat().st_mode) for path in paths if path.stat().st_mode & 0o077}

    assert {"report.html", "junit.xml", "trace.json", "runner.log", "large.1.0.json", "one.1.log", "outputs"} <= {
        path.name for path in paths
    }
    assert ["g.yaml"] == [path.name for path in paths if "artifacts/large.1/" in str(path)]
    assert {} == open_to_others


# -- the environment ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("home", [None, "/nonexistent", ""])
def test_no_home_is_needed(tmp_path: Path, home: str | None) -> None:
    """Missing, empty or not there."""
    env = {name: value for name, value in environment().items() if name != "HOME"}
    seen = laboratory(prepared(tmp_path), "g.yaml", env=env if home is None else {**env, "HOME": home})

    sound(seen, 0)


def test_no_tmp_is_needed(tmp_path: Path) -> None:
    """Neither where TMPDIR points nowhere, nor where nothing can be written to /tmp."""
    prepared(tmp_path)
    closed = "mount --bind /tmp /tmp && mount -o remount,bind,ro /tmp && ! touch /tmp/x 2>/dev/null"  # we may lie in it
    inside = f"mount --bind . /mnt && cd /mnt && {closed}"
    for way in ({"env": environment(TMPDIR="/nonexistent")}, {"before": mounted(inside)}):
        sound(laboratory(tmp_path, "g.yaml", **way), 0)


def test_a_bare_environment_will_do(tmp_path: Path) -> None:
    """Two variables, as cron gives them; the locale is C, and nothing that is printed breaks by it."""
    seen = laboratory(prepared(tmp_path), "g.yaml", env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "PYTHONUTF8": "0"})

    sound(seen, 0)


def test_output_that_is_no_utf_8_is_kept_as_it_is(tmp_path: Path) -> None:
    """The log has the bytes; screen and reports show a sign in their place."""
    seen = laboratory(prepared(tmp_path), "g.yaml", "-o", "plain")
    sound(seen, 0)
    log = tmp_path / ".runner/latest" / task_in(report_in(tmp_path), "bytes")["attempts"][0]["log"]

    assert b"caf\xe9 \xff\xfe end\n" == log.read_bytes()
    assert "end" in seen["out"]


@pytest.mark.parametrize("jump", [-3600, 3600])
def test_a_clock_that_jumps_changes_no_time(tmp_path: Path, jump: int) -> None:
    """An hour back or on while a task runs: durations are as they were, limits are neither late nor early."""
    assert FAKETIME is not None, "install faketime"
    graph = """
version: 1
tasks:
  one: {run: "touch began; sleep 1.5"}
  late: {run: "sleep 60", timeout: 2s}
  two: {run: "true", needs: [one], retry: {attempts: 2, delay: 1s}}
"""
    clock = tmp_path / "clock"
    clock.write_text("+0", encoding="ascii")
    faked = {"LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1"}
    env = environment(**faked, FAKETIME_DONT_FAKE_MONOTONIC="1", FAKETIME_XRESET="1", MARK=f"clock{jump}")
    prepared(tmp_path, graph)
    process = subprocess.Popen([*RUNNER, "g.yaml", "-j", "2"], cwd=tmp_path, env=env)
    began = time.monotonic()
    wait_for(tmp_path / "began")
    clock.write_text(f"{jump:+d}", encoding="ascii")
    process.wait(30)
    took = time.monotonic() - began
    report = report_in(tmp_path)
    started, finished = (datetime.fromisoformat(report[name]) for name in ("started", "finished"))

    assert took < 15
    assert 1 == process.returncode
    assert ("timed_out", "succeeded") == tuple(task_in(report, name)["state"] for name in ("late", "two"))
    assert 1.9 < task_in(report, "late")["seconds"] < 5
    assert 1.4 < task_in(report, "one")["seconds"] < 5
    assert 1.9 < (finished - started).total_seconds() < 15
    assert [] == gone(f"clock{jump}")


# -- terminal and descriptors ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("closed", [[0], [0, 1, 2]])
def test_standard_streams_may_be_closed(tmp_path: Path, closed: list[int]) -> None:
    """Nobody reads and nobody listens: what a task prints is in its log all the same, and in no other file."""
    seen = laboratory(prepared(tmp_path), "g.yaml", closed=closed)
    sound(seen, 0)
    log = tmp_path / ".runner/latest" / task_in(report_in(tmp_path), "two")["attempts"][0]["log"]

    assert log.read_text(encoding="utf-8").startswith("two\n1\n2\n")
    assert read((tmp_path / ".runner/latest/journal.jsonl").resolve()).events


def test_a_terminal_that_is_closed_ends_the_run(tmp_path: Path) -> None:
    """As SIGHUP does, though nothing can be shown any more: clean-ups run, the report is written, nobody is left."""
    mark = f"closed-terminal-{os.getpid()}"
    process, master = start_on_a_terminal(tmp_path, mark)
    wait_for(tmp_path / "long.pid")
    wait_for(tmp_path / "stubborn.pid")
    os.close(master)

    assert 129 == process.wait(30)
    assert [] == gone(mark)
    assert "interrupted" == report_in(tmp_path)["verdict"]
    assert (tmp_path / "clean_long.cleaned").exists()


@pytest.mark.parametrize("jobs", [4, 8])
def test_64_descriptors_will_do(tmp_path: Path, jobs: int) -> None:
    """With eight workers, each of which takes five, and a log for each task."""
    tasks = "\n".join(f"  t{number}: {{run: 'echo {number}; sleep 0.2'}}" for number in range(40))
    seen = laboratory(prepared(tmp_path, f"version: 1\ntasks:\n{tasks}\n"), "g.yaml", "-j", str(jobs), files=64)

    sound(seen, 0)
    assert 40 == len(list((tmp_path / ".runner/latest/logs").iterdir()))


def test_too_few_descriptors_are_said(tmp_path: Path) -> None:
    """Forty workers cannot be had with 64: exit 5, the reason, and nobody left."""
    tasks = "\n".join(f"  t{number}: {{run: 'echo {number}; sleep 2'}}" for number in range(40))
    seen = laboratory(prepared(tmp_path, f"version: 1\ntasks:\n{tasks}\n"), "g.yaml", "-j", "40", files=64)

    sound(seen, 5)
    assert "Too many open files" in seen["err"]


def test_however_few_descriptors_there_are_nobody_sees_a_traceback(tmp_path: Path) -> None:
    """From twelve on, with which the warden works, a run succeeds or ends with exit 5 and one line that says why."""
    prepared(tmp_path, "version: 1\ntasks: {a: {run: 'true'}, b: {run: 'true'}}\n")
    env = {name: value for name, value in environment().items() if not name.startswith("COVERAGE")}  # it opens files
    codes = []
    for files in range(12, 24, 3):
        seen = laboratory(tmp_path, "g.yaml", "-j", "2", files=files, env=env)
        codes.append(seen["code"])
        if seen["code"]:
            sound(seen, 5)
            assert "error: " in seen["err"].splitlines()[-1]

    assert {0, 5} == set(codes)
    assert sorted(codes, reverse=True) == codes, "with more it does not get worse"
    doctor = laboratory(tmp_path, "doctor", files=5, env=env)
    sound(doctor, 5)
    assert "error: Too many open files: the limits of this machine or shell leave too little\n" == doctor["err"]


def test_the_deadline_of_a_run_ends_it(tmp_path: Path) -> None:
    """Exit 124, within its time and the grace of what runs; clean-ups run."""
    graph = """
version: 1
deadline: 3s
tasks:
  long: {run: "touch began; sleep 60"}
  never: {run: "true", needs: [long]}
  tidy: {run: "touch tidied", needs: [long], trigger: always}
"""
    seen = laboratory(prepared(tmp_path, graph), "g.yaml")
    sound(seen, 124)
    report = report_in(tmp_path)

    assert 3.0 < seen["seconds"] < 12.0
    assert (tmp_path / "tidied").exists()
    assert ("interrupted", "deadline") == (report["verdict"], report["cancelled"])
    assert ["cancelled", "cancelled"] == [task_in(report, name)["state"] for name in ("long", "never")]
