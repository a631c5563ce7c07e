"""A task or a service that is a shell command: start it, wait for it, say how it ended. Knows no pipe."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping

from runner.task import Cause, Failed, Outcome, Succeeded


def run_command(shell: str, command: str, env: Mapping[str, str], spawned: Callable[[int], None]) -> Outcome:
    """Run a command in the current folder until it ends by itself or by a signal; `spawned` is told its process id.

    It leads a process group of its own, so that a script's `kill 0` ends the script and not us.
    """
    import shlex  # noqa: PLC0415  # only who runs a command pays
    import subprocess  # noqa: PLC0415  # the same

    try:
        child = subprocess.Popen(  # noqa: S603  # a graph file runs code, that is what it is for
            [*shlex.split(shell), "-c", command], env=dict(env), stdin=subprocess.DEVNULL, process_group=0
        )
    except (OSError, ValueError) as error:  # a border: no such shell, an environment too large, a NUL in the command
        return Failed(cause=Cause.EXIT_CODE, message=f"`{shell}` could not be started: {error}", exit_code=127)
    spawned(child.pid)
    return outcome_of(child.wait())


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
