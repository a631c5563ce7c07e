"""What happened to a task, as sentences for people: each function writes one kind of episode. Decides nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runner.graph.model import TaskSpec, Trigger
from runner.graph.seen import seen
from runner.record.render.legible import shortened
from runner.record.render.words import duration
from runner.record.report import Episode, EpisodeKind, Seen
from runner.record.waits import Lack, Wait
from runner.schedule.board import Phase, TaskState
from runner.schedule.included import IncludedState
from runner.schedule.machine import Schedule
from runner.schedule.messages import Answered, AttemptEnded, StopAttempt
from runner.schedule.reasons import NAMED, scope_of
from runner.task import Cause, Failed, Json

AT_LEAST = 0.05
"""Seconds below which a wait is not worth a sentence."""
LONGEST = 200
"""Characters of a message, or of a value that a condition read, that are told."""

WAITED: Mapping[Lack, EpisodeKind] = {
    "pool": "waited_for_pool",
    "worker": "waited_for_worker",
    "others": "waited_to_be_alone",
    "turn": "waited_for_its_turn",
    "rate": "waited_for_rate",
    "stagger": "waited_for_stagger",
}


# -- waiting -----------------------------------------------------------------------------------------------------------


def waited_for_needs(since: float, until: float, last: str, number: int) -> Iterator[Episode]:
    """Tell that a task could not start before the last of what it needs had settled."""
    if until - since > AT_LEAST:
        which = f"`{last}`" if number == 1 else f"`{last}`, the last of the {number} tasks it needs"
        words = f"waited {duration(until - since)} for {which}"
        yield _lasted("waited_for_needs", since, until, words, by=(last,))


def waited_for_services(since: float, ready: Mapping[str, float]) -> Iterator[Episode]:
    """Tell that a task waited for services to answer; `ready` says when each did."""
    late = {name: at for name, at in ready.items() if at - since > AT_LEAST}
    if late:
        until = max(late.values())
        what = f"service{'s' if len(late) > 1 else ''} {_names(list(late))}"
        words = f"waited {duration(until - since)} for {what} to answer"
        yield _lasted("waited_for_service", since, until, words, by=tuple(late))


def waited(attempt: int, waits: Sequence[Wait]) -> Iterator[Episode]:
    """Tell for what a task waited that could have started."""
    for wait in waits:
        if wait.seconds > AT_LEAST:
            words = f"waited {duration(wait.seconds)} {_for_what(wait)}"
            until = wait.at + wait.seconds
            kind = WAITED[wait.lack]
            yield _lasted(kind, wait.at, until, words, attempt=attempt, by=wait.holders, pool=wait.pool)


def slow_worker(attempt: int, handed: float, began: float) -> Iterator[Episode]:
    """Tell that a worker had to be started for an attempt, where that took long."""
    if began - handed > AT_LEAST:
        words = f"waited {duration(began - handed)} for its worker to be there"
        yield _lasted("waited_for_process", handed, began, words, attempt=attempt)


def rested(after: AttemptEnded, until: float, task: TaskState) -> Episode:
    """Tell how long a task rested after a failed attempt."""
    retry, tries = task.spec.retry, after.attempt - task.before
    follows = (
        f"before attempt {tries + 1} of {retry.attempts}"
        if task.phase is not Phase.FAILED
        else "and was not tried again"
    )
    words = f"rested {duration(until - after.at)} {follows}"
    return _lasted("rested", after.at, until, words, attempt=after.attempt)


def another_round(group: IncludedState, at: float, failed: Sequence[str]) -> Episode:
    """Tell that all of a group is tried again, and who had failed in the round before."""
    rounds = f"round {group.round} of {group.spec.retry.attempts}"
    words = f"tried again with all of `{group.spec.id}`, in {rounds}: {_names(failed)} had failed"
    return _moment("again", at, words, by=tuple(failed))


# -- running and ending ------------------------------------------------------------------------------------------------


def ran(task: TaskState, at: float, needs: Mapping[str, str], schedule: Schedule) -> Episode:
    """Tell why a task ran: its trigger, how what it needs ended, and its `if` with what that saw."""
    condition, values = _condition(task.spec, schedule)
    words = f"ran: {_called(task.spec.trigger, needs, schedule)}"
    if condition:
        words += f", and its `if` is true: {condition}{_values(values)}"
    opened = schedule.opened
    if opened is not None and task.spec.id in opened.doubtful:
        words += f"; it was under way when run {opened.resumes} ended, so perhaps it is done twice"
    return _moment("ran", at, words, attempt=1, by=tuple(needs), condition=condition, seen=values)


def returned(attempt: int, at: float) -> Episode:
    """Tell that an attempt came back unbegun."""
    return _moment("returned", at, f"attempt {attempt} came back before it had begun", attempt=attempt)


def succeeded(event: AttemptEnded, begun: float) -> Episode:
    """Tell that an attempt succeeded, and how long it took."""
    words = f"attempt {event.attempt} succeeded after {duration(event.at - begun)}"
    return _moment("succeeded", event.at, words, attempt=event.attempt)


def failed(
    event: AttemptEnded, outcome: Failed, begun: float | None, stop: tuple[float, StopAttempt] | None
) -> Episode:
    """Tell how an attempt failed, or why and how it was stopped; `begun` is None if it never did."""
    message = shortened(outcome.message or outcome.cause.sentence, LONGEST)
    attempt = event.attempt
    match outcome.cause:
        case Cause.OUT_OF_MEMORY:
            return _moment("stopped", event.at, f"attempt {attempt} was killed: {message}", attempt=attempt)
        case Cause.TIMED_OUT | Cause.CANCELLED if stop is not None:
            since, command = stop
            how = _how_it_went(event.at - since, command.kill_after)
            words = f"attempt {attempt} was stopped: {command.message or message}; {how}"
            return _lasted("stopped", since, event.at, words, attempt=attempt)
        case _:
            after = "" if begun is None else f" after {duration(event.at - begun)}"
            words = f"attempt {attempt} failed{after} ({outcome.cause.word}): {message}"
            return _moment("failed", event.at, words, attempt=attempt)


def given_up(event: AttemptEnded, cause: Cause, task: TaskState, stopped: str) -> Episode:
    """Tell why a task with several attempts was not tried again; `stopped` says why the run was, "" if not."""
    retry = task.spec.retry
    if event.attempt - task.before >= retry.attempts:
        why = f"it had {retry.attempts} attempts"
    elif cause not in retry.on:
        why = f"`retry.on` does not name `{cause.word}`"
    elif stopped:
        why = stopped
    else:
        why = f"its `retry.deadline` of {duration(retry.deadline or 0.0)} would have passed"
    return _moment("given_up", event.at, f"was not tried again: {why}", attempt=event.attempt)


# -- not running -------------------------------------------------------------------------------------------------------


def kept(task: TaskState, at: float, run: str) -> Episode:
    """Tell from which run a result was taken."""
    words = f"kept from run {run}: the same was asked there, on the same results"
    return _moment("kept", at, task.reason or words)


def cached(task: TaskState, at: float) -> Episode:
    """Tell why a task was left out: its last result still holds."""
    return _moment("cached", at, f"cached: {task.reason}")


def not_cached(at: float, because: str) -> Episode:
    """Tell why a task that is cached where possible had to run."""
    return _moment("not_cached", at, f"not cached: {shortened(because, LONGEST)}")


def approved_before(at: float) -> Episode:
    """Tell that a task that asks first did not have to."""
    return _moment("approved", at, "approved beforehand (--approve)")


def answered(event: Answered, asked: float) -> Iterator[Episode]:
    """Tell what a person said of a task that asked first, and how long that took."""
    if event.by != "nobody":  # which is told as the reason why it did not run
        kind: EpisodeKind = "approved" if event.approved else "refused"
        words = f"asked; after {duration(event.at - asked)} the {event.by} said {'yes' if event.approved else 'no'}"
        yield _lasted(kind, asked, event.at, words)


def fanned_out(instances: Sequence[str], at: float) -> Iterator[Episode]:
    """Tell what a fan-out was found to be for; nothing if that failed."""
    if instances:
        words = f"fanned out into {len(instances)}: {_names(instances)}"
        yield _moment("fanned_out", at, words, by=tuple(instances[:NAMED]))


def gathered(group: TaskState, at: float) -> Episode:
    """Tell how the instances of a group ended together."""
    return _moment("gathered", at, f"{group.word.replace('_', ' ')}: {group.reason}")


def did_not_run(task: TaskState, at: float, guilty: Mapping[str, str], schedule: Schedule) -> Episode:
    """Tell why a task will not run; `guilty` are those that failed by themselves and what they said."""
    state, words = task.word, f"{task.word}: {task.reason}"
    if state == "blocked":
        deeper = [name for name in guilty if f"`{name}`" not in task.reason]
        words += "".join(f"; it began with `{name}`" for name in deeper[:1])
        first = next(iter(deeper or guilty), "")
        words += f" ({shortened(guilty[first], LONGEST)})" if guilty.get(first) else ""
        return _moment("blocked", at, words, by=tuple(guilty))
    if state == "cancelled":
        return _moment("cancelled", at, words)
    condition, values = _condition(task.spec, schedule)
    asked = bool(condition) and task.reason.startswith("its `if`")
    if asked:
        return _moment("skipped", at, words + _values(values), condition=condition, seen=values)
    return _moment("skipped", at, words, by=task.spec.needs)


def failed_unstarted(at: float, outcome: Failed) -> Episode:
    """Tell that a task failed without an attempt, as by an `if` that cannot be evaluated, or while it rested."""
    kind: EpisodeKind = "cancelled" if outcome.cause is Cause.CANCELLED else "failed"
    return _moment(kind, at, f"{kind}: {shortened(outcome.message, LONGEST)}")


def lost(task: TaskState, at: float, missing: Sequence[str]) -> Episode:
    """Tell what a task was at where the journal of its run ends; `missing` is what it needs that had not settled."""
    match task.phase:
        case Phase.RUNNING:
            words = f"attempt {task.attempt} was still under way where the journal ends"
        case Phase.RESTING:
            words = f"rested before attempt {task.attempt + 1} where the journal ends"
        case Phase.READY:
            words = "could have started where the journal ends"
        case Phase.WAITING | Phase.SUCCEEDED | Phase.FAILED | Phase.SKIPPED:
            words = f"waited for {_names(missing)} where the journal ends"
    return _moment("lost", at, words, attempt=task.attempt, by=tuple(missing))


# -- the helpers -------------------------------------------------------------------------------------------------------


def _moment(kind: EpisodeKind, at: float, words: str, **more: Any) -> Episode:
    return Episode(kind=kind, at=round(at, 3), words=words, **more)


def _lasted(kind: EpisodeKind, since: float, until: float, words: str, **more: Any) -> Episode:
    return Episode(kind=kind, at=round(since, 3), seconds=round(until - since, 3), words=words, **more)


def _for_what(wait: Wait) -> str:
    match wait.lack:
        case "pool":
            return f"for room in pool `{wait.pool}`, held by {_names(wait.holders)}"
        case "worker":
            return f"for a free worker, while {_names(wait.holders)} ran" if wait.holders else "for a free worker"
        case "others":
            return f"to run alone, having crashed twice, while {_names(wait.holders)} ran"
        case "turn":
            return "for its turn: of a run that is stopped, clean-ups go one after another"
        case "rate":
            return f"because pool `{wait.pool}` may not be claimed more often"
        case "stagger":
            return "to start at a distance from the one before (`stagger`)"


def _how_it_went(seconds: float, kill_after: float) -> str:
    if kill_after <= 0:
        return "killed at once"
    if seconds >= kill_after:
        return f"it went on after SIGTERM and was killed {duration(kill_after)} later"
    if seconds < 0.01:
        return "it ended at once on SIGTERM"
    return f"it ended {duration(seconds)} after SIGTERM"


def _called(trigger: Trigger, needs: Mapping[str, str], schedule: Schedule) -> str:
    if not needs:
        return "it always does" if trigger is Trigger.ALWAYS else "it needs nothing"
    ends = _ends(needs, schedule)
    match trigger:
        case Trigger.ALL_SUCCESS:
            return ends
        case Trigger.NONE_FAILED:
            return f"nothing it needs failed ({ends})"
        case Trigger.ONE_SUCCESS:
            return f"one that it needs succeeded ({ends})"
        case Trigger.ONE_FAILED:
            return f"one that it needs failed ({ends})"
        case Trigger.ALL_DONE:
            return f"what it needs was over, however it ended ({ends})"
        case Trigger.ALWAYS:
            return f"it always does, once what it needs is over ({ends})"


def _ends(needs: Mapping[str, str], schedule: Schedule) -> str:
    """Answer how each need ended, those that ended alike together; of many the first few."""
    alike: dict[str, list[str]] = {}
    for name in needs:
        alike.setdefault(_ended(name, needs, schedule), []).append(name)
    return "; ".join(f"{_names(names)} {end}" for end, names in alike.items())


def _ended(name: str, needs: Mapping[str, str], schedule: Schedule) -> str:
    word = needs[name].replace("_", " ")
    if name in schedule.graph.services:
        return {"ready": "was up", "off": "was switched off by its `if`"}.get(needs[name], word)
    if schedule.graph.tasks[name].allow_failure and schedule.task(name).phase is Phase.FAILED:
        return f"{word}, as it may"
    return word


def _condition(spec: TaskSpec, schedule: Schedule) -> tuple[str, tuple[Seen, ...]]:
    """Answer the `if` of a task and what it read; all it needs has settled, so that is the same ever after."""
    if spec.condition is None or schedule.opened is None:
        return "", ()
    scope = scope_of(schedule.opened, schedule.need_scope(spec.id), spec.scope)
    values = tuple(Seen(name=name, value=_short(value)) for name, value in seen(spec.condition, scope))
    return spec.condition.source, values


def _values(values: Sequence[Seen]) -> str:
    told = ", ".join(f"{each.name} was {json.dumps(each.value, ensure_ascii=False)}" for each in values)
    return f" ({told})" if told else ""


def _short(value: Json) -> Json:
    text = json.dumps(value, ensure_ascii=False)
    return value if len(text) <= LONGEST else shortened(text, LONGEST)


def _names(names: Sequence[str]) -> str:
    named = [f"`{name}`" for name in names[:NAMED]]
    if len(names) > NAMED:
        return f"{', '.join(named)} and {len(names) - NAMED} more"
    return " and ".join(filter(None, (", ".join(named[:-1]), named[-1]))) if named else "others"
