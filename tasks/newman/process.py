"""Newman in a process of its own: options in by stdin, events out by a pipe, what scripts print to our own output.

Knows no meaning of an event.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any

from tasks.newman.find import Newman, Node

SCRIPT = Path(__file__).with_name("newman.js")
PIECE = 64 * 1024


def run(
    node: Node,
    newman: Newman,
    options: Mapping[str, Any],
    environ: Mapping[str, str],
    on_event: Callable[[Mapping[str, Any]], None],
    *,
    limit: float | None = None,
) -> str:
    """Run a collection, handing over each event as it comes; answers how the process ended, in words.

    `limit` is seconds: Newman is killed when they are over.
    """
    read, write = os.pipe()
    with _started(node, environ, write) as process, os.fdopen(read, "rb", buffering=0) as events:
        os.close(write)
        _give(process, {**options, "newman": newman.folder})
        for line in _lines(events.fileno(), None if limit is None else monotonic() + limit):
            on_event(json.loads(line))
        if limit is not None and process.poll() is None and not _over(process):
            return f"killed after {limit:g} s"
        code = process.wait()
    return f"exit code {code}" if code >= 0 else f"signal {-code}"


# -- the helpers -------------------------------------------------------------------------------------------------------


@contextmanager
def _started(node: Node, environ: Mapping[str, str], write: int) -> Iterator[subprocess.Popen[bytes]]:
    env = {**environ, "EVENTS_FD": str(write)}
    process = subprocess.Popen(  # noqa: S603  # the Node that was found, and a script of ours
        [node.executable, str(SCRIPT)], stdin=subprocess.PIPE, env=env, pass_fds=(write,)
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdin is not None
        with suppress(BrokenPipeError):
            process.stdin.close()


def _give(process: subprocess.Popen[bytes], options: Mapping[str, Any]) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # it died at once; how it ended says why
        process.stdin.write(json.dumps(options).encode())
        process.stdin.close()


def _lines(source: int, deadline: float | None) -> Iterator[bytes]:
    """Yield whole lines until the other side closes, or time is over."""
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(source, selectors.EVENT_READ)
        while selector.select(None if deadline is None else max(0.0, deadline - monotonic())):
            piece = os.read(source, PIECE)
            if not piece:
                return
            *whole, rest = (rest + piece).split(b"\n")
            yield from whole


def _over(process: subprocess.Popen[bytes]) -> bool:
    """Give a process that has closed its pipe the moment it needs to end."""
    try:
        process.wait(timeout=1)
    except subprocess.TimeoutExpired:
        return False
    return True
