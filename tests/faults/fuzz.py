"""Files changed by chance, each read as the runner reads it: an exit code that is documented, never anything else.

`python tests/faults/fuzz.py KIND COUNT SEED [PROCESSES]` prints one line of JSON: how many files were valid, how many
were far enough to be judged by their meaning, the slowest in seconds, the peak of memory in MiB, and every file that
broke something. `PROCESSES` of the files are read by the real command line, too. The kinds: graphs, parameters,
journals, plans, configurations, collections.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.faults.fuzzed import Graphs, Journals, Parameters, Plans, Subject
from tests.faults.fuzzed_postman import Collections, Configurations

KINDS: dict[str, Callable[[Path], Subject]] = {
    "graphs": Graphs,
    "parameters": Parameters,
    "journals": Journals,
    "plans": Plans,
    "configurations": Configurations,
    "collections": Collections,
}

SLOW = 2.0
"""Seconds that no file may take."""
SLOW_PROCESS = 20.0
"""Seconds that no command may take, which has to start first and may start others."""


def fuzz(subject: Subject, count: int, chance: random.Random, processes: int) -> dict[str, object]:
    """Read as many changed files as were asked for."""
    ends: Counter[str] = Counter()
    broken: dict[str, dict[str, object]] = {}  # by what it ended with: one example of each is enough
    slowest = 0.0
    sampled = set(chance.sample(range(count), min(processes, count)))
    for number in range(count):
        content = subject.change(chance)
        began = time.perf_counter()
        code, said = subject.read(content)
        seconds = time.perf_counter() - began
        slowest = max(slowest, seconds)
        ends[subject.end(code, said)] += 1
        if code not in subject.allowed or "Traceback" in said or seconds > SLOW:
            example = told(number, code, seconds, said, content)
            broken.setdefault(str(code).strip().rpartition("\n")[2], example)
        if number in sampled:
            broken |= {f"process {number}": wrong for wrong in in_a_process(subject, number, code)}
    words = Path("/proc/self/status").read_text().split()  # not getrusage: that counts whoever forked us, too
    memory = int(words[words.index("VmHWM:") + 1]) / 1024
    return {
        "count": count,
        **ends,
        "slowest": round(slowest, 3),
        "memory": round(memory),
        "broken": list(broken.values()),
    }


def in_a_process(subject: Subject, number: int, expected: int | str) -> list[dict[str, object]]:
    """Read the latest file by a command of its own; answers what was wrong with that."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "runner", *subject.words()]
    done = subprocess.run(command, cwd=subject.folder, env=_env(), capture_output=True, check=False)
    seconds, said = time.perf_counter() - began, (done.stdout + done.stderr).decode("utf-8", "replace")
    other = subject.same_in_a_process and done.returncode != expected
    if done.returncode in subject.allowed and "Traceback" not in said and not other and seconds < SLOW_PROCESS:
        return []
    return [told(number, done.returncode, seconds, said, b"(the real command line)")]


def told(number: int, code: int | str, seconds: float, said: str, content: bytes) -> dict[str, object]:
    """Say what broke."""
    text = content[:1500].decode("utf-8", "backslashreplace")
    return {"number": number, "code": code, "seconds": round(seconds, 3), "said": said[-600:], "content": text}


def _env() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2]), "NO_COLOR": "1"}


def main(kind: str, count: int, seed: int, processes: int = 0) -> None:
    """Fuzz one kind and say what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        found = fuzz(KINDS[kind](Path(folder)), count, random.Random(seed), processes)
    print(json.dumps({"kind": kind, **found}))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
