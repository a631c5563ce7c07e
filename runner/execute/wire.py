"""What pool, warden and workers say to each other: one line of JSON a message. Knows no process and no pipe.

    pool ──Fork, Stop, Hold──► warden            pool ──Setting, then Request, Describe, Forget──► worker
    pool ◄──Forked, Exited──── warden            pool ◄──Begun, Said…, Ended; or Described── worker

Nothing else crosses: no pickle, no object, no exception. Reading follows the declared types (`runner.plain`), so a
worker that writes anything else has written garbage, and that is the end of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from msgspec import field
from msgspec.structs import replace

from runner import plain
from runner.plain import NotThisShape
from runner.task import Data, Note, Outcome, Request, Signature

LOST_CHANNEL = 71
"""Exit code of a worker that can no longer speak to the runner (EX_OSERR of sysexits.h)."""
WORKERS_OWN = 3
"""Descriptors that come with a Fork: channel, output pipe, permits."""
GENERATIONS = 256
"""Generations of permits that can be told apart: a permit is a byte. Two never meet, so two would be enough."""
LONGEST = 64 * 1024 * 1024
"""Bytes of a line that can still be a message, however much a check has observed; large outputs are files. What is
longer is garbage that must not fill the runner's memory."""


class Setting(Data, frozen=True, kw_only=True):
    """What all attempts of one worker share: the whole environment, the folder, the secrets' names, the import path."""

    env: Mapping[str, str] = field(default_factory=dict)
    workdir: str = "."
    secrets: tuple[str, ...] = ()
    path: tuple[str, ...] = ()


class Describe(Data, frozen=True, kw_only=True):
    """Ask what a function takes and returns."""

    uses: str


class Forget(Data, frozen=True, kw_only=True):
    """Drop the last `count` requests: their permits were taken back. A new generation of permits begins."""

    count: int


ToWorker: TypeAlias = Setting | Request | Describe | Forget


class Begun(Data, frozen=True, kw_only=True):
    """The attempt begins now, in the worker of this process id; nothing of it has run before."""

    pid: int


class Spawned(Data, frozen=True, kw_only=True):
    """The attempt is a command, and it runs now in a process of its own."""

    pid: int


class Said(Data, frozen=True, kw_only=True):
    """The attempt said something."""

    note: Note


class Ended(Data, frozen=True, kw_only=True):
    """The attempt is over, and so is all it had started.

    `stopped` tells that SIGTERM came before the outcome was decided, `left` names what it had left behind, and
    `leaving` that the worker is no longer fit for another attempt and ends. `seconds` is how long it took.
    """

    outcome: Outcome
    seconds: float = 0.0
    stopped: bool = False
    left: tuple[str, ...] = ()
    leaving: bool = False


class Described(Data, frozen=True, kw_only=True):
    """What a function takes and returns; or, where `signature` is None, why nobody can say."""

    signature: Signature | None = None
    code: str = ""
    message: str = ""
    hint: str = ""


FromWorker: TypeAlias = Begun | Spawned | Said | Ended | Described


class Fork(Data, frozen=True, kw_only=True):
    """Fork a worker; its channel, output pipe and permits come along. `token` makes its boundary marks unguessable."""

    child: int
    token: str


class Stop(Data, frozen=True, kw_only=True):
    """End a worker and everything below it: SIGTERM, `kill_after` seconds later SIGKILL."""

    child: int
    kill_after: float


class Hold(Data, frozen=True, kw_only=True):
    """Keep the descriptor that comes along until the end."""


ToWarden: TypeAlias = Fork | Stop | Hold


class Forked(Data, frozen=True, kw_only=True):
    """The worker exists."""

    child: int
    pid: int


class Exited(Data, frozen=True, kw_only=True):
    """A worker and everything below it is gone.

    `status` is an exit code, or a signal's number below zero. `stopped` tells that a Stop came before, `killed` that
    it took SIGKILL. `survivors` names what even SIGKILL did not end; `error` says why it could not be forked.
    """

    child: int
    status: int = 0
    stopped: bool = False
    killed: bool = False
    survivors: tuple[str, ...] = ()
    error: str = ""


FromWarden: TypeAlias = Forked | Exited


def encode(message: ToWorker | FromWorker | ToWarden | FromWarden) -> bytes:
    """Spell a message as one line."""
    return plain.encode(message) + b"\n"


def decode(kind: Any, line: bytes) -> Any:
    """Read a line as one of the messages `kind` names.

    Raises:
        NotThisShape: it is none of them.

    """
    return plain.decode(kind, line)


def setting_of(request: Request) -> Setting:
    """Answer the setting of the worker that an attempt wants."""
    return Setting(env=request.env, workdir=request.workdir, secrets=request.secrets, path=request.path)


def without_setting(request: Request) -> Request:
    """Leave out what the worker knows already: its setting."""
    return replace(request, env={}, workdir=".", secrets=(), path=())


def with_setting(request: Request, setting: Setting) -> Request:
    """Put back what `without_setting` left out."""
    env, workdir, secrets, path = setting.env, setting.workdir, setting.secrets, setting.path
    return replace(request, env=env, workdir=workdir, secrets=secrets, path=path)


def mark(token: str, attempt: int) -> bytes:
    """Spell the boundary mark that a worker writes into its output pipe after its n-th attempt."""
    return f"\x00{token}.{attempt}\x00".encode()


class Lines:
    """Turns bytes, in pieces of any size, into whole lines of at most `longest` bytes; None trusts who writes them."""

    def __init__(self, longest: int | None = LONGEST) -> None:
        self._rest = bytearray()
        self._longest = longest

    def feed(self, piece: bytes) -> list[bytes]:
        """Take a piece; answer the lines it completes, without their ends.

        Raises:
            NotThisShape: a line is longer than any message.

        """
        *whole, rest = piece.split(b"\n")
        if whole:
            whole[0] = bytes(self._rest) + whole[0]
            self._rest = bytearray(rest)
        else:
            self._rest += rest
        if self._longest is not None and len(self._rest) > self._longest:
            raise NotThisShape("a line without an end")
        return whole
