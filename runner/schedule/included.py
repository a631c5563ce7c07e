"""The included graphs of one run: which may begin, which rests before another round, which is over. Pure.

Theory of operation. An included graph, a group of tasks with a name, waits until what it needs has settled; then its
trigger and its `if` say whether it begins (it is `GOING`), and until then none of its tasks is looked at. One that may
be tried again is a border: what is outside hears of its tasks only once it is over, because until then they may run
again. So a task that settles is told at once to those that are inside of the same borders (`held_by` answers None), and
to others when the outermost border between is over. Each counts the tasks in it that have not settled, and the borders
that are not over.

The machine decides and asks; here are the counts, the borders and the one table of moves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import Enum

from msgspec import Struct

from runner.errors import IllegalMove
from runner.graph.model import Graph, Group, TaskSpec
from runner.schedule.board import Board, Phase, TaskState
from runner.schedule.rules import Need
from runner.task import Cause


class IncludedPhase(Enum):
    """What a group is at; the value says it in a sentence."""

    WAITING = "needs something that has not settled"
    GOING = "its tasks may start"
    RESTING = "something in it failed, and all of it will be tried again"
    OVER = "all of it has settled for good"


INCLUDED_MOVES: Mapping[IncludedPhase, frozenset[IncludedPhase]] = {
    IncludedPhase.WAITING: frozenset({IncludedPhase.GOING, IncludedPhase.OVER}),
    IncludedPhase.GOING: frozenset({IncludedPhase.RESTING, IncludedPhase.OVER}),
    IncludedPhase.RESTING: frozenset({IncludedPhase.GOING, IncludedPhase.OVER}),
    IncludedPhase.OVER: frozenset({IncludedPhase.WAITING}),
}


class IncludedState(Struct, kw_only=True, eq=False):
    """One group of this run, in its `round`, the first of which is 1.

    `waits` counts the tasks it needs of which it has not heard, and one for the group around it until that goes on;
    `unsettled` what in it has not settled.
    """

    spec: Group
    waits: int
    unsettled: int = 0
    phase: IncludedPhase = IncludedPhase.WAITING
    round: int = 1

    @property
    def again(self) -> bool:
        """Whether it may be tried again, so that nothing outside may rest upon what is in it before it is over."""
        return self.spec.retry.attempts > 1


class Includeds:
    """All included graphs of one run."""

    def __init__(self, graph: Graph, board: Board) -> None:
        self._board = board
        self._all = {
            name: IncludedState(spec=spec, waits=sum(need in graph.tasks for need in spec.needs) + bool(spec.scope))
            for name, spec in graph.groups.items()
        }
        self._open = len(self._all)
        self._around: dict[str, tuple[IncludedState, ...]] = {"": ()}
        for name, group in self._all.items():  # an outer one comes before those inside
            self._around[name] = (group, *self._around[group.spec.scope])
        self._borders = {
            scope: tuple(group for group in reversed(around) if group.again) for scope, around in self._around.items()
        }
        self._needing: dict[str, list[IncludedState]] = {}
        for group in self._all.values():
            for need in group.spec.needs:
                self._needing.setdefault(need, []).append(group)
        self._count(self._all.values(), board.tasks.values())

    # -- the questions ---------------------------------------------------------------------------------------------

    @property
    def over(self) -> bool:
        """Whether no group has anything before it."""
        return self._open == 0

    @property
    def all(self) -> Mapping[str, IncludedState]:
        """Answer every group, for reading only."""
        return self._all

    def needing(self, task: str) -> Sequence[IncludedState]:
        """Answer the groups that may not begin before a task has settled."""
        return self._needing.get(task, ())

    def inside(self, group: IncludedState) -> Iterator[IncludedState]:
        """Answer the groups inside of one, an outer one before those inside of it."""
        begin = f"{group.spec.id}."
        return (other for name, other in self._all.items() if name.startswith(begin))

    def held_by(self, task: TaskSpec, scope: str) -> IncludedState | None:
        """Answer the group that has to be over before what stands in the file of `scope` may hear of a task."""
        for group in self._borders[task.scope]:
            name = group.spec.id
            if scope != name and not scope.startswith(f"{name}."):
                return group
        return None

    def may_save(self, scope: str) -> bool:
        """Say whether a failure in a file need not be the last word: a group around it has another round."""
        return any(group.round < group.spec.retry.attempts for group in self._borders[scope])

    def repeated(self, scope: str) -> str:
        """Answer the innermost group around a file that is in a further round, "" where none is."""
        return next((group.spec.id for group in self._borders[scope] if group.round > 1), "")

    def may_go_again(self, group: IncludedState, broken: bool) -> bool:
        """Say whether a group that has settled is tried again; `broken` says that a service of it was."""
        retry = group.spec.retry
        if group.phase is not IncludedPhase.GOING or group.round >= retry.attempts:
            return False
        causes = {task.cause for task in self._guilty(group)} | ({Cause.CRASHED} if broken else set[Cause]())
        return bool(causes) and causes <= retry.on

    def guilty(self, group: IncludedState) -> list[str]:
        """Answer the tasks of a group that have failed and must not."""
        return [task.spec.id for task in self._guilty(group)]

    def need(self, group: IncludedState, broken: bool) -> Need:
        """Answer how a group has settled, seen from what needs it; `broken` says that a service of it was."""
        needs = {task.need for task in self._tasks(group)}
        if broken or Need.F in needs:
            return Need.F
        return Need.S if Need.S in needs else Need.K

    def word(self, name: str, broken: bool) -> str:
        """Answer the state of a group in the words of the report."""
        group = self._all[name]
        if group.phase is not IncludedPhase.OVER and (group.again or group.unsettled):
            return group.phase.name.lower()
        if broken or self.guilty(group):
            return "failed"
        words = {task.word for task in self._tasks(group)}
        ended = "succeeded" if self.need(group, broken) is Need.S else "skipped"
        return next((word for word in ("cancelled", "blocked") if word in words), ended)

    def waiting(self, group: IncludedState) -> list[TaskState]:
        """Answer the tasks of a group that wait."""
        return [task for task in self._tasks(group) if task.phase is Phase.WAITING]

    # -- what changes ----------------------------------------------------------------------------------------------

    def renew(self, group: IncludedState, never: Collection[str]) -> tuple[list[TaskState], list[IncludedState]]:
        """Begin the next round of a group; answers its tasks and the groups inside that wait anew.

        Tasks that were kept or are among `never`, and groups of nothing but such, stay as they are.
        """
        self.move(group, IncludedPhase.GOING)
        group.round += 1
        tasks = [task for task in self._tasks(group) if not _stays(task) and task.spec.id not in never]
        names = {task.spec.id for task in tasks}
        inner = [each for each in self.inside(group) if not names.isdisjoint(each.spec.tasks)]
        for task in tasks:
            self._board.renew(task)
        for each in inner:
            self.move(each, IncludedPhase.WAITING)
            each.round = 1
        self._count(inner, tasks)
        for each in inner:
            each.waits = self._unheard(each.spec) + (not self._going(each.spec.scope))
        for task in tasks:
            task.unsettled = self._unheard(task.spec) + (not self._going(task.spec.scope))
            task.above = max((max(need.above, need.started) for need in task.needs if need.settled), default=0)
        return tasks, inner

    def grow(self, graph: Graph, instances: Sequence[TaskState]) -> None:
        """Take in the instances of a fan-out, which are tasks of the graphs around them, too."""
        for scope in {task.spec.scope for task in instances}:
            for group in self._around[scope]:
                group.spec = graph.groups[group.spec.id]
        self._count((), instances)

    def settled(self, scope: str) -> list[IncludedState]:
        """Count something in the file of `scope` as settled; answers the groups in which nothing is left."""
        found: list[IncludedState] = []
        for group in self._around[scope]:
            group.unsettled -= 1
            if group.unsettled == 0:
                found.append(group)
        return found

    def move(self, group: IncludedState, to: IncludedPhase) -> None:
        """Write a phase, by the table.

        Raises:
            IllegalMove: the table has no such move.

        """
        if to not in INCLUDED_MOVES[group.phase]:
            raise IllegalMove(f"included graph `{group.spec.id}`: {group.phase.name} cannot become {to.name}")
        self._open += (group.phase is IncludedPhase.OVER) - (to is IncludedPhase.OVER)
        group.phase = to

    # -- the helpers -----------------------------------------------------------------------------------------------

    def _count(self, groups: Iterable[IncludedState], tasks: Iterable[TaskState]) -> None:
        """Count tasks, and groups that may be tried again, as unsettled in what is around them."""
        for scope in (*(task.spec.scope for task in tasks), *(each.spec.scope for each in groups if each.again)):
            for group in self._around[scope]:
                group.unsettled += 1

    def _unheard(self, spec: TaskSpec | Group) -> int:
        """Count the tasks that something needs and has yet to hear of."""
        found = 0
        for task in (self._board.tasks[need] for need in spec.needs if need in self._board.tasks):
            border = self.held_by(task.spec, spec.scope)
            found += not task.settled or (border is not None and border.phase is not IncludedPhase.OVER)
        return found

    def _going(self, scope: str) -> bool:
        return not scope or self._all[scope].phase is IncludedPhase.GOING

    def _tasks(self, group: IncludedState) -> Iterator[TaskState]:
        return (self._board.tasks[name] for name in group.spec.tasks)

    def _guilty(self, group: IncludedState) -> Iterator[TaskState]:
        return (task for task in self._tasks(group) if task.phase is Phase.FAILED and not task.spec.allow_failure)


def _stays(task: TaskState) -> bool:
    """Say whether a task keeps its result through all rounds; that of a fan-out is put together in each."""
    return task.kept and task.spec.instances is None
