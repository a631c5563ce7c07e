"""Durations and sizes: `1h30m`, `512MiB`. Knows no graph."""

from __future__ import annotations

import re
from functools import cache, lru_cache

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = cache(
    lambda: re.compile(
        r"(?:(?P<d>[\d.]+)d)?(?:(?P<h>[\d.]+)h)?(?:(?P<m>[\d.]+)m(?!s))?(?:(?P<s>[\d.]+)s)?(?:(?P<ms>[\d.]+)ms)?"
    )
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
UNITS_OF_SIZE = {
    "B": 1,
    "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40,
}  # fmt: skip  # one line for each family
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([A-Za-z]+)", re.ASCII)
_WORDS_FOR_UNITS = {
    "ms": "ms", "millis": "ms", "milliseconds": "ms", "millisecond": "ms",
    "s": "s", "sec": "s", "secs": "s", "second": "s", "seconds": "s",
    "m": "m", "min": "m", "mins": "m", "minute": "m", "minutes": "m",
    "h": "h", "hr": "h", "hrs": "h", "hour": "h", "hours": "h",
    "d": "d", "day": "d", "days": "d",
}  # fmt: skip  # one line for each unit


@lru_cache(maxsize=1024)
def seconds(text: str) -> float | None:
    """Read a duration (`250ms 30s 5m 1h30m 1d`) as seconds; None if it is none."""
    found = _DURATION().fullmatch(text)
    if not found or not text:
        return None
    parts = [(unit, digits) for unit, digits in found.groupdict().items() if digits is not None]
    if not all(_NUMBER.fullmatch(digits) for _, digits in parts):
        return None
    return round(sum(float(digits) * _SECONDS[unit] for unit, digits in parts), 6)


@lru_cache(maxsize=1024)
def size(text: str) -> int | None:
    """Read a size (`512MiB 1GiB 2.5GB`) as bytes; None if it is none."""
    found = _SIZE.fullmatch(text)
    factor = UNITS_OF_SIZE.get(found[2]) if found else None
    return int(float(found[1]) * factor) if found and factor else None


@lru_cache(maxsize=1024)
def rate(text: str) -> tuple[int, float] | None:
    """Read a rate (`10/m 5/s 100/15m`) as a count and seconds; None if it is none. A unit alone is one of it."""
    count, slash, stretch = text.partition("/")
    if not slash or not count.isascii() or not count.isdecimal():
        return None
    found = _SECONDS.get(stretch) or seconds(stretch)
    return None if found is None else (int(count), found)


def rate_meant(text: str) -> str | None:
    """Guess the rate somebody meant: `10 per minute` is `10/m`, `5/30 sec` is `5/30s`; None if nothing fits."""
    found = re.fullmatch(r"([0-9]+)\s*(?:/|per|an?|every|each|in)\s*(.+)", text.strip().lower())
    if not found:
        return None
    stretch = _WORDS_FOR_UNITS.get(found[2]) or duration_meant(found[2])
    return f"{found[1]}/{stretch}" if stretch else None


def duration_meant(text: str) -> str | None:
    """Guess the duration somebody meant: `30 sec` is `30s`, `1:30` is `1m30s`; None where nothing comes to mind."""
    if found := re.fullmatch(r"(\d+):(\d\d)(?::(\d\d))?", text):
        return f"{found[1]}h{int(found[2])}m{int(found[3])}s" if found[3] else f"{found[1]}m{int(found[2])}s"
    if not re.fullmatch(r"(?:[\d.]+\s*[A-Za-z]+[\s,]*)+", text.strip()):
        return None
    parts = re.findall(r"([\d.]+)\s*([A-Za-z]+)", text)
    units = [_WORDS_FOR_UNITS.get(unit.lower()) for _, unit in parts]
    guess = "".join(f"{digits}{unit}" for (digits, _), unit in zip(parts, units, strict=True))
    return guess if parts and None not in units and seconds(guess) is not None else None


def size_meant(text: str) -> str | None:
    """Guess the size somebody meant: `512m` and `512 MB` are `512MiB`; None where nothing comes to mind."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt])(?:i?b|ib?ytes|bytes)?", text.strip().lower())
    return f"{found[1]}{found[2].upper()}iB" if found else None
