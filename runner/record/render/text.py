"""The summary for a terminal: alone enough to know what to fix. Knows no file but the logs it quotes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap

from runner.record.render.words import (
    SYMBOLS,
    check_totals,
    check_words,
    counted,
    duration,
    state_words,
    task_totals,
    verdict,
)
from runner.record.report import Report, ServiceReport, TaskReport

QUOTED = 8
"""How many last lines of a log are quoted."""
ROWS = 40
"""How many tasks get a row of their own; with more, only those that did not simply succeed."""
CHECKS = 8
"""How many failed checks of a task are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What goes before and after words of each kind; empty for plain text."""

    good: str = ""
    bad: str = ""
    dim: str = ""
    strong: str = ""
    off: str = ""


PLAIN = Style()
COLOURED = Style(good="\x1b[32m", bad="\x1b[31m", dim="\x1b[2m", strong="\x1b[1m", off="\x1b[0m")


def render_text(report: Report, folder: Path, style: Style, width: int) -> str:
    """Write the summary; `folder` is the run's own, `width` in columns."""
    fit = _fitter(width)
    lines = ["", *_head(report, style), ""]
    lines += [fit(line) for line in _rows(report)]
    for task in report.tasks:
        if task.failed and task.state != "cancelled" and (details := list(_evidence(task, folder, style, width))):
            lines += ["", f"{style.strong}{task.id}{style.off} {state_words(task)}", *details]
    for service in report.services:
        if service.state == "failed":
            lines += ["", *_broken_service(service, style, fit)]
    lines += _left_behind(report, style)
    lines += ["", *_foot(report, folder)]
    return "\n".join(_coloured(line, style) for line in lines)


# -- the parts ---------------------------------------------------------------------------------------------------------


def _head(report: Report, style: Style) -> Iterator[str]:
    colour = style.good if report.verdict == "passed" else style.bad
    name = f"{style.strong}{report.graph.name}{style.off}"
    yield f"{style.strong}{colour}{verdict(report)}{style.off} {name}: {task_totals(report)}"
    if report.checks.total:
        yield check_totals(report)


def _rows(report: Report) -> Iterator[str]:
    shown = list(report.tasks)
    if len(shown) > ROWS:
        shown = [task for task in report.tasks if task.state not in {"succeeded", "kept", "cached"} or task.flaky][
            :ROWS
        ]
    wide = max((len(task.id) for task in shown), default=0)
    for task in shown:
        time = duration(task.seconds) if task.attempts else ""
        words = state_words(task)
        note = f": {task.message}" if task.message else ""
        yield f"  {SYMBOLS.get(task.state, '?')} {task.id:<{wide}}  {time:>10}  {words}{note}"
    if len(shown) < len(report.tasks):
        yield f"  … and {len(report.tasks) - len(shown)} more, not shown"


def _evidence(task: TaskReport, folder: Path, style: Style, width: int) -> Iterator[str]:
    fit = _fitter(width)
    failed = [check for check in task.checks if check.verdict == "failed"]
    for check in failed[:CHECKS]:
        words = f"{check.name}: {check_words(check)}" if check_words(check) else check.name
        yield from wrap(words, width, initial_indent="  ✗ ", subsequent_indent="    ", break_on_hyphens=False)
    if len(failed) > CHECKS:
        yield f"  … and {len(failed) - CHECKS} more failed checks"
    last = task.attempts[-1] if task.attempts else None
    if last is not None and last.log:
        yield from (fit(f"  {style.dim}│{style.off} {line}") for line in _last_lines(folder / last.log))
        yield f"  log: {folder / last.log}"
    elif last is not None and last.traceback:
        yield from (fit(f"  {style.dim}│{style.off} {line}") for line in last.traceback.strip().splitlines()[-QUOTED:])


def _broken_service(service: ServiceReport, style: Style, fit: Callable[[str], str]) -> Iterator[str]:
    yield f"{style.strong}service {service.id}{style.off} failed: {service.message}"
    yield from (fit(f"  {style.dim}│{style.off} {line}") for line in service.lines[-QUOTED:])


def _left_behind(report: Report, style: Style) -> list[str]:
    if not report.orphans:
        return []
    head = f"{style.strong}Left behind{style.off}: {counted(len(report.orphans), 'test record')}"
    rows = [f"  {orphan.task}: {orphan.id}" for orphan in report.orphans[:ROWS]]
    return ["", head, *rows]


def _foot(report: Report, folder: Path) -> Iterator[str]:
    if report.critical_path:
        yield f"Critical path: {' → '.join(_shortened(report.critical_path))}"
    yield (
        f"Took {duration(report.seconds)}; one after another {duration(report.sequential_seconds)}"
        f" (speed-up {report.speedup:.2f} with {report.workers} workers)"
    )
    yield f"Report: {folder / 'report.md'}"


# -- the helpers -------------------------------------------------------------------------------------------------------


def _last_lines(log: Path) -> Sequence[str]:
    try:
        with log.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 16384))
            text = file.read().decode("utf-8", "replace")
    except OSError:  # a border: the log may be gone
        return ()
    return [line for line in text.splitlines() if line.strip()][-QUOTED:]


def _shortened(path: Sequence[str]) -> Sequence[str]:
    return path if len(path) <= 12 else [*path[:5], f"… {len(path) - 10} more …", *path[-5:]]


def _fitter(width: int) -> Callable[[str], str]:
    def fit(line: str) -> str:
        return line if len(line) <= width else line[: width - 1] + "…"

    return fit


def _coloured(line: str, style: Style) -> str:
    if line.startswith("  ✓"):
        return line.replace("✓", f"{style.good}✓{style.off}", 1)
    if line.startswith("  ✗"):
        return line.replace("✗", f"{style.bad}✗{style.off}", 1)
    return line
