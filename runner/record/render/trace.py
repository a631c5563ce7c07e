"""The run as a trace for Perfetto (ui.perfetto.dev): lanes of workers, of services, and of what waits. Knows no file.

Written in Chrome's trace event format: complete events (`X`) in microseconds, names of processes and threads as
metadata (`M`), the number of attempts under way as a counter (`C`).
Source: "Trace Event Format", the document that Perfetto's and Chrome's readers follow.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from runner.record.render.lanes import Pause, Span, free_lanes, pauses, seconds_into, spans
from runner.record.render.legible import legible, shortened
from runner.record.render.words import state_words
from runner.record.report import Report

WORKERS, SERVICES, PAUSES, PLANNED = 1, 2, 3, 4
"""The process ids that stand for the groups of lanes."""
NAMES = {WORKERS: "workers", SERVICES: "services", PAUSES: "waits and rests", PLANNED: "planned"}
LONGEST = 1000
"""How many characters of a message are written."""


def render_trace(report: Report) -> str:
    """Write the trace as one JSON object, an event a line."""
    events = [*_workers(report), *_services(report), *_paused(report), *_planned(report)]
    groups = [_name("process_name", group, 0, NAMES[group]) for group in sorted({event["pid"] for event in events})]
    order = [
        {"ph": "M", "name": "process_sort_index", "pid": event["pid"], "args": {"sort_index": event["pid"]}}
        for event in groups
    ]
    lines = ",\n".join(json.dumps(event, ensure_ascii=True) for event in [*groups, *order, *events])
    about = json.dumps(
        {"run": report.run, "graph": report.graph.file, "verdict": report.verdict, "started": report.started}
    )
    return f'{{"displayTimeUnit": "ms", "otherData": {about},\n"traceEvents": [\n{lines}\n]}}\n'


def _workers(report: Report) -> Iterator[dict[str, Any]]:
    found = spans(report)
    tasks = {task.id: task for task in report.tasks}
    for lane in sorted({span.lane for span in found}):
        yield _name("thread_name", WORKERS, lane, f"worker {lane + 1}")
    for span in found:
        task, attempt = tasks[span.task], span.attempt
        told = {
            "state": state_words(task),
            "attempt": attempt.number,
            "outcome": attempt.outcome,
            "cause": attempt.cause,
            "message": shortened(legible(attempt.message), LONGEST),
            "process": attempt.pid,
            **({"worker": attempt.worker} if attempt.worker else {}),
            "log": attempt.log,
        }
        name = span.task if len(task.attempts) == 1 else f"{span.task} (attempt {attempt.number})"
        yield _event(name, attempt.outcome, WORKERS, span.lane, (span.start, attempt.seconds)) | {"args": told}
    yield from _counts(found)


def _counts(found: Sequence[Span]) -> Iterator[dict[str, Any]]:
    turns = sorted([(span.start, 1) for span in found] + [(span.end, -1) for span in found])
    running = 0
    for place, (at, turn) in enumerate(turns):
        running += turn
        if place + 1 == len(turns) or turns[place + 1][0] != at:
            yield {"ph": "C", "name": "running", "pid": WORKERS, "ts": _micro(at), "args": {"attempts": running}}


def _services(report: Report) -> Iterator[dict[str, Any]]:
    for lane, service in enumerate(report.services):
        if service.started is not None:
            yield _name("thread_name", SERVICES, lane, service.id)
            times = (seconds_into(report, service.started), service.seconds)
            told = {"state": service.state, "url": legible(service.url), "message": legible(service.message)}
            yield _event(service.id, "service", SERVICES, lane, times) | {"args": told}


def _paused(report: Report) -> Iterator[dict[str, Any]]:
    found: Sequence[Pause] = sorted(pauses(report), key=lambda pause: pause.start)
    lanes = free_lanes((pause.start, pause.end - pause.start) for pause in found)
    for pause, lane in zip(found, lanes, strict=True):
        words = "waits for room" if pause.kind == "wait" else "rests"
        yield _event(f"{pause.task} {words}", pause.kind, PAUSES, lane, (pause.start, pause.end - pause.start))


def _planned(report: Report) -> Iterator[dict[str, Any]]:
    found = sorted(
        (task.planned.started, task.planned.seconds, task.id) for task in report.tasks if task.planned is not None
    )
    lanes = free_lanes((start, seconds) for start, seconds, _ in found)
    for (start, seconds, task), lane in zip(found, lanes, strict=True):
        yield _event(task, "planned", PLANNED, lane, (start, seconds))


def _event(name: str, category: str, group: int, lane: int, times: tuple[float, float]) -> dict[str, Any]:
    start, seconds = times
    return {
        "ph": "X",
        "name": legible(name),
        "cat": category,
        "pid": group,
        "tid": _thread(group, lane),
        "ts": _micro(start),
        "dur": _micro(start + seconds) - _micro(start),
    }


def _name(kind: str, group: int, lane: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "name": kind, "pid": group, "tid": _thread(group, lane), "args": {"name": legible(name)}}


def _thread(group: int, lane: int) -> int:
    """Answer the id of a lane's thread: Perfetto takes equal ones of two processes for one, and 0 for idleness."""
    return group * 100_000 + lane + 1


def _micro(seconds: float) -> int:
    return round(seconds * 1_000_000)
