"""The runner's own log: what it decided and why, in `.runner/runner.log`. Knows no task output and no report.

Only standard logging; concurrent-log-handler, which lets several runs write into one file, is imported at the first
record that is to be written, because most runs write none.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from runner.mask import Masker
from runner.record.watched import lacking
from runner.schedule.board import Phase
from runner.schedule.machine import Schedule
from runner.schedule.messages import (
    AttemptEnded,
    AttemptReturned,
    AttemptStarted,
    CancelAsked,
    ClockTicked,
    Event,
    Noted,
    RunOpened,
    ServiceEnded,
    ServiceReady,
    SlotsChanged,
)
from runner.schedule.policy import rest_before
from runner.task import Failed

FILES, SIZE = 5, 10 * 1024 * 1024
"""How many log files are kept, and how large one may become in bytes (DESIGN section 3, Logging)."""

FORMAT = "%(asctime)s %(levelname)-7s %(name)s[%(process)d] %(message)s"


class Masked(logging.Formatter):
    """Formats records and masks secrets in them."""

    def __init__(self, masker: Masker) -> None:
        super().__init__(FORMAT)
        self._masker = masker

    def format(self, record: logging.LogRecord) -> str:
        """Write a record as text without secrets."""
        return self._masker.text(super().format(record))


class LazyFile(logging.Handler):
    """A handler that opens its rotating file at the first record."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._file: logging.Handler | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        if self._file is None:
            from concurrent_log_handler import ConcurrentRotatingFileHandler  # noqa: PLC0415  # said above

            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = ConcurrentRotatingFileHandler(
                str(self._path), maxBytes=SIZE, backupCount=FILES - 1, encoding="utf-8", chmod=0o600
            )
            self._file.setFormatter(self.formatter)
        self._file.emit(record)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
        super().close()


def open_log(path: Path, level: str, masker: Masker) -> logging.Logger:
    """Answer the runner's logger, writing into a file from this level on; what was open before is closed."""
    logger = logging.getLogger("runner")
    for former in list(logger.handlers):
        logger.removeHandler(former)
        former.close()
    logger.propagate = False
    logger.setLevel(level)
    handler = LazyFile(path)
    handler.setFormatter(Masked(masker))
    logger.addHandler(handler)
    return logger


class Decisions:
    """An observer that logs each event with what followed from it."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._told = 0
        self._ready = 0
        self._fewer = 0

    def due(self) -> float | None:
        """Answer that nothing is logged while nothing happens."""
        return None

    def observe(self, events: Sequence[Event], schedule: Schedule) -> None:
        """Log what happened, then who settled by it and why, and what those wait for that could start."""
        for event in events:
            self._log(event, schedule)
        for fewer in schedule.fewer_workers[self._fewer :]:
            crashed = ", ".join(fewer.tasks)
            self._logger.warning("%d workers from now on: %s crashed within a minute", fewer.workers, crashed)
        self._fewer = len(schedule.fewer_workers)
        if self._logger.isEnabledFor(logging.DEBUG):
            self._log_decisions(schedule)

    def _log_decisions(self, schedule: Schedule) -> None:
        for name in schedule.settled[self._told :]:
            reason = schedule.reason(name)
            self._logger.debug("`%s` is %s%s", name, schedule.state(name), f": {reason}" if reason else "")
        self._told = len(schedule.settled)
        for name in schedule.ready[self._ready :]:
            if schedule.task(name).phase is Phase.READY:
                self._logger.debug("`%s` could start and waits for %s", name, lacking(name, schedule))
            else:
                self._logger.debug("`%s` could start: all it needs has settled, and there is room", name)
        self._ready = len(schedule.ready)

    def _log(self, event: Event, schedule: Schedule) -> None:
        debug, warning = self._logger.debug, self._logger.warning
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
            case ServiceEnded(service=service, how=how, message=message):
                warning("service `%s` %s: %s", service, how.replace("_", " "), message)
            case CancelAsked(why=why):
                warning("the run is to end: %s", why)
            case SlotsChanged(slots=slots, workers=workers):
                debug("%d slots from now on, %s workers", slots, slots if workers is None else workers)
            case ClockTicked() | Noted():
                pass
        if isinstance(event, AttemptEnded):
            for left in event.left:
                warning("`%s` left behind, ended: %s", event.task, left)


def _rest(event: AttemptEnded, schedule: Schedule) -> float:
    assert schedule.opened is not None, "a run is opened first"
    return rest_before(schedule.task(event.task).spec.retry, schedule.opened.run, event.task, event.attempt)
