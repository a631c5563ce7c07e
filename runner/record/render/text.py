"""The summary for a terminal: alone enough to know what to fix. Knows no file but logs it quotes and the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from textwrap import wrap

from msgspec import Struct

from runner.record.render.legible import last_lines, legible, legible_lines
from runner.record.render.words import (
    SYMBOLS,
    abridged,
    by_urgency,
    change_words,
    check_totals,
    check_words,
    counted,
    duration,
    in_rows,
    notes,
    state_words,
    time_words,
    totals,
    verdict,
)
from runner.record.report import Report, ServiceReport, TaskReport

QUOTED = 8
"""How many last lines of a log or a traceback are quoted."""
CHECKS = 8
"""How many failed checks of a task are listed."""
EVIDENCE = 5
"""How many failed tasks are shown with their evidence."""
SHOWN = 8
"""How many warnings, and things left behind, are listed."""
LONGEST = 160
"""How many characters of a value, a message or a check's name are shown."""


class Style(Struct, frozen=True, kw_only=True):
    """What goes before and after words of each kind; empty for plain text."""

    good: str = ""
    bad: str = ""
    warn: str = ""
    dim: str = ""
    strong: str = ""
    off: str = ""


PLAIN = Style()
COLOURED = Style(good="\x1b[32m", bad="\x1b[31m", warn="\x1b[33m", dim="\x1b[2m", strong="\x1b[1m", off="\x1b[0m")


def render_text(report: Report, folder: Path, style: Style, width: int) -> str:
    """Write the summary; `folder` is the run's own, `width` in columns."""
    fit = _fitter(width)
    titled = (
        *_all_evidence(report, folder, width),
        *(_broken_service(each) for each in report.services if each.state == "failed"),
        _warnings(report),
        _left_behind(report),
        _changes(report),
    )
    blocks = (
        _head(report, style, width),
        (_coloured(fit(line), style) for line in _rows(report)),
        *(_titled(lines, style, fit) for lines in titled),
        _foot(report, folder, width),
    )
    return "\n" + "\n\n".join(text for block in blocks if (text := "\n".join(block)))


def render_verdict(report: Report, style: Style, width: int) -> str:
    """Write the verdict with how many tasks ended how, and nothing else."""
    return "\n".join(_verdict(report, style, width))


# -- the parts ---------------------------------------------------------------------------------------------------------


def _head(report: Report, style: Style, width: int) -> Iterator[str]:
    yield from _verdict(report, style, width)
    if report.checks.total:
        yield check_totals(report)
    for line in notes(report):
        yield from wrap(line, width, subsequent_indent="  ")


def _verdict(report: Report, style: Style, width: int) -> Iterator[str]:
    first, *others = wrap(
        f"{verdict(report)} {report.graph.name}: {totals(report.tasks)}", width, subsequent_indent="  "
    )
    colour = style.good if report.verdict == "passed" else style.bad
    name = f"{style.strong}{colour}{report.verdict.upper()}{style.off}"
    yield first.replace(report.verdict.upper(), name, 1)
    yield from others


def _rows(report: Report) -> Iterator[str]:
    shown = in_rows(report.tasks)
    wide = max((len(task.id) for task in shown), default=0)
    for task in shown:
        time = duration(task.seconds) if task.attempts else ""
        note = f": {legible(task.message)}" if task.message else ""
        yield f"  {SYMBOLS.get(task.state, '·')} {task.id:<{wide}}  {time:>10}  {state_words(task)}{note}"
    if len(shown) < len(report.tasks):
        seen = {task.id for task in shown}
        yield f"  … and {totals(task for task in report.tasks if task.id not in seen)}"


def _all_evidence(report: Report, folder: Path, width: int) -> Iterator[Iterator[str]]:
    told = [task for task in by_urgency(report.tasks) if task.failed and task.state != "cancelled" and _has_more(task)]
    for task in told[:EVIDENCE]:
        yield evidence(task, folder, width)
    if len(told) > EVIDENCE:
        yield iter([f"… and {len(told) - EVIDENCE} more that failed: `python -m runner show {report.run}` has all"])


def _has_more(task: TaskReport) -> bool:
    last = task.attempts[-1] if task.attempts else None
    failed = any(check.verdict == "failed" for check in task.counted)
    return failed or (last is not None and bool(last.log or last.traceback))


