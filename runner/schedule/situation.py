"""Where a run stands: all that is known of it, and what may be asked. Pure. Changes nothing: the machine does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum

from runner.errors import Exit
from runner.graph.model import Graph, TaskSpec
from runner.schedule.alarms import Alarm, Alarms, Ring
from runner.schedule.board import FAILED, Board, TaskState
from runner.schedule.crashes import FewerWorkers, Places
from runner.schedule.included import IncludedPhase, Includeds, IncludedState
from runner.schedule.limits import alarm_matters
from runner.schedule.messages import CancelReason, RunOpened
from runner.schedule.pace import Pace
from runner.schedule.questions import Questions
from runner.schedule.reasons import included_scope, need_scope
from runner.schedule.services import Services
from runner.task import Json


class Mode(IntEnum):
    """How the run is going; it only ever gets worse."""

    GOING = 0
    FAILING = 1
    ENDING = 2
    KILLING = 3


GOING, FAILING, ENDING, KILLING = Mode  # before 3.12, `Mode.GOING` costs a call or two

CANCEL_EXIT: Mapping[CancelReason, Exit] = {
    "interrupted": Exit.INTERRUPTED,
    "terminated": Exit.TERMINATED,
    "hung_up": Exit.HUNG_UP,
    "deadline": Exit.DEADLINE,
}


class Situation:
    """One run of one graph, as it is after the events that were handled."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.mode = GOING
        self.opened: RunOpened | None = None
        self.cancelled: CancelReason | None = None
        self._stopped_for = ""
        self._now = 0.0
        self._board = Board(graph)
        self._included = Includeds(graph, self._board)
        self._services = Services(graph.services, {name: len(graph.dependents[name]) for name in graph.services})
        self._alarms = Alarms(self._matters)
        self._pace = Pace(graph.rates)
        self._questions = Questions()
        self._places = Places()
        self._fewer: list[FewerWorkers] = []

    @property
    def finished(self) -> bool:
        """Whether every task has settled for good and no service is left."""
        return self.opened is not None and not self._board.unsettled and self._services.over and self._included.over

    @property
    def verdict(self) -> str:
        """Answer `passed`, `failed` or `interrupted`; allowed failures do not count, broken services do."""
        if self.cancelled is not None:
            return "interrupted"
        tasks = self._board.tasks.values()
        failed = any(task.phase is FAILED and not task.spec.allow_failure for task in tasks)
        return "failed" if failed or self._services.any_failed else "passed"

    @property
    def exit_code(self) -> Exit:
        """Answer the exit code of the run (DESIGN section 6)."""
        if self.cancelled is not None:
            return CANCEL_EXIT[self.cancelled]
        return Exit.PASSED if self.verdict == "passed" else Exit.FAILED

    def next_alarm(self) -> float | None:
        """Answer the moment (seconds) at which `ClockTicked` is wanted, None for never."""
        return self._alarms.next()

    def state(self, node: str) -> str:
        """Answer the word of the report for a task or a service."""
        if node in self._board.tasks:
            return self._board.tasks[node].word
        if node in self.graph.groups:
            return self._included.word(node, self._services.any_broken(self.graph.groups[node].services))
        return self._services.phase(node).name.lower()

    def reason(self, node: str) -> str:
        """Answer in a sentence why a task or a service is in its state, "" where the state says it all."""
        return self._board.tasks[node].reason if node in self._board.tasks else self._services.message(node)

    def task(self, name: str) -> TaskState:
        """Answer what a task is at, for reading only."""
        return self._board.tasks[name]

    def need_scope(self, node: str) -> dict[str, Json]:
        """Answer what expressions of a task or an included graph may read under `needs`, by the names of its file."""
        spec = self.graph.tasks[node] if node in self.graph.tasks else self.graph.groups[node]
        if isinstance(spec, TaskSpec) and not spec.scope and not spec.groups:  # as mostly
            return {need.spec.id: need_scope(need, self._opened) for need in self._board.tasks[node].needs}
        home, tasks = self.graph.scopes[spec.scope], self._board.tasks
        needs = spec.own_needs if isinstance(spec, TaskSpec) else spec.needs
        found: dict[str, Json] = {
            home.local(need): need_scope(tasks[need], self._opened) for need in needs if need in tasks
        }
        return found | {home.local(name): included_scope(self.state(name), self._opened) for name in spec.groups}

    def blamed(self, group: str) -> tuple[str, ...]:
        """Answer the tasks and services of an included graph by which it has failed."""
        names = self._included.guilty(self._included.all[group])
        return (*names, *(name for name in self.graph.groups[group].services if self.state(name) == "failed"))

    def included(self, name: str) -> IncludedState:
        """Answer what an included graph is at, for reading only."""
        return self._included.all[name]

    def repeated(self, task: str) -> str:
        """Answer the innermost included graph around a task of which this is not the first round, "" for none."""
        return self._included.repeated(self.graph.tasks[task].scope)

    @property
    def asking(self) -> Sequence[str]:
        """Answer the tasks that wait for a person to say whether they may start, in the order in which they asked."""
        return self._questions.open

    @property
    def stopped_for(self) -> str:
        """Answer in a sentence why the run starts nothing new, "" if it does."""
        return self._stopped_for

    @property
    def settled(self) -> Sequence[str]:
        """Answer the tasks that have settled, in the order in which they did."""
        return self._board.settled

    @property
    def ready(self) -> Sequence[str]:
        """Answer the tasks that became ready, in the order in which they did, each as often as it did."""
        return self._board.ready

    def holders(self, pool: str) -> Mapping[str, int]:
        """Answer the running tasks that hold some of a pool, and how much."""
        return self._board.holders[pool]

    def lacks(self, task: str) -> str | None:
        """Answer the pool without which a ready task cannot start (`EVERY_SLOT`: something runs), None for a slot."""
        return self._board.full(self._board.tasks[task].wants)

    def held(self, task: str) -> str | None:
        """Answer what of time keeps a ready task that has room and a slot: a pool with its rate, or `STAGGER`."""
        return self._pace.holds(self._board.tasks[task].wants, self._now) if self._board.has_slot else None

    @property
    def alone(self) -> str | None:
        """Answer the running task beside which nothing may start, None if there is none."""
        return self._board.alone

    @property
    def workers(self) -> int:
        """Answer how many workers may be at work."""
        return self._places.workers

    @property
    def fewer_workers(self) -> Sequence[FewerWorkers]:
        """Answer when crashes have cost workers."""
        return self._fewer

    def service_outputs(self, name: str) -> Mapping[str, Json]:
        """Answer `url` and `port` of a service, both None until it is ready."""
        return self._services.outputs(name)

    # -- the helpers -----------------------------------------------------------------------------------------------

    @property
    def _opened(self) -> RunOpened:
        assert self.opened is not None, "the first event of a run is RunOpened"
        return self.opened

    def _matters(self, alarm: Alarm) -> bool:
        if alarm.ring in {Ring.RUN_DEADLINE, Ring.PACE}:
            return self.mode < ENDING and not self.finished
        if alarm.ring is Ring.ROUND:
            group = self._included.all[alarm.task]
            return group.phase is IncludedPhase.RESTING and group.round == alarm.attempt
        return alarm_matters(alarm, self._board.tasks[alarm.task])
