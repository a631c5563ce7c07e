"""Seconds of a run as moments: ISO-8601 UTC with milliseconds (DESIGN section 5, Names and times)."""

from __future__ import annotations

from datetime import datetime, timedelta

from runner.errors import UsageError


def moment(text: str) -> datetime:
    """Read the moment at which a run began.

    Raises:
        UsageError: it is none; a journal is a file that anybody may have edited.

    """
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"`{text[:40]}` is no moment at which a run may have begun") from None


def iso(began: datetime, seconds: float) -> str:
    """Answer the moment this many seconds after `began`.

    Raises:
        UsageError: no calendar reaches so far; a journal is a file that anybody may have edited.

    """
    try:
        then = began + timedelta(seconds=seconds)
    except OverflowError:
        raise UsageError(f"a run cannot have got to its second {seconds:g}") from None
    return then.isoformat(timespec="milliseconds").replace("+00:00", "Z")
