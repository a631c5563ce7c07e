"""Files of a run at a place that fsspec knows: for hosts that do not see its folder. Knows no cluster."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fsspec.core import url_to_fs


class NotStored(Exception):  # noqa: N818  # named for what happened
    """The place does not take the files, or does not give them; the message says why."""


def put(store: str, folder: str, paths: Iterable[str]) -> None:
    """Copy files of a folder to the place, below which they have the same paths.

    Raises:
        NotStored: it does not take them.

    """
    try:
        there, root = _place(store)
        for path in paths:
            target = f"{root}/{path}"
            there.makedirs(target.rpartition("/")[0], exist_ok=True)
            there.put_file(str(Path(folder, path)), target)
    except Exception as error:  # a border: each of fsspec's places raises what it likes
        raise NotStored(f"{store} does not take its files: {type(error).__name__}: {error}") from error


def get(store: str, folder: str, paths: Iterable[str]) -> None:
    """Copy files from the place into a folder, those that are not in it yet.

    Raises:
        NotStored: one is not there, or cannot be read.

    """
    missing = [path for path in paths if not Path(folder, path).exists()]
    if not missing:
        return
    try:
        there, root = _place(store)
        for path in missing:
            target = Path(folder, path)
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = target.with_name(f".{target.name}.new")
            there.get_file(f"{root}/{path}", str(fresh))
            fresh.replace(target)
    except Exception as error:  # a border: as above
        raise NotStored(f"{store} does not give its files: {type(error).__name__}: {error}") from error


def _place(store: str) -> tuple[Any, str]:
    there, root = url_to_fs(store)
    return there, str(root).rstrip("/")
