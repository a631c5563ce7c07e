"""The report for a pull request or an editor: a short first screen, details folded. Everything said is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator

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
from runner.record.report import Report, TaskReport


def render_markdown(report: Report) -> str:
    """Write the report as Markdown, as GitHub shows it."""
    lines = [
        f"# {verdict(report)}: {_escaped(report.graph.name)}",
        "",
        f"{'; '.join(filter(None, (task_totals(report), check_totals(report))))}.",
        "",
        f"Took {duration(report.seconds)}; one after another {duration(report.sequential_seconds)}"
        f" (speed-up {report.speedup:.2f} with {report.workers} workers)."
        + (
            f" Critical path: {' → '.join(f'`{task}`' for task in report.critical_path)}."
            if report.critical_path
            else ""
        ),
        "",
        *_table(report),
    ]
    for service in report.services:
        if service.state == "failed":
            lines += ["", f"**Service `{service.id}` failed**: {_escaped(service.message)}"]
    if report.orphans:
        lines += ["", "## Left behind", "", "| task | record | prefix |", "|---|---|---|"]
        lines += [f"| {_code(each.task)} | {_code(each.id)} | {_code(each.prefix or '')} |" for each in report.orphans]
    for task in report.tasks:
        if task.checks or task.failed:
            lines += ["", *_details(task)]
    lines += ["", f"Run `{report.run}` of `{report.graph.file}`, {report.started} to {report.finished}.", ""]
    return "\n".join(lines)


def _table(report: Report) -> Iterator[str]:
    yield "| | task | took | what happened |"
    yield "|---|---|---:|---|"
    for task in report.tasks:
        took = duration(task.seconds) if task.attempts else ""
        note = f": {task.message}" if task.message else ""
        yield f"| {SYMBOLS.get(task.state, '?')} | {_code(task.id)} | {took} | {_escaped(state_words(task) + note)} |"


def _details(task: TaskReport) -> Iterator[str]:
    passed = sum(check.verdict == "passed" for check in task.checks)
    checks = f": {passed} of {counted(len(task.checks), 'check')} passed" if task.checks else ""
    yield f"<details{' open' if task.failed else ''}><summary>{_code(task.id)}{checks}</summary>"
    yield ""
    if task.checks:
        yield "| | check | what was seen |"
        yield "|---|---|---|"
        signs = {"passed": "✓", "failed": "✗", "warning": "!"}
        for check in task.checks:
            yield f"| {signs[check.verdict]} | {_escaped(check.name)} | {_escaped(check_words(check))} |"
        yield ""
    for attempt in task.attempts:
        if attempt.message:
            yield f"Attempt {attempt.number}, {duration(attempt.seconds)}: {_escaped(attempt.message)}"
            yield ""
        if attempt.log:
            yield f"[log]({attempt.log})"
            yield ""
    yield "</details>"


def _escaped(text: str) -> str:
    """Keep text text: no markup, no table cell, no line of its own."""
    one_line = _html(" ".join(text.split()))
    return re.sub(r"([\\`*_\[\]|~#])", r"\\\1", one_line)


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _code(text: str) -> str:
    """Write an id as code; a backtick or a bar in it would end the code or the cell."""
    return f"<code>{_html(text).replace('|', '&#124;').replace('`', '&#96;')}</code>" if text else ""
