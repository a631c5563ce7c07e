"""What must become of each task, by plain recursion over what it needs. Imports nothing of `runner.schedule`.

Knows neither slots nor pools nor order: none of these may change how a task ends. Where the time between attempts
matters (`retry.deadline`) it is told when each attempt began. It holds for runs that nobody stops and whose services
stay up once they are; the referee judges the others turn by turn.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from math import inf

from runner.execute.simulate import Step
from runner.graph.model import Backoff, Graph, Retry, TaskSpec
from runner.task import Cause, Failed

Truth = Callable[[TaskSpec], bool | None]
"""What the `if` of a task says: None where it cannot be evaluated."""

WORDS = {Cause.TIMED_OUT: "timed_out", Cause.CRASHED: "crashed", Cause.CANCELLED: "cancelled"}


def words(
    graph: Graph,
    steps: Mapping[tuple[str, int], Step],
    began: Mapping[tuple[str, int], float],
    *,
    kept: Collection[str],
    broken: Collection[str],
    holds: Collection[str],
    refused: Collection[str],
    fanned: Mapping[str, bool],
    truth: Truth,
) -> dict[str, str]:
    """Answer the final word of every task; `broken` names the services that never get ready.

    The last results of the tasks in `holds` still hold; a person says no to those that are `refused`. The graph is the
    one at the end; `fanned` says of each fan-out that was decided while running whether its items could be said.
    """

    @cache
    def word(task: str) -> str:
        spec = graph.tasks[task]
        if task in kept:
            return "kept"
        if spec.instances is not None:
            return together([word(each) for each in spec.instances])
        tasks = {kind_of(word(need), graph.tasks[need]) for need in spec.needs if need in graph.tasks}
        services = {"F" if need in broken else "S" for need in spec.needs if need in graph.services}
        possible = [decided(spec, tasks | {end}) for end in "SF"] if services else [decided(spec, tasks)]
        if "run" not in possible:
            return possible[0]  # whatever its services do; so nobody starts them for it
        if (says := truth(spec)) is not True:
            return "failed" if says is None else "skipped"  # an `if` reads no service, so it does not wait for any
        if spec.fan is not None and spec.part is None:
            return "was never asked for" if task not in fanned else "not grown" if fanned[task] else "failed"
        if spec.cache and task in holds:
            return "cached"  # what is left out needs no service
        if task in refused:
            return "skipped"  # nobody starts a service before the person has said yes
        answer = decided(spec, tasks | services)
        return last_word(spec, steps, began) if answer == "run" else answer

    return {task: word(task) for task in graph.tasks}


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


def decided(spec: TaskSpec, needs: Collection[str]) -> str:
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


def last_word(spec: TaskSpec, steps: Mapping[tuple[str, int], Step], began: Mapping[tuple[str, int], float]) -> str:
    """Play the attempts of one task; answers its word, or a complaint if it had more or fewer attempts than it may."""
    retry, cause = spec.retry, Cause.LOST
    limit = began.get((spec.id, 1), inf) + (inf if retry.deadline is None else retry.deadline)
    for attempt in range(1, retry.attempts + 1):
        if (spec.id, attempt) not in began:
            return f"attempt {attempt} never began"
        step, begun = steps[spec.id, attempt], began[spec.id, attempt]
        end = begun + step.seconds
        stop = max(begun, min(limit, begun + (inf if spec.timeout is None else spec.timeout)))
        if stop < end:
            cause, end = Cause.TIMED_OUT, min(end, stop + min(step.stop_takes, spec.kill_after))
        elif isinstance(step.outcome, Failed):
            cause = step.outcome.cause
        else:
            return "succeeded" if (spec.id, attempt + 1) not in began else f"attempt {attempt + 1} after a success"
        if attempt == retry.attempts or cause not in retry.on or end + rest(retry, attempt) > limit:
            break
    return WORDS.get(cause, "failed") if (spec.id, attempt + 1) not in began else f"attempt {attempt + 1} was not due"


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
