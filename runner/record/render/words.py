"""Words and figures that all renderings share, so that they say the same. Knows no layout."""

from __future__ import annotations

import json

from runner.record.report import Report, TaskReport
from runner.task import Check, Json

SYMBOLS = {
    "succeeded": "✓",
    "kept": "✓",
    "cached": "✓",
    "failed": "✗",
    "timed_out": "✗",
    "crashed": "✗",
    "cancelled": "✗",
    "blocked": "⊘",
    "skipped": "–",
}
"""One sign a state; the word stands beside it, so nothing hangs on the sign or on its colour."""

VERDICTS = {"passed": "PASSED", "failed": "FAILED", "interrupted": "INTERRUPTED"}


def duration(seconds: float) -> str:
    """Write seconds for people: `0.35 s`, `12.4 s`, `3 min 20 s`, `4 h 05 min`."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 100:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min"


def state_words(task: TaskReport) -> str:
    """Write a task's state: `timed out`, `succeeded (flaky: 2 attempts)`, `failed (allowed)`."""
    words = task.state.replace("_", " ")
    if task.flaky:
        return f"{words} (flaky: {len(task.attempts)} attempts)"
    if task.failed and not task.required:
        return f"{words} (allowed)"
    return words


def totals(report: Report) -> list[str]:
    """Write the counts of a run: states of the tasks, then the checks."""
    states: dict[str, int] = {}
    for task in report.tasks:
        states[task.state] = states.get(task.state, 0) + 1
    words = [f"{states[state]} {state.replace('_', ' ')}" for state in SYMBOLS if state in states]
    words += [f"{count} {state}" for state, count in states.items() if state not in SYMBOLS]
    checks = report.checks
    if checks.total:
        failed = f", {checks.failed} failed" if checks.failed else ""
        warned = f", {checks.warnings} with a warning" if checks.warnings else ""
        words.append(f"{checks.passed} of {checks.total} checks passed{failed}{warned}")
    return words


def value(data: Json) -> str:
    """Write an expected or observed value on one line."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    return text.replace("\r", "").replace("\n", "\\n")


def check_words(check: Check) -> str:
    """Write what a check expected and observed, and its message where that says more."""
    words = []
    if check.expected is not None or check.observed is not None:
        words.append(f"expected {value(check.expected)}, observed {value(check.observed)}")
    if check.message:
        words.append(check.message)
    return "; ".join(words)
