"""What the runner hears of a cluster beside what its hosts say, and what it hands over. Data only; knows no Dask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct, field

from runner.execute.errands import Descriptions, FromHost


class HostCame(Struct, frozen=True, kw_only=True):
    """A worker serves the run from now on."""

    address: str
    threads: int
    resources: Mapping[str, float] = field(default_factory=dict)


class HostLeft(Struct, frozen=True, kw_only=True):
    """A worker that did serve it is gone."""

    address: str
    why: str


class HostRefused(Struct, frozen=True, kw_only=True):
    """A worker cannot serve it."""

    address: str
    why: str


class Broken(Struct, frozen=True, kw_only=True):
    """An errand has ended, and not by itself."""

    key: str
    why: str


class Connected(Struct, frozen=True, kw_only=True):
    """The scheduler answers, and has so many workers now."""

    workers: int


class Unreachable(Struct, frozen=True, kw_only=True):
    """The scheduler does not answer."""

    why: str


class Answer(Struct, frozen=True, kw_only=True):
    """Functions were described; `told` is None where that could not be done, and then says `why`."""

    told: Descriptions | None
    why: str = ""


Heard: TypeAlias = HostCame | HostLeft | HostRefused | Broken | Connected | Unreachable | Answer | FromHost


class Parcel(Struct, frozen=True, kw_only=True):
    """One errand on its way: as it is sent, what it claims of its host, and which files of the run it reads."""

    key: str
    errand: bytes
    claims: Mapping[str, float] = field(default_factory=dict)
    files: frozenset[str] = frozenset()
