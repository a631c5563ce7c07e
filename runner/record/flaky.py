"""Which tasks are flaky: asked the same, they ended now so and now so. Pure.

"The same" is the key of an attempt (`runner.keeping`): the definition filled in, the module's file, and the keys of
what it needs. What a task looks at by itself is not in it, so a server that was down makes a task flaky, too: it did
not say the same about the same question. Source of the idea: Nx, "flaky tasks".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runner.record.remembered import Remembered, RememberedTask

RUNS = 10
"""How many runs before count: what has gone well that often is not flaky any more."""
NAMED = 3
"""How many runs are named in which a task ended otherwise."""
_BAD = frozenset({"failed", "timed_out", "crashed"})


def flaky_runs(new: Remembered, past: Sequence[Remembered]) -> Mapping[str, tuple[str, ...]]:
    """Answer, for each task that ended otherwise before though it was asked the same, in which runs, the latest first.

    `past` are runs before the new one, the latest first.
    """
    ends = {task.id: (task.key, end) for task in new.tasks if (end := _end(task)) and task.key}
    found: dict[str, list[str]] = {}
    for run in past[:RUNS]:
        for task in run.tasks:
            key, end = ends.get(task.id, ("", ""))
            other = _end(task)
            if key and task.key == key and other and other != end and len(found.get(task.id, ())) < NAMED:
                found.setdefault(task.id, []).append(run.run)
    return {task: tuple(runs) for task, runs in found.items()}


def _end(task: RememberedTask) -> str:
    """Answer `good` or `bad`, "" for what says nothing about the task: kept, skipped, cancelled."""
    return "good" if task.state == "succeeded" else "bad" if task.state in _BAD else ""
