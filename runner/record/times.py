"""Seconds of a run as moments: ISO-8601 UTC with milliseconds (DESIGN section 5, Names and times)."""

from __future__ import annotations

from datetime import datetime, timedelta


def iso(began: datetime, seconds: float) -> str:
    """Answer the moment this many seconds after `began`."""
    moment = began + timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
