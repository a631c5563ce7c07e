"""Words and figures that all renderings share, so that they say the same. Knows no layout."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence

from runner.graph.model import Rate
from runner.record.render.legible import legible, shortened
from runner.record.report import Change, Report, TaskReport, without_groups
from runner.task import Check, Json

SYMBOLS = {
    "succeeded": "✓",
    "kept": "✓",
    "cached": "✓",
    "failed": "✗",
    "timed_out": "✗",
    "crashed": "✗",
    "cancelled": "✗",
    "running": "?",
    "blocked": "⊘",
    "skipped": "○",
}
"""One sign a state; the word stands beside it, so nothing hangs on the sign or on its colour."""

CHECK_SYMBOLS = {"passed": "✓", "failed": "✗", "warning": "!"}

CANCELS = {
    "interrupted": "by Ctrl-C",
    "terminated": "by SIGTERM",
    "hung_up": "its terminal was closed",
    "deadline": "its deadline passed",
    "killed": "the runner was killed",
}

SECONDS = frozenset({"timeout", "kill_after", "estimate", "deadline", "delay", "max_delay", "stop_timeout"})
"""Keys of the graph file that are kept as seconds."""
DOUBTFUL = 20
"""How many tasks are named that were under way when a former run ended."""
ROWS = 40
"""How many tasks get a row of their own.

With more, only those that did not simply succeed, failures first, and fan-outs as a whole.
"""
DONE = frozenset({"succeeded", "kept", "cached", "skipped"})
"""States in which nothing is wrong."""


def verdict(report: Report) -> str:
    """Write the verdict: `PASSED`, `FAILED`, `INTERRUPTED (its deadline passed)`."""
    why = CANCELS.get(report.cancelled or "")
    return f"{report.verdict.upper()} ({why})" if why else report.verdict.upper()


def resumed(report: Report) -> str:
    """Write which run this one went on with, what it kept, and what was under way then; "" for any other run."""
    if report.resumes is None:
        return ""
    if not report.resumes:
        return "There was no earlier run of this graph to go on with: all is new."
    tasks = without_groups(report.tasks)
    kept = sum(task.state == "kept" for task in tasks)
    names = ", ".join(report.doubtful[:DOUBTFUL])
    more = f" and {len(report.doubtful) - DOUBTFUL} more" if len(report.doubtful) > DOUBTFUL else ""
    doubt = f"; under way when it ended, so perhaps done twice: {names}{more}" if report.doubtful else ""
    return f"Goes on with run {report.resumes}: {kept} of {len(tasks)} tasks kept{doubt}."


def shuffled(report: Report) -> str:
    """Write that the order was random, and how to have it again; "" for any other run."""
    if report.shuffle is None:
        return ""
    return f"Started in a random order: --shuffle {report.shuffle} has the same again."


def notes(report: Report) -> list[str]:
    """Write what is to be known of a whole run: what it goes on with, its random order, groups, what crashes cost."""
    found = (resumed(report), shuffled(report), *tried_again(report), *fewer_words(report))
    return [words for words in found if words]


def tried_again(report: Report) -> list[str]:
    """Write which included graphs were tried again as a whole, and how they ended."""
    again = (each for each in report.included if each.rounds > 1)
    return [f"All of {each.id} was tried again: it {_ended(each.state)} in round {each.rounds}" for each in again]


def _ended(state: str) -> str:
    return {"blocked": "was blocked", "cancelled": "was cancelled", "skipped": "was skipped"}.get(state, state)


def fewer_words(report: Report) -> list[str]:
    """Write what crashes have cost: `a, b and c crashed within a minute: 3 workers from then on`."""
    return [
        f"{', '.join(each.crashed[:-1])} and {each.crashed[-1]} crashed within a minute:"
        f" {counted(each.workers, 'worker')} from then on ({each.at})"
        for each in report.fewer_workers
    ]


def how_often(rate: Rate) -> str:
    """Write a rate for people: `10 a minute`, `3 in 12.0 s`."""
    unit = {1.0: "a second", 60.0: "a minute", 3600.0: "an hour", 86400.0: "a day"}.get(rate.seconds)
    return f"{rate.count} {unit or f'in {duration(rate.seconds)}'}"


def duration(seconds: float) -> str:
    """Write seconds for people: `0.35 s`, `12.4 s`, `3 min 20 s`, `4 h 05 min`."""
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 100:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min"


def size(number: int) -> str:
    """Write bytes for people: `312 B`, `12.4 KiB`, `1.0 GiB`."""
    for unit, bytes_ in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if number >= bytes_:
            return f"{number / bytes_:.1f} {unit}"
    return f"{number} B"


def state_words(task: TaskReport) -> str:
    """Write a task's state: `timed out`, `succeeded (flaky: 2 attempts)`, `failed (allowed)`."""
    marks = ["allowed"] if task.failed and not task.required else []
    if task.flaky:
        marks.append(f"flaky: {flaky_words(task)}")
    words = task.state.replace("_", " ")
    return f"{words} ({'; '.join(marks)})" if marks else words


def flaky_words(task: TaskReport) -> str:
    """Write why a task is called flaky: `2 attempts`, `failed before, asked the same`; "" if it is not."""
    if not task.flaky_runs:
        return f"{len(task.attempts)} attempts" if task.flaky else ""
    tried = f"{len(task.attempts)} attempts, and " if task.state == "succeeded" and len(task.attempts) > 1 else ""
    return f"{tried}{'succeeded' if task.failed else 'failed'} before, asked the same"


