"""The runs that are kept, one row each: verdict, time, trend, what failed, what is flaky. Knows no layout.

Reports are read where they are whole; a run without one was killed, or is going on, and is folded anew. One that
cannot be read at all is a row that says why, and costs the others nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from runner.errors import DamagedJournal, RunnerFault, UsageError
from runner.record.folder import RunFolder
from runner.record.lock import going_on
from runner.record.noise import beyond, usual
from runner.record.remembered import Remembered, recalled
from runner.record.report import FAILED_STATES

Trend = Literal["slower", "faster", "steady", ""]


class Row(Struct, frozen=True, kw_only=True):
    """One run; `seconds` None and `file` "" if it cannot be read, which `problem` then says why.

    `verdict` is that of the report, or `running` or `unreadable`. `trend` compares its time with that of the passed
    runs of the same graph before it, "" where these are too few or it did not pass itself.
    """

    run: str
    file: str = ""
    verdict: str
    exit_code: int | None = None
    started: str = ""
    seconds: float | None = None
    trend: Trend = ""
    failed: tuple[str, ...] = ()
    flaky: tuple[str, ...] = ()
    problem: str = ""


def rows(runs: Sequence[RunFolder]) -> tuple[Row, ...]:
    """Answer a row for each run, in the order of these (the oldest first)."""
    past: dict[str, list[float]] = {}
    return tuple(_row(run, past) for run in runs)


# -- the helpers -------------------------------------------------------------------------------------------------------


def _row(folder: RunFolder, past: dict[str, list[float]]) -> Row:
    try:
        run = recalled(folder)
    except (DamagedJournal, RunnerFault, UsageError) as error:  # a border: anybody may break a folder
        problem = " ".join(str(error).split()).removeprefix(f"run `{folder.name}`").lstrip(": ")
        return Row(run=folder.name, verdict="unreadable", problem=problem)
    running = not run.complete and going_on(folder.path.parents[1], run.started) is not None
    before = past.setdefault(run.graph.file, [])
    trend = _trend(run, before)
    if run.verdict == "passed":
        before.append(run.seconds)
    return Row(
        run=run.run,
        file=run.graph.file,
        verdict="running" if running else run.verdict,
        exit_code=None if running else run.exit_code,
        started=run.started,
        seconds=run.seconds,
        trend=trend,
        failed=tuple(task.id for task in run.tasks if task.state in FAILED_STATES and task.state != "cancelled"),
        flaky=tuple(task.id for task in run.tasks if task.flaky),
    )


def _trend(run: Remembered, past: Sequence[float]) -> Trend:
    known = usual(past) if run.verdict == "passed" else None
    if known is None:
        return ""
    way = beyond(run.seconds, known)
    return "slower" if way > 0 else "faster" if way < 0 else "steady"
