"""One attempt seen from the runner: what it says becomes events, masked, and so does its end. Knows no pipe."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

from runner.execute.child import Child
from runner.execute.endings import GARBAGE, note_without_secrets, of_exit, of_reply, secret_in, without_secrets
from runner.execute.output import Output
from runner.execute.ports import Clock
from runner.execute.talk import remove
from runner.execute.usage import usage_of
from runner.execute.wire import Described, Ended, Exited, Setting
from runner.mask import Masker
from runner.schedule.messages import AttemptEnded, AttemptReturned, AttemptStarted, Event, Noted, StopAttempt
from runner.task import Cause, Note, Outcome, Request

SAMPLE = 0.05
"""Seconds between two looks at what an attempt takes: so long may it take more than it may."""

Emit = Callable[[Event], None]
Again = Callable[["RunningAttempt", str], None]
"""Takes back an attempt whose worker died before it had begun, and why."""


class RunningAttempt:
    """An attempt that was asked for and has not ended."""

    def __init__(
        self,
        request: Request,
        setting: Setting,
        output: Output,
        masker: Masker,
        *,
        clock: Clock,
        emit: Emit,
        again: Again,
    ) -> None:
        self.request = request
        self.setting = setting
        self.child: Child | None = None
        self._output = output
        self._masker = masker
        self._clock = clock
        self._emit = emit
        self._again = again
        self.since = 0.0
        self.begun_at: float | None = None
        self.seconds: float | None = None
        self._pid = 0
        self._next_look = 0.0
        self._stop: StopAttempt | None = None
        self._leaked = ""

    def ask(self, child: Child) -> None:
        """Ask a worker, the first or another one, perhaps while that still does something else."""
        self.child, self.since = child, self._clock.now()
        child.ask(self, self.request)

    def stop(self, command: StopAttempt) -> None:
        """Ask for its end; the cause of the first stop counts."""
        self._stop = self._stop or command
        assert self.child is not None, "it is with a worker"
        self.child.stop(command.kill_after)

    def next_look(self) -> float | None:
        """Answer when it is to be looked at how much it takes, None before it has begun and once it was stopped."""
        return self._next_look if self.begun_at is not None and self._stop is None else None

    def look(self, now: float) -> None:
        """End it if it takes more of the machine than it may."""
        self._next_look = now + SAMPLE
        taken, request = usage_of(self._pid), self.request
        if request.memory is not None and taken.memory > request.memory:
            message = f"it used {_mebibytes(taken.memory)}, and may use {_mebibytes(request.memory)}"
            self._end_for(Cause.OUT_OF_MEMORY, message)
        elif taken.processes - 1 > request.processes:  # the worker itself is ours
            message = f"it had {taken.processes - 1} processes at once, and may have {request.processes}"
            self._end_for(Cause.CRASHED, message)

    def _end_for(self, cause: Cause, message: str) -> None:
        task, attempt = self.request.task, self.request.attempt
        self.stop(StopAttempt(task=task, attempt=attempt, cause=cause, kill_after=0.0, message=message))

    def give_up_worker(self) -> None:
        """End a worker that does not even begin; another is asked instead."""
        assert self.child is not None, "it is with a worker"
        self.child.stop(0.0)

    def begun(self, pid: int) -> None:
        """Tell that it runs."""
        at = self.begun_at = self._clock.now()
        self._pid, self._next_look = pid, at + SAMPLE
        task, attempt = self.request.task, self.request.attempt
        self._emit(AttemptStarted(at=at, task=task, attempt=attempt, pid=pid, asked=self.since, key=self.request.key))

    def spawned(self, pid: int) -> None:
        """Hear nothing: its worker stands for it."""

    def said(self, note: Note) -> None:
        """Tell what it says; a ledger row that holds a secret is told without it, and fails the attempt later."""
        if self.setting.secrets:
            self._leaked = self._leaked or secret_in(note, self._masker)
            note = note_without_secrets(note, self._masker)
        task, attempt = self.request.task, self.request.attempt
        self._emit(Noted(at=self._clock.now(), task=task, attempt=attempt, note=note))

    def printed(self, piece: bytes) -> None:
        """Keep what it prints."""
        self._output.write(piece)

    def ended(self, reply: Ended | Described) -> None:
        """Tell its end from its reply."""
        assert isinstance(reply, Ended), "an attempt was asked for"
        self.seconds = reply.seconds
        self._end(of_reply(reply, self._stop), reply.left)

    def lost(self, exited: Exited, fault: str) -> None:
        """Tell its end from its worker's; one that had not begun is asked for again or, stopped, comes back."""
        remove(self.request)  # a worker that was killed removes nothing any more
        untouched = self.begun_at is None and fault != GARBAGE
        if untouched and self._stop is None:
            self._again(self, exited.error or f"it ended with {exited.status} before it began")
        elif untouched and not exited.killed:
            self.returned()
        else:
            self._end(of_exit(exited, self._stop, fault), exited.survivors)

    def returned(self) -> None:
        """Tell that it comes back unbegun."""
        self._output.close()
        task, attempt = self.request.task, self.request.attempt
        self._emit(AttemptReturned(at=self._clock.now(), task=task, attempt=attempt))

    def _end(self, outcome: Outcome, left: tuple[str, ...]) -> None:
        if self.setting.secrets:
            outcome = without_secrets(outcome, self._masker, self._leaked)
            left = tuple(self._masker.text(name) for name in left)
        log = self._output.close()
        at, task, attempt = self._clock.now(), self.request.task, self.request.attempt
        self._emit(AttemptEnded(at=at, task=task, attempt=attempt, outcome=outcome, log=log, left=left))


def _mebibytes(size: int) -> str:
    """Write a size, rounded up: what is more than a limit must read as more."""
    return f"{ceil(size / 1024**2 * 10) / 10:.1f}".removesuffix(".0") + " MiB"
