"""What the page shows, as plain data: every text cleaned and bounded, every figure in words. Knows no HTML.

Places in the graph and on the lanes are worked out here, so that the page only has to draw.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from runner.record.render.lanes import seconds_into
from runner.record.render.legible import end_of, legible, legible_text, shortened
from runner.record.render.pictures import picture, timeline, waits
from runner.record.render.words import (
    CHECK_SYMBOLS,
    SYMBOLS,
    change_words,
    check_totals,
    check_words,
    checks_of,
    counted,
    duration,
    notes,
    size,
    state_words,
    time_words,
    totals,
    value,
    verdict,
)
from runner.record.report import AttemptReport, CheckReport, Report, ServiceReport, TaskReport, without_groups
from runner.task import Json

LONGEST = 4000
"""How many characters of a value, a message or a traceback are shown."""
NOTABLE = 0.01
"""Seconds from which on a wait is one."""
MOST = 500
"""How many checks, outputs or ledger rows of a task are shown."""
LOG_OF_FAILED, LOG_OF_OTHERS, LOGS = 32_768, 4_096, 4_194_304
"""How many bytes from the end of a log are shown, and of all logs together; those of failed tasks come first."""


def page_data(report: Report, folder: Path) -> dict[str, Any]:
    """Answer all that the page shows of a run; `folder` is the run's own."""
    logs = _logs(report, folder)
    number = {task.id: index for index, task in enumerate(report.tasks)}
    waited = waits(report)
    return {
        "name": legible(report.graph.name),
        "run": report.run,
        "verdict": report.verdict,
        "words": {
            "verdict": verdict(report),
            "totals": totals(report.tasks),
            "checks": check_totals(report),
            "time": time_words(report),
        },
        "notes": [legible(line) for line in notes(report)],
        "counts": _counts(report),
        "shares": [[mark, len(tasks)] for mark, tasks in _by(without_groups(report.tasks), _mark)],
        "filters": _filters(report),
        "seconds": report.seconds,
        "workers": report.workers,
        "critical": [number[name] for name in report.critical_path],
        "tasks": [_task(report, task, logs, waited.get(task.id, 0.0)) for task in report.tasks],
        "services": [_service(report, each) for each in report.services],
        "timeline": timeline(report, number),
        "graph": picture(report),
        "orphans": [[legible(text or "") for text in (o.task, o.kind, o.name, o.id, o.prefix)] for o in report.orphans],
        "previous": _previous(report),
        "about": _about(report),
    }


# -- the run -----------------------------------------------------------------------------------------------------------


def _counts(report: Report) -> list[dict[str, Any]]:
    """Answer how many tasks ended in each state, in words with how many of them are flaky or were allowed to fail."""
    found = []
    for state, tasks in _by(without_groups(report.tasks), lambda task: task.state):
        notes = [
            (sum(task.flaky for task in tasks), "flaky"),
            (sum(_mark(task) == "excused" for task in tasks), "allowed"),
        ]
        noted = ", ".join(f"{number} {word}" for number, word in notes if number)
        words = state.replace("_", " ") + (f" ({noted})" if noted else "")
        found.append({"state": state, "count": len(tasks), "words": words})
    return found


def _filters(report: Report) -> list[dict[str, Any]]:
    """Answer what the table can be narrowed to: states, and the two marks that cut across them; rows count."""
    states = [
        {"state": state, "count": len(tasks), "words": state.replace("_", " ")}
        for state, tasks in _by(report.tasks, lambda task: task.state)
    ]
    marks = [
        {"state": mark, "count": number, "words": words}
        for mark, words in (("flaky", "flaky"), ("excused", "allowed to fail"))
        if (number := sum(mark in _flags(task) for task in report.tasks))
    ]
    return [*states, *marks]


def _by(reported: Sequence[TaskReport], key: Callable[[TaskReport], str]) -> list[tuple[str, list[TaskReport]]]:
    groups: dict[str, list[TaskReport]] = {}
    for task in reported:
        groups.setdefault(key(task), []).append(task)
    order = ["succeeded", "flaky", *SYMBOLS, "excused"]
    return sorted(groups.items(), key=lambda pair: order.index(pair[0]) if pair[0] in order else len(order))


def _mark(task: TaskReport) -> str:
    """Answer the word that a task is coloured by."""
    if task.failed:
        return task.state if task.required else "excused"
    return "flaky" if task.flaky else task.state


def _flags(task: TaskReport) -> list[str]:
    """Answer the words by which the table can be narrowed to a task, beside its state."""
    return [word for word, holds in (("flaky", task.flaky), ("excused", task.failed and not task.required)) if holds]


def _previous(report: Report) -> dict[str, Any] | None:
    if report.previous is None:
        return None
    changes = [{"kind": change.kind, "words": legible(change_words(change))} for change in report.previous.changes]
    return {"run": report.previous.run, "changes": changes}


