"""Kill the runner at a moment by chance, go on with `--resume`, and judge from what the tasks have left behind.

A program, because it has to be the subreaper of all that is left. `python tests/faults/kills.py FOLDER SEED...` prints
one line of JSON for each seed: how many attempts were under way at the kill, and every promise that was broken.
Uses nothing of ours but the command line and the journal's words.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from below import adopt_orphans, children_left

TASKS, LAYERS = 60, 12


def graph(seed: int) -> str:
    """Write a graph of 60 tasks in 12 layers, each of which leaves a mark at its start and one at its end."""
    chance = random.Random(seed)
    lines = ["version: 1", "name: sixty", "workers: 4", "tasks:"]
    for number in range(TASKS):
        layer = number * LAYERS // TASKS
        before = [other for other in range(number) if other * LAYERS // TASKS == layer - 1]
        needs = sorted(chance.sample(before, min(len(before), chance.randint(1, 2))))
        run = f"echo start t{number} >> marks; sleep 0.0{chance.randint(4, 9)}; echo end t{number} >> marks"
        needed = f", needs: [{', '.join(f't{each}' for each in needs)}]" if needs else ""
        lines.append(f'  t{number}: {{run: "{run}"{needed}}}')
    return "\n".join(lines) + "\n"


def start(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    """Start a run."""
    command = [sys.executable, "-m", "runner", "g.yaml", "-o", "quiet", *words]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def marks(folder: Path, kind: str) -> Counter[str]:
    """Count the marks of one kind by task."""
    path = folder / "marks"
    lines = path.read_text().splitlines() if path.exists() else []
    return Counter(line.split()[1] for line in lines if line.startswith(f"{kind} "))


def recorded(folder: Path) -> set[str]:
    """Answer the tasks of whose success the journal of the killed run tells."""
    told = []
    for line in (folder / ".runner/latest/journal.jsonl").read_bytes().splitlines():
        try:
            told.append(json.loads(line[line.index(b"{") :]))
        except ValueError:  # a torn last line
            continue
    text = [json.dumps(each) for each in told]
    ends = [line for line in text if '"AttemptEnded"' in line and '"Succeeded"' in line]
    return {name for name in (f"t{number}" for number in range(TASKS)) if any(f'"{name}"' in line for line in ends)}


def kill_once(folder: Path, seed: int, whole: float, *again: str) -> dict[str, object]:
    """Kill one run, start again with these words, and judge."""
    folder.mkdir()
    (folder / "g.yaml").write_text(graph(seed))
    first = start(folder)
    while not marks(folder, "start"):
        time.sleep(0.002)
    time.sleep(random.Random(f"moment {seed}").uniform(0, whole))
    first.kill()
    first.communicate()
    broken = [f"left behind: {pid}" for pid in children_left()]
    starts, ends, safe = marks(folder, "start"), marks(folder, "end"), recorded(folder)
    flying = sorted(task for task in starts if task not in ends)
    second = start(folder, *again)
    _, said = second.communicate(timeout=120)
    report = json.loads((folder / ".runner/latest/report.json").read_text())
    broken += judge(folder, starts, safe, set(report["doubtful"]))
    broken += [] if second.returncode == 0 else [f"exit code {second.returncode}: {said.decode()[-300:]}"]
    broken += [f"left behind: {pid}" for pid in children_left()]
    return {"seed": seed, "flying": len(flying), "doubtful": len(report["doubtful"]), "broken": broken}


def judge(folder: Path, before: Counter[str], safe: set[str], doubtful: set[str]) -> list[str]:
    """Answer every promise that was broken."""
    starts, ends = marks(folder, "start"), marks(folder, "end")
    names = {f"t{number}" for number in range(TASKS)}
    broken = [f"{task} was recorded and ran again" for task in safe if starts[task] != 1]
    broken += [f"{task} has no effect" for task in names if not ends[task]]
    again = {task for task in names if starts[task] > 1}
    broken += [f"{task} ran again though it was not under way" for task in again - before.keys()]
    broken += [f"{task} ran again and is not named doubtful" for task in again - doubtful]
    return broken


def main(folder: Path, seeds: list[int]) -> None:
    """Measure a whole run, then kill one for each seed; with CONTROL set, forget what was done: that must be seen."""
    again = () if os.environ.get("CONTROL") else ("--resume",)
    adopt_orphans()
    calm = folder / "calm"
    calm.mkdir(parents=True)
    (calm / "g.yaml").write_text(graph(0))
    run = start(calm)
    while not marks(calm, "start"):
        time.sleep(0.002)
    first = time.time()
    run.communicate()
    whole = (calm / "marks").stat().st_mtime - first
    for seed in seeds:
        print(json.dumps(kill_once(folder / str(seed), seed, whole, *again)), flush=True)


if __name__ == "__main__":
    if "PYTHONPATH" not in os.environ:
        os.environ["PYTHONPATH"] = str(Path.cwd())
    main(Path(sys.argv[1]), [int(seed) for seed in sys.argv[2:]])
