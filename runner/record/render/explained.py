"""Why one task of a run went as it did: what happened to it, moment by moment, and the evidence. Knows no file.

The logs it quotes are the one exception.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

from runner.record.render.legible import legible
from runner.record.render.text import evidence
from runner.record.render.words import SYMBOLS, change_words, duration, state_words
from runner.record.report import Report, ServiceReport, TaskReport

MOMENT = 12
"""Columns of the moment at which something happened."""


def explain_task(report: Report, task: TaskReport, folder: Path, width: int) -> str:
    """Write what happened to a task and why; `folder` is the run's own, `width` in columns."""
    lines = [f"{SYMBOLS.get(task.state, '·')} {task.id} {state_words(task)}, in run {report.run}", ""]
    lines += _story(task, width)
    if task.failed:
        more = list(evidence(task, folder, width))[1:]
        lines += ["", *more] if more else []
    elif task.attempts and task.attempts[-1].log:
        lines += ["", f"  log: {folder / task.attempts[-1].log}"]
    return "\n".join([*lines, *_around(report, task)]) + "\n"


def explain_service(service: ServiceReport, folder: Path) -> str:
    """Write what became of a service."""
    lines = [f"service {service.id} {service.state.replace('_', ' ')}", ""]
    if service.started:
        lines.append(f"  answered{f' at {service.url}' if service.url else ''} from {service.started}")
        lines.append(f"  was up for {duration(service.seconds)}")
    if service.message:
        lines.append(f"  {legible(service.message)}")
    lines += [f"  │ {legible(line)}" for line in service.lines]
    if service.log:
        lines.append(f"  log: {folder / service.log}")
    return "\n".join(lines) + "\n"


# -- the parts ---------------------------------------------------------------------------------------------------------


def _story(task: TaskReport, width: int) -> Iterator[str]:
    for each in task.story:
        yield from wrap(
            legible(each.words),
            width,
            initial_indent=f"{duration(each.at):>{MOMENT - 2}}  ",
            subsequent_indent=" " * (MOMENT + 2),
            break_on_hyphens=False,
            break_long_words=False,
        )


def _around(report: Report, task: TaskReport) -> Iterator[str]:
    """Write what has changed for the task since the run before."""
    changes = [] if report.previous is None else [each for each in report.previous.changes if each.task == task.id]
    if report.previous is not None and changes:
        yield ""
        yield f"Since run {report.previous.run}:"
        yield from (f"  {change_words(change)}" for change in changes)
