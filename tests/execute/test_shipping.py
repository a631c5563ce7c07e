"""Packages as a zip: what Python would import here is what it imports there, file by file and byte by byte."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping, Sequence
from importlib import invalidate_caches
from importlib.machinery import PathFinder
from io import BytesIO
from pathlib import Path
from random import Random

import pytest

from runner.errors import Problem
from runner.execute.shipping import pack, unpack

KINDS: Mapping[str, Sequence[str]] = {
    "nothing": (),
    "module": ("alpha.py",),
    "package": ("alpha/__init__.py", "alpha/steps.py", "alpha/data/rows.csv", "alpha/deep/er/x.py"),
    "namespace": ("alpha/steps.py", "alpha/own.py"),
    "deep namespace": ("alpha/inner/steps.py",),
    "data": ("alpha/rows.csv",),
    "data beside a module": ("alpha/rows.csv", "alpha.py"),
    "scripts beside a module": ("alpha/script.py", "alpha.py"),
    "package beside a module": ("alpha/__init__.py", "alpha.py"),
    "others": ("beta.py", "alphabet/__init__.py", "alpha.txt"),
}


def lay(folder: Path, files: Sequence[str]) -> str:
    """Write files, each with its own place in it; answers the folder."""
    for name in files:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# {folder.name}/{name}\n", encoding="utf-8", errors="surrogateescape")
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)


def packed(uses: Sequence[str], path: Sequence[str]) -> bytes:
    """Pack what can be packed."""
    archive = pack(uses, path)
    assert isinstance(archive, bytes), archive
    return archive


def contents(archive: bytes) -> dict[str, bytes]:
    """Answer what is in an archive, as another reader sees it."""
    with zipfile.ZipFile(BytesIO(archive)) as reading:
        return {name: reading.read(name) for name in reading.namelist()}


def imported(path: Sequence[str]) -> dict[str, bytes]:
    """Answer all that Python would find of `alpha`, by its own finder: of several parts the first one's file counts."""
    invalidate_caches()
    spec = PathFinder.find_spec("alpha", list(path))
    if spec is None:
        return {}
    if spec.submodule_search_locations is None:
        return {"alpha.py": Path(str(spec.origin)).read_bytes()}
    found: dict[str, bytes] = {}
    for part in spec.submodule_search_locations:
        files = [file for file in Path(part).rglob("*") if file.is_file()]
        if spec.origin is None and not any(file.suffix == ".py" for file in files):
            continue  # a folder of data is a part of the package, too, but nothing can be imported from it
        for file in files:
            found.setdefault(f"alpha/{file.relative_to(part)}", file.read_bytes())
    return found


@pytest.mark.parametrize("one", KINDS)
def test_what_is_shipped_is_what_python_would_import(one: str, tmp_path: Path) -> None:
    """Every kind of package before every other: the archive has the files that Python's own finder finds."""
    for two in KINDS:
        here, there = tmp_path / two, tmp_path / two / "there"
        path = [lay(here / "first", KINDS[one]), str(here / "missing"), lay(here / "second", KINDS[two])]
        archive = packed(["alpha.steps:step", "alpha:other"], path)
        unpack(archive, there)

        assert imported(path) == contents(archive)
        assert imported(path) == imported([str(there)])


def test_every_package_is_shipped_once(tmp_path: Path) -> None:
    """However many functions are in it; what the path has not is left out, and so is what nobody uses."""
    path = [lay(tmp_path / "here", ["alpha/__init__.py", "alpha/one.py", "beta.py", "gamma.py"])]
    archive = packed(["alpha.one:f", "alpha.two:g", "beta:h", "alpha:i", "json:dumps", "no.where:f"], path)

    assert ["alpha/__init__.py", "alpha/one.py", "beta.py"] == sorted(contents(archive))
    assert {} == contents(packed(["json:dumps"], path))
    assert {} == contents(packed([], path))


@pytest.mark.parametrize("name", ["__pycache__", ".git", ".venv", "node_modules", ".runner"])
def test_what_is_no_code_stays_here(name: str, tmp_path: Path) -> None:
    """Caches, histories, environments and runs, however deep they are; what only sounds like it goes along."""
    files = [f"alpha/{name}/x.py", f"alpha/deep/{name}/er/x.py", f"alpha/{name}s/x.py", f"alpha/a{name}", "alpha/x.py"]
    archive = packed(["alpha:f"], [lay(tmp_path / "here", files)])

    assert {f"alpha/{name}s/x.py", f"alpha/a{name}", "alpha/x.py"} == contents(archive).keys()