def totals(tasks: Iterable[TaskReport]) -> str:
    """Write how many tasks ended in each state: `3 succeeded, 2 failed (1 allowed), 1 blocked`.

    Of a fan-out its instances count.
    """
    counted_tasks = without_groups(tasks)
    counts = Counter(task.state for task in counted_tasks)
    allowed = Counter(task.state for task in counted_tasks if task.failed and not task.required)
    known = [state for state in SYMBOLS if state in counts]
    others = [state for state in counts if state not in SYMBOLS]
    words = []
    for state in (*known, *others):
        excused = f" ({allowed[state]} allowed)" if allowed[state] else ""
        words.append(f"{counts[state]} {state.replace('_', ' ')}{excused}")
    return ", ".join(words)


def check_totals(report: Report) -> str:
    """Write how many checks passed: `5 of 7 checks passed, 1 failed, 1 with a warning`; "" where there are none."""
    return _checks(report.checks.passed, report.checks.failed, report.checks.warnings)


def checks_of(task: TaskReport) -> str:
    """Write the same of one task."""
    verdicts = [check.verdict for check in task.counted]
    return _checks(*(verdicts.count(verdict) for verdict in ("passed", "failed", "warning")))


def _checks(passed: int, bad: int, doubted: int) -> str:
    total = passed + bad + doubted
    failed = f", {bad} failed" if bad else ""
    warned = f", {doubted} with a warning" if doubted else ""
    return f"{passed} of {counted(total, 'check')} passed{failed}{warned}" if total else ""


def time_words(report: Report) -> str:
    """Write how long the run took, how long it was planned to take, and how long its tasks one after another."""
    ends = [task.planned.started + task.planned.seconds for task in report.tasks if task.planned is not None]
    planned = f" (planned: {duration(max(ends))})" if ends else ""
    return (
        f"Took {duration(report.seconds)}{planned}; one after another {duration(report.sequential_seconds)}"
        f" (speed-up {report.speedup:.2f} with {counted(report.workers, 'worker')})"
    )


def counted(number: int, thing: str) -> str:
    """Write a number of things: `1 check`, `2 checks`, `2 processes`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}{'es' if thing.endswith('s') else 's'}"


def abridged(path: Sequence[str]) -> Sequence[str]:
    """Answer the two ends of a long path, and how much lies between them."""
    return path if len(path) <= 12 else [*path[:5], f"… {len(path) - 10} more …", *path[-5:]]


def in_rows(tasks: Sequence[TaskReport]) -> Sequence[TaskReport]:
    """Answer the tasks that get a row: all, or where they are too many those that matter most, failures first."""
    if len(tasks) <= ROWS:
        return tasks
    notable = [task for task in tasks if task.flaky or task.instances or task.state not in DONE]
    return sorted(notable, key=_urgency)[:ROWS]


def by_urgency(tasks: Iterable[TaskReport]) -> list[TaskReport]:
    """Sort tasks: those that failed the run first, then those that were allowed to, else as in the file."""
    return sorted(tasks, key=_urgency)


def value(data: Json, longest: int) -> str:
    """Write an expected or observed value on one line of so many characters."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    return shortened(legible(text.replace("\r", "").replace("\n", "\\n")), longest)


def check_words(check: Check, longest: int) -> str:
    """Write what a check expected and observed, and its message where that says more; each so many characters."""
    words = []
    if check.expected is not None:
        words.append(f"expected {value(check.expected, longest)}, observed {value(check.observed, longest)}")
    elif check.observed is not None:
        words.append(value(check.observed, longest))
    if check.message:
        words.append(shortened(legible(check.message), longest))
    return "; ".join(words)


def change_words(change: Change) -> str:
    """Write what changed since the run before: `health is newly failing (was skipped)`."""
    task, name = change.task or "", shortened(legible(change.name or ""), 120)
    was = f"was {str(change.before).replace('_', ' ')}"
    note = f" ({shortened(legible(change.note), 120)})" if change.note else ""
    match change.kind:
        case "param":
            return f"parameter {name}: {value(change.before, 60)} → {value(change.after, 60)}"
        case "definition":
            return f"{f'{task}, ' if task else ''}{name}: {_key(name, change.before)} → {_key(name, change.after)}"
        case "added" | "removed":
            return f"{task} was {change.kind}"
        case "newly_failing":
            return f"{task} is newly failing ({was})"
        case "fixed":
            return f"{task} is fixed ({was})"
        case "newly_skipped" if change.after == "running":
            return f"{task} did not end ({was})"
        case "newly_skipped":
            return f"{task} is newly {str(change.after).replace('_', ' ')} ({was})"
        case "runs_again":
            return f"{task} runs again ({was})"
        case "newly_flaky":
            return f"{task} is newly flaky"
        case "slower" | "faster":
            return f"{task} is {change.kind}: {_seconds(change.after)}, usually {_seconds(change.before)}{note}"
        case "check_failing":
            return f"{task}, {name} is newly failing{note}"
        case "check_fixed":
            return f"{task}, {name} is fixed"


def _key(name: str, data: Json) -> str:
    if data is None:
        return "not set"
    return _seconds(data) if name.rpartition(".")[2] in SECONDS else value(data, 60)


def _seconds(data: Json) -> str:
    return duration(data) if isinstance(data, int | float) else str(data)


def _urgency(task: TaskReport) -> int:
    if task.failed:
        return 0 if task.required else 1
    return 2 if task.state == "running" else 3 if task.flaky else 4
