"""Bits of a large real journal flipped by chance: what is read is a prefix, damage before the last line is told.

`PYTHONPATH=. python tests/faults/flips.py FOLDER ATTEMPTS FLIPS PROCESSES SEED` runs the soak's graph, then flips one
bit at a time. Each time the journal is read; for a fifth of them `show` and `report` are asked in this process, and for
some of these the real command line as well, and to go on with `--resume`, which must start nothing. Prints one line of
JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

from runner.errors import DamagedJournal
from runner.record.journal import read
from tests.faults.fuzzed import by_command
from tests.faults.soak import graph, tasks

ASKED = 5
"""Every so manyth flipped journal is given to commands, too."""


def run(folder: Path, *words: str) -> tuple[int, str]:
    """Run the real command line."""
    command = [sys.executable, "-m", "runner", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def judge_reading(journal: Path, events: tuple[object, ...], line: int, last: int) -> list[str]:
    """Hold what is read against what was written; `line` was hit, `last` is the last one."""
    try:
        found = read(journal)
    except DamagedJournal as error:
        return [] if error.line == line < last else [f"line {line} was hit, line {error.line} refused"]
    whole = events[: len(found.events)] == found.events and len(found.events) >= len(events) - 1 and found.torn
    return [] if line >= last - 1 and whole else [f"line {line} was hit, and {len(found.events)} events read"]


def judge_commands(folder: Path, line: int, last: int, *, processes: bool) -> list[str]:
    """Ask `report`, `show` and, in processes of their own, `run --resume`: each tells the line that was hit."""
    broken = []
    said = {
        "report": by_command(["report", "--state-dir", "s"]),
        "show": by_command(["show", "latest", "--state-dir", "s"]),
    }
    if processes and line < last - 1:
        before = (folder / "marks").read_bytes()
        said["report in a process"] = run(folder, "report", "--state-dir", "s")
        said["resume"] = run(folder, "run", "g.json", "--state-dir", "s", "--resume", "-o", "quiet")
        broken += [] if said["resume"][0] == 5 else [f"resume: exit {said['resume'][0]}"]
        broken += [] if (folder / "marks").read_bytes() == before else ["resume started something"]
    for words, (code, text) in said.items():
        told = line >= last - 1 or f"journal.jsonl:{line}: the journal is damaged here" in text
        if code not in {0, 5} or not told:  # an exception of ours is exit 1; the report shows those of tasks
            broken.append(f"line {line}, {words}: exit {code}: {text[:200]}")
    return broken


def main(folder: Path, attempts: int, flips: int, processes: int, seed: int) -> None:
    """Write a journal, flip and judge."""
    folder.mkdir()
    (folder / "g.json").write_text(graph(seed, dict(tasks(seed, attempts))))
    run(folder, "run", "g.json", "--state-dir", "s", "-o", "quiet")
    (journal,) = folder.glob("s/runs/*/journal.jsonl")
    data, events, chance = journal.read_bytes(), read(journal).events, random.Random(seed)
    last, broken, before_last = data.count(b"\n"), list[str](), 0
    with contextlib.chdir(folder):
        for number in range(flips):
            at = chance.randrange(len(data))
            line = data.count(b"\n", 0, at) + 1
            before_last += line < last
            journal.write_bytes(data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :])
            broken += judge_reading(journal, events, line, last)
            if number % ASKED == 0:
                broken += judge_commands(folder, line, last, processes=number < processes * ASKED)
    print(json.dumps({"flips": flips, "lines": last, "before_last": before_last, "broken": broken[:20]}))


if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", str(Path.cwd()))
    main(Path(sys.argv[1]).absolute(), *map(int, sys.argv[2:]))
