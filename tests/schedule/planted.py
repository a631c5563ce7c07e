"""One-line bugs, each a sentence, put one at a time into a copy of `runner.schedule`: the property tests must fall.

A test that cannot fail is a defect; this is where the tests of the schedule are tested. Some of these bugs were really
made while it was written.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module, invalidate_caches
from pathlib import Path
from typing import cast

import runner.schedule.machine
from runner.schedule.machine import Schedule

SOURCE = Path(runner.schedule.machine.__file__).parent


@dataclass(frozen=True, slots=True)
class Bug:
    """In `file`, `old` (which stands there exactly once) becomes `new`; `sentence` says what goes wrong then."""

    sentence: str
    file: str
    old: str
    new: str


BUGS = (
    Bug(
        "a task gets one attempt more than it may have",
        "limits.py",
        "if task.tries >= retry.attempts or",
        "if task.tries > retry.attempts or",
    ),
    Bug(
        "every cause is retried",
        "limits.py",
        "or cause not in retry.on or task.spent",
        "or task.spent",
    ),
    Bug(
        "a rest may end after the retry deadline",
        "limits.py",
        "or rested <= task.first_start + retry.deadline",
        "or rested >= task.first_start",
    ),
    Bug(
        "the retry deadline counts from the latest attempt",
        "limits.py",
        "yield task.first_start + spec.retry.deadline,",
        "yield now + spec.retry.deadline,",
    ),
    Bug(
        "a late alarm hits the next attempt of its task",
        "limits.py",
        "if alarm.attempt != task.attempt:",
        "if alarm.attempt > task.attempt:",
    ),
    Bug(
        "an attempt that is being stopped is stopped again",
        "limits.py",
        "return task.phase is Phase.RUNNING and not task.stopping",
        "return task.phase is Phase.RUNNING",
    ),
    Bug(
        "a time-out counts from the first attempt",
        "limits.py",
        "yield now + spec.timeout,",
        "yield (task.first_start or now) + spec.timeout,",
    ),
    Bug(
        "a clean-up may take ten minutes",
        "limits.py",
        "CLEAN_UP_SECONDS = 60.0",
        "CLEAN_UP_SECONDS = 600.0",
    ),
    Bug(
        "a task keeps its slot and its claims while it rests",
        "board.py",
        "if task.phase is RUNNING:\n            self._take",
        "if task.phase is RUNNING and to is not RESTING:\n            self._take",
    ),
    Bug(
        "a pool that is not full takes any claim",
        "board.py",
        "self._room[pool] < amount",
        "self._room[pool] < 1",
    ),
    Bug(
        "pools have no limit",
        "board.py",
        "return self.full(claims) is None",
        "return True",
    ),
    Bug(
        "an allowed failure blocks what needs it",
        "board.py",
        "return S if self.spec.allow_failure and self.cause is not Cause.CANCELLED else F",
        "return F",
    ),
    Bug(
        "a blocked task looks skipped to what needs it",
        "board.py",
        "return K if self.why is Why.SKIPPED else F",
        "return K",
    ),
    Bug(
        "the lowest priority goes first",
        "policy.py",
        "return (-task.priority, -rank,",
        "return (task.priority, -rank,",
    ),
    Bug(
        "the shortest path goes first",
        "policy.py",
        "return (-task.priority, -rank,",
        "return (-task.priority, rank,",
    ),
    Bug(
        "a shuffled run is ordered all the same",
        "policy.py",
        "if shuffle is None:",
        "if shuffle != -1:",
    ),
    Bug(
        "a shuffled run has real chance, so that a replay is another run",
        "policy.py",
        'chance(f"shuffle {shuffle}", task.id, 0)',
        '__import__("random").random()',
    ),
    Bug(
        "estimates stand above what was measured",
        "policy.py",
        "if measured is not None:",
        "if measured is not None and task.estimate is None:",
    ),
    Bug(
        "among pools the least urgent task goes first",
        "policy.py",
        "heap[0] < self._heaps[best][0]",
        "heap[0] > self._heaps[best][0]",
    ),
    Bug(
        "a linear rest is one step too long",
        "policy.py",
        "longest = retry.delay * attempt",
        "longest = retry.delay * (attempt + 1)",
    ),
    Bug(
        "an exponential rest is one step too long",
        "policy.py",
        "repeat(retry.factor, attempt - 1)",
        "repeat(retry.factor, attempt)",
    ),
    Bug(
        "a rest has no upper limit",
        "policy.py",
        "longest = min(longest, retry.max_delay)",
        "longest = max(longest, 0.0)",
    ),
    Bug(
        "jitter makes rests longer",
        "policy.py",
        "longest * chance(run, task, attempt)",
        "longest * (1.5 + chance(run, task, attempt))",
    ),
    Bug(
        "jitter is real chance, so that a replay is another run",
        "policy.py",
        'f"{run}\\0{task}\\0{attempt}"',
        "f\"{run}\\0{task}\\0{attempt}{__import__('random').random()}\"",
    ),
    Bug(
        "all_success is skipped before it is blocked",
        "rules.py",
        "return BLOCKED if failed else SKIPPED if skipped else RUN",
        "return SKIPPED if skipped else BLOCKED if failed else RUN",
    ),
    Bug(
        "none_failed does not run after a skipped task",
        "rules.py",
        "return BLOCKED if failed else RUN",
        "return BLOCKED if failed or skipped else RUN",
    ),
    Bug(
        "one_success is skipped where it is blocked",
        "rules.py",
        "return RUN if succeeded else BLOCKED if failed else SKIPPED",
        "return RUN if succeeded else SKIPPED",
    ),
    Bug(
        "one_failed runs after a skipped task",
        "rules.py",
        "return RUN if failed else SKIPPED",
        "return RUN if failed or skipped else SKIPPED",
    ),
    Bug(
        "fail_fast is read from the file, not from the run",
        "machine.py",
        "self._opened.fail_fast",
        "self.graph.fail_fast",
    ),
    Bug(
        "an allowed failure makes the run fail fast",
        "machine.py",
        "if phase is FAILED and not task.spec.allow_failure:",
        "if phase is FAILED:",
    ),
    Bug(
        "failing fast does not keep anything from being retried",
        "machine.py",
        "(self.mode is FAILING and task.always)",
        "self.mode is FAILING",
    ),
    Bug(
        "a cancel does not keep anything from being retried",
        "machine.py",
        "spared = self.mode is GOING or (self.mode is FAILING and task.always)",
        "spared = self.mode is not FAILING or task.always",
    ),
    Bug(
        "the first cancel stops clean-ups that are running",
        "machine.py",
        "if self.mode is ENDING and task.always:",
        "if self.mode is GOING and task.always:",
    ),
    Bug(
        "the second cancel is as patient as the first",
        "machine.py",
        "kill_after = 0.0 if self.mode is KILLING else task.spec.kill_after",
        "kill_after = task.spec.kill_after",
    ),
    Bug(
        "the exit code is that of the last cancel",
        "machine.py",
        "self.cancelled = self.cancelled or why",
        "self.cancelled = why",
    ),
    Bug(
        "the deadline of the run looks like a Ctrl-C",
        "machine.py",
        'self._cancel("deadline")',
        'self._cancel("interrupted")',
    ),
    Bug(
        "clean-ups run in the order of what ran",
        "line.py",
        "return -task.above, task.spec.index, task",
        "return task.above, task.spec.index, task",
    ),
    Bug(
        "clean-ups run side by side",
        "line.py",
        "if self._board.running or self._board.slots < 1:",
        "if self._board.slots < 1:",
    ),
    Bug(
        "clean-ups ignore that there is no slot",
        "line.py",
        "if self._board.running or self._board.slots < 1:",
        "if self._board.running:",
    ),
    Bug(
        "only what a clean-up needs directly counts as above it",
        "machine.py",
        "latest = max(task.above, task.started)",
        "latest = task.started",
    ),
    Bug(
        "what waits for a running task is settled before that has ended",
        "machine.py",
        "case Phase.WAITING if self.mode is KILLING and task.spec.instances is None:",
        "case Phase.WAITING if not spared and task.spec.instances is None:",
    ),
    Bug(
        "clean-ups of what never ran are run all the same",
        "deciding.py",
        "if self.mode is not GOING and not task.above:",
        "if self.mode > 2 and not task.above:",
    ),
    Bug(
        "what is ready starts although its service has died",
        "machine.py",
        "untried = task.phase is READY and task.tries == 0",
        "untried = task.phase is READY and self.mode is not GOING",
    ),
    Bug(
        "an attempt that came back loses its number",
        "machine.py",
        "task.attempt -= 1",
        "task.attempt -= 0",
    ),
    Bug(
        "a kept result is spread before the others are known",
        "machine.py",
        "self._settle(task, SUCCEEDED)\n        self._spread()",
        "self._settle(task, SUCCEEDED)\n            self._spread()",
    ),
    Bug(
        "a no is taken for a yes",
        "machine.py",
        "if event.approved:",
        "if event is not None:",
    ),
    Bug(
        "what asks first starts without an answer",
        "questions.py",
        "return not spec.manual or not self._approved.isdisjoint(known)",
        "return not spec.manual or spec.id in self._open",
    ),
    Bug(
        "what was approved beforehand asks all the same",
        "machine.py",
        "self._questions.approve(event.approved)",
        "self._questions.close(*event.approved)",
    ),
    Bug(
        "a person is asked again and again",
        "questions.py",
        "new = task not in self._open",
        "new = True",
    ),
    Bug(
        "a person is asked before it is known whether the task is left out",
        "deciding.py",
        "return Asks(command=Recall(task=task.spec.id))",
        "return Asks(command=(Recall if self._questions.agreed(task.spec) else Ask)(task=task.spec.id))",
    ),
    Bug(
        "an answer that comes too late settles a task once more",
        "machine.py",
        "if task.settled:\n            return  # the run was stopped since",
        "if task.settled and event.approved:\n            return",
    ),
    Bug(
        "nobody wakes the run when a stagger has gone by",
        "line.py",
        "if moment is not None and moment != self._paced:",
        "if moment is not None and moment < now:",
    ),
    Bug(
        "what time holds back starts at once",
        "line.py",
        "return self._board.fits(claims) and self._pace.opens(claims) <= now",
        "return self._board.fits(claims)",
    ),
    Bug(
        "a stagger counts from the start of any task",
        "pace.py",
        "if pool == STAGGER:\n                self._last = now",
        "self._last = now\n            if pool == STAGGER:\n                continue",
    ),
    Bug(
        "a rate lets one claim too many begin",
        "pace.py",
        "maxlen=rate.count)",
        "maxlen=rate.count + 1)",
    ),
    Bug(
        "a rate counts from the last claim",
        "pace.py",
        "return claimed[0] + ",
        "return claimed[-1] + ",
    ),
    Bug(
        "what has a stagger is piled",
        "board.py",
        "not spec.claims and not spec.stagger and",
        "not spec.claims and",
    ),
    Bug(
        "what is not short is piled, too",
        "board.py",
        "return task.spec.uses in self.short and task.modest",
        "return task.modest",
    ),
    Bug(
        "what holds a pool is piled",
        "board.py",
        "in self.short and task.modest and",
        "in self.short and",
    ),
    Bug(
        "short ones overtake what waits for a worker",
        "policy.py",
        "elif (best is None or heap[0] < self._heaps[best][0]) and fits(claims):",
        "elif (best is None or heap[0] < self._heaps[best][0]) and fits(claims) and place(heap[0][1]):",
    ),
    Bug(
        "one attempt more than there are slots",
        "board.py",
        "return self.running < self.workers",
        "return self.running <= self.workers",
    ),
    Bug(
        "slots that are added are not seen",
        "machine.py",
        "self._places.offer(slots, workers)",
        "self._places.offer(min(self._board.slots or slots, slots), workers)",
    ),
    Bug(
        "what crashed once runs alone",
        "crashes.py",
        "ALONE_AFTER = 2",
        "ALONE_AFTER = 1",
    ),
    Bug(
        "what crashed twice runs beside others",
        "board.py",
        "return (*claims, (EVERY_SLOT, 1)) if self.alone else claims",
        "return claims",
    ),
    Bug(
        "others start beside what runs alone",
        "board.py",
        "return self.alone is None and self.running < self.slots",
        "return self.running < self.slots",
    ),
    Bug(
        "nothing starts any more after something ran alone",
        "board.py",
        "self.alone = task.spec.id if sign > 0 else None",
        "self.alone = task.spec.id",
    ),
    Bug(
        "every failure is a crash",
        "machine.py",
        "if cause is Cause.CRASHED:",
        "if cause is not Cause.CANCELLED:",
    ),
    Bug(
        "two crashes cost a worker",
        "crashes.py",
        "TOGETHER = 3",
        "TOGETHER = 2",
    ),
    Bug(
        "crashes cost a worker however far apart",
        "crashes.py",
        "if at - crashed <= WITHIN",
        "if at >= crashed",
    ),
    Bug(
        "three crashes of one task cost a worker",
        "crashes.py",
        "self._latest[task] = at",
        'self._latest[f"{task}{at}"] = at',
    ),
    Bug(
        "crashes that have cost a worker count again",
        "crashes.py",
        "self._latest.clear()",
        "pass",
    ),
    Bug(
        "the last worker goes, too",
        "crashes.py",
        "if self.workers <= 1:",
        "if self.workers <= 0:",
    ),
    Bug(
        "a worker that crashes have cost comes back with the next offer",
        "crashes.py",
        "self._offered_slots, self._offered_workers = slots, workers",
        "self._offered_slots, self._offered_workers, self._most = slots, workers, None",
    ),
    Bug(
        "with fewer workers each is given more",
        "crashes.py",
        "return -(-self._offered_slots * self.workers // self._offered_workers)",
        "return self._offered_slots",
    ),
    Bug(
        "the schedule does not keep to fewer workers itself",
        "machine.py",
        "lower():\n            self._board.slots, self._board.workers = self._places.slots, self._places.workers\n",
        "lower():\n",
    ),
    Bug(
        "nobody is told that there are fewer workers",
        "machine.py",
        "self._commands.append(LimitWorkers(workers=self._places.workers))",
        "pass",
    ),
    Bug(
        "an allowed failure fails the run",
        "situation.py",
        "task.phase is FAILED and not task.spec.allow_failure for",
        "task.phase is FAILED for",
    ),
    Bug(
        "a broken service does not fail the run",
        "services.py",
        "return any(each.phase is ServicePhase.FAILED for",
        "return all(each.phase is ServicePhase.FAILED and each.attempt > 3 for",
    ),
    Bug(
        "a service is stopped before the last task that needs it",
        "services.py",
        "if service.needed_by == 0 else []",
        "if service.needed_by <= 1 else []",
    ),
    Bug(
        "a service is never stopped while a cancelled task might need it",
        "services.py",
        "if service.needed_by == 0 else []",
        "if service.needed_by < 0 else []",
    ),
    Bug(
        "a fourth port is tried",
        "services.py",
        "service.attempt - service.before < PORT_TRIES",
        "service.attempt - service.before <= PORT_TRIES",
    ),
    Bug(
        "a port that was given is tried again",
        "services.py",
        'event.how == "port_taken" and service.spec.port == 0 and',
        'event.how == "port_taken" and',
    ),
    Bug(
        "a service whose `if` says no counts as broken",
        "services.py",
        "case ServicePhase.READY | ServicePhase.OFF:\n                return Need.S",
        "case ServicePhase.OFF:\n                return Need.F\n            case _ if self._all[name].outputs:\n"
        "                return Need.S",
    ),
    Bug(
        "a task is looked up again and again",
        "machine.py",
        "new, task.asked = not task.asked, True",
        "new, task.asked = isinstance(command, Recall) or not task.asked, True",
    ),
    Bug(
        "what is outdated never hears of it",
        "machine.py",
        "task.told = True\n",
        "task.told = False\n",
    ),
    Bug(
        "a clean-up is left out while the run is being stopped",
        "machine.py",
        "return  # what was asked for has been settled since, or cleans up",
        "pass",
    ),
    Bug(
        "a clean-up is looked up while the run is being stopped",
        "deciding.py",
        "and not task.told and self.mode is GOING:",
        "and not task.told:",
    ),
    Bug(
        "a task that is left out keeps others from running",
        "board.py",
        "if self.phase is SUCCEEDED:\n            return S",
        "if self.phase is SUCCEEDED:\n            return F if self.cached else S",
    ),
    Bug(
        "a task is looked up whose `if` says no",
        "deciding.py",
        "denied = self._denied_by_its_if(task)",
        "denied = (not task.spec.caches or task.told) and self._denied_by_its_if(task) or None",
    ),
    Bug(
        "a group succeeds where only some of its instances failed",
        "groups.py",
        "    if failed:\n",
        "    if len(failed) == len(instances) > 0:\n",
    ),
    Bug(
        "a group succeeds where only some of its instances were blocked",
        "groups.py",
        "for why in (Why.CANCELLED, Why.BLOCKED):",
        "for why in (Why.CANCELLED,):",
    ),
    Bug(
        "a fan-out over nothing has done something",
        "groups.py",
        "return Ending(phase=Phase.SKIPPED, why=Why.SKIPPED, reason=told)",
        "return Ending(phase=Phase.SKIPPED if instances else Phase.SUCCEEDED, why=None, reason=told)",
    ),
    Bug(
        "a group that failed is told as stopped",
        "groups.py",
        "return next((cause for cause in causes if cause is not Cause.CANCELLED), Cause.CANCELLED)",
        "return Cause.TIMED_OUT if Cause.TIMED_OUT in causes else causes[0]",
    ),
    Bug(
        "a group is kept of which one instance was done again",
        "groups.py",
        "return all(each.word == word for each in instances if each.phase is Phase.SUCCEEDED)",
        "return any(each.word == word for each in instances if each.phase is Phase.SUCCEEDED)",
    ),
    Bug(
        "what a task is for is asked again and again",
        "machine.py",
        "new, task.asked = not task.asked, True",
        "new, task.asked = isinstance(command, FanOut) or not task.asked, True",
    ),
    Bug(
        "instances come to be after the run was stopped",
        "machine.py",
        "if template.settled:\n            return  # the run was stopped since",
        "if template.settled:\n            pass",
    ),
    Bug(
        "a server is stopped after the first of several instances",
        "machine.py",
        "self._services.release(service, others=len(event.items))",
        "self._services.release(service, others=1)",
    ),
    Bug(
        "the shortest instance is started first",
        "machine.py",
        "= below + seconds_expected(task.spec, self._opened.durations)",
        "= below - seconds_expected(task.spec, self._opened.durations)",
    ),
    Bug(
        "a kept instance is done again",
        "machine.py",
        "if task.spec.id in event.kept:",
        "if task.spec.id in event.kept and task.above:",
    ),
    Bug(
        "a group is cancelled while its instances are being killed",
        "machine.py",
        "if self.mode is KILLING and task.spec.instances is None:",
        "if self.mode is KILLING:",
    ),
    Bug(
        "what a fan-out is for hangs on its servers",
        "deciding.py",
        "known = not task.spec.is_template",
        "known = True",
    ),
    Bug(
        "an `if` over the item is asked before there is one",
        "deciding.py",
        "if condition is None or (task.spec.is_template and reads_its_item(task.spec)):",
        "if condition is None:",
    ),
    Bug(
        "an instance does not know its item",
        "deciding.py",
        "scope if part is None else {**scope, **part.scope}",
        "scope",
    ),
    Bug(
        "a fan-out is looked up, and not its instances",
        "deciding.py",
        "or task.spec.is_template:",
        "or (task.spec.is_template and (task.told or not task.spec.caches)):",
    ),
    Bug(
        "a fan-out asks a person, and each of its instances again",
        "deciding.py",
        "or task.spec.is_template:",
        "or (task.spec.is_template and (task.spec.caches or self._questions.agreed(task.spec))):",
    ),
    Bug(
        "whoever approves a fan-out approves none of it",
        "questions.py",
        "known = {spec.id} if spec.part is None else {spec.id, spec.part.of}",
        "known = {spec.id}",
    ),
    Bug(
        "a fan-out without servers is run itself",
        "deciding.py",
        "if spec.is_template else fate",
        "if spec.is_template and isinstance(fate, Wants) else fate",
    ),
    Bug(
        "an instance forgets what ran above it",
        "board.py",
        "each.needs, each.above = group.needs, group.above",
        "each.needs, each.above = group.needs, 0",
    ),
    Bug(
        "nobody waits for instances",
        "board.py",
        "self.unsettled += len(found)",
        "self.unsettled += 0",
    ),
    Bug(
        "an instance that nobody has measured is not thought to take as long as its like",
        "policy.py",
        "measured = durations.get(task.part.of)",
        "measured = None",
    ),
    Bug(
        "a group is thought to take time itself",
        "policy.py",
        "if task.instances is not None:\n        return 0.0",
        "if task.instances is not None:\n        return 5.0",
    ),
    Bug(
        "no instances are counted among those that need a server",
        "services.py",
        "service.needed_by += others - 1",
        "service.needed_by += others",
    ),
    Bug(
        "servers are started for tasks that will not run",
        "fate.py",
        "if not could_run(trigger, tasks.values()):",
        "if not services and not could_run(trigger, tasks.values()):",
    ),
    Bug(
        "what is outside hears of a task before its group is over",
        "included.py",
        'if scope != name and not scope.startswith(f"{name}."):',
        'if scope == name and not scope.startswith(f"{name}."):',
    ),
    Bug(
        "a group gets one round more than it may have",
        "included.py",
        "or group.round >= retry.attempts:",
        "or group.round > retry.attempts:",
    ),
    Bug(
        "a group is tried again for every cause",
        "included.py",
        "return bool(causes) and causes <= retry.on",
        "return bool(causes)",
    ),
    Bug(
        "a service that broke is no reason to try its group again",
        "included.py",
        "({Cause.CRASHED} if broken else set[Cause]())",
        "set[Cause]()",
    ),
    Bug(
        "what may fail has its group tried again",
        "included.py",
        "if task.phase is Phase.FAILED and not task.spec.allow_failure)",
        "if task.phase is Phase.FAILED)",
    ),
    Bug(
        "a group with a broken service looks well",
        "included.py",
        "if broken or Need.F in needs:",
        "if Need.F in needs:",
    ),
    Bug(
        "a group of which nothing ran looks well",
        "included.py",
        "return Need.S if Need.S in needs else Need.K",
        "return Need.S",
    ),
    Bug(
        "a group counts as settled while one inside of it rests",
        "included.py",
        "*(each.spec.scope for each in groups if each.again))",
        "*())",
    ),
    Bug(
        "the run fails fast though a group has another round",
        "machine.py",
        "and self.mode is GOING and not self._included.may_save(scope):",
        "and self.mode is GOING:",
    ),
    Bug(
        "what succeeded does not run in the next round",
        "included.py",
        "for task in self._tasks(group) if not _stays(task) and",
        "for task in self._tasks(group) if task.phase is not Phase.SUCCEEDED and",
    ),
    Bug(
        "what was kept runs again in the next round",
        "included.py",
        "for task in self._tasks(group) if not _stays(task) and",
        "for task in self._tasks(group) if",
    ),
    Bug(
        "the attempts of earlier rounds count",
        "limits.py",
        "if task.tries >= retry.attempts or",
        "if task.attempt >= retry.attempts or",
    ),
    Bug(
        "a server outside is stopped though its tasks may run again",
        "machine.py",
        "if held_by(spec, self.graph.services[service].scope) is after:",
        "if after is None:",
    ),
    Bug(
        "a group is still going for those who are asked because of its last task",
        "included.py",
        "is not IncludedPhase.OVER and (group.again or group.unsettled):",
        "is not IncludedPhase.OVER:",
    ),
    Bug(
        "those who need a group are told of its last task before it counts",
        "machine.py",
        "settled(task.spec.scope)  # before anybody hears of it\n                self._tell_some(task, None)",
        "settled(task.spec.scope) if self._tell_some(task, None) is None else []",
    ),
    Bug(
        "a group begins whatever its `if` says",
        "deciding.py",
        "return Runs() if wanted else unwanted",
        "return Runs() if wanted is not None else unwanted",
    ),
    Bug(
        "a group begins whatever became of what it needs",
        "deciding.py",
        "fate = fate_of(spec.trigger, self._needs(spec), {}, self.state)",
        "fate = fate_of(spec.trigger, {}, {}, self.state)",
    ),
    Bug(
        "a whole group that is needed counts task by task",
        "deciding.py",
        "                tasks.pop(task, None)\n",
        "                pass\n",
    ),
    Bug(
        "the servers of a group are not there in the next round",
        "machine.py",
        "self._services.renew(name, sum(name in task.services for task in tasks))",
        "self._services.renew(name, 0)",
    ),
    Bug(
        "a group goes on to the next round while its servers still run",
        "machine.py",
        "if group.phase is IncludedPhase.RESTING or self._services.any_alive(spec.services):",
        "if group.phase is IncludedPhase.RESTING:",
    ),
    Bug(
        "a group is tried again though the run is being stopped",
        "machine.py",
        "if group.again and self.mode is GOING:",
        "if group.again:",
    ),
    Bug(
        "a group inside has used up its rounds for all rounds of the one around it",
        "included.py",
        "            each.round = 1\n",
        "",
    ),
    Bug(
        "a task of a group starts before its group begins",
        "board.py",
        "state.unsettled = len(state.needs) + bool(state.spec.scope)",
        "state.unsettled = len(state.needs)",
    ),
    Bug(
        "the instances of a fan-out do not hear of what they need in the next round",
        "board.py",
        "            need.dependents += found\n",
        "            pass\n",
    ),
    Bug(
        "a fan-out that did not know its items is not asked again in the next round",
        "board.py",
        "task.spent = task.asked = task.told = task.kept = task.cached = False",
        "task.spent = task.told = task.kept = task.cached = False",
    ),
    Bug(
        "a group is over while the instances of its fan-outs run",
        "included.py",
        "        self._count((), instances)\n",
        "",
    ),
)


@contextmanager
def planted(bug: Bug | None, folder: Path, name: str) -> Iterator[type[Schedule]]:
    """Answer the schedule of a copy of `runner.schedule` in `folder`, called `name`, with a bug in it (None: without).

    Events and commands stay those of the original, so that both sides of every comparison speak the same words.
    """
    copy = folder / name
    copy.mkdir()
    for file in SOURCE.glob("*.py"):
        text = file.read_text()
        if bug is not None and file.name == bug.file:
            assert text.count(bug.old) == 1, f"`{bug.old}` stands {text.count(bug.old)} times in {bug.file}, not once"
            text = text.replace(bug.old, bug.new)
        (copy / file.name).write_text(re.sub(r"\brunner\.schedule\.(?!messages\b)", f"{name}.", text))
    sys.path.insert(0, str(folder))
    invalidate_caches()
    try:
        yield cast("type[Schedule]", import_module(f"{name}.machine").Schedule)
    finally:
        sys.path.remove(str(folder))
        for module in [module for module in sys.modules if module.partition(".")[0] == name]:
            del sys.modules[module]