def _about(report: Report) -> list[list[str]]:
    """Answer names and values of what a reader may want to know of the run as a whole."""
    parameters = [[f"parameter {name}", value(data, LONGEST)] for name, data in report.params.items()]
    return [
        ["run", report.run],
        ["graph file", legible(report.graph.file)],
        ["digest of the file", report.graph.digest],
        ["started", report.started],
        ["finished", report.finished],
        ["workers", str(report.workers)],
        ["exit code", str(report.exit_code)],
        ["critical path", " → ".join(report.critical_path)],
        *parameters,
    ]


def _service(report: Report, service: ServiceReport) -> dict[str, Any]:
    return {
        "id": service.id,
        "state": service.state,
        "url": legible(service.url),
        "start": None if service.started is None else seconds_into(report, service.started),
        "seconds": service.seconds,
        "took": duration(service.seconds),
        "message": legible(service.message),
        "lines": shortened(legible_text("\n".join(service.lines)), LONGEST),
    }


# -- a task ------------------------------------------------------------------------------------------------------------


def _task(report: Report, task: TaskReport, logs: dict[str, tuple[str, int]], waited: float) -> dict[str, Any]:
    return {
        "id": task.id,
        "desc": legible(task.desc),
        "state": task.state,
        "mark": _mark(task),
        "flags": _flags(task),
        "symbol": SYMBOLS.get(task.state, "·"),
        "words": state_words(task),
        "failed": task.failed,
        "required": task.required,
        "message": _text(legible(task.message)),
        "needs": list(task.needs),
        "start": None if task.started is None else seconds_into(report, task.started),
        "seconds": task.seconds,
        "took": duration(task.seconds) if task.attempts else "",
        "waited": round(waited, 3),
        "waitedWords": duration(waited) if waited >= NOTABLE else "",
        "passed": sum(check.verdict == "passed" for check in task.counted),
        "judged": len(task.counted),
        "checksWords": checks_of(task),
        "why": [[round(each.at, 3), _text(legible(each.words))] for each in task.story[:MOST]],
        "attempts": [_attempt(report, attempt, logs) for attempt in task.attempts],
        "checks": [_check(task, check) for check in sorted(task.checks, key=_by_verdict)[:MOST]],
        "unseen": counted(len(task.checks) - MOST, "more check") if len(task.checks) > MOST else "",
        "outputs": [[legible(name), _data(data)] for name, data in list(task.outputs.items())[:MOST]],
        "artifacts": [
            [legible(each.path), legible(each.title), size(each.size), each.digest[:16]]
            for each in task.artifacts[:MOST]
        ],
        "ledger": [
            [each.action, *(legible(text or "") for text in (each.kind, each.name, each.id)), each.at]
            for each in task.ledger[:MOST]
        ],
        "planned": None if task.planned is None else _planned(task.planned.started, task.planned.seconds),
    }


def _planned(started: float, seconds: float) -> dict[str, Any]:
    return {
        "start": started,
        "seconds": seconds,
        "words": f"planned to start after {duration(started)} and to take {duration(seconds)}",
    }


def _attempt(report: Report, attempt: AttemptReport, logs: dict[str, tuple[str, int]]) -> dict[str, Any]:
    text, before = logs.get(attempt.log, ("", 0))
    return {
        "number": attempt.number,
        "start": None if attempt.started is None else seconds_into(report, attempt.started),
        "seconds": attempt.seconds,
        "took": duration(attempt.seconds) if attempt.started is not None else "never begun",
        "outcome": attempt.outcome,
        "cause": (attempt.cause or "").replace("_", " "),
        "message": _text(legible(attempt.message)),
        "traceback": legible_text(attempt.traceback or "")[-LONGEST:],
        "log": attempt.log,
        "lines": legible_text(text),
        "before": f"{before:,} bytes before are in" if before else "",
        "pid": attempt.pid,
        "worker": legible(attempt.worker),
        "left": [legible(name) for name in attempt.left],
    }


def _check(task: TaskReport, check: CheckReport) -> dict[str, Any]:
    return {
        "verdict": check.verdict,
        "symbol": CHECK_SYMBOLS[check.verdict],
        "name": _text(legible(check.name)),
        "words": check_words(check, LONGEST),
        "attempt": 0 if task.counts(check) else check.attempt,
    }


def _by_verdict(check: CheckReport) -> int:
    return ("failed", "warning", "passed").index(check.verdict)


def _data(data: Json) -> str:
    text = data if isinstance(data, str) else json.dumps(data, indent=2, ensure_ascii=False)
    return _text(legible_text(text[: 2 * LONGEST]))


def _text(text: str) -> str:
    return shortened(text, LONGEST)


def _logs(report: Report, folder: Path) -> dict[str, tuple[str, int]]:
    """Read the ends of the logs, those of failed tasks first, until there is no more room."""
    found: dict[str, tuple[str, int]] = {}
    room = LOGS
    for task in sorted(report.tasks, key=lambda task: not (task.failed or task.flaky)):
        most = LOG_OF_FAILED if task.failed or task.flaky else LOG_OF_OTHERS
        for attempt in task.attempts:
            if attempt.log and room > 0:
                found[attempt.log] = end_of(folder / attempt.log, min(most, room))
                room -= len(found[attempt.log][0])
    return found
