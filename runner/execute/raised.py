"""What a task raised, told to people: one line, and a traceback without our own frames. Knows no pipe."""

from __future__ import annotations

import os
from itertools import dropwhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import traceback

LONGEST_LINE = 1000
LONGEST_TRACEBACK = 64 * 1024
"""Characters kept of a message and of a traceback; the middle of a longer one is cut."""

_LIBRARY = os.path.dirname(os.__file__)  # noqa: PTH120  # pathlib costs every worker its import
_MACHINERY = tuple(os.path.join(_LIBRARY, name) for name in ("importlib", "asyncio"))  # noqa: PTH118  # the same
_OURS = os.path.dirname(__file__)  # noqa: PTH120  # the same


def message_of(error: BaseException) -> str:
    """Say in one line what was raised."""
    try:
        text = str(error)
    except Exception as fault:  # noqa: BLE001  # a border: __str__ is the task's code, too
        text = f"<its __str__ raised {type(fault).__name__}>"
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    line = f"{type(error).__name__}: {first}" if first else type(error).__name__
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 3] + "..."


def exit_of(error: SystemExit) -> str:
    """Say in one line that a task wanted to end its process."""
    return f"called sys.exit({'' if error.code is None else repr(error.code)})"


def traceback_of(error: BaseException) -> str:
    """Spell a traceback as the task's author knows it: its own frames."""
    import traceback  # noqa: PLC0415  # only a task that fails pays

    try:
        trace = traceback.TracebackException.from_exception(error)
        _leave_out_ours(trace)
        text = "".join(trace.format())
    except Exception as fault:  # noqa: BLE001  # a border: formatting calls the task's __str__ and reads its files
        text = f"{message_of(error)}\n(its traceback could not be spelt: {type(fault).__name__})\n"
    half = LONGEST_TRACEBACK // 2
    return text if len(text) <= LONGEST_TRACEBACK else f"{text[:half]}\n[... cut here ...]\n{text[-half:]}"


def _leave_out_ours(trace: traceback.TracebackException) -> None:
    """Drop our frames, and those of the machinery between us and the task, here and in what it was raised from."""
    seen, waiting = set(), [trace]
    while waiting:
        each = waiting.pop()
        if id(each) not in seen:
            seen.add(id(each))
            theirs = [frame for frame in each.stack if os.path.dirname(frame.filename) != _OURS]  # noqa: PTH120  # the same
            each.stack[:] = dropwhile(_is_machinery, theirs)
            waiting += [cause for cause in (each.__cause__, each.__context__) if cause is not None]


def _is_machinery(frame: traceback.FrameSummary) -> bool:
    return os.path.dirname(frame.filename) in _MACHINERY  # noqa: PTH120  # the same
