"""The runs of each graph, the newest first, for a terminal: how they went, how long they took, what is flaky."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median
from textwrap import wrap

from rich.cells import cell_len, set_cell_size

from runner.record.chronicle import Row
from runner.record.render.legible import legible
from runner.record.render.words import counted, duration

BARS = "▁▂▃▄▅▆▇█"
DRAWN = 20
"""How many of the latest runs the small picture of durations has."""
NAMED = 5
"""How many failed or flaky tasks are named."""


def render_chronicle(rows: Sequence[Row], width: int) -> str:
    """Write the rows (the oldest first) of each graph, that of the latest run first; `width` in columns."""
    files = list(dict.fromkeys(row.file for row in reversed(rows) if row.file))
    blocks = [_graph(file, [row for row in rows if row.file == file]) for file in files]
    lost = [row for row in rows if not row.file]
    if lost:
        blocks.append(_unreadable(lost, width))
    return "\n\n".join("\n".join(_fitting(line, width) for line in block) for block in blocks) + "\n"


# -- the parts ---------------------------------------------------------------------------------------------------------


def _graph(file: str, rows: Sequence[Row]) -> Iterator[str]:
    yield _summary(file, rows)
    flaky = Counter(task for row in rows for task in row.flaky)
    if flaky:
        named = [f"{task} ({times} of {len(rows)} runs)" for task, times in flaky.most_common(NAMED)]
        yield f"flaky: {', '.join(named)}{_more(len(flaky))}"
    for row in reversed(rows):
        time = "" if row.seconds is None else duration(row.seconds)
        notes = [row.trend if row.trend in {"slower", "faster"} else "", _failed(row), _flaky(row)]
        yield f"  {row.run}  {row.verdict:<11}  {time:>12}  {'; '.join(filter(None, notes))}".rstrip()


def _summary(file: str, rows: Sequence[Row]) -> str:
    passed = [row for row in rows if row.verdict == "passed"]
    words = [f"{file}: {len(passed)} of {counted(len(rows), 'run')} passed"]
    times = [row.seconds for row in passed if row.seconds is not None]
    if times:
        words.append(f"usually {duration(median(times))}")
    if len(times) > 1:
        words.append(f"{sparkline(times[-DRAWN:])} (the passed ones, the latest last)")
    return ", ".join(words)


def _unreadable(rows: Sequence[Row], width: int) -> Iterator[str]:
    yield f"{counted(len(rows), 'run')} cannot be read"
    for row in reversed(rows):
        line = f"  {row.run}  {legible(row.problem)}"
        yield from wrap(line, width, subsequent_indent="    ", break_on_hyphens=False, break_long_words=False)


def _failed(row: Row) -> str:
    return f"failed: {', '.join(row.failed[:NAMED])}{_more(len(row.failed))}" if row.failed else ""


def _flaky(row: Row) -> str:
    return f"flaky: {', '.join(row.flaky[:NAMED])}{_more(len(row.flaky))}" if row.flaky else ""


def _more(number: int) -> str:
    return f" and {number - NAMED} more" if number > NAMED else ""


def sparkline(values: Sequence[float]) -> str:
    """Draw values as bars, the longest the highest, on a scale that begins at nothing."""
    most = max(values)
    if most <= 0:
        return BARS[0] * len(values)
    return "".join(BARS[min(len(BARS) - 1, int(value / most * len(BARS)))] for value in values)


def _fitting(line: str, width: int) -> str:
    return line if cell_len(line) <= width else f"{set_cell_size(line, width - 1).rstrip()}…"
