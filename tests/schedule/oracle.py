"""What must become of each task, by plain recursion over what it needs. Imports nothing of `runner.schedule`.

Knows neither slots nor pools nor order: none of these may change how a task ends. Where the time between attempts
matters (`retry.deadline`) it is told when each attempt began. It holds for runs that nobody stops and whose services
stay up once they are; the referee judges the others turn by turn.

Where groups around a task are tried again, everything is asked of one round: the numbers of the rounds that go on
around it, the outermost group first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from runner.execute.simulate import Step
from runner.graph.model import Backoff, Graph, Group, Retry, ServiceSpec, TaskSpec
from runner.task import Cause, Failed

Truth = Callable[[TaskSpec | Group | ServiceSpec], bool | None]
"""What an `if` says: None where it cannot be evaluated."""

Round = tuple[int, ...]

WORDS = {Cause.TIMED_OUT: "timed_out", Cause.CRASHED: "crashed", Cause.CANCELLED: "cancelled"}


def words(
    first: Graph,
    graph: Graph,
    steps: Mapping[tuple[str, int], Step],
    began: Mapping[tuple[str, int], float],
    *,
    kept: Collection[str],
    broken: Collection[str],
    holds: Collection[str],
    refused: Collection[str],
    fanned: Mapping[str, Sequence[bool]],
    truth: Truth,
) -> dict[str, str]:
    """Answer the final word of every task, or a complaint; `broken` names the services that never get ready.

    The last results of the tasks in `holds` still hold; a person says no to those that are `refused`. `graph` is the
    one at the end, `first` that of the beginning; `fanned` says of each fan-out, each time that it was decided while
    running, whether its items could be said.
    """
    about: dict[str, Any] = {"kept": kept, "broken": broken, "holds": holds, "refused": refused, "fanned": fanned}
    oracle = _Oracle(first, graph, steps, began, **about, truth=truth)
    found: dict[str, str] = {}
    for task, spec in graph.tasks.items():
        end = oracle.end(task, oracle.last_round(spec.scope, ()))
        more = (task, end.attempts + 1) in began
        found[task] = f"attempt {end.attempts + 1} was not due" if more else end.word
    return found


@dataclass(frozen=True, slots=True)
class _End:
    """How a task ended in one round: `cause` if it failed, `attempts` it had in this round and all before."""

    word: str
    attempts: int
    cause: Cause | None = None


class _Oracle:
    """Says of every task, group and service what must become of it in each round."""

    def __init__(
        self,
        first: Graph,
        graph: Graph,
        steps: Mapping[tuple[str, int], Step],
        began: Mapping[tuple[str, int], float],
        *,
        kept: Collection[str],
        broken: Collection[str],
        holds: Collection[str],
        refused: Collection[str],
        fanned: Mapping[str, Sequence[bool]],
        truth: Truth,
    ) -> None:
        self.first, self.graph, self.steps, self.began = first, graph, steps, began
        self.kept, self.broken, self.holds, self.truth = kept, broken, holds, truth
        self.refused, self.fanned = refused, fanned
        self.ends: dict[tuple[str, Round], _End] = {}
        self.asks: dict[tuple[str, Round], int] = {}

    def borders(self, scope: str) -> tuple[str, ...]:
        """Answer the groups around a file that may be tried again, the outermost first."""
        if not scope:
            return ()
        group = self.graph.groups[scope]
        return (*self.borders(group.scope), *((scope,) if group.retry.attempts > 1 else ()))

    def last_round(self, scope: str, around: Round) -> Round:
        """Answer the round in which a file ends for good; `around` it those that are the same for who asks."""
        for group in self.borders(scope)[len(around) :]:
            number = 1
            while number < self.graph.groups[group].retry.attempts and self.tried_again(group, (*around, number)):
                number += 1
            around = (*around, number)
        return around

    def tried_again(self, group: str, now: Round) -> bool:
        """Say whether a group fails in a round in such a way that it is tried again."""
        if self.gate(group, now[:-1]) != "run":
            return False
        spec, causes = self.graph.groups[group], set[Cause]()
        for task in (self.graph.tasks[name] for name in spec.tasks):
            cause = self.end(task.id, self.last_round(task.scope, now)).cause
            if cause is not None and not task.allow_failure:
                causes.add(cause)
        if any(self.breaks(name, now) for name in spec.services):
            causes.add(Cause.CRASHED)
        return bool(causes) and causes <= spec.retry.on

    def breaks(self, service: str, now: Round) -> bool:
        """Say whether a service breaks: by its `if`, or because somebody wants it and it never gets ready."""
        if service not in self.broken:
            return False
        tasks = [self.graph.tasks[name] for name in self.graph.dependents[service]]
        never = self.truth(self.graph.services[service]) is None
        return never or any(self.wants(task, self.last_round(task.scope, now)) for task in tasks)

    def wants(self, task: TaskSpec, now: Round) -> bool:
        """Say whether a task would run if its services let it."""
        if task.id in self.kept or self.gate(task.scope, now) != "run" or self.truth(task) is not True:
            return False
        tasks = self.needs(task, now)
        left_out = task.id in self.refused or (task.cache and task.id in self.holds)
        return "run" in [decided(task, tasks | {end}) for end in "SF"] and not left_out

    def gate(self, scope: str, now: Round) -> str:
        """Answer what the group of a file comes to before it begins: run, blocked, skipped or failed."""
        if not scope:
            return "run"
        group = self.graph.groups[scope]
        around = self.gate(group.scope, now)
        answer = decided(group, self.needs(group, now)) if around == "run" else around
        return answer if answer != "run" else {True: "run", False: "skipped", None: "failed"}[self.truth(group)]

    def needs(self, spec: TaskSpec | Group, now: Round) -> set[str]:
        """Answer the kinds of what a task or a group needs by itself; a group counts as one."""
        around = now[: len(self.borders(spec.scope))]
        whole = {name for group in spec.groups for name in self.graph.groups[group].tasks}
        others = {*whole, *(spec.outer if isinstance(spec, TaskSpec) else ())}
        single = [need for need in spec.needs if need in self.graph.tasks and need not in others]
        kinds = {self.kind(need, around) for need in single}
        return kinds | {self.kind_of_group(name, around) for name in spec.groups}

    def kind(self, task: str, around: Round) -> str:
        """Answer how a task looks from a file."""
        spec = self.graph.tasks[task]
        known = around[: len(self.borders(spec.scope))]
        return kind_of(self.end(task, self.last_round(spec.scope, known)).word, spec)

    def kind_of_group(self, name: str, around: Round) -> str:
        """Answer how a whole group looks from a file that needs it."""
        group = self.graph.groups[name]
        kinds = {self.kind(task, around) for task in group.tasks}
        now = self.last_round(name, around)
        if "F" in kinds or any(self.breaks(service, now) for service in group.services):
            return "F"
        return "S" if "S" in kinds else "K"

    def attempts_before(self, task: TaskSpec, now: Round) -> int:
        """Answer how many attempts a task had in all rounds before one."""
        earlier = self.before(task.scope, now)
        return 0 if earlier is None else self.end(task.id, earlier).attempts

    def before(self, scope: str, now: Round) -> Round | None:
        """Answer the last round of a file before one."""
        for place in reversed(range(len(now))):
            if now[place] > 1:
                return self.last_round(scope, (*now[:place], now[place] - 1))
        return None

    def asked(self, name: str, now: Round) -> int:
        """Answer how often it was said, by the end of a round, what a fan-out is for; once that is known, no more."""
        if (name, now) not in self.asks:
            spec = self.first.tasks[name]
            earlier = self.before(spec.scope, now)
            found = 0 if earlier is None else self.asked(name, earlier)
            known = True in self.fanned.get(name, ())[:found]
            self.asks[name, now] = found + (not known and self.before_it_runs(spec, now) is None)
        return self.asks[name, now]

    def is_grown(self, name: str, now: Round) -> bool:
        """Say whether a fan-out has its instances by the end of a round."""
        return (
            self.first.tasks[name].instances is not None or True in self.fanned.get(name, ())[: self.asked(name, now)]
        )

    def end(self, task: str, now: Round) -> _End:
        """Answer how a task ends in one round."""
        if (task, now) not in self.ends:
            self.ends[task, now] = self.end_of(self.graph.tasks[task], now)
        return self.ends[task, now]

    def end_of(self, spec: TaskSpec, now: Round) -> _End:
        """Work that out."""
        before = self.attempts_before(spec, now)
        if spec.id in self.kept:
            return _End("kept", before)
        if spec.part is not None and not self.is_grown(spec.part.of, now):
            return _End("skipped", before)  # it is not there yet
        if (gate := self.gate(spec.scope, now)) != "run":
            return _End(gate, before, Cause.BAD_PARAMETERS if gate == "failed" else None)
        if spec.fan is not None and spec.part is None:
            return self.end_of_fan(spec, now)
        if (end := self.before_it_runs(spec, now)) is not None:
            return _End(end, before, Cause.BAD_PARAMETERS if end == "failed" else None)
        if spec.cache and spec.id in self.holds:
            return _End("cached", before)  # what is left out needs no service
        if spec.id in self.refused:
            return _End("skipped", before)  # nobody starts a service before the person has said yes
        services = {"F" if need in self.broken else "S" for need in spec.needs if need in self.graph.services}
        answer = decided(spec, self.needs(spec, now) | services)
        return last_end(spec, self.steps, self.began, before) if answer == "run" else _End(answer, before)

    def end_of_fan(self, spec: TaskSpec, now: Round) -> _End:
        """Work out how a fan-out ends in one round in which its file is tried."""
        if self.is_grown(spec.id, now):
            ends = [self.end(each, now) for each in spec.instances or ()]
            return _End(
                together([each.word for each in ends]), 0, next((each.cause for each in ends if each.cause), None)
            )
        if (end := self.before_it_runs(self.first.tasks[spec.id], now)) is None:
            told = self.asked(spec.id, now) <= len(self.fanned.get(spec.id, ()))
            end = "failed" if told else "was never asked for"  # its items could not be said
        return _End(end, 0, Cause.BAD_PARAMETERS if end == "failed" else None)

    def before_it_runs(self, spec: TaskSpec, now: Round) -> str | None:
        """Answer how a task ends before its services are asked, None if it does not."""
        if (gate := self.gate(spec.scope, now)) != "run":
            return gate
        tasks = self.needs(spec, now)
        served = any(need in self.graph.services for need in spec.needs)
        possible = [decided(spec, tasks | {end}) for end in "SF"] if served else [decided(spec, tasks)]
        if "run" not in possible:
            return possible[0]  # whatever its services do; so nobody starts them for it
        return {True: None, False: "skipped", None: "failed"}[self.truth(spec)]  # an `if` reads no service


def together(words: Sequence[str]) -> str:
    """Answer the word of a group whose instances, in their order, ended so."""
    for bad in (("failed", "timed_out", "crashed"), ("cancelled",), ("blocked",)):
        if any(word in bad for word in words):
            return next(word for word in words if word in bad)
    good = {word for word in words if word != "skipped"}
    return "skipped" if not good else good.pop() if len(good) == 1 else "succeeded"


def kind_of(word: str, spec: TaskSpec) -> str:
    """Answer S, F or K: how a settled task looks to those that need it."""
    if word in ("succeeded", "kept", "cached"):
        return "S"
    if word == "skipped":
        return "K"
    return "S" if spec.allow_failure and word not in ("blocked", "cancelled") else "F"


def decided(spec: TaskSpec | Group, needs: Collection[str]) -> str:
    """Answer what a trigger says to the kinds of its needs: run, blocked or skipped."""
    match spec.trigger.value:
        case "all_success":
            return "blocked" if "F" in needs else "skipped" if "K" in needs else "run"
        case "none_failed":
            return "blocked" if "F" in needs else "run"
        case "one_success":
            return "run" if "S" in needs else "blocked" if "F" in needs else "skipped"
        case "one_failed":
            return "run" if "F" in needs else "skipped"
        case _:
            return "run"


def last_end(
    spec: TaskSpec,
    steps: Mapping[tuple[str, int], Step],
    began: Mapping[tuple[str, int], float],
    before: int,
) -> _End:
    """Play the attempts of one task in one round; its word is a complaint if it had fewer than it may."""
    retry, cause, attempt = spec.retry, Cause.LOST, before
    limit = began.get((spec.id, before + 1), inf) + (inf if retry.deadline is None else retry.deadline)
    for tries in range(1, retry.attempts + 1):
        attempt = before + tries
        if (spec.id, attempt) not in began:
            return _End(f"attempt {attempt} never began", attempt)
        step, begun = steps[spec.id, attempt], began[spec.id, attempt]
        end = begun + step.seconds
        stop = max(begun, min(limit, begun + (inf if spec.timeout is None else spec.timeout)))
        if stop < end:
            cause, end = Cause.TIMED_OUT, min(end, stop + min(step.stop_takes, spec.kill_after))
        elif isinstance(step.outcome, Failed):
            cause = step.outcome.cause
        else:
            return _End("succeeded", attempt)
        if tries == retry.attempts or cause not in retry.on or end + rest(retry, tries) > limit:
            break
    return _End(WORDS.get(cause, "failed"), attempt, cause)


def rest(retry: Retry, attempt: int) -> float:
    """Answer the longest rest after a failed attempt; with jitter the real one is any part of it."""
    match retry.backoff:
        case Backoff.FIXED:
            longest = retry.delay
        case Backoff.LINEAR:
            longest = retry.delay * attempt
        case Backoff.EXPONENTIAL:
            longest = retry.delay * retry.factor ** (attempt - 1)
    return min(longest, retry.max_delay)
