"""Runs the real command line under a fault, as the subreaper of all it starts; prints what it saw as JSON.

    python tests/faults/laboratory.py INSTRUCTIONS        (JSON, the fields of `Instructions`)

It looks at evidence, not at what is printed: exit code, peak memory of the runner, and how long after its end the last
process of it was gone. Uses nothing of ours but the command line.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.below import adopt_orphans, children_left


@dataclass(kw_only=True)
class Instructions:
    """What to run, where, and what happens to it.

    `before` is a command that becomes the runner (`["faketime", ...]`); once `mark` exists in the folder (a pattern
    ending in `*` will do), and `after` seconds later, the runner gets each signal of `signals`. `files` (descriptors)
    and `file_size` (bytes) are limits of the kernel; `closed` are descriptors that are not open when it starts.
    """

    words: list[str]
    folder: str
    env: dict[str, str] = field(default_factory=dict)
    before: list[str] = field(default_factory=list)
    mark: str = ""
    after: float = 0.0
    signals: list[str] = field(default_factory=list)
    files: int = 0
    file_size: int = 0
    closed: list[int] = field(default_factory=list)
    timeout: float = 60.0


def main(instructions: str) -> None:
    """Run and print what was seen."""
    adopt_orphans()
    todo = Instructions(**json.loads(instructions))
    out, err = Path(todo.folder, "said.out"), Path(todo.folder, "said.err")
    began = time.monotonic()
    with out.open("wb") as to_out, err.open("wb") as to_err:
        command = [*todo.before, sys.executable, "-m", "runner", *todo.words]
        runner = subprocess.Popen(
            command, cwd=todo.folder, env=todo.env, stdout=to_out, stderr=to_err, preexec_fn=lambda: _limit(todo)
        )
        peak, signalled = _watch(runner, todo, began)
    ended = time.monotonic()
    left = children_left()
    seen = {
        "code": runner.returncode,
        "out": out.read_text(encoding="utf-8", errors="replace"),
        "err": err.read_text(encoding="utf-8", errors="replace"),
        "seconds": round(ended - began, 2),
        "after_signal": round(ended - signalled, 2) if signalled else None,
        "peak_mb": round(peak / 1e6, 1),
        "gone_after": round(time.monotonic() - ended, 2),
        "left": left,
    }
    print(json.dumps(seen))


def _watch(runner: subprocess.Popen[bytes], todo: Instructions, began: float) -> tuple[int, float]:
    """Wait for the runner's end; answers its peak memory in bytes, and when it was first sent a signal."""
    peak, signalled, waiting = 0, 0.0, list(todo.signals)
    while runner.poll() is None:
        peak = max(peak, _peak(runner.pid))
        if waiting and any(Path(todo.folder).glob(todo.mark)):
            time.sleep(todo.after)
            signalled = signalled or time.monotonic()
            runner.send_signal(getattr(signal, waiting.pop(0)))
        if time.monotonic() - began > todo.timeout:
            runner.kill()
        time.sleep(0.01)
    return peak, signalled


def _limit(todo: Instructions) -> None:
    for descriptor in todo.closed:
        os.close(descriptor)
    if todo.files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (todo.files, todo.files))
    if todo.file_size:
        resource.setrlimit(resource.RLIMIT_FSIZE, (todo.file_size, todo.file_size))


def _peak(pid: int) -> int:
    try:
        words = Path("/proc", str(pid), "status").read_text(encoding="utf-8").split()
        return int(words[words.index("VmHWM:") + 1]) * 1024
    except (OSError, ValueError):  # it has just ended
        return 0


if __name__ == "__main__":
    main(sys.argv[1])
