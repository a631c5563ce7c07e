"""Packages of a graph's tasks as one zip: packed beside the runner, unpacked on a cluster's worker."""

from __future__ import annotations

import io
import itertools
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from runner.errors import Problem

LARGEST = 64 * 1024 * 1024
"""Bytes of an archive: code is small, and whatever is larger is data."""
_LEFT_OUT = {"__pycache__", ".git", ".venv", "node_modules", ".runner"}


def pack(uses: Iterable[str], path: Sequence[str], largest: int = LARGEST) -> bytes | Problem:
    """Pack the top-level packages and modules of functions (`package.module:function`), wherever `path` has them.

    What `path` has not is left out: it has to be installed where it is imported. Equal files make equal bytes.
    """
    names = sorted({each.partition(":")[0].split(".")[0] for each in uses})
    found = {name: places for name in names if (places := _places_of(name, path))}
    archive = io.BytesIO()
    try:
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writing:
            for name, file in _entries(found):
                entry = zipfile.ZipInfo(name)
                entry.external_attr = 0o600 << 16
                writing.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)
    except OSError as error:  # a border: the files are the user's
        return Problem(code="unreadable", message=f"{error.filename or file} cannot be shipped: {error.strerror}")
    data = archive.getvalue()
    if len(data) > largest:
        sizes = f"{', '.join(found)} are {len(data) / 2**20:.0f} MiB packed, and {largest // 2**20} MiB may be shipped"
        return Problem(code="too-big", message=sizes, hint="install them on the workers, and leave `--ship` out")
    return data


def unpack(archive: bytes, folder: Path) -> None:
    """Unpack an archive into a folder that is ours."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(archive)) as reading:
        reading.extractall(folder)


def _places_of(name: str, path: Sequence[str]) -> list[Path]:
    """Answer where Python would import a name from: a package, or else a module, or all parts of a namespace."""
    for entry in path:
        for place in (Path(entry, name, "__init__.py"), Path(entry, f"{name}.py")):
            if place.is_file():
                return [place.parent if place.parent != Path(entry) else place]
    parts = [Path(entry, name) for entry in path if Path(entry, name).is_dir()]
    return [part for part in parts if any(file.suffix == ".py" for file in _files(part))]


def _entries(found: Mapping[str, Sequence[Path]]) -> Iterator[tuple[str, Path]]:
    """Yield the files of all places, each under the name that it has from there; the first of a name counts."""
    named: dict[str, Path] = {}
    for place in itertools.chain(*found.values()):
        for file in _files(place):
            named.setdefault(str(file.relative_to(place.parent)), file)
    for name, file in named.items():
        with suppress(UnicodeEncodeError):  # no text, as names may be: a zip knows none
            name.encode()
            yield name, file


def _files(place: Path, above: tuple[Path, ...] = ()) -> Iterator[Path]:
    """Yield the files of a place, also behind links, but for those that lead round in a circle."""
    if place.is_file():
        yield place
    elif place.is_dir() and (here := place.resolve()) not in above:
        for each in sorted(place.iterdir()):
            if each.name not in _LEFT_OUT:
                yield from _files(each, (*above, here))
