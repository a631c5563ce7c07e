"""What a rehearsal changes: tasks that fail, crash or take longer. Reads them from the command line's words. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct, field

from runner.errors import NothingSelected, UsageError
from runner.graph.model import Graph
from runner.graph.near import nearest
from runner.graph.quantities import seconds as seconds_of

_TIMES = re.compile(r"(\d+(?:\.\d+)?)x")


class Slower(Struct, frozen=True, kw_only=True):
    """How a task's time is changed: `times` as long, or `seconds` whatever was expected."""

    times: float = 1.0
    seconds: float | None = None


class WhatIf(Struct, frozen=True, kw_only=True):
    """Tasks that fail in every attempt, that crash in every attempt, and how others are slower."""

    fail: frozenset[str] = frozenset()
    crash: frozenset[str] = frozenset()
    slow: Mapping[str, Slower] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything is changed."""
        return bool(self.fail or self.crash or self.slow)

    def seconds(self, task: str, expected: float) -> float:
        """Answer how long an attempt takes that was expected to take so long."""
        slower = self.slow.get(task)
        if slower is None:
            return expected
        return expected * slower.times if slower.seconds is None else slower.seconds


def what_if_of(fail: Sequence[str], crash: Sequence[str], slow: Sequence[str]) -> WhatIf:
    """Read the words of `--fail`, `--crash` and `--slow`.

    Raises:
        UsageError: one of `--slow` is not TASK=3x or TASK=90s.

    """
    return WhatIf(fail=frozenset(fail), crash=frozenset(crash), slow=dict(map(_slower, slow)))


def check_known(what_if: WhatIf, tasks: Collection[str], file: str) -> None:
    """See that every task of a rehearsal is there.

    Raises:
        NothingSelected: one is not.

    """
    for name in (*sorted(what_if.fail), *sorted(what_if.crash), *what_if.slow):
        if name not in tasks:
            near = nearest(name, tasks)
            raise NothingSelected(f"there is no task `{name}` in {file}{f'; did you mean `{near}`?' if near else ''}")


def of_instances(what_if: WhatIf, graph: Graph) -> WhatIf:
    """Answer what is rehearsed of instances where a whole fan-out was named: the same of each of them."""
    if not any(task.instances for task in graph.tasks.values()):
        return what_if
    fail, crash = (
        frozenset(name for task in tasks for name in _each(task, graph)) for tasks in (what_if.fail, what_if.crash)
    )
    slow = {name: slower for task, slower in what_if.slow.items() for name in _each(task, graph)}
    return WhatIf(fail=fail, crash=crash, slow=slow)


def _each(task: str, graph: Graph) -> tuple[str, ...]:
    return graph.tasks[task].instances or (task,)


def _slower(text: str) -> tuple[str, Slower]:
    task, _, how = text.rpartition("=")
    times = _TIMES.fullmatch(how)
    if task and times is not None:
        return task, Slower(times=float(times[1]))
    whole = seconds_of(how)
    if task and whole is not None:
        return task, Slower(seconds=whole)
    raise UsageError(f"--slow {text}: say TASK=3x (three times as long) or TASK=90s")
