"""Which tasks ask a person before they start, and what was said. Pure. Knows no person: the machine commands to ask.

A question is put once, whatever happens until it is answered; who was approved beforehand is not asked about.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from runner.graph.model import TaskSpec
from runner.schedule.messages import AnsweredBy


class Questions:
    """The questions of one run."""

    def __init__(self) -> None:
        self._approved: set[str] = set()
        self._open: dict[str, None] = {}

    @property
    def open(self) -> Sequence[str]:
        """Answer the tasks that wait for an answer, in the order in which they asked."""
        return tuple(self._open)

    def approve(self, tasks: Collection[str]) -> None:
        """Take in that somebody wants these tasks to run."""
        self._approved.update(tasks)
        self.close(*tasks)

    def agreed(self, spec: TaskSpec) -> bool:
        """Say whether a task may run as far as people go."""
        known = {spec.id} if spec.part is None else {spec.id, spec.part.of}  # whoever approves a fan-out approves all
        return not spec.manual or not self._approved.isdisjoint(known)

    def ask(self, task: str) -> bool:
        """Note that a task asks; says whether that is new."""
        new = task not in self._open
        self._open[task] = None
        return new

    def close(self, *tasks: str) -> None:
        """Note that these tasks wait for no answer any more."""
        for task in tasks:
            self._open.pop(task, None)


def refused(task: str, by: AnsweredBy) -> str:
    """Say in a sentence why a task that asked will not run."""
    match by:
        case "nobody":
            return f"it asks first, and nobody was there to ask: run with --approve {task}"
        case "terminal" | "plan":
            return "it asked first, and the answer was no"
