"""Files between a run's folder and a host: every size around a piece, and everything that can be wrong with the way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest

from runner.execute.carrying import PIECE, fetch, push
from runner.execute.errands import Sent

SIZES = (0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 1)


class There:
    """A host's folder, as its own functions keep it: what is raised is an answer."""

    def __init__(self, **files: bytes) -> None:
        self.files = files
        self.asked: list[tuple[str, int, int]] = []

    async def write(self, path: str, at: int, piece: bytes) -> None:
        """Put a piece where it belongs; the first one begins the file anew."""
        before = b"" if at == 0 else self.files[path]
        assert len(before) == at, "pieces come in order, and none is missing"
        self.files[path] = before + piece
        self.asked.append((path, at, len(piece)))

    async def read(self, path: str, at: int, size: int) -> Any:
        """Answer a piece."""
        self.asked.append((path, at, size))
        return self.files[path][at : at + size] if path in self.files else FileNotFoundError("it is not there")


def promise(data: bytes, path: str = "out") -> Sent:
    """Answer what a host says of a file that it has."""
    return Sent(path=path, size=len(data), digest=sha256(data).hexdigest())


def everything_in(folder: Path) -> dict[str, bytes]:
    """Answer all files below a folder, hidden ones included."""
    return {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


@pytest.mark.parametrize("size", SIZES)
def test_a_file_goes_there_as_it_is(size: int, tmp_path: Path) -> None:
    """In pieces of which none is too large, in order; an empty file goes, too."""
    data, there = Random(size).randbytes(size), There()
    Path(tmp_path, "out").write_bytes(data)
    asyncio.run(push(str(tmp_path), "out", there.write))

    assert {"out": data} == there.files
    assert max(1, -(-size // PIECE)) == len(there.asked)
    assert PIECE >= max(length for _, _, length in there.asked)


@pytest.mark.parametrize("size", SIZES)
def test_a_file_comes_back_as_it_is(size: int, tmp_path: Path) -> None:
    """Into a folder that is made for it, for nobody else to read, and over what was there before."""
    data = Random(size).randbytes(size)
    there = There(**{"artifacts/a/out": data})
    for _ in range(2):
        asyncio.run(fetch(str(tmp_path), promise(data, "artifacts/a/out"), there.read))

    assert {"artifacts/a/out": data} == everything_in(tmp_path)
    assert 0o600 == Path(tmp_path, "artifacts/a/out").stat().st_mode & 0o777
    assert 2 * -(-size // PIECE) == len(there.asked)


WRONG: dict[str, Callable[[bytes], bytes]] = {
    "longer": lambda data: data + b"x",
    "shorter": lambda data: data[:-1],
    "another": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "empty": lambda _: b"",
}


@pytest.mark.parametrize("size", [size for size in SIZES if size])
@pytest.mark.parametrize("wrong", WRONG)
def test_nothing_is_kept_but_what_was_promised(size: int, wrong: str, tmp_path: Path) -> None:
    """Of what is too short, too long or changed nothing is left, and what was there before stays."""
    data = Random(size).randbytes(size)
    Path(tmp_path, "out").write_bytes(b"before")
    there = There(out=WRONG[wrong](data))
    expected = b"before"
    if wrong == "longer" and size % PIECE == 0:  # nobody asks for more: what was promised is there
        asyncio.run(fetch(str(tmp_path), promise(data), there.read))
        expected = data
    else:
        with pytest.raises(OSError, match="out is not what was kept there"):
            asyncio.run(fetch(str(tmp_path), promise(data), there.read))

    assert {"out": expected} == everything_in(tmp_path)


async def _raises(*_: Any) -> Any:
    raise ConnectionError("the way is gone")


async def _answers_a_fault(*_: Any) -> Any:
    return ValueError("the host says no")


async def _answers_nothing(*_: Any) -> Any:
    return None


READERS: list[tuple[Callable[..., Awaitable[Any]], str]] = [
    (_raises, "the way is gone"),
    (_answers_a_fault, "the host says no"),
    (_answers_nothing, "is not what was kept there"),
]


@pytest.mark.parametrize(("reader", "message"), READERS)
@pytest.mark.parametrize("pieces", [0, 1, 2])
def test_a_way_that_ends_leaves_nothing(
    pieces: int, reader: Callable[..., Awaitable[Any]], message: str, tmp_path: Path
) -> None:
    """After no piece, after one or two: what was there before stays, and nothing else is there."""
    data = Random(pieces).randbytes(3 * PIECE)
    there = There(out=data)
    Path(tmp_path, "out").write_bytes(b"before")

    async def read(path: str, at: int, size: int) -> Any:
        return await (there.read if at < pieces * PIECE else reader)(path, at, size)

    with pytest.raises(OSError, match=message):
        asyncio.run(fetch(str(tmp_path), promise(data), read))

    assert {"out": b"before"} == everything_in(tmp_path)


@pytest.mark.parametrize("path", ["../out", "/tmp/out", "a/../../out", "link/out", "outward", "..", ".", "", "full"])
def test_no_file_comes_where_none_belongs(path: str, tmp_path: Path) -> None:
    """Neither outside of the run's folder, by name or by a link, nor in place of a folder that has something in it."""
    folder, outside = tmp_path / "runs" / "1", tmp_path / "outside"
    for each in (folder / "full", outside):
        each.mkdir(parents=True)
        Path(each, "kept").write_bytes(b"before")
    Path(folder, "link").symlink_to(outside)
    Path(folder, "outward").symlink_to(outside / "kept")
    before = everything_in(tmp_path)

    with pytest.raises(OSError, match=r"leads out of the run's folder|directory"):
        asyncio.run(fetch(str(folder), promise(b"data", path), There(**{path: b"data"}).read))

    assert before == everything_in(tmp_path)


@pytest.mark.parametrize("path", ["out", "link"])
def test_a_file_comes_into_a_folder_that_has_another_name(path: str, tmp_path: Path) -> None:
    """A run's folder may be named by a link, and a link that stays inside is a file like another."""
    Path(tmp_path, "run").mkdir()
    Path(tmp_path, "latest").symlink_to("run")
    Path(tmp_path, "run", "link").symlink_to("other")
    asyncio.run(fetch(str(tmp_path / "latest"), promise(b"data", path), There(**{path: b"data"}).read))

    assert b"data" == Path(tmp_path, "run", path).read_bytes()


def test_what_cannot_be_read_here_or_written_there_is_said(tmp_path: Path) -> None:
    """A file that is missing, one that is a folder, and a host that cannot take it."""
    Path(tmp_path, "out").write_bytes(b"data")

    for path in ("missing", "."):
        with pytest.raises(OSError, match=r"No such file|directory"):
            asyncio.run(push(str(tmp_path), path, There().write))
    with pytest.raises(OSError, match="the host says no"):
        asyncio.run(push(str(tmp_path), "out", _answers_a_fault))
