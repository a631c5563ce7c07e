"""One moment of a run as lines of a terminal, of any width and height. Pure. Knows no terminal and no event.

Everything is shown in file order while it fits. When it does not, what matters comes first: failures, what runs, what
rests, what could run; and the last line counts the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from runner.record.render.words import duration
from runner.record.watched import Row, Sight

SIGNS = {
    "asking": ("?", "bold yellow"),
    "failed": ("✗", "red"),
    "timed_out": ("✗", "red"),
    "crashed": ("✗", "red"),
    "stopping": ("■", "yellow"),
    "running": ("▶", "cyan"),
    "resting": ("↻", "yellow"),
    "starting": ("◇", "yellow"),
    "up": ("◆", "green"),
    "ready": ("·", ""),
    "cancelled": ("✗", "yellow"),
    "blocked": ("⊘", "yellow"),
    "waiting": ("·", "dim"),
    "skipped": ("○", "dim"),
}
"""Sign and style of each state, in the order in which states matter; those that are not here are done, and well."""
DONE = ("✓", "green")
_RANK = {state: rank for rank, state in enumerate(SIGNS)}
TIME = 17
"""Columns of `9.99 s of 12.3 s`: the longest pair of times within a minute or so."""


def screen(sight: Sight, width: int, height: int) -> list[Text]:
    """Write at most `height` lines of less than `width` columns (a full last column would wrap on some terminals)."""
    columns = max(20, width - 1)
    head = list(_head(sight, columns))
    room = max(1, height - len(head))
    shown = sight.rows if len(sight.rows) <= room else sorted(sight.rows, key=_urgency)[: room - 1]
    names = min(30, max(10, columns // 4), max((cell_len(row.id) for row in shown), default=0))
    lines = [*head, *(_line(row, names, columns) for row in shown)]
    if len(shown) < len(sight.rows):
        lines.append(_fitted(f"   … and {_counted(sight.rows, shown)}", columns, "dim"))
    return lines[:height]


def bar(fraction: float, width: int) -> tuple[str, str]:
    """Write a bar as its done and its open part."""
    done = min(width, max(0, int(fraction * width)))
    return "━" * done, "─" * (width - done)


# -- the parts ---------------------------------------------------------------------------------------------------------


def _head(sight: Sight, columns: int) -> Iterator[Text]:
    line = Text(no_wrap=True, end="")
    line.append(sight.title, "bold")
    if sight.stopping:
        line.append(f"  stopping: {sight.stopping}; once more kills", "yellow")
    for part in (*_progress(sight), *_end(sight)):
        line.append(f"  {part}")
    yield _cut(line, columns)
    used = [f"workers {sight.running}/{sight.slots}", *(f"{name} {taken}/{size}" for name, taken, size in sight.pools)]
    wide = _bar_width(columns)
    done, rest = bar(sight.settled / sight.tasks if sight.tasks else 1.0, wide)
    second = Text(no_wrap=True, end="").append(done, "green").append(rest, "dim").append(f"  {'  '.join(used)}", "dim")
    yield _cut(second, columns)


def _progress(sight: Sight) -> Iterator[str]:
    yield duration(sight.now)
    yield f"{sight.settled} of {sight.tasks} done"
    failed = sum(sight.counts.get(state, 0) for state in ("failed", "timed_out", "crashed"))
    if failed:
        yield f"{failed} failed"


def _end(sight: Sight) -> Iterator[str]:
    if sight.end is not None:
        about = "about" if sight.end_known else "at least"
        yield f"ends in {about} {duration(max(0.0, sight.end - sight.now))}"


def _line(row: Row, names: int, columns: int) -> Text:
    sign, style = SIGNS.get(row.state, DONE)
    dim = "dim" if style == "dim" else ""
    line = Text(no_wrap=True, end="").append(f" {sign} ", style)
    line.append(_sized(row.id, names), "bold" if row.state == "running" else dim)
    line.append("  ")
    if row.seconds is None:
        state = row.state.replace("_", " ")
        line.append(state, style)
        line.append(f"  {row.words}" if row.words else "", dim)
    else:
        line.append(f"{_times(row):<{TIME}} ")
        done, rest = bar(row.fraction or 0.0, _bar_width(columns))
        line.append(done, style).append(rest, "dim")
        line.append(f"  {row.words}" if row.words else "")
    return _cut(line, columns)


def _times(row: Row) -> str:
    ran = duration(row.seconds or 0.0)
    return ran if row.expected is None else f"{ran} of {duration(row.expected)}"


def _bar_width(columns: int) -> int:
    return 6 if columns < 79 else 12 if columns < 139 else 24


def _urgency(row: Row) -> int:
    return _RANK.get(row.state, len(_RANK))


def _counted(rows: Sequence[Row], shown: Sequence[Row]) -> str:
    hidden = Counter(row.state for row in rows)
    hidden.subtract(row.state for row in shown)
    order = chain((state for state in SIGNS if state in hidden), (state for state in hidden if state not in SIGNS))
    return ", ".join(f"{hidden[state]} {state.replace('_', ' ')}" for state in order if hidden[state])


# -- the helpers -------------------------------------------------------------------------------------------------------


def _sized(text: str, columns: int) -> str:
    return (
        text + " " * (columns - cell_len(text)) if cell_len(text) <= columns else set_cell_size(text, columns - 1) + "…"
    )


def _fitted(text: str, columns: int, style: str) -> Text:
    return _cut(Text(text, style, no_wrap=True, end=""), columns)


def _cut(line: Text, columns: int) -> Text:
    line.truncate(columns, overflow="ellipsis")
    return line
