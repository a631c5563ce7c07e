"""The pictures of a page, as numbers: bars of a timeline, places of a graph. Knows no colour and no pixel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from runner.record.render.lanes import free_lanes, pauses, spans
from runner.record.render.layout import laid_out
from runner.record.render.legible import legible
from runner.record.report import Report


def timeline(report: Report, number: dict[str, int]) -> dict[str, Any]:
    """Answer bars as [task, attempt's place, lane, start, seconds], pauses as [task, kind, start, end, lane, why]."""
    place = {(task.id, attempt.number): at for task in report.tasks for at, attempt in enumerate(task.attempts)}
    bars = [
        [number[span.task], place[span.task, span.attempt.number], span.lane, span.start, span.attempt.seconds]
        for span in spans(report)
    ]
    planned = sorted(
        (task.planned.started, task.planned.seconds, number[task.id])
        for task in report.tasks
        if task.planned is not None
    )
    lanes = free_lanes((start, seconds) for start, seconds, _ in planned)
    return {
        "lanes": max((bar[2] + 1 for bar in bars), default=0),
        "bars": bars,
        "pauses": [
            [number[each.task], each.kind, round(each.start, 3), round(each.end, 3), each.lane, legible(each.words)]
            for each in pauses(report)
        ],
        "planned": [[task, lane, start, took] for (start, took, task), lane in zip(planned, lanes, strict=True)],
    }


def picture(report: Report) -> dict[str, Any]:
    """Answer the places of tasks and then of services, and edges as [from, to, points], by their numbers."""
    names = [*(task.id for task in report.tasks), *(service.id for service in report.services)]
    number = {name: index for index, name in enumerate(names)}
    needs: dict[str, Sequence[str]] = {service.id: () for service in report.services}
    layout = laid_out(needs | {task.id: task.needs for task in report.tasks})
    edges = [[number[a], number[b], _rounded(points[1:-1])] for a, b, points in layout.edges]
    return {"places": _rounded(layout.places[name] for name in names), "edges": edges}


def waits(report: Report) -> dict[str, float]:
    """Answer how long each task waited for room, though all it needs was there."""
    waited: dict[str, float] = {}
    for pause in pauses(report):
        waited[pause.task] = waited.get(pause.task, 0.0) + (pause.end - pause.start if pause.kind == "wait" else 0.0)
    return waited


def _rounded(points: Iterable[tuple[float, float]]) -> list[list[float]]:
    return [[round(x, 2), round(y, 2)] for x, y in points]
