"""A run in full, for a terminal: every attempt, check, output and ledger row. Knows no file."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from runner.record.render.legible import legible
from runner.record.render.words import CHECK_SYMBOLS, check_words, duration, size, state_words, value
from runner.record.report import Report, TaskReport

ALL = 1_000_000_000
"""Characters of a value that are shown: here, all of them."""


def render_full(report: Report, width: int) -> str:
    """Write all that is known of each task, in the order of the file; `width` in columns."""
    lines = [line for task in report.tasks for line in _task(task)]
    return "\n".join(piece for line in lines for piece in _wrapped(line, width))


def _task(task: TaskReport) -> Iterator[str]:
    told = task.kept_from and not task.reason  # the reason names the run
    yield f"{task.id}: {state_words(task)}" + (f" from run {task.kept_from}" if told else "")
    if task.reason:
        yield f"  {task.reason}"
    for attempt in task.attempts:
        started = attempt.started or "never begun"
        words = attempt.message or attempt.outcome
        process = f"pid {attempt.pid}" + (f" on {attempt.worker}" if attempt.worker else "")
        yield f"  attempt {attempt.number}: {started}, {duration(attempt.seconds)}, {process}: {words}"
        yield from (f"    left behind and ended: {name}" for name in attempt.left)
        if attempt.log:
            yield f"    {attempt.log}"
    for check in task.checks:
        words = check_words(check, ALL)
        when = "" if task.counts(check) else f"attempt {check.attempt}: "
        yield f"  {CHECK_SYMBOLS[check.verdict]} {when}{check.name}" + (f": {words}" if words else "")
    for name, data in task.outputs.items():
        yield f"  {name} = {value(data, ALL)}"
    for file in task.artifacts:
        when = "" if file.attempt in (0, len(task.attempts)) else f"attempt {file.attempt}: "
        known = f" ({size(file.size)}, sha256 {file.digest})" if file.digest else ""
        yield f"  {when}kept {file.title} as {file.path}{known}"
    for row in task.ledger:
        yield f"  {row.action} {row.kind} {row.id}" + (f" ({row.name})" if row.name else "")
    yield ""


def _wrapped(line: str, width: int) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip()))
    return wrap(legible(line.strip()), width, initial_indent=indent, subsequent_indent=f"{indent}    ") or [""]