def evidence(task: TaskReport, folder: Path, width: int) -> Iterator[str]:
    """Write a failed task, its failed checks, and the last lines of its traceback and its log."""
    yield f"{task.id} {state_words(task)}"
    failed = [check for check in task.counted if check.verdict == "failed"]
    for check in failed[:CHECKS]:
        name, words = legible(check.name)[:LONGEST], check_words(check, LONGEST)
        line = f"{name}: {words}" if words else name
        yield from wrap(line, width, initial_indent="  ✗ ", subsequent_indent="    ", break_on_hyphens=False)
    if len(failed) > CHECKS:
        yield f"  … and {len(failed) - CHECKS} more failed checks"
    yield from _quotes(task, folder)


def _quotes(task: TaskReport, folder: Path) -> Iterator[str]:
    last = task.attempts[-1] if task.attempts else None
    if last is None:
        return
    yield from (f"  │ {line}" for line in legible_lines(last.traceback or "")[-QUOTED:])
    if last.log:
        yield from (f"  │ {line}" for line in last_lines(folder / last.log, QUOTED))
        yield f"  log: {folder / last.log}"


def _broken_service(service: ServiceReport) -> Iterator[str]:
    yield f"service {service.id} failed: {legible(service.message)}"
    yield from (f"  │ {line}" for line in legible_lines("\n".join(service.lines))[-QUOTED:])


def _warnings(report: Report) -> Iterator[str]:
    found = [(task, check) for task in report.tasks for check in task.counted if check.verdict == "warning"]
    rows = []
    for task, check in found:
        words = check_words(check, LONGEST)
        rows.append(f"  ! {task.id}: {legible(check.name)}" + (f": {words}" if words else ""))
    yield from _listed(counted(len(rows), "warning"), rows)


def _left_behind(report: Report) -> Iterator[str]:
    records = [
        f"  {each.task}: {legible(f'{each.name} (id {each.id})' if each.name else each.id)}" for each in report.orphans
    ]
    yield from _listed(f"{counted(len(records), 'test record')} left behind", records)
    processes = [
        f"  {task.id}: {legible(name)}" for task in report.tasks for attempt in task.attempts for name in attempt.left
    ]
    yield from _listed(f"{counted(len(processes), 'process')} left behind, and ended", processes)


def _changes(report: Report) -> Iterator[str]:
    if report.previous is not None:
        rows = [f"  {change_words(change)}" for change in report.previous.changes]
        yield from _listed(f"Changed since run {report.previous.run}", rows)


def _listed(title: str, rows: Sequence[str]) -> Iterator[str]:
    if rows:
        yield title
    yield from rows[:SHOWN]
    if len(rows) > SHOWN:
        yield f"  … and {len(rows) - SHOWN} more"


def _foot(report: Report, folder: Path, width: int) -> Iterator[str]:
    if report.critical_path:
        path = f"Critical path: {' → '.join(abridged(report.critical_path))}"
        yield from wrap(path, width, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False)
    yield time_words(report)
    page = folder / "report.html"
    yield f"Report: {page if page.exists() else folder / 'report.md'}"


# -- the helpers -------------------------------------------------------------------------------------------------------


def _fitter(width: int) -> Callable[[str], str]:
    def fit(line: str) -> str:
        if 2 * len(line) <= width:  # no character takes more than two columns
            return line
        from rich.cells import cell_len, set_cell_size  # noqa: PLC0415  # most runs have short lines only

        return line if cell_len(line) <= width else f"{set_cell_size(line, width - 1).rstrip()}…"

    return fit


def _titled(lines: Iterator[str], style: Style, fit: Callable[[str], str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        fitting = line if line.startswith("  log: ") else fit(line)  # a path is there to be copied
        yield _coloured(fitting, style) if number else f"{style.strong}{fitting}{style.off}"


def _coloured(line: str, style: Style) -> str:
    """Colour the sign a line begins with; done last, so that colours do not count as columns."""
    colours = {"  ✓": style.good, "  ✗": style.bad, "  ?": style.bad, "  !": style.warn, "  │": style.dim}
    colour = colours.get(line[:3])
    return f"  {colour}{line[2]}{style.off}{line[3:]}" if colour else line
