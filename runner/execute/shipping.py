"""Packages of a graph's tasks as one zip: packed beside the runner, unpacked on a cluster's worker."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from runner.errors import Problem

LARGEST = 64 * 1024 * 1024
"""Bytes of an archive: code is small, and whatever is larger is data."""
_LEFT_OUT = {"__pycache__", ".git", ".venv", "node_modules", ".runner"}


def pack(uses: Iterable[str], path: Sequence[str]) -> bytes | Problem:
    """Pack the top-level packages and modules of functions (`package.module:function`), wherever `path` has them.

    What `path` has not is left out: it has to be installed where it is imported. Equal files make equal bytes.
    """
    found = {
        name: place
        for name in sorted({each.partition(":")[0].split(".")[0] for each in uses})
        if (place := _place_of(name, path)) is not None
    }
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writing:
        for place in found.values():
            for file in _files(place):
                entry = zipfile.ZipInfo(str(file.relative_to(place.parent)))
                entry.external_attr = 0o600 << 16
                writing.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)
    data = archive.getvalue()
    if len(data) > LARGEST:
        sizes = f"{', '.join(found)} are {len(data) / 2**20:.0f} MiB packed, and {LARGEST // 2**20} MiB may be shipped"
        return Problem(code="too-big", message=sizes, hint="install them on the workers, and leave `--ship` out")
    return data


def unpack(archive: bytes, folder: Path) -> None:
    """Unpack an archive into a folder that is ours."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(archive)) as reading:
        reading.extractall(folder)


def _place_of(name: str, path: Sequence[str]) -> Path | None:
    for entry in path:
        for place in (Path(entry, name), Path(entry, f"{name}.py")):
            if place.is_file() or (place.is_dir() and any(place.rglob("*.py"))):
                return place
    return None


def _files(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
        return
    for file in sorted(place.rglob("*")):
        if file.is_file() and not _LEFT_OUT.intersection(file.relative_to(place).parts):
            yield file
