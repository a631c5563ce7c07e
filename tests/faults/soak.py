"""A long run with random crashes, time-outs and retries: the runner must neither grow nor lose count.

`PYTHONPATH=. python tests/faults/soak.py FOLDER ATTEMPTS SEED` prints one line of JSON: how many attempts there were,
the runner's memory in MiB (early, late, and while the report is made) and descriptors, and every promise that was
broken. What is judged: each attempt left a mark of its own; the report has exactly these, each with the cause it was
bound to have (`soaked.py`); runner and warden, looked at from outside, hold late in the run what they held after a
tenth of it. The report's making is not part of that: it is as large as the run. With CONTROL set one mark is forgotten
and a hundred descriptors too many are seen: both must be told.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.below import adopt_orphans, children_left
from tests.faults.soaked import ATTEMPTS, CAUSES, fates

MOST_GROWTH = 20 * 2**20
"""Bytes by which the runner may grow (the issue of the fault laboratory)."""
MOST_DESCRIPTORS = 16
"""How many more descriptors may be open at once than after a tenth: a worker that is being replaced holds some."""
LOOK_EVERY = 0.1


@dataclass(slots=True)
class Looks:
    """What was seen of the runner and of its warden: bytes resident, descriptors open."""

    memory: list[int] = field(default_factory=list)
    at_the_end: int = 0  # the most memory after the last attempt had begun, when the report is made
    descriptors: list[int] = field(default_factory=list)
    warden: list[int] = field(default_factory=list)


def tasks(seed: int, count: int) -> Iterator[tuple[str, list[str]]]:
    """Answer tasks and their fates until they are so many attempts."""
    attempts = number = 0
    while attempts < count:
        task = f"t{number:05}"
        own = fates(seed, task)
        yield task, own
        attempts, number = attempts + len(own), number + 1


def graph(seed: int, planned: dict[str, list[str]]) -> str:
    """Write the graph; only who is bound to be late has a limit worth the name, for any machine may be busy."""
    retry = {"attempts": ATTEMPTS, "delay": "10ms"}
    return json.dumps(
        {
            "workers": 4,
            "defaults": {"retry": retry, "kill_after": "100ms"},
            "tasks": {
                task: {
                    "uses": "tests.faults.soaked:work",
                    "with": {"seed": seed, "task": task},
                    "timeout": "500ms" if "timed_out" in own else "60s",
                }
                for task, own in planned.items()
            },
        }
    )


def looked_at(process: subprocess.Popen[bytes], marks: Path, whole: int) -> Looks:
    """Look at the runner until it ends, from its first attempt on; `whole` is the size of all marks."""
    looks = Looks()
    while process.poll() is None:
        time.sleep(LOOK_EVERY)
        size = marks.stat().st_size if marks.exists() else 0
        if size == whole:
            looks.at_the_end = max(looks.at_the_end, _resident(process.pid))
        elif size > 0:
            looks.memory.append(_resident(process.pid))
            looks.descriptors.append(_descriptors(process.pid))
            looks.warden.append(sum(_descriptors(child) for child in _children(process.pid)))
    return looks


def judge(planned: dict[str, list[str]], marks: list[str], report: dict[str, object]) -> list[str]:
    """Answer every attempt that is not accounted for."""
    left = Counter(marks)
    meant = Counter(f"{task} {number}" for task, own in planned.items() for number, _ in enumerate(own, start=1))
    broken = [
        f"{mark}: {left[mark]} times instead of {meant[mark]}" for mark in left | meant if left[mark] != meant[mark]
    ]
    told = {task["id"]: [attempt["cause"] for attempt in task["attempts"]] for task in report["tasks"]}  # type: ignore[index, union-attr, attr-defined]  # JSON
    for task, own in planned.items():
        expected = [None if word == "succeeded" else CAUSES.get(word, word) for word in own]
        if told.get(task) != expected:
            broken.append(f"{task}: {told.get(task)} instead of {expected}")
    return broken


def held(looks: Looks) -> list[str]:
    """Answer what grew."""
    broken = []
    for name, seen, most in (
        ("memory", looks.memory, MOST_GROWTH),
        ("descriptors", looks.descriptors, MOST_DESCRIPTORS),
        ("the warden's descriptors", looks.warden, MOST_DESCRIPTORS),
    ):
        early, late = _early_and_late(seen)
        if late - early > most:
            broken.append(f"{name}: {early} became {late}")
    return broken


def _early_and_late(seen: list[int]) -> tuple[int, int]:
    """Answer the most in the second tenth and the most in the last one, in which the run may already end."""
    tenth = max(1, len(seen) // 10)
    return max(seen[tenth : 2 * tenth], default=0), max(seen[-tenth:], default=0)


def main(folder: Path, count: int, seed: int) -> None:
    """Run, look and judge."""
    adopt_orphans()
    folder.mkdir()
    planned = dict(tasks(seed, count))
    (folder / "g.json").write_text(graph(seed, planned))
    began = time.monotonic()
    command = [sys.executable, "-m", "runner", "g.json", "-o", "quiet"]
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(command, cwd=folder, stdout=said, stderr=said)
        whole = sum(len(f"{task} {number}\n") for task, own in planned.items() for number in range(1, len(own) + 1))
        looks = looked_at(process, folder / "marks", whole)
    marks = (folder / "marks").read_text().splitlines()
    if os.environ.get("CONTROL"):
        marks.pop()
        looks.descriptors[-1] += 100
    report = json.loads((folder / ".runner/latest/report.json").read_text())
    broken = judge(planned, marks, report) + held(looks)
    wanted = int(any("succeeded" not in own for own in planned.values()))
    broken += [] if process.returncode == wanted else [f"exit code {process.returncode} instead of {wanted}"]
    broken += [f"left behind: {pid}" for pid in children_left()]
    memory, descriptors = _early_and_late(looks.memory), _early_and_late(looks.descriptors)
    found = {
        "attempts": len(marks),
        "seconds": round(time.monotonic() - began),
        "memory": [each >> 20 for each in (*memory, looks.at_the_end)],
    }
    ends = Counter(word for own in planned.values() for word in own)
    print(json.dumps({**found, "descriptors": descriptors, "ends": ends, "broken": broken[:20]}))


# -- the helpers -------------------------------------------------------------------------------------------------------


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):  # it has just ended
        return 0


def _descriptors(pid: int) -> int:
    try:
        return len(list(Path(f"/proc/{pid}/fd").iterdir()))
    except OSError:  # it has just ended
        return 0


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:  # it has just ended
        return []


if __name__ == "__main__":
    if "PYTHONPATH" not in os.environ:
        os.environ["PYTHONPATH"] = str(Path.cwd())
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
