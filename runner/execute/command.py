"""A task or a service that is a shell command: start it, wait for it, say how it ended. Knows no pipe."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable, Mapping, Sequence

from runner.task import Cause, Failed, Outcome, Succeeded

LOOK = 200
"""Milliseconds between two looks at what a command has written."""


def run_command(
    shell: Sequence[str],
    command: str,
    env: Mapping[str, str],
    spawned: Callable[[int], None],
    look: Callable[[], None] | None = None,
) -> Outcome:
    """Run a command in the current folder until it ends by itself or by a signal; `spawned` is told its process id.

    `shell` are the words before it, `look` is called now and then while it runs. It leads a process group of its own,
    so that a script's `kill 0` ends the script and not us.
    """
    import subprocess  # noqa: PLC0415  # only who runs a command pays

    try:
        child = subprocess.Popen(  # noqa: S603  # a graph file runs code, that is what it is for
            [*shell, command], env=dict(env), stdin=subprocess.DEVNULL, process_group=0
        )
    except FileNotFoundError:  # a border: the shell is the user's
        where = "there is no such file" if "/" in shell[0] else "no folder of PATH has it"
        message = f"its shell `{shell[0]}` could not be started: {where}"
        return Failed(cause=Cause.EXIT_CODE, message=message, exit_code=127)
    except (OSError, ValueError) as error:  # a border: an environment too large, a NUL in the command
        return Failed(cause=Cause.EXIT_CODE, message=f"`{shell[0]}` could not be started: {error}", exit_code=127)
    spawned(child.pid)
    if look is not None:
        _watch(child.pid, look)
    return outcome_of(child.wait())


def _watch(pid: int, look: Callable[[], None]) -> None:
    """Look every now and then until a process has ended, and not a moment longer."""
    if not hasattr(os, "pidfd_open"):
        return  # macOS: there is one look, at the end
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:  # a border: a kernel of before 2019, or no descriptor is left
        return
    try:
        end = select.poll()
        end.register(descriptor, select.POLLIN)
        while not end.poll(LOOK):
            look()
    finally:
        os.close(descriptor)


def outcome_of(code: int) -> Outcome:
    """Judge an exit code as `subprocess` has it: below zero it is the signal that killed the command."""
    if code == 0:
        return Succeeded()
    if code < 0:
        return Failed(cause=Cause.CRASHED, message=f"killed by {signal_name(-code)}", exit_code=128 - code)
    return Failed(cause=Cause.EXIT_CODE, message=f"exit code {code}{_meaning(code)}", exit_code=code)


def signal_name(number: int) -> str:
    """Name a signal, such as SIGSEGV."""
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal has only a number
        return f"signal {number}"


def _meaning(code: int) -> str:
    """Say what a shell means by its own exit codes (POSIX, Shell Command Language, 2.8.2)."""
    if code == 126:
        return " (found, but cannot be executed)"
    if code == 127:
        return " (command not found)"
    if 128 < code < 160:
        return f" (killed by {signal_name(code - 128)})"
    return ""
