"""`logs`: what a task has printed, also while it runs. Reads log files, which are masked when they are written."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from typing import TYPE_CHECKING

from runner.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from runner.record.folder import RunFolder

LOOK_EVERY = 0.2
"""Seconds between two looks at a log that is followed."""
MOST_ATTEMPTS = 200
"""Attempts whose logs are looked for; more are found by `--attempt`."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `logs`."""
    parser.add_argument("run", metavar="RUN", help="a run's id, the beginning of it, or `latest`")
    parser.add_argument("task", metavar="TASK", help="a task or a service of that run")
    parser.add_argument("--attempt", type=int, metavar="N", help="which attempt (default: the last one)")
    parser.add_argument("-f", "--follow", action="store_true", help="go on printing until the run is over")
    parser.add_argument("--state-dir", default=".runner", metavar="DIR", help="where runs are kept (default: .runner)")


def main(chosen: argparse.Namespace) -> int:
    """Print a log."""
    from pathlib import Path

    from runner.record.folder import StateFolder

    folder = StateFolder(path=Path(chosen.state_dir)).find(chosen.run)
    log = _log(chosen, folder.path)
    while log is None and chosen.follow and _goes_on(folder):
        time.sleep(LOOK_EVERY)
        log = _log(chosen, folder.path)
    if log is None:
        _insist_on_task(folder, chosen.task)
        print(f"`{chosen.task}` printed nothing in run `{folder.name}`", file=sys.stderr)
        return 0
    with log.open("rb") as file:
        shutil.copyfileobj(file, sys.stdout.buffer)
        while chosen.follow and _goes_on(folder):
            time.sleep(LOOK_EVERY)
            shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        shutil.copyfileobj(file, sys.stdout.buffer)
    sys.stdout.buffer.flush()
    return 0


def _goes_on(folder: RunFolder) -> bool:
    """Say whether a run may still print: it has not reported, and was not killed."""
    from runner.record.lock import going_on

    return not folder.report.exists() and going_on(folder.path.parents[1], folder.began) is not None


def _insist_on_task(folder: RunFolder, task: str) -> None:
    """Refuse a name of which no graph file of the run holds what it has there: no item, and no group before it.

    The text is asked and not the graph, because logs can be read where that cannot.

    Raises:
        UsageError: no task has this name.

    """
    name = task.partition("[")[0]
    try:
        files = [folder.graph, *folder.included.glob("*")]
        texts = [file.read_text(encoding="utf-8", errors="replace") for file in files]
        known = name in texts[0] or any(name.rpartition(".")[2] in text for text in texts[1:])
    except OSError as error:  # a border: anybody may break a folder
        told = f"run `{folder.name}` has no log of `{task}`, and its copy of the graph file cannot be read"
        raise UsageError(f"{told}: {error.strerror}") from error
    if not known:
        raise UsageError(f"run `{folder.name}` has no task `{task}`")


def _log(chosen: argparse.Namespace, folder: Path) -> Path | None:
    """Answer the log of the wanted attempt, of the last one, or of the service of that name."""
    from runner.execute.output import log_name

    logs = folder / "logs"
    if chosen.attempt is not None:
        found = [logs / log_name(chosen.task, str(chosen.attempt))]
    else:
        found = [logs / log_name(chosen.task, str(number)) for number in range(1, MOST_ATTEMPTS + 1)]
        found.insert(0, logs / log_name(chosen.task))
    return next((path for path in reversed(found) if path.exists()), None)
