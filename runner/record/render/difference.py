"""Two runs beside each other, for a terminal: verdicts and times, then what changed, the worst first. Knows no file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap

from runner.record.remembered import Remembered
from runner.record.render.legible import legible
from runner.record.render.words import change_words, counted, duration
from runner.record.report import Change, ChangeKind

TITLES: Mapping[str, tuple[ChangeKind, ...]] = {
    "Newly failing": ("newly_failing",),
    "Newly flaky": ("newly_flaky",),
    "Evidence that flipped": ("check_failing", "check_fixed"),
    "Newly skipped or blocked": ("newly_skipped",),
    "Slower": ("slower",),
    "Fixed": ("fixed",),
    "Runs again": ("runs_again",),
    "Faster": ("faster",),
    "Parameters": ("param",),
    "Definitions": ("definition", "added", "removed"),
}
"""The kinds of change in the order in which a reader wants them; each kind stands under one title."""
SHOWN = 20
"""How many changes are listed under one title."""


def render_difference(old: Remembered, new: Remembered, changes: Sequence[Change], width: int) -> str:
    """Write what changed from one run to another; `width` in columns."""
    lines = [
        f"{new.graph.name}: {old.verdict} → {new.verdict}",
        "",
        *_runs(old, new),
        *(line for title, kinds in TITLES.items() for line in _titled(title, kinds, changes, width)),
        "",
        _unchanged(old, new, changes),
    ]
    if old.graph.file != new.graph.file:
        lines[1:1] = [f"These are runs of two graph files: {legible(old.graph.file)} and {legible(new.graph.file)}."]
    return "\n".join(lines) + "\n"


# -- the parts ---------------------------------------------------------------------------------------------------------


def _runs(old: Remembered, new: Remembered) -> Iterator[str]:
    wide = max(len(old.run), len(new.run))
    for word, run in (("before", old), ("after", new)):
        time = f"{duration(run.seconds):>12}"
        yield f"  {word:<6}  {run.run:<{wide}}  {run.verdict:<11}  {time}  {run.started[:16].replace('T', ' ')}"


def _titled(title: str, kinds: Sequence[ChangeKind], changes: Sequence[Change], width: int) -> Iterator[str]:
    found = [change for change in changes if change.kind in kinds]
    if not found:
        return
    yield from ("", f"{title} ({len(found)})")
    for change in found[:SHOWN]:
        yield from wrap(
            change_words(change),
            width,
            initial_indent="  ",
            subsequent_indent="    ",
            break_on_hyphens=False,
        )
    if len(found) > SHOWN:
        yield f"  … and {len(found) - SHOWN} more; `--json` has all"


def _unchanged(old: Remembered, new: Remembered, changes: Sequence[Change]) -> str:
    both = {task.id for task in old.tasks} & {task.id for task in new.tasks}
    rest = len(both - {change.task for change in changes})
    tasks = f"{counted(rest, 'task')} went as before"
    if not changes:
        return f"Nothing changed: {tasks}."
    return f"Otherwise {tasks}." if rest else "No task went as before in every way."
