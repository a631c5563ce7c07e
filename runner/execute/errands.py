"""What the runner and its hosts on a cluster say to each other: one line of JSON a message. Knows no Dask and no pipe.

    runner ──Opening, Settlement; then Errand, StopErrand, Recall, Describing──► host
    runner ◄──Enlisted, Settled; then Told, Printed, Over, Descriptions───────── host

A host is what one run has at one worker of the cluster. As over our pipes, nothing else crosses: what Dask pickles is
these lines, and the names of functions of ours that take them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import field

from runner import plain
from runner.errors import Problem
from runner.schedule.messages import AttemptEnded, AttemptReturned, AttemptStarted, Noted, StopAttempt
from runner.task import Data, Request, Signature

CANNOT_IMPORT = "cannot-import"
INSTALL = "install it there, or bring it along with `--ship`"


class Opening(Data, frozen=True, kw_only=True):
    """The first thing a host hears: whose it is, and what it shares with the runner.

    `crew` names it among others at the same worker, `topic` is where it speaks, `version` is ours, `python` and
    `started_in` are the runner's own and stand in requests.
    """

    crew: str
    topic: str
    version: str
    python: str
    started_in: str


class Enlisted(Data, frozen=True, kw_only=True):
    """A host is there, with so many threads; `resources` are those that its worker declares to the cluster."""

    threads: int
    resources: Mapping[str, float] = field(default_factory=dict)


class Settlement(Data, frozen=True, kw_only=True):
    """What a host has to know before its first attempt: the run's folder, a file in it, the secrets to mask.

    `archive` is a zip of packages to import from, empty for none. `store` is a place of fsspec's, "" for none, where
    hosts that do not see the folder put files.
    """

    folder: str
    token: str
    secrets: Mapping[str, str] = field(default_factory=dict)
    archive: bytes = b""
    store: str = ""


class Settled(Data, frozen=True, kw_only=True):
    """A host is ready for attempts; `carried` if their files have to come and go through us."""

    carried: bool


class Errand(Data, frozen=True, kw_only=True):
    """One attempt, to be done there. `key` tells it from all others of the run, those that came back included.

    `files` are those of the run that it reads, as paths from the run's folder.
    """

    key: str
    request: Request
    files: tuple[str, ...] = ()


class StopErrand(Data, frozen=True, kw_only=True):
    """End an attempt, or give it back if it has not begun."""

    key: str
    stop: StopAttempt


class Recall(Data, frozen=True, kw_only=True):
    """Give back an attempt if it has not begun; if it has, let it go on."""

    key: str
    task: str
    attempt: int


ToHost: TypeAlias = StopErrand | Recall


class Describing(Data, frozen=True, kw_only=True):
    """Functions to be described, each in the setting of a request; `archive` as above."""

    wanted: Mapping[str, Request]
    archive: bytes = b""


class Undescribed(Data, frozen=True, kw_only=True):
    """Why nobody can say what a function takes."""

    code: str
    message: str
    hint: str = ""


class Descriptions(Data, frozen=True, kw_only=True):
    """What functions take and return."""

    told: Mapping[str, Signature | Undescribed]


class Told(Data, frozen=True, kw_only=True):
    """Something happened to an attempt that is not its end."""

    key: str
    event: AttemptStarted | Noted | AttemptReturned


class Printed(Data, frozen=True, kw_only=True):
    """The next bytes that an attempt has printed, without secrets."""

    key: str
    piece: bytes


class Sent(Data, frozen=True, kw_only=True):
    """A file that belongs into the run's folder: `path` leads from there, `digest` is its sha256."""

    path: str
    size: int
    digest: str


class Over(Data, frozen=True, kw_only=True):
    """An attempt has ended after so many `seconds`; `files` are those that are still at the host."""

    key: str
    end: AttemptEnded
    seconds: float = 0.0
    files: tuple[Sent, ...] = ()


FromHost: TypeAlias = Told | Printed | Over


def encode(message: Data) -> bytes:
    """Spell a message."""
    return plain.encode(message)


def decode(kind: Any, data: bytes) -> Any:
    """Read a message as one of those `kind` names.

    Raises:
        NotThisShape: it is none of them.

    """
    return plain.decode(kind, data)


def lines_of(messages: Sequence[FromHost]) -> bytes:
    """Spell several messages, a line each."""
    return b"\n".join(map(encode, messages))


def messages_in(lines: bytes) -> list[FromHost]:
    """Read them again."""
    return [decode(FromHost, line) for line in lines.split(b"\n")] if lines else []


def undescribed(problem: Problem, worker: str) -> Undescribed:
    """Write a problem so that it says where it was met, and what can be done about it."""
    hint = problem.hint or (INSTALL if problem.code == CANNOT_IMPORT else "")
    return Undescribed(code=problem.code, message=f"{problem.message} (on the worker {worker})", hint=hint)


def problem_of(told: Signature | Undescribed) -> Signature | Problem:
    """Read an answer as the check of arguments wants it."""
    match told:
        case Signature():
            return told
        case Undescribed(code=code, message=message, hint=hint):
            return Problem(code=code, message=message, hint=hint)
