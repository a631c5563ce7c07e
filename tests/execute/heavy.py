"""Tasks that take a library to run: pydantic, asyncio."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from pydantic import BaseModel, Field


class Range(BaseModel):
    """A parameter that takes pydantic to check."""

    low: int = Field(ge=0)
    high: int


@dataclass
class Width:
    """What `width` returns."""

    width: int
    inside: bool


def width(span: Range, point: int | None = None) -> Width:
    """Measure a range."""
    return Width(width=span.high - span.low, inside=point is not None and span.low <= point <= span.high)


async def asynchronous(seconds: float) -> str:
    """Sleep, in a coroutine."""
    try:
        await asyncio.sleep(seconds)
    finally:
        print("cleaned up")
    return "slept"
