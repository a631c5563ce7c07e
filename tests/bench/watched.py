"""A command seen from outside: how long it takes, and how much memory it and all it starts take together.

Memory is that of the command and all its descendants at one moment, the most there was: as PSS, in which a page that
several processes share counts once, and as RSS, in which it counts for each. Looking costs the command time, so a run
is either timed or looked at.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).resolve().parents[2]
EVERY = 0.003
"""Seconds between two looks."""
LONGEST = 300.0
"""Seconds after which a command is ended: it is no use waiting for."""


class Memory(Struct, frozen=True, kw_only=True):
    """The most memory at one moment (MB, of a million bytes)."""

    pss: float = 0.0
    rss: float = 0.0


class TooSlowError(Exception):
    """A command took longer than `LONGEST`."""


def seconds_of(command: Sequence[str], folder: Path) -> float:
    """Run a command in a folder; answers its wall seconds.

    Raises:
        TooSlowError: it took too long.
        SystemExit: it failed.

    """
    began = time.perf_counter()
    process = _started(command, folder)
    try:
        code = process.wait(LONGEST)
    except subprocess.TimeoutExpired:
        _end(process)
        raise TooSlowError from None
    took = time.perf_counter() - began
    _check(command, code, folder)
    return took


def memory_of(command: Sequence[str], folder: Path) -> Memory:
    """Run a command in a folder; answers the most memory there was at one of the looks.

    Raises:
        TooSlowError: it took too long.
        SystemExit: it failed.

    """
    until = time.perf_counter() + LONGEST
    most = Memory()
    process = _started(command, folder)
    while process.poll() is None:
        if time.perf_counter() > until:
            _end(process)
            raise TooSlowError
        now = _memory_now([process.pid, *_descendants(process.pid)])
        most = Memory(pss=max(most.pss, now.pss), rss=max(most.rss, now.rss))
        time.sleep(EVERY)
    _check(command, process.returncode, folder)
    return most


# -- the helpers -------------------------------------------------------------------------------------------------------


def _started(command: Sequence[str], folder: Path) -> subprocess.Popen[bytes]:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    env["PYTHONPATH"] = f"{ROOT}{os.pathsep}{folder}"
    with (folder / "printed").open("wb") as printed:
        return subprocess.Popen(
            command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=printed, stderr=subprocess.STDOUT
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    for pid in [process.pid, *_descendants(process.pid)]:
        subprocess.run(["kill", "-KILL", str(pid)], check=False, stderr=subprocess.DEVNULL)
    process.wait()


def _check(command: Sequence[str], code: int, folder: Path) -> None:
    if code:
        printed = (folder / "printed").read_text(encoding="utf-8", errors="replace")
        raise SystemExit(f"{' '.join(command)} ended with {code}:\n{printed[-2000:]}")


def _descendants(pid: int) -> Iterator[int]:
    """Answer all processes below one, as far as they are still there."""
    try:
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
    except OSError:  # it has ended
        return
    for child in children:
        yield child
        yield from _descendants(child)


def _memory_now(pids: Sequence[int]) -> Memory:
    pss = rss = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
        except OSError:  # it has ended
            continue
        sizes = {line.split(":")[0]: int(line.split()[1]) for line in text.splitlines()[1:]}
        pss += sizes["Pss"]
        rss += sizes["Rss"]
    return Memory(pss=pss * 1024 / 1e6, rss=rss * 1024 / 1e6)
