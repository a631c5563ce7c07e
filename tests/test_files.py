"""Patterns and the files they name; digests that are remembered, and when they may be."""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from runner.files import RESTED, Digests, FileMark, met

LONG_AGO = 1_700_000_000_000_000_000


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Answer a folder with files, hidden ones, a link, an empty folder and a pipe."""
    for name in ("a.c", "b.h", "src/a.c", "src/deep/b.c", "src/deep/.hidden.c", ".dot/x", "docs/[1].md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    (tmp_path / "link.c").symlink_to("a.c")
    (tmp_path / "gone.c").symlink_to("nowhere")
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["a.c"], ["a.c"]),
        (["./a.c", "a.c"], ["a.c"]),
        (["*.c"], ["a.c", "link.c"]),
        (["src/*.c"], ["src/a.c"]),
        (["src/**/*.c"], ["src/a.c", "src/deep/.hidden.c", "src/deep/b.c"]),
        (["**/b.*"], ["b.h", "src/deep/b.c"]),
        (["src"], ["src/a.c", "src/deep/.hidden.c", "src/deep/b.c"]),
        (["src/"], ["src/a.c", "src/deep/.hidden.c", "src/deep/b.c"]),
        (["src/deep/.."], ["src/a.c", "src/deep/.hidden.c", "src/deep/b.c"]),
        (["src/*"], ["src/a.c"]),
        (["src", "!src/deep"], ["src/a.c"]),
        (["src/**/*.c", "!**/.*"], ["src/a.c", "src/deep/b.c"]),
        (["!src/a.c", "src/a.c"], ["src/a.c"]),
        ([".dot/*"], [".dot/x"]),
        (["docs/[[]1].md"], ["docs/[1].md"]),
        (["empty"], []),
        (["pipe", "nowhere", "gone.c", "empty/**"], []),
        ([], []),
    ],
)
def test_patterns_name_files(tree: Path, patterns: list[str], expected: list[str]) -> None:
    """Folders and pipes are none; a name without a star that is a folder means all in it."""
    assert expected == met(str(tree), patterns)


def test_a_pattern_may_lead_elsewhere(tree: Path) -> None:
    """Up, and to any place of the disk: what is read there is named as it was asked for."""
    assert ["../a.c"] == met(str(tree / "src"), ["../a.c"])
    assert [str(tree / "b.h")] == met(str(tree / "src"), [f"{tree}/*.h"])


def digests(known: dict[str, FileMark] | None = None, *, now: int = LONG_AGO + 2 * RESTED) -> Digests:
    """Build digests that are looked at a while after the files were written, unless told otherwise."""
    return Digests(known or {}, lambda: now)


def written(path: Path, text: str, at: int = LONG_AGO) -> str:
    """Write a file so long ago; answers the digest of its text."""
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(at, at))
    return sha256(text.encode()).hexdigest()


def test_a_file_that_looks_as_before_is_not_read(tmp_path: Path) -> None:
    """What is remembered is believed: here it is wrong on purpose."""
    path = tmp_path / "a"
    digest = written(path, "one")
    first = digests()
    assert digest == first.of(str(path))
    lie = {
        name: FileMark(mark.size, mark.modified, mark.changed, mark.inode, "lie") for name, mark in first.used.items()
    }

    second = digests(lie)

    assert "lie" == second.of(str(path))
    assert lie == second.used


@pytest.mark.parametrize("field", ["size", "modified", "changed", "inode"])
def test_each_thing_that_the_disk_says_counts(tmp_path: Path, field: str) -> None:
    """One of them that is not as before is enough to read the file."""
    path = tmp_path / "a"
    digest = written(path, "one")
    first = digests()
    first.of(str(path))
    mark = first.used[str(path)]
    other = replace(mark, digest="lie", **{field: getattr(mark, field) + 1})

    assert digest == digests({str(path): other}).of(str(path))


CHANGES: dict[str, Callable[[Path], object]] = {
    "another size": lambda path: written(path, "three"),
    "another time": lambda path: written(path, "two", LONG_AGO + 1),
    "the time put back": lambda path: written(path, "two"),
    "another file in its place": lambda path: (written(path.with_name("b"), "two"), path.with_name("b").replace(path)),
}


@pytest.mark.parametrize("how", CHANGES)
def test_a_file_that_looks_otherwise_is_read(tmp_path: Path, how: str) -> None:
    """Size, times and inode: none of them may lie."""
    path = tmp_path / "a"
    written(path, "one")
    first = digests()
    first.of(str(path))
    CHANGES[how](path)

    assert sha256(path.read_bytes()).hexdigest() == digests(dict(first.used)).of(str(path))


def test_what_was_touched_only_is_the_same(tmp_path: Path) -> None:
    """Its digest is that of before, and its new looks are remembered."""
    path = tmp_path / "a"
    digest = written(path, "one")
    first = digests()
    first.of(str(path))
    os.utime(path, ns=(LONG_AGO + 5, LONG_AGO + 5))
    second = digests(dict(first.used))

    assert digest == second.of(str(path))
    assert [LONG_AGO + 5] == [mark.modified for mark in second.used.values()]


def test_what_was_written_a_moment_ago_is_not_remembered(tmp_path: Path) -> None:
    """It may be written again within the same tick of the disk's clock, with as many bytes."""
    path = tmp_path / "a"
    digest = written(path, "one")
    just_now = digests(now=LONG_AGO + RESTED - 1)

    assert digest == just_now.of(str(path))
    assert {} == just_now.used


def test_what_cannot_be_read_raises(tmp_path: Path) -> None:
    """Who asks has to say what follows from it."""
    with pytest.raises(FileNotFoundError):
        digests().of(str(tmp_path / "nowhere"))
