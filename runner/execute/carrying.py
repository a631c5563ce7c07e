"""Files between the run's folder and a host that does not see it, piece by piece. Knows no Dask."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from runner.execute.errands import Sent

PIECE = 4 * 1024 * 1024
"""Bytes that travel at once, through the scheduler."""

Ask = Callable[..., Awaitable[Any]]
"""Asks the host for something; an exception is an answer, too."""


async def push(folder: str, path: str, write: Ask) -> None:
    """Bring a file of the run to a host; `write` takes its path, a position and the bytes that belong there.

    Raises:
        OSError: it cannot be read here, or not be written there.

    """
    for at, piece in _pieces(Path(folder, path)):
        _raised(await write(path, at, piece))


async def fetch(folder: str, file: Sent, read: Ask) -> None:
    """Bring a file from a host into the run's folder, whole or not at all; `read` takes its path, a position, a size.

    Raises:
        OSError: it cannot be read there, is not what was promised, or cannot be written here.

    """
    target = _inside(folder, file.path)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.new")
    try:
        await _receive(fresh, file, read)
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)


async def _receive(fresh: Path, file: Sent, read: Ask) -> None:
    digest, at = sha256(), 0
    with _opened(fresh) as writing:
        while at < file.size and (piece := _raised(await read(file.path, at, PIECE))):
            writing.write(piece)
            digest.update(piece)
            at += len(piece)
    if (at, digest.hexdigest()) != (file.size, file.digest):
        raise OSError(f"{file.path} is not what was kept there")


def _opened(path: Path) -> BinaryIO:
    path.unlink(missing_ok=True)
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")  # noqa: PTH123  # with a mode


def _pieces(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield a file in pieces, each with its position; an empty file has one, too."""
    with path.open("rb") as file:
        at = 0
        while piece := file.read(PIECE):
            yield at, piece
            at += len(piece)
        if at == 0:
            yield 0, b""


def _inside(folder: str, path: str) -> Path:
    target = Path(folder, path)
    if Path(folder).resolve() not in target.resolve().parents:
        raise OSError(f"{path} leads out of the run's folder")
    return target


def _raised(answer: Any) -> Any:
    if isinstance(answer, Exception):
        raise OSError(str(answer)) from answer
    return answer
