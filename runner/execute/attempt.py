"""One attempt, inside the worker: from a request to an outcome. Knows no pipe; a task may do here what it likes.

Everything a task can raise is caught here, the one border between its code and ours.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

from msgspec import Struct
from msgspec.structs import replace

from runner.execute.command import run_command
from runner.execute.function import BadParameters, NoSuchFunction, bind, call, find
from runner.execute.large import stored
from runner.execute.raised import exit_of, message_of, traceback_of
from runner.execute.returned import NotPlain, outputs_of
from runner.execute.stopping import StopSignal
from runner.task import Cause, Check, Context, Failed, Json, Note, Outcome, Request, Stopped, Succeeded

if TYPE_CHECKING:
    from runner.execute.promises import Promises

NAMED = 3
"""How many failed checks, and how many other faults, the message of an outcome names."""


class Voice(Struct, frozen=True, kw_only=True):
    """How an attempt says something: `say` hands a note to the runner and keeps it in `said`; `now` is the time."""

    say: Callable[[Note], None]
    said: Sequence[Note]
    now: Callable[[], str]


def run_attempt(request: Request, voice: Voice, stop: StopSignal, spawned: Callable[[int], None]) -> Outcome:
    """Run a function or a command; `spawned` is told the process id of a command."""
    try:
        os.chdir(request.workdir)
    except OSError as error:  # a border: the folder is the user's
        return Failed(cause=Cause.BAD_PARAMETERS, message=f"its workdir cannot be entered: {error}")
    promises = _promises_of(request)
    faults: list[Failed] = []
    if request.command is None:
        outcome = _run_function(request, Context(request, voice.say, voice.now), stop)
    else:
        # SIGTERM reaches the whole tree of the command, and we wait on until it is gone.
        outcome = _run_command(request, voice, spawned, faults)
    if promises is not None:
        faults += promises.keep(voice.say, whole=isinstance(outcome, Succeeded))
    return stored(judged(outcome, voice.said, faults), request)


def judged(outcome: Outcome, said: Sequence[Note], faults: Sequence[Failed] = ()) -> Outcome:
    """Let failed checks and other faults fail an attempt that has returned."""
    checks = [note for note in said if isinstance(note, Check)]
    failed = [f"`{check.name}`" for check in checks if check.verdict == "failed"]
    told = _named([fault.message for fault in faults], "; ")
    match outcome:
        case Succeeded(outputs=outputs) if failed:
            message = f"{len(failed)} of {len(checks)} checks failed: {_named(failed, ', ')}"
            return Failed(cause=Cause.FAILED_CHECK, message="; ".join(filter(None, (message, told))), outputs=outputs)
        case Succeeded(outputs=outputs) if faults:
            secret = any(fault.cause is Cause.SECRET_IN_OUTPUT for fault in faults)
            cause = Cause.SECRET_IN_OUTPUT if secret else Cause.BAD_OUTPUT
            return Failed(cause=cause, message=told, outputs=outputs)
        case Failed(message=message) if faults:
            return replace(outcome, message="; ".join(filter(None, (message, told))))
        case Succeeded() | Failed():
            return outcome


def outcome_of(work: Callable[[], dict[str, Json]]) -> Outcome:
    """Do what answers the outputs of a task; whatever it raises is an outcome, too."""
    try:
        return Succeeded(outputs=work())
    except BadParameters as error:
        return Failed(cause=Cause.BAD_PARAMETERS, message=str(error))
    except NoSuchFunction as error:
        return Failed(cause=Cause.EXCEPTION, message=str(error))
    except NotPlain as error:
        return Failed(cause=Cause.BAD_OUTPUT, message=str(error))
    except Stopped as error:
        return Failed(cause=Cause.CANCELLED, message="stopped", traceback=traceback_of(error))
    except SystemExit as error:
        return Failed(cause=Cause.EXCEPTION, message=exit_of(error), traceback=traceback_of(error))
    except BaseException as error:  # noqa: BLE001  # a border: a task may raise anything
        return Failed(cause=Cause.EXCEPTION, message=message_of(error), traceback=traceback_of(error))


def utc_now() -> str:
    """Answer the time as ISO-8601 UTC, in milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _promises_of(request: Request) -> Promises | None:
    if not request.promises and not request.junit:
        return None
    from runner.execute.promises import Promises  # noqa: PLC0415  # most tasks promise nothing

    return Promises(request)


def _run_command(request: Request, voice: Voice, spawned: Callable[[int], None], faults: list[Failed]) -> Outcome:
    """Run a command; what it says by files is said, and what of that is wrong is added to the faults."""
    env, command = {**request.env, **request.own_env}, request.command or ""
    if not request.receipts:
        return run_command(request.shell, command, env, spawned)
    from runner.execute.talk import Talk, remove  # noqa: PLC0415  # functions talk otherwise

    try:
        talk = Talk(request, voice.say, voice.now)
        outcome = run_command(request.shell, command, {**env, **talk.env}, spawned, talk.listen)
        talk.end()
        if isinstance(outcome, Succeeded):
            outcome = Succeeded(outputs=talk.outputs())
    except OSError as error:  # a border: the disk
        return Failed(cause=Cause.BAD_OUTPUT, message=f"the files for what it says cannot be made: {error.strerror}")
    finally:
        remove(request)
    faults += [Failed(cause=Cause.BAD_OUTPUT, message=each) for each in talk.faults]
    return outcome


def _run_function(request: Request, context: Context, stop: StopSignal) -> Outcome:
    def work() -> dict[str, Json]:
        try:
            stop.arm(_raise_stopped)
            function = find(request.uses or "")
            result = call(function, bind(function, request.arguments), context)
            if inspect.iscoroutine(result):
                stop.disarm()
                result = _run_coroutine(result, stop)
            return outputs_of(result)
        finally:
            stop.disarm()

    return outcome_of(work)


def _named(names: Sequence[str], between: str) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return between.join(names[:NAMED]) + more


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
