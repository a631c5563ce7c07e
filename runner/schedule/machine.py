"""What happens next in one run: events in, commands out. Pure: no clock, no file, no process.

Theory of operation. A task waits until the tasks it needs have settled; then its trigger, its `if` and its services say
what becomes of it (`deciding`, done by `_decide`). What may run joins a line; `_fill` takes from the line while slots
and claims last, and the claim is made in the same step (`RUNNING` means "handed to the executor"), so nothing can be
decided twice. Settling a task looks at those that need it through a work list and not by recursion, because a chain
of 10,000 blocked tasks is a legal graph. Phases are written by `_move` alone, by the table `MOVES` of the board.

Time-outs and rests are one mechanism: alarms. The schedule says when it next wants to know the time (`next_alarm`) and
acts on `ClockTicked`. Whatever an event does not say is computed from what it does say, so replaying the events of a
journal, one by one, gives the same commands and the same end.

A run that is being stopped has a mode. `FAILING`: a required task failed under fail_fast. `ENDING`: cancelled; the
`always` tasks clean up one at a time, in reverse order of what ran. `KILLING`: cancelled twice; nothing more starts.
"""

from __future__ import annotations

from runner.graph.fan_out import fanned_out
from runner.graph.model import Graph, ServiceSpec
from runner.graph.values import EvaluationError, is_true
from runner.schedule.alarms import Alarm, Ring
from runner.schedule.board import (
    FAILED,
    READY,
    RESTING,
    RUNNING,
    SKIPPED,
    SUCCEEDED,
    WAITING,
    Phase,
    TaskState,
    Why,
)
from runner.schedule.crashes import Crashes, FewerWorkers
from runner.schedule.deciding import Asks, Deciding, Fails, Gathers, Skips
from runner.schedule.fate import Runs, Wants
from runner.schedule.groups import ALREADY, all_are, ending_of
from runner.schedule.included import IncludedPhase, IncludedState
from runner.schedule.limits import clean_up_limit, limits, may_retry, rest_alarm
from runner.schedule.line import Line
from runner.schedule.messages import (
    Answered,
    Ask,
    AttemptEnded,
    AttemptReturned,
    AttemptStarted,
    CancelAsked,
    CancelReason,
    ClockTicked,
    Command,
    Event,
    FannedOut,
    FanOut,
    LimitWorkers,
    Noted,
    Recall,
    Recalled,
    RunOpened,
    ServiceEnded,
    ServiceReady,
    SlotsChanged,
    StartAttempt,
    StopAttempt,
)
from runner.schedule.policy import ranks, rest_before, seconds_expected
from runner.schedule.questions import refused
from runner.schedule.reasons import scope_of
from runner.schedule.situation import ENDING, FAILING, GOING, KILLING
from runner.task import Cause, Failed, Outcome, Succeeded


