"""Crashes, by the real command line: who runs alone, how many workers are left, and when the runner gives up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command import report_in, task_in
from tests.faults.programs import laboratory, planted_copy

pytestmark = pytest.mark.real

MODULE = """
import os, signal, time
from pathlib import Path

def work(context, crashes: int = 0, seconds: float = 0.3):
    began = time.monotonic()
    with open("marks", "a") as marks:
        marks.write(f"{context.task} {context.attempt} start {began} {os.getpid()}\\n")
    if context.attempt <= crashes:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(seconds)
    with open("marks", "a") as marks:
        marks.write(f"{context.task} {context.attempt} end {time.monotonic()} {os.getpid()}\\n")
"""


def spans(folder: Path) -> dict[tuple[str, int], tuple[float, float]]:
    """Answer from when to when attempts ran, as they say themselves; one that crashed ended when it began."""
    found: dict[tuple[str, int], tuple[float, float]] = {}
    for line in (folder / "marks").read_text(encoding="ascii").splitlines():
        task, attempt, kind, moment, _ = line.split()
        key = (task, int(attempt))
        found[key] = (float(moment), float(moment)) if kind == "start" else (found[key][0], float(moment))
    return found


def prepared(folder: Path, tasks: str) -> Path:
    """Write module and graph."""
    (folder / "crashing.py").write_text(MODULE, encoding="utf-8")
    graph = f"version: 1\ndefaults: {{retry: {{attempts: 3, delay: 10ms, jitter: none}}}}\ntasks:\n{tasks}"
    (folder / "g.yaml").write_text(graph, encoding="utf-8")
    return folder


def test_what_crashed_twice_runs_alone(tmp_path: Path) -> None:
    """Nothing runs beside its third attempt, though workers are free and a task that could run waits."""
    others = "".join(f'  o{number}: {{uses: "crashing:work", with: {{seconds: 0.2}}}}\n' for number in range(10))
    tasks = f'  bad: {{uses: "crashing:work", with: {{crashes: 2}}}}\n{others}'
    seen = laboratory(prepared(tmp_path, tasks), "g.yaml", "-j", "3", "-o", "quiet")
    ran = spans(tmp_path)
    start, end = ran["bad", 3]

    assert (0, []) == (seen["code"], seen["left"])
    assert end - start >= 0.3
    assert {} == {key: span for key, span in ran.items() if key != ("bad", 3) and span[0] < end and start < span[1]}
    assert 11 + 2 == len(ran)


def test_the_judge_of_who_runs_alone_sees_company(tmp_path: Path) -> None:
    """The control: an engine that forgets it runs something beside the third attempt."""
    planted = planted_copy(tmp_path / "planted", (("schedule/crashes.py", "ALONE_AFTER = 2", "ALONE_AFTER = 9"),))
    others = "".join(f'  o{number}: {{uses: "crashing:work", with: {{seconds: 0.2}}}}\n' for number in range(10))
    tasks = f'  bad: {{uses: "crashing:work", with: {{crashes: 2}}}}\n{others}'
    laboratory(prepared(tmp_path, tasks), "g.yaml", "-j", "3", "-o", "quiet", root=planted)
    ran = spans(tmp_path)
    start, end = ran["bad", 3]

    assert {} != {key: span for key, span in ran.items() if key != ("bad", 3) and span[0] < end and start < span[1]}


def test_three_crashes_cost_a_worker_and_the_report_says_so(tmp_path: Path) -> None:
    """Text, Markdown and JSON; from the third crash on no more run at once than there are workers left."""
    crashing = "".join(f'  c{number}: {{uses: "crashing:work", with: {{crashes: 1}}}}\n' for number in range(3))
    others = "".join(f'  o{number}: {{uses: "crashing:work"}}\n' for number in range(9))
    seen = laboratory(prepared(tmp_path, crashing + others), "g.yaml", "-j", "4", "-o", "plain")
    report = report_in(tmp_path)
    third = max(spans(tmp_path)[f"c{number}", 1][0] for number in range(3))
    ran = [span for span in spans(tmp_path).values() if span[0] > third + 0.5]

    assert (0, []) == (seen["code"], seen["left"])
    assert [(3, {"c0", "c1", "c2"})] == [(each["workers"], set(each["crashed"])) for each in report["fewer_workers"]]
    assert 4 == report["workers"]
    for text in (seen["out"], (tmp_path / ".runner/latest/report.md").read_text(encoding="utf-8")):
        assert "crashed within a minute: 3 workers from then on" in text
    assert 3 >= max(sum(other[0] <= span[0] < other[1] for other in ran) for span in ran)
    assert all("succeeded" == task_in(report, f"c{number}")["state"] for number in range(3))


def test_a_command_that_exits_with_1_fails_its_attempt(tmp_path: Path) -> None:
    """Tried again as often as it may be, each time once; the task beside it is not touched."""
    tasks = "  bad: {run: 'echo x >> tries; exit 1'}\n  good: {run: 'true'}\n"
    seen = laboratory(prepared(tmp_path, tasks), "g.yaml", "-o", "quiet")
    bad = task_in(report_in(tmp_path), "bad")

    assert (1, []) == (seen["code"], seen["left"])
    assert ["exit_code"] * 3 == [attempt["cause"] for attempt in bad["attempts"]]
    assert "x\nx\nx\n" == (tmp_path / "tries").read_text(encoding="ascii")
    assert "succeeded" == task_in(report_in(tmp_path), "good")["state"]


def test_workers_that_never_begin_end_the_run(tmp_path: Path) -> None:
    """Three in a row that die before their first request: exit 5, the end of the last, and no task was touched."""
    dying = ("execute/worker.py", "        os.setsid()\n", "        os.kill(os.getpid(), 9)\n")
    planted = planted_copy(tmp_path / "planted", (dying,))
    (tmp_path / "g.yaml").write_text("version: 1\ntasks: {a: {run: 'touch touched'}}\n", encoding="utf-8")
    seen = laboratory(tmp_path, "g.yaml", "-o", "quiet", root=planted)

    assert (5, []) == (seen["code"], seen["left"])
    assert "no worker starts; the last one: it ended with -9 before it began" in seen["err"]
    assert not (tmp_path / "touched").exists()
