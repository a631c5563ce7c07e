"""Files that patterns name, and digests of what is in them. Knows no graph and no task.

Looking at a file is cheap and reading it is not: a digest is remembered with what the disk says of the file (size,
times, inode), and as long as that is the same the file is not read again. A file that was written a moment ago may be
written once more without any of that changing, so its digest is remembered only when it has rested for a while.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

RESTED = 2_000_000_000
"""Nanoseconds after which a file's time has surely moved on if it is written again; some disks count in two seconds."""


class FileMark(Struct, frozen=True, array_like=True):
    """What the disk said of a file when its `digest` was made: bytes, nanoseconds, inode."""

    size: int
    modified: int
    changed: int
    inode: int
    digest: str


class Digests:
    """Answers sha256 of files, read once and remembered; `now` is the wall clock in nanoseconds."""

    def __init__(self, known: Mapping[str, FileMark], now: Callable[[], int]) -> None:
        self._known = known
        self._now = now
        self.used: dict[str, FileMark] = {}
        """What was asked for and may be remembered, by path."""

    def of(self, path: str) -> str:
        """Answer the digest of a file.

        Raises:
            OSError: it is not there, or cannot be read.

        """
        known = self.used.get(path) or self._known.get(path)
        before = os.stat(path)  # noqa: PTH116  # a thousand times a run
        if known is None or not _is_as_marked(before, known):
            known = _marked(before, digest_of(path))
            if not _is_as_marked(os.stat(path), known) or self._now() - before.st_mtime_ns < RESTED:  # noqa: PTH116  # the same
                self.used.pop(path, None)
                return known.digest
        self.used[path] = known
        return known.digest


def digest_of(path: str) -> str:
    """Answer sha256 of what is in a file.

    Raises:
        OSError: it is not there, or cannot be read.

    """
    from hashlib import file_digest  # noqa: PLC0415  # most attempts read no file for us

    with open(path, "rb") as file:  # noqa: PTH123  # a name as it was found
        return file_digest(file, "sha256").hexdigest()


def met(folder: str, patterns: Sequence[str]) -> list[str]:
    """Answer the files that patterns name, sorted, relative to `folder` unless their pattern is not.

    `**` crosses folders, a pattern that begins with `!` takes away from what those before it named, and one without
    `*`, `?` and `[` that names a folder means everything in it. Folders, pipes and devices are no files.
    """
    chosen: set[str] = set()
    for pattern in patterns:
        if pattern.startswith("!"):
            chosen.difference_update(_met(folder, pattern[1:]))
        else:
            chosen.update(_met(folder, pattern))
    return sorted(chosen)


# -- the helpers -------------------------------------------------------------------------------------------------------


def _met(folder: str, pattern: str) -> Iterator[str]:
    if any(letter in pattern for letter in "*?["):
        from glob import iglob  # noqa: PLC0415  # few graphs ask for it

        for name in iglob(pattern, root_dir=folder, recursive=True, include_hidden=True):  # noqa: PTH207  # absolute, too
            if os.path.isfile(os.path.join(folder, name)):  # noqa: PTH113, PTH118  # thousands of them
                yield os.path.normpath(name)
        return
    whole = os.path.join(folder, pattern)  # noqa: PTH118  # the same
    if os.path.isfile(whole):  # noqa: PTH113  # the same
        yield os.path.normpath(pattern)
    elif os.path.isdir(whole):  # noqa: PTH112  # the same
        for inside, _, names in os.walk(whole):
            place = os.path.normpath(os.path.join(pattern, os.path.relpath(inside, whole)))  # noqa: PTH118  # the same
            for name in names:
                if os.path.isfile(os.path.join(inside, name)):  # noqa: PTH113, PTH118  # the same
                    yield os.path.join(place, name)  # noqa: PTH118  # the same


def _marked(stat: os.stat_result, digest: str) -> FileMark:
    return FileMark(
        size=stat.st_size, modified=stat.st_mtime_ns, changed=stat.st_ctime_ns, inode=stat.st_ino, digest=digest
    )


def _is_as_marked(stat: os.stat_result, mark: FileMark) -> bool:
    return (
        stat.st_mtime_ns == mark.modified
        and stat.st_size == mark.size
        and stat.st_ctime_ns == mark.changed
        and stat.st_ino == mark.inode
    )
