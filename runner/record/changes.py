"""What is different from an earlier run of the same graph. Pure. Says what changed, never why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from runner.record.noise import WORTH_SECONDS, beyond, usual
from runner.record.remembered import Remembered, RememberedTask
from runner.record.report import FAILED_STATES, Change, ChangeKind

Class = Literal["good", "bad", "idle"]

KINDS: Mapping[tuple[Class, Class], ChangeKind] = {
    ("good", "bad"): "newly_failing",
    ("idle", "bad"): "newly_failing",
    ("bad", "good"): "fixed",
    ("idle", "good"): "runs_again",
    ("good", "idle"): "newly_skipped",
    ("bad", "idle"): "newly_skipped",
}
"""How a task went before and goes now; what is not here is no change."""

TWICE, AT_LEAST = 2.0, 1.0
"""Where too few runs are known to tell noise by, what is so many times as long, and by so many seconds, is told."""


def compare(
    old: Remembered, new: Remembered, past: Sequence[Remembered], definitions: Iterable[Change] = ()
) -> tuple[Change, ...]:
    """Answer what changed between two runs: parameters, definitions, tasks in the order of the file with their checks.

    `past` are runs before the new one, the latest first: by them is told what is slower beyond the noise.
    `definitions` are the changes between the two graphs, of which those count that concern tasks of both runs.
    """
    both = {task.id for task in old.tasks} & {task.id for task in new.tasks}
    every = {task.id for task in (*old.tasks, *new.tasks)}
    meant = (each for each in definitions if each.task in both or each.task not in every)
    return (*_params(old, new), *meant, *_tasks(old, new, past))


def task_changes(old: RememberedTask, new: RememberedTask, past: Sequence[float]) -> Iterator[Change]:
    """Answer what changed for a task that is in both runs; `past` are its durations before, the latest last."""
    kind = KINDS.get((_class(old.state), _class(new.state)))
    if kind is not None:
        yield Change(kind=kind, task=new.id, before=old.state, after=new.state)
    elif new.flaky and not old.flaky:
        yield Change(kind="newly_flaky", task=new.id, before=old.state, after=new.state)
    yield from _checks(old, new)
    yield from _time(old, new, past)


# -- the helpers -------------------------------------------------------------------------------------------------------


def _params(old: Remembered, new: Remembered) -> Iterator[Change]:
    for name in (*new.params, *(name for name in old.params if name not in new.params)):
        one, other = old.params.get(name), new.params.get(name)
        if one != other:
            yield Change(kind="param", name=name, before=one, after=other)


def _tasks(old: Remembered, new: Remembered, past: Sequence[Remembered]) -> Iterator[Change]:
    other_graph = old.graph.digest != new.graph.digest  # else what is missing was not selected
    known = {task.id: task for task in old.tasks}
    durations = _durations(new, past)
    for task in new.tasks:
        if task.id in known:
            yield from task_changes(known[task.id], task, durations.get(task.id, ()))
        elif other_graph:
            yield Change(kind="added", task=task.id, after=task.state)
    left = {task.id for task in new.tasks}
    for task in old.tasks:
        if other_graph and task.id not in left:
            yield Change(kind="removed", task=task.id, before=task.state)


def _durations(new: Remembered, past: Sequence[Remembered]) -> Mapping[str, Sequence[float]]:
    """Answer what each task took in past runs with the definition it has now, the latest last."""
    definitions = {task.id: task.definition for task in new.tasks}
    found: dict[str, list[float]] = {}
    for run in reversed(past):
        for task in run.tasks:
            if task.seconds is not None and definitions.get(task.id) == task.definition:
                found.setdefault(task.id, []).append(task.seconds)
    return found


def _time(old: RememberedTask, new: RememberedTask, past: Sequence[float]) -> Iterator[Change]:
    if new.seconds is None or max(new.seconds, *past, old.seconds or 0.0) < WORTH_SECONDS:
        return  # whatever it was, the difference is not worth a word
    known = usual(past)
    if known is not None:
        way = beyond(new.seconds, known)
        note = f"beyond the noise of {known.runs} runs, {known.least:.3g} to {known.most:.3g} s"
        before = round(known.seconds, 3)
    elif old.seconds is not None and old.definition == new.definition:
        way, before = _plainly(old.seconds, new.seconds), old.seconds
        note = "too few runs are known to tell it from noise"
    else:
        return
    if way:
        yield Change(kind="slower" if way > 0 else "faster", task=new.id, before=before, after=new.seconds, note=note)


def _plainly(old: float, new: float) -> int:
    if new - old >= AT_LEAST and new >= TWICE * old:
        return 1
    return -1 if old - new >= AT_LEAST and old >= TWICE * new else 0


def _checks(old: RememberedTask, new: RememberedTask) -> Iterator[Change]:
    """Answer the checks that flipped."""
    earlier = old.counted
    for name, check in new.counted.items():
        before, after = earlier[name].verdict if name in earlier else check.verdict, check.verdict
        if "failed" in {before, after} and before != after:
            kind: ChangeKind = "check_failing" if after == "failed" else "check_fixed"
            note = check.message if after == "failed" else ""
            yield Change(kind=kind, task=new.id, name=name, before=before, after=after, note=note)


def _class(state: str) -> Class:
    if state in FAILED_STATES and state != "cancelled":
        return "bad"
    return "good" if state in {"succeeded", "kept", "cached"} else "idle"
