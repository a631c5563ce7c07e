"""A plan as rows over an axis of time, for terminals of any width. Pure text: knows no colour and no paragraph."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from heapq import nsmallest

from rich.cells import cell_len, set_cell_size

from runner.planning.model import Plan, PlannedService, PlannedTask
from runner.record.render.legible import legible
from runner.record.render.words import counted

CRITICAL, OTHER, SERVICE, REST, FAILS = "█", "━", "┄", "·", "✗"
"""What an attempt on the critical path, any other, a service until it is ready, a rest and a failure look like."""
ROWS = 40
"""How many rows are drawn; of a larger graph those that matter most."""
STEPS = (
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 432000, 864000, 2592000),
)
"""Seconds between two marks of an axis that a person can add up."""
NARROWEST_BAR = 12
UNDER_WAY = 0.0005
"""Seconds that are as good as none."""


def about(seconds: float) -> str:
    """Write a time that is thought of, not measured: `250 ms`, `1.25 s`, `3 min 20 s`, `4 h 05 min`, `2 d 3 h`."""
    if seconds < UNDER_WAY:
        return "0"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"
    if seconds < 3599.5:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest:02} s" if rest else f"{minutes} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours < 48:
        return f"{hours} h {minutes:02} min" if minutes else f"{hours} h"
    days, hours = divmod(round(seconds / 3600), 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def rows(plan: Plan, width: int) -> list[str]:
    """Write an axis and a row for each task and service, those that start first on top, in so many columns."""
    chosen = _chosen(plan)
    cells = [_cells(plan, each) for each in chosen]
    head = ["", "starts", "takes", "slack", "ends" if plan.what_if else "known from"]
    table, room = _table([head, *cells], width)
    drawn = [_axis(plan.makespan, room), *(_bar(plan, each, room) for each in chosen)]
    found = [f"{name}  {bar}  {rest}".rstrip() for (name, rest), bar in zip(table, drawn, strict=True)]
    for place, row in enumerate(chosen, start=1):
        if row.start is None:
            name = table[place][0]
            found[place] = f"{name}  {_fit(_never(row), width - cell_len(name) - 2)}".rstrip()
    left = len(plan.tasks) + len(plan.services) - len(chosen)
    return [*found, f"    … and {counted(left, 'row')} more: `--json` has all"] if left else found


# -- the helpers -------------------------------------------------------------------------------------------------------

_Row = PlannedTask | PlannedService


def _chosen(plan: Plan) -> list[_Row]:
    """Answer what gets a row, in the order of the starts: all of it, or what is critical, goes wrong or takes long."""
    every: list[_Row] = [*plan.services, *plan.tasks]
    if len(every) > ROWS:
        chosen = {id(row) for row in nsmallest(ROWS, every, key=_weight)}
        every = [row for row in every if id(row) in chosen]
    return sorted(every, key=lambda row: (row.start is None, row.start or 0.0))


def _weight(row: _Row) -> tuple[bool, bool, float]:
    fine = isinstance(row, PlannedService) or row.state in {"succeeded", "kept", "cached", "skipped"}
    return (fine, not row.critical, -row.seconds)


def _cells(plan: Plan, row: _Row) -> list[str]:
    mark = "*" if row.critical else " "
    name = f"{mark} {row.id}  {legible(row.title)}" if isinstance(row, PlannedTask) else f"{mark} {row.id}"
    name = name.rstrip()
    if row.start is None:
        return [name, "", "", "", ""]
    slack = "" if row.slack is None else "none" if row.slack < UNDER_WAY else about(row.slack)
    if isinstance(row, PlannedService):
        return [name, about(row.start), about(row.seconds), slack, f"ready, {_known(row)}"]
    if row.instances:
        return [name, about(row.start), about(row.seconds), "", _size(plan, row)]
    told = _ends(row) if plan.what_if else _known(row)
    return [name, about(row.start), about(row.seconds), slack, told]


def _size(plan: Plan, row: PlannedTask) -> str:
    """Say how many instances a fan-out has, and how anybody can know that."""
    fan = next((each for each in plan.fans if each.task == row.id), None)
    whole = counted(row.instances or 0, "instance")
    if fan is None:
        return f"{whole}; {_ends(row)}" if plan.what_if else whole
    return f"unknown: {fan.size} in the last run" if fan.run else "unknown: taken as 1"


def _never(row: _Row) -> str:
    if isinstance(row, PlannedService):
        return "not needed"
    if row.kept:
        return f"{row.state} from {row.kept}"
    return f"{row.state}: {row.reason}" if row.reason else row.state


def _known(row: _Row) -> str:
    match row.source:
        case "measured":
            return f"median of {counted(row.runs, 'run')}" if row.runs > 1 else "1 run"
        case "estimate":
            return "estimate"
        case "default":
            return "assumed"


def _ends(row: PlannedTask) -> str:
    tries = f" after {counted(len(row.attempts), 'attempt')}" if len(row.attempts) > 1 else ""
    return f"{row.state.replace('_', ' ')}{tries}"


def _table(cells: Sequence[Sequence[str]], width: int) -> tuple[list[tuple[str, str]], int]:
    """Lay cells out; answers the two sides of each bar, and its columns. Where there is no room, cells go without."""
    wide = [max(cell_len(row[column]) for row in cells) for column in range(5)]
    name = min(wide[0], max(10, width // 4 if width < 80 else width // 3))
    for shown in ((1, 2, 3, 4), (1, 2, 3), (1, 2), (2,), ()):
        told = min(wide[4], max(16, width * 3 // 10)) if 4 in shown else 0
        room = width - name - 4 - sum(wide[column] + 2 for column in shown if column < 4) - told
        if room >= NARROWEST_BAR:
            break
    sides = [(_fit(row[0], name), _rest(row, shown, wide, told)) for row in cells]
    return sides, max(4, min(room, 80))


def _rest(row: Sequence[str], shown: Sequence[int], wide: Sequence[int], told: int) -> str:
    texts = [f"{row[column]:>{wide[column]}}" for column in shown if column < 4]
    if 4 in shown:
        texts.append(row[4] if cell_len(row[4]) <= told else _fit(row[4], told))
    return "  ".join(texts)


def _fit(text: str, columns: int) -> str:
    if cell_len(text) <= columns:
        return set_cell_size(text, columns)
    return f"{set_cell_size(text, columns - 1)}…"


def _axis(makespan: float, room: int) -> str:
    """Write marks of time, as many as have room beside each other."""
    step = next((each for each in STEPS if each * room / 9 >= makespan), makespan or 1.0)
    line = ""
    for number in range(room):
        at = round(number * step / makespan * room) if makespan else 0
        label = re.sub(r"\.0+ ", " ", about(number * step))
        if at + len(label) > room or number * step > makespan or (number and not makespan):
            break
        line = f"{line:<{at}}{label}"
    return f"{line:<{room}}"


def _bar(plan: Plan, row: _Row, room: int) -> str:
    line = [" "] * room
    if row.start is None or not plan.makespan:
        return "".join(line)
    sign = SERVICE if isinstance(row, PlannedService) else CRITICAL if row.critical else OTHER
    _fill(line, row.start, row.start + row.seconds, plan.makespan, REST)
    for start, seconds, good in _pieces(row):
        last = _fill(line, start, start + seconds, plan.makespan, sign)
        if not good:
            line[last] = FAILS
    return "".join(line)


def _pieces(row: _Row) -> Iterable[tuple[float, float, bool]]:
    if isinstance(row, PlannedService):
        return [(row.start or 0.0, row.seconds, True)]
    return [(each.start, each.seconds, each.outcome == "succeeded") for each in row.attempts]


def _fill(line: list[str], start: float, end: float, makespan: float, sign: str) -> int:
    """Draw from one moment to another, at least one sign; answers the last place."""
    room = len(line)
    first = min(room - 1, int(start / makespan * room))
    last = max(first, min(room, round(end / makespan * room)) - 1)
    line[first : last + 1] = [sign] * (last + 1 - first)
    return last
