"""A plan for a terminal: what would happen, when, what holds it up, what is busy, what is needed. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from runner.planning.gantt import CRITICAL, about, rows
from runner.planning.model import Plan, PlannedTask
from runner.record.render.legible import legible
from runner.record.render.text import Style
from runner.record.render.words import abridged, counted, value

LISTED = 12
"""How many workers, pools, tasks and sentences of one kind are listed."""
CURVE = 30
"""Columns of the longest bar of a comparison."""


def render_plan(plan: Plan, style: Style, width: int) -> str:
    """Write a plan in so many columns."""
    blocks = (
        _head(plan, style, width),
        _rows(plan, style, width),
        _path(plan, width),
        _titled("Rehearsed", _rehearsed(plan), style, width),
        _titled("Fan-outs", _fans(plan), style, width),
        _titled("Workers compared", _compared(plan), style, width),
        _titled(_busy_title(plan), _busy(plan), style, width),
        _titled("Pools", _pools(plan), style, width),
        _titled("Memory", _memory(plan), style, width),
        _titled("Needs", _needs(plan), style, width),
        _titled("Asks first", _asks(plan), style, width),
        _titled("Resumed", _kept(plan), style, width),
        _titled("Cached", _cached(plan), style, width),
        _titled("Assumed", iter(plan.assumptions), style, width),
    )
    return "\n\n".join(text for block in blocks if (text := "\n".join(block)))


# -- the parts ---------------------------------------------------------------------------------------------------------


def _head(plan: Plan, style: Style, width: int) -> Iterator[str]:
    services = f" and {counted(len(plan.services), 'service')}" if plan.services else ""
    tasks = sum(each.instances is None for each in plan.tasks)  # a fan-out's instances are, it is not
    on = f"{counted(tasks, 'task')}{services} on {counted(plan.workers, 'worker')}"
    word = "REHEARSAL" if plan.what_if else "PLAN"
    first, *others = wrap(f"{word} {plan.name}: {on}, about {about(plan.makespan)}", width, subsequent_indent="  ")
    yield first.replace(word, f"{style.strong}{word}{style.off}", 1)
    yield from others
    if plan.shuffle is not None:
        yield from wrap(f"what may start does so in a random order: --shuffle {plan.shuffle}", width)
    spread = plan.range
    if spread.resamples:
        told = f"eight runs of ten between {about(spread.p10)} and {about(spread.p90)} (P10 to P90)"
        yield from wrap(f"{told}, by {counted(spread.resamples, 'resample')} of past runs", width)


def _rows(plan: Plan, style: Style, width: int) -> Iterator[str]:
    axis, *others = rows(plan, width)
    yield f"{style.dim}{axis}{style.off}"
    yield from others


def _path(plan: Plan, width: int) -> Iterator[str]:
    if plan.critical_path:
        path = f"Critical path (*, {CRITICAL}): {' → '.join(abridged(plan.critical_path))}"
        yield from wrap(path, width, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False)
    yield from wrap(
        f"Takes {about(plan.makespan)}; one after another {about(plan.sequential_seconds)}"
        f" (speed-up {plan.speedup:.2f} with {counted(plan.workers, 'worker')})",
        width,
        subsequent_indent="  ",
    )


def _rehearsed(plan: Plan) -> Iterator[str]:
    if not plan.what_if:
        return
    for task in plan.tasks:
        if task.sees:
            seen = ", ".join(f"{need} {how.replace('_', ' ')}" for need, how in task.sees.items())
            yield f"{task.id} runs in spite of that, and sees: {seen}; it ends {task.state.replace('_', ' ')}"
    for state in ("blocked", "skipped", "cancelled"):
        names = [task.id for task in plan.tasks if task.state == state]
        if names:
            yield f"{state}: {_names(names)}"
    wrong = [task.id for task in plan.tasks if _wrong(task)]
    yield f"ends badly: {_names(wrong)}" if wrong else "nothing ends badly"
    yield f"the run would be {plan.verdict}: exit code {plan.exit_code}"


def _fans(plan: Plan) -> Iterator[str]:
    for fan in plan.fans:
        told = f" as in run {fan.run}" if fan.run else ", for no run has had it yet"
        sizes = f"; {_between(fan.past)} in {counted(len(fan.past), 'run')}" if fan.past else ""
        yield f"{fan.task}: unknown until it is decided, planned with {counted(fan.size, 'instance')}{told}{sizes}"


def _between(sizes: Sequence[int]) -> str:
    least, most = min(sizes), max(sizes)
    return f"{least}" if least == most else f"{least} to {most}"


def _compared(plan: Plan) -> Iterator[str]:
    longest = max((point.makespan for point in plan.curve), default=0.0)
    for point in plan.curve:
        bar = "━" * max(1, round(point.makespan / longest * CURVE)) if longest else ""
        mark = "  ← enough: within 5 % of the best" if point.workers == plan.enough else ""
        yield f"{point.workers:>3}  {about(point.makespan):>12}  {bar:<{CURVE}}  speed-up {point.speedup:.2f}{mark}"


def _busy_title(plan: Plan) -> str:
    return f"Workers (at most {plan.busiest} of {plan.workers} busy at once)"


def _busy(plan: Plan) -> Iterator[str]:
    for lane in plan.lanes:
        part = lane.busy / plan.makespan if plan.makespan else 0.0
        yield f"{lane.number:>3}  {part:>4.0%} busy  {_names(list(dict.fromkeys(lane.tasks)))}"


def _pools(plan: Plan) -> Iterator[str]:
    wide = max((len(pool.name) for pool in plan.pools), default=0)
    for pool in plan.pools:
        often = f", at most {pool.rate}" if pool.rate else ""
        most = f"at most {pool.peak} of {pool.size} at once{often}, {pool.used:.0%} used"
        yield f"{pool.name:<{wide}}  {most}  {_names(pool.tasks)}"


def _memory(plan: Plan) -> Iterator[str]:
    memory = plan.memory
    if memory.peak:
        has = f" of the {_size(memory.machine)} of this machine" if memory.machine else ""
        more = f"; up to {counted(memory.unlimited, 'task')} at once without a limit" if memory.unlimited else ""
        yield f"limits allow up to {_size(memory.peak)} at once{has}{more}"


def _needs(plan: Plan) -> Iterator[str]:
    for parameter in plan.params:
        how = "" if parameter.given else " (default)"
        desc = f"  {legible(parameter.desc)}" if parameter.desc else ""
        yield f"parameter {parameter.name} = {value(parameter.value, 60) or '(empty)'}{how}{desc}"
    for secret in plan.secrets:
        yield f"secret {secret.name}: {'set' if secret.is_set else 'not set'}"


def _asks(plan: Plan) -> Iterator[str]:
    for task in plan.tasks:
        if task.asks:
            yield f"{task.id}: whether it starts is asked at the terminal; here the answer is yes, and at once"


def _kept(plan: Plan) -> Iterator[str]:
    if plan.resumes is None:
        return
    yield f"goes on with run {plan.resumes}" if plan.resumes else "there is no earlier run to go on with"
    for each in plan.kept:
        yield f"{each.task}: {'kept' if each.run else 'done again'}, for {each.why}"


def _cached(plan: Plan) -> Iterator[str]:
    """Write what is looked up, first what has to run."""
    for each in sorted(plan.cached, key=lambda each: each.run is not None):
        yield f"{each.task}: {f'as in run {each.run}' if each.run else 'runs'}, for {each.why}"


# -- the helpers -------------------------------------------------------------------------------------------------------


def _titled(title: str, lines: Iterator[str], style: Style, width: int) -> Iterator[str]:
    found = list(lines)
    if found:
        yield f"{style.strong}{title}{style.off}"
    for line in found[:LISTED]:
        yield from wrap(line, width, initial_indent="  ", subsequent_indent="    ")
    if len(found) > LISTED:
        yield f"  … and {len(found) - LISTED} more"


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:8])
    return f"{shown} and {len(names) - 8} more" if len(names) > 8 else shown


def _wrong(task: PlannedTask) -> bool:
    return task.state in {"failed", "timed_out", "crashed"}


def _size(count: int) -> str:
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= size:
            return f"{count / size:.1f} {unit}".replace(".0 ", " ")
    return f"{count} bytes"
