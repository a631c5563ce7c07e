"""One attempt, inside the worker: from a request to an outcome. Knows no pipe; a task may do here what it likes.

Everything a task can raise is caught here, the one border between its code and ours.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NoReturn

from runner.execute.command import run_command
from runner.execute.function import BadParameters, NoSuchFunction, bind, call, find
from runner.execute.large import stored
from runner.execute.raised import message_of, traceback_of
from runner.execute.returned import NotPlain, outputs_of
from runner.execute.stopping import StopSignal
from runner.task import Cause, Check, Context, Failed, Note, Outcome, Request, Stopped, Succeeded

NAMED = 3
"""How many failed checks the message of an outcome names."""


def run_attempt(
    request: Request, context: Context, said: Sequence[Note], stop: StopSignal, spawned: Callable[[int], None]
) -> Outcome:
    """Run a function or a command. `said` grows while it runs; `spawned` is told the process id of a command."""
    try:
        os.chdir(request.workdir)
    except OSError as error:  # a border: the folder is the user's
        return Failed(cause=Cause.BAD_PARAMETERS, message=f"its workdir cannot be entered: {error}")
    if request.command is not None:
        # SIGTERM reaches the whole tree of the command, and we wait on until it is gone.
        return run_command(request.shell, request.command, {**request.env, **request.own_env}, spawned)
    return stored(_judge(_run_function(request, context, stop), said), request)


def _run_function(request: Request, context: Context, stop: StopSignal) -> Outcome:
    try:
        try:
            stop.arm(_raise_stopped)
            function = find(request.uses or "")
            result = call(function, bind(function, request.arguments), context)
            if inspect.iscoroutine(result):
                stop.disarm()
                result = _run_coroutine(result, stop)
            return Succeeded(outputs=outputs_of(result))
        finally:
            stop.disarm()
    except BadParameters as error:
        return Failed(cause=Cause.BAD_PARAMETERS, message=str(error))
    except NoSuchFunction as error:
        return Failed(cause=Cause.EXCEPTION, message=str(error))
    except NotPlain as error:
        return Failed(cause=Cause.BAD_OUTPUT, message=str(error))
    except Stopped as error:
        return Failed(cause=Cause.CANCELLED, message="stopped", traceback=traceback_of(error))
    except SystemExit as error:
        message = f"called sys.exit({'' if error.code is None else repr(error.code)})"
        return Failed(cause=Cause.EXCEPTION, message=message, traceback=traceback_of(error))
    except BaseException as error:  # noqa: BLE001  # a border: a task may raise anything
        return Failed(cause=Cause.EXCEPTION, message=message_of(error), traceback=traceback_of(error))


def _judge(outcome: Outcome, said: Sequence[Note]) -> Outcome:
    """Let a failed check fail an attempt that has returned."""
    checks = [note for note in said if isinstance(note, Check)]
    failed = [f"`{check.name}`" for check in checks if check.verdict == "failed"]
    match outcome:
        case Succeeded(outputs=outputs) if failed:
            more = f" and {len(failed) - NAMED} more" if len(failed) > NAMED else ""
            message = f"{len(failed)} of {len(checks)} checks failed: {', '.join(failed[:NAMED])}{more}"
            return Failed(cause=Cause.FAILED_CHECK, message=message, outputs=outputs)
        case Succeeded() | Failed():
            return outcome


def _raise_stopped() -> NoReturn:
    raise Stopped("the runner asked it to end")


def _run_coroutine(coroutine: Coroutine[Any, Any, Any], stop: StopSignal) -> Any:
    """Run a coroutine to its end; a stop cancels it, as Ctrl-C does under asyncio.run, so its `finally` blocks run."""
    import asyncio  # noqa: PLC0415  # 30 ms to import, so only who needs it pays

    async def main() -> Any:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None, "a coroutine that runs is a task"

        def cancel() -> None:
            task.cancel("the runner asked it to end")
            loop.call_soon_threadsafe(lambda: None)  # wakes the loop from its sleep

        stop.arm(cancel)
        return await coroutine

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        if stop.heard:
            _raise_stopped()
        raise
