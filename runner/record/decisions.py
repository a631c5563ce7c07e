"""What the run decided and why, for its log. Loads nothing of logging before there is something to say.

Knows no task output and no report.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from runner.record.watched import lacking
from runner.schedule.board import Phase
from runner.schedule.machine import Schedule
from runner.schedule.messages import (
    Answered,
    AttemptEnded,
    AttemptReturned,
    AttemptStarted,
    CancelAsked,
    ClockTicked,
    Event,
    FannedOut,
    Noted,
    Recalled,
    RunOpened,
    ServiceEnded,
    ServiceReady,
    SlotsChanged,
)
from runner.schedule.policy import rest_before
from runner.task import Failed

if TYPE_CHECKING:
    from logging import Logger


class Decisions:
    """An observer that logs each event with what followed from it, or warnings only, as the level says."""

    def __init__(self, open_log: Callable[[], Logger], level: str) -> None:
        self._open = open_log
        self._all = level == "DEBUG"
        self._told = 0
        self._ready = 0
        self._fewer = 0

    @cached_property
    def _log(self) -> Logger:
        return self._open()

    def due(self) -> float | None:
        """Answer that nothing is logged while nothing happens."""
        return None

    def observe(self, events: Sequence[Event], schedule: Schedule) -> None:
        """Log what happened, then who settled by it and why, and what those wait for that could start."""
        for event in events:
            self._warn(event)
            if self._all:
                self._tell(event, schedule)
        for fewer in schedule.fewer_workers[self._fewer :]:
            crashed = ", ".join(fewer.tasks)
            self._log.warning("%d workers from now on: %s crashed within a minute", fewer.workers, crashed)
        self._fewer = len(schedule.fewer_workers)
        if self._all:
            self._log_decisions(schedule)

    def _warn(self, event: Event) -> None:
        match event:
            case AttemptEnded(task=task, left=left) if left:
                for each in left:
                    self._log.warning("`%s` left behind, ended: %s", task, each)
            case ServiceEnded(service=service, how=how, message=message) if how != "stopped":
                self._log.warning("service `%s` %s: %s", service, how.replace("_", " "), message)
            case CancelAsked(why=why):
                self._log.warning("the run is to end: %s", why)
            case _:
                pass

    def _log_decisions(self, schedule: Schedule) -> None:
        for name in schedule.settled[self._told :]:
            reason = schedule.reason(name)
            self._log.debug("`%s` is %s%s", name, schedule.state(name), f": {reason}" if reason else "")
        self._told = len(schedule.settled)
        for name in schedule.ready[self._ready :]:
            if schedule.task(name).phase is Phase.READY:
                self._log.debug("`%s` could start and waits for %s", name, lacking(name, schedule))
            else:
                self._log.debug("`%s` could start: all it needs has settled, and there is room", name)
        self._ready = len(schedule.ready)

    def _tell(self, event: Event, schedule: Schedule) -> None:
        debug = self._log.debug
        match event:
            case RunOpened(run=run, slots=slots):
                debug("run %s of %s with %d slots", run, event.file, slots)
            case AttemptStarted(task=task, attempt=attempt):
                debug("`%s` attempt %d runs in process %d", task, attempt, event.pid)
            case AttemptEnded(task=task, attempt=attempt, outcome=Failed() as outcome):
                cause, state = outcome.cause.word, schedule.state(task)
                resting = state == "resting"
                follows = f"it rests {_rest(event, schedule):.2f} s and is tried again" if resting else f"it is {state}"
                debug("`%s` attempt %d failed (%s: %s); %s", task, attempt, cause, outcome.message, follows)
            case AttemptEnded(task=task, attempt=attempt):
                debug("`%s` attempt %d succeeded", task, attempt)
            case AttemptReturned(task=task, attempt=attempt):
                debug("`%s` attempt %d came back unbegun", task, attempt)
            case ServiceReady(service=service, url=url):
                debug("service `%s` is ready %s", service, url)
            case ServiceEnded(service=service, how="stopped"):
                debug("service `%s` was stopped", service)
            case FannedOut(task=task, items=items, fault=fault):
                debug("`%s` is done for %d items%s", task, len(items), f": {fault}" if fault else "")
            case Recalled(outdated=outdated):
                for task, each in outdated.items():
                    debug("`%s` is not cached: %s", task, each.because)
            case Answered(task=task, approved=approved, by=by):
                debug("`%s` asked, %s said %s", task, by, "yes" if approved else "no")
            case SlotsChanged(slots=slots, workers=workers):
                debug("%d slots from now on, %s workers", slots, slots if workers is None else workers)
            case ServiceEnded() | CancelAsked() | ClockTicked() | Noted():
                pass


def _rest(event: AttemptEnded, schedule: Schedule) -> float:
    assert schedule.opened is not None, "a run is opened first"
    task = schedule.task(event.task)
    return rest_before(task.spec.retry, schedule.opened.run, event.task, task.tries)