@pytest.mark.parametrize("seed", range(5))
def test_equal_files_make_equal_bytes(seed: int, tmp_path: Path) -> None:
    """Whenever they were written, in whatever order, with whatever rights; another byte makes another archive."""
    random, names = Random(seed), [f"alpha/{number % 3}/m{number}.py" for number in range(12)]
    archives = []
    for copy in ("a", "b"):
        shuffled = random.sample(names, len(names))
        folder = tmp_path / copy / "here"
        lay(folder, shuffled)
        for file in map(folder.joinpath, shuffled):
            os.utime(file, (random.randrange(2**31), random.randrange(2**31)))
            file.chmod(random.choice([0o600, 0o644, 0o755]))
        uses = random.sample([f"alpha.{number}:f" for number in range(5)], 5)
        archives.append(packed(uses, [str(folder)]))
    Path(folder, names[seed]).write_text("changed")

    assert archives[0] == archives[1]
    assert archives[0] != packed(uses, [str(folder)])


def test_what_a_link_leads_to_is_shipped(tmp_path: Path) -> None:
    """As Python would import it: the package itself, a folder in it, a file; round in a circle only once."""
    lay(tmp_path / "elsewhere", ["pack/__init__.py", "pack/x.py", "part/__init__.py", "part/y.py", "z.py"])
    here = Path(lay(tmp_path / "here", []))
    (here / "alpha").symlink_to(tmp_path / "elsewhere/pack")
    (here / "alpha/part").symlink_to(tmp_path / "elsewhere/part")
    (here / "alpha/z.py").symlink_to(tmp_path / "elsewhere/z.py")
    (here / "alpha/circle").symlink_to(here / "alpha")
    (here / "alpha/broken.py").symlink_to(tmp_path / "nowhere")
    (here / "beta.py").symlink_to(tmp_path / "elsewhere/z.py")
    found = contents(packed(["alpha:f", "beta:f"], [str(here)]))
    expected = {"__init__.py", "x.py", "part/__init__.py", "part/y.py", "z.py"}

    assert {"beta.py", *(f"alpha/{name}" for name in expected)} == found.keys()
    assert b"# elsewhere/part/y.py\n" == found["alpha/part/y.py"]
    assert found["beta.py"] == found["alpha/z.py"]


def test_names_of_all_kinds_are_shipped(tmp_path: Path) -> None:
    """Except those that are no text: a zip knows none."""
    names = ["alpha/__init__.py", "alpha/ü ß.txt", "alpha/a\\b.txt", "alpha/new\nline.txt", "alpha/half \udc80.txt"]
    archive = packed(["alpha:f"], [lay(tmp_path / "here", names)])
    unpack(archive, tmp_path / "there")
    there = {str(file.relative_to(tmp_path / "there")) for file in (tmp_path / "there").rglob("*") if file.is_file()}

    assert set(names[:-1]) == there


def test_what_is_too_large_is_not_shipped(tmp_path: Path) -> None:
    """The limit is that of the archive; the problem names the packages, and says what to do."""
    path = [lay(tmp_path / "here", ["alpha/__init__.py", "beta.py", "gamma.py"])]
    Path(path[0], "alpha/rows").write_bytes(Random(1).randbytes(300_000))
    Path(path[0], "alpha/zeros").write_bytes(bytes(10_000_000))
    size = len(packed(["alpha:f", "beta:f"], path))
    problem = pack(["beta:f", "alpha:f"], path, largest=size - 1)

    assert isinstance(pack(["alpha:f", "beta:f"], path, largest=size), bytes)
    assert isinstance(problem, Problem)
    assert ("too-big", "install them on the workers, and leave `--ship` out") == (problem.code, problem.hint)
    assert problem.message.startswith("alpha, beta are 0 MiB packed")


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    """The file is named, and nothing is raised."""
    path = [lay(tmp_path / "here", ["alpha/__init__.py"])]
    Path(path[0], "alpha/memory").symlink_to("/proc/self/mem")  # a file that is there, and that nobody can read
    problem = pack(["alpha:f"], path)

    assert isinstance(problem, Problem)
    assert "unreadable" == problem.code
    assert "alpha/memory" in problem.message


def test_nothing_of_an_archive_gets_out_of_its_folder(tmp_path: Path) -> None:
    """It is ours; even so, a name that leads out stays inside, and the folder is for nobody else."""
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as writing:
        writing.writestr("../out.py", b"1")
        writing.writestr("/abs.py", b"2")
    for _ in range(2):  # twice is once
        unpack(archive.getvalue(), tmp_path / "a" / "there")
    there = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()}

    assert {"a/there/out.py", "a/there/abs.py"} == there
    assert 0o700 == (tmp_path / "a" / "there").stat().st_mode & 0o777