class Schedule(Deciding):
    """One run of one graph. `handle` takes exactly one event: the order of the journal is the whole truth."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph)
        self._move = self._board.move  # writes phases, and nothing else does
        self._line = Line(graph, self._board, self._pace)
        self._crashes = Crashes()
        self._starts = 0
        self._commands: list[Command] = []
        self._settled: list[TaskState] = []  # settled in this turn, not yet told to those that need them
        self._emptied: list[IncludedState] = []  # nothing in them is unsettled, and it was not yet said what follows

    # -- the one way in --------------------------------------------------------------------------------------------

    def handle(self, event: Event) -> list[Command]:
        """Take in one event; answer the commands that follow from it, in order."""
        self._now = event.at
        self._commands = []
        match event:
            case AttemptStarted(task=task):
                self._attempt_started(self._board.tasks[task])
                return self._commands  # nothing has settled by it, and no room was made
            case AttemptEnded(task=task, outcome=outcome):
                self._attempt_ended(self._board.tasks[task], outcome)
            case RunOpened():
                self._open(event)
            case AttemptReturned(task=task):
                self._attempt_returned(self._board.tasks[task])
            case ServiceReady(service=service, url=url, port=port):
                self._services.ready(service, url=url, port=port)
                self._consider_dependents(service)
            case ServiceEnded(service=service):
                self._commands += self._services.ended(event)
                self._consider_dependents(service)
                self._look_at_included()
            case Recalled():
                self._recalled(event)
            case Answered():
                self._answered(event)
            case FannedOut():
                self._fan_out(event)
            case SlotsChanged(slots=slots, workers=workers, short=short):
                self._offer(slots, slots if workers is None else workers)
                self._board.short = frozenset(short)
            case ClockTicked():
                self._ring()
            case CancelAsked(why=why):
                self._cancel(why)
            case Noted():
                pass  # what a task says changes nothing about what runs next
        self._spread()
        self._fill()
        return self._commands

    # -- opening ---------------------------------------------------------------------------------------------------

    def _open(self, event: RunOpened) -> None:
        self.opened = event
        self._offer(event.slots, event.slots)
        for name, rank in ranks(self.graph, event.durations).items():
            self._board.tasks[name].rank = rank
        if self.graph.deadline is not None:
            self._alarms.set(self.graph.deadline, Alarm(ring=Ring.RUN_DEADLINE))
        for service in self.graph.services.values():
            self._open_service(service)
        self._questions.approve(event.approved)
        for name in event.skipped:
            self._skip(self._board.tasks[name], Why.SKIPPED, "left out by name")
        kept = [self._board.tasks[name] for name in event.kept]
        for task in kept:  # all of them, before anything that needs one is looked at
            task.outcome, task.kept = event.kept[task.spec.id].outcome, True
            self._settle(task, SUCCEEDED)
        self._spread()
        for group in self._included.all.values():
            self._begin_if_due(group)
        for task in self._board.tasks.values():
            self._decide_if_due(task)

    def _open_service(self, service: ServiceSpec) -> None:
        condition = service.condition
        try:
            wanted = condition is None or is_true(condition, scope_of(self._opened, {}, service.scope))
        except EvaluationError as error:  # a border: the file's author wrote this expression
            self._services.fail(service.id, f"its `if` could not be evaluated: {error}")
            return
        if not wanted:
            self._services.switch_off(service.id)
        elif not self._services.needed(service.id):
            self._services.set_aside(service.id)

    # -- what becomes of a task ------------------------------------------------------------------------------------

    def _consider_dependents(self, node: str) -> None:
        for name in self.graph.dependents[node]:
            self._decide_if_due(self._board.tasks[name])

    def _decide_if_due(self, task: TaskState) -> None:
        """Decide on what waits; and again on what was never tried: since then a service may have died."""
        if task.unsettled:
            return
        untried = task.phase is READY and task.tries == 0
        if untried or task.phase is WAITING:
            self._decide(task)

    def _spread(self) -> None:
        """Tell those that need a settled task, until nothing more settles by it; then see which graphs have."""
        while self._settled or self._emptied:
            if not self._settled:
                self._included_settled(self._emptied.pop())
                continue
            task = self._settled.pop()
            if task.spec.scope:
                self._emptied += self._included.settled(task.spec.scope)  # before anybody hears of it
                self._tell_some(task, None)
                continue
            for service in task.services:
                self._commands += self._services.release(service)
            latest = max(task.above, task.started)
            for other in task.dependents:
                other.unsettled -= 1
                other.above = max(other.above, latest)
                if not other.unsettled:
                    self._decide_if_due(other)
            for group in self._included.needing(task.spec.id):
                self._tell_included(group)

    def _tell_some(self, task: TaskState, after: IncludedState | None) -> None:
        """Tell of a settled task of an included graph: within the same borders at once, others `after` one is over."""
        held_by, spec = self._included.held_by, task.spec
        for service in task.services:
            if held_by(spec, self.graph.services[service].scope) is after:
                self._commands += self._services.release(service)
        for other in task.dependents:
            if held_by(spec, other.spec.scope) is after:
                other.unsettled -= 1
                other.above = max(other.above, task.above, task.started)
                self._decide_if_due(other)
        for group in self._included.needing(spec.id):
            if held_by(spec, group.spec.scope) is after:
                self._tell_included(group)

    def _tell_included(self, group: IncludedState) -> None:
        group.waits -= 1
        self._begin_if_due(group)

    def _decide(self, task: TaskState) -> None:
        """Do what is decided on an untried task whose tasks have settled."""
        match self._decision_on(task):
            case Runs():
                if task.phase is WAITING:
                    self._make_ready(task)
            case Wants(services=wanted):
                for name in wanted:
                    self._commands += self._services.want(name)
            case Asks(command=command):
                self._ask(task, command)
            case Gathers():
                self._gather(task)
            case Skips(why=why, reason=reason):
                self._skip(task, why, reason)
            case Fails(reason=reason):
                self._fail(task, reason)

    def _ask(self, task: TaskState, command: Ask | FanOut | Recall) -> None:
        """Let somebody look, once."""
        match command:
            case Ask():
                new = self._questions.ask(task.spec.id)
            case FanOut() | Recall():
                new, task.asked = not task.asked, True
        if new:
            self._commands.append(command)

    def _recalled(self, event: Recalled) -> None:
        if self.mode is not GOING:
            return  # what was asked for has been settled since, or cleans up
        for name, kept in event.kept.items():
            task = self._board.tasks[name]
            task.outcome, task.cached = kept.outcome, True
            task.reason = f"nothing it rests upon has changed since run {kept.run}"
            self._settle(task, SUCCEEDED)
        for name in event.outdated:
            task = self._board.tasks[name]
            task.told = True
            self._decide_if_due(task)

    def _answered(self, event: Answered) -> None:
        task = self._board.tasks[event.task]
        if task.settled:
            return  # the run was stopped since
        if event.approved:
            self._questions.approve((event.task,))
            self._decide_if_due(task)
        else:
            self._skip(task, Why.SKIPPED, refused(event.task, event.by))

    # -- fan-outs --------------------------------------------------------------------------------------------------

    def _fan_out(self, event: FannedOut) -> None:
        template = self._board.tasks[event.task]
        if template.settled:
            return  # the run was stopped since
        if event.fault:
            self._fail(template, event.fault)
            return
        for service in template.services:
            self._commands += self._services.release(service, others=len(event.items))
        below = template.rank - seconds_expected(template.spec, self._opened.durations)
        self.graph = fanned_out(self.graph, event.task, event.items)
        instances = self._board.grow(self.graph, event.task)
        self._included.grow(self.graph, instances)
        for task in instances:
            task.rank = below + seconds_expected(task.spec, self._opened.durations)
            if task.spec.id in event.kept:
                task.outcome, task.kept = event.kept[task.spec.id].outcome, True
                self._settle(task, SUCCEEDED)
        for task in (*instances, template):
            self._decide_if_due(task)

    def _gather(self, group: TaskState) -> None:
        """Settle a group, now that its instances have."""
        ending = ending_of(group.needs)
        group.why, group.reason, group.outcome = ending.why, ending.reason, ending.outcome
        group.kept, group.cached = (ending.phase is SUCCEEDED and all_are(word, group.needs) for word in ALREADY)
        self._settle(group, ending.phase)

    # -- what becomes of an included graph -------------------------------------------------------------------------

    def _begin_if_due(self, group: IncludedState) -> None:
        """Let an included graph begin, or all its tasks settle, once what it needs has settled."""
        if group.waits or group.phase is not IncludedPhase.WAITING:
            return
        match self._decision_on_graph(group):
            case Runs():
                self._begin(group)
            case Skips(why=why, reason=reason):
                self._shut(group, why, reason)
            case Fails(reason=reason):
                for task in self._included.waiting(group):
                    self._fail(task, reason)

    def _begin(self, group: IncludedState) -> None:
        self._included.move(group, IncludedPhase.GOING)
        for inner in self._included.inside(group):
            if inner.spec.scope == group.spec.id:
                self._tell_included(inner)
        for name in group.spec.tasks:
            task = self._board.tasks[name]
            if task.spec.scope == group.spec.id:
                task.unsettled -= 1
                self._decide_if_due(task)

    def _shut(self, group: IncludedState, why: Why, reason: str) -> None:
        """Settle what has not in an included graph that does not begin."""
        for task in self._included.waiting(group):
            if why is Why.CANCELLED and task.always:
                self._skip(task, Why.SKIPPED, "nothing above it was started")
            else:
                self._skip(task, why, reason)

    def _look_at_included(self) -> None:
        """See what follows for included graphs in which nothing is unsettled, now that something else has changed."""
        left = (group for group in self._included.all.values() if not group.unsettled)
        self._emptied += [group for group in left if group.phase is not IncludedPhase.OVER]

    def _included_settled(self, group: IncludedState) -> None:
        """Let a graph whose tasks have settled, and whose services are over, rest before another round or be over."""
        spec = group.spec
        if group.unsettled or group.phase is IncludedPhase.OVER:
            return
        if group.again and self.mode is GOING:
            if group.phase is IncludedPhase.RESTING or self._services.any_alive(spec.services):
                return
            if self._included.may_go_again(group, self._services.any_broken(spec.services)):
                self._included.move(group, IncludedPhase.RESTING)
                rest = rest_before(spec.retry, self._opened.run, spec.id, group.round)
                self._alarms.set(self._now + rest, Alarm(ring=Ring.ROUND, task=spec.id, attempt=group.round))
                return
        self._close(group)

    def _close(self, group: IncludedState) -> None:
        """Tell what is outside of an included graph that is over."""
        self._included.move(group, IncludedPhase.OVER)
        if not group.again:
            return  # they have heard of each task
        if self._included.guilty(group):
            self._fail_fast(group.spec.id, group.spec.scope)
        self._emptied += self._included.settled(group.spec.scope)
        for name in group.spec.tasks:
            self._tell_some(self._board.tasks[name], group)

    def _begin_round(self, group: IncludedState) -> None:
        """Let all tasks run again, but for those that never do: kept ones, and ones left out by name."""
        self._line.forget()
        tasks, inner = self._included.renew(group, self._opened.skipped)
        for name in group.spec.services:
            self._services.renew(name, sum(name in task.services for task in tasks))
            self._open_service(self.graph.services[name])
        for each in inner:
            self._begin_if_due(each)
        for task in tasks:
            self._decide_if_due(task)

    # -- attempts --------------------------------------------------------------------------------------------------

    def _attempt_started(self, task: TaskState) -> None:
        if task.first_start is None:
            self._starts += 1
            task.first_start, task.started = self._now, self._starts
        for at, alarm in limits(task, self._now):
            self._alarms.set(at, alarm)
        if self.mode is ENDING:
            self._limit_clean_up(task)

    def _attempt_ended(self, task: TaskState, outcome: Outcome) -> None:
        task.outcome, task.stopping = outcome, False
        match outcome:
            case Succeeded():
                self._settle(task, SUCCEEDED)
            case Failed(cause=cause):
                rest = rest_before(task.spec.retry, self._opened.run, task.spec.id, task.tries)
                spared = self.mode is GOING or (self.mode is FAILING and task.always)
                if spared and may_retry(task, cause, self._now + rest):
                    self._move(task, RESTING)
                    self._alarms.set(*rest_alarm(task, self._now + rest))
                else:
                    self._settle(task, FAILED)
                if cause is Cause.CRASHED:
                    self._crashed(task)

    def _crashed(self, task: TaskState) -> None:
        together = self._crashes.add(task.spec.id, self._now)
        task.alone = self._crashes.alone(task.spec.id)
        if together and self._places.lower():
            self._board.slots, self._board.workers = self._places.slots, self._places.workers
            self._fewer.append(FewerWorkers(at=self._now, workers=self._places.workers, tasks=together))
            self._commands.append(LimitWorkers(workers=self._places.workers))

    def _attempt_returned(self, task: TaskState) -> None:
        task.attempt -= 1
        task.stopping = False
        self._move(task, READY)
        if self.mode is KILLING or (self.mode is not GOING and not task.always):
            self._skip(task, Why.CANCELLED, self._stopped_for)
        else:
            self._enqueue(task)
            self._decide_if_due(task)

    # -- alarms ----------------------------------------------------------------------------------------------------

    def _ring(self) -> None:
        while (alarm := self._alarms.due(self._now)) is not None:
            match alarm.ring:
                case Ring.LIMIT:
                    self._time_out(self._board.tasks[alarm.task], alarm)
                case Ring.LAST_LIMIT:
                    self._board.tasks[alarm.task].spent = True
                    self._time_out(self._board.tasks[alarm.task], alarm)
                case Ring.REST_OVER:
                    self._make_ready(self._board.tasks[alarm.task])
                case Ring.PACE:
                    pass  # what may start now is started in this turn
                case Ring.ROUND:
                    self._begin_round(self._included.all[alarm.task])
                case Ring.RUN_DEADLINE:
                    self._cancel("deadline")

    def _time_out(self, task: TaskState, alarm: Alarm) -> None:
        self._stop(task, Cause.TIMED_OUT, task.spec.kill_after, alarm.message)

    def _limit_clean_up(self, task: TaskState) -> None:
        if task.spec.timeout is None:
            self._alarms.set(*clean_up_limit(task, self._now))

    # -- stopping the run ------------------------------------------------------------------------------------------

    def _cancel(self, why: CancelReason) -> None:
        if self.mode is KILLING:
            return
        self.cancelled = self.cancelled or why
        self.mode = KILLING if self.mode is ENDING else ENDING
        self._sweep("the run was stopped")
        for task in self._board.tasks.values():
            if task.phase is RUNNING:
                self._cancel_running(task)
        self._line.clean_up(self._board.tasks.values())
        if self.mode is KILLING:
            self._commands += self._services.kill()

    def _cancel_running(self, task: TaskState) -> None:
        kill_after = 0.0 if self.mode is KILLING else task.spec.kill_after
        if self.mode is ENDING and task.always:
            self._limit_clean_up(task)
        elif self.mode is KILLING or not task.stopping:
            self._stop(task, Cause.CANCELLED, kill_after, "the run was stopped")

    def _sweep(self, reason: str) -> None:
        """Settle what will not start, now that the run is being stopped.

        What waits for a running task stays until that has ended: a clean-up must not run beside what it cleans up.
        """
        self._stopped_for = reason
        for task in self._board.tasks.values():
            spared = task.always and self.mode is not KILLING
            match task.phase:
                case Phase.WAITING if self.mode is KILLING and task.spec.instances is None:
                    self._skip(task, Why.CANCELLED, reason)
                case Phase.READY if not spared:
                    self._skip(task, Why.CANCELLED, reason)
                case Phase.WAITING | Phase.READY:
                    self._decide_if_due(task)
                case Phase.RESTING if not spared:
                    task.outcome = Failed(cause=Cause.CANCELLED, message=f"{reason} while it rested before another try")
                    self._settle(task, FAILED)
                case Phase.RESTING if self.mode is ENDING:
                    self._make_ready(task)
        self._look_at_included()

    # -- the helpers -----------------------------------------------------------------------------------------------

    def _fill(self) -> None:
        """Start what may start, while slots and claims last; in a run that is ending one clean-up at a time."""
        if self.mode is ENDING and (clean_up := self._line.next_clean_up()) is not None:
            self._start(clean_up)
        while self.mode < ENDING and self._board.has_slot:
            task = self._line.next(self._now)
            if task is None:
                self._wait_for_time()
                return
            self._start(task)

    def _wait_for_time(self) -> None:
        """Wish to be told the time when the first of those may start that nothing else holds back."""
        moment = self._line.opens(self._now)
        if moment is not None:
            self._alarms.set(moment, Alarm(ring=Ring.PACE))

    def _start(self, task: TaskState) -> None:
        self._move(task, RUNNING)
        task.attempt += 1
        self._line.started(task, self._now)
        self._commands.append(StartAttempt(task=task.spec.id, attempt=task.attempt))

    def _stop(self, task: TaskState, cause: Cause, kill_after: float, message: str) -> None:
        task.stopping = True
        name, attempt = task.spec.id, task.attempt
        stop = StopAttempt(task=name, attempt=attempt, cause=cause, kill_after=kill_after, message=message)
        self._commands.append(stop)

    def _offer(self, slots: int, workers: int) -> None:
        self._places.offer(slots, workers)
        self._board.slots, self._board.workers = self._places.slots, self._places.workers

    def _make_ready(self, task: TaskState) -> None:
        self._move(task, READY)
        self._enqueue(task)

    def _enqueue(self, task: TaskState) -> None:
        if self.mode is ENDING:
            self._line.join_clean_ups(task)
        else:
            self._line.join(task, self._opened.shuffle)

    def _skip(self, task: TaskState, why: Why, reason: str) -> None:
        task.why, task.reason = why, reason
        self._settle(task, SKIPPED)

    def _fail(self, task: TaskState, reason: str) -> None:
        """Let a task fail that cannot be tried."""
        task.reason, task.outcome = reason, Failed(cause=Cause.BAD_PARAMETERS, message=reason)
        self._settle(task, FAILED)

    def _settle(self, task: TaskState, phase: Phase) -> None:
        self._move(task, phase)
        if task.spec.manual:
            self._questions.close(task.spec.id)
        self._settled.append(task)
        if phase is FAILED and not task.spec.allow_failure:
            self._fail_fast(task.spec.id, task.spec.scope)

    def _fail_fast(self, node: str, scope: str) -> None:
        """Start nothing new after a failure, where that is wanted and nothing around it is tried again as a whole."""
        if self._opened.fail_fast and self.mode is GOING and not self._included.may_save(scope):
            self.mode = FAILING
            self._sweep(f"`{node}` failed and the run fails fast")
