"""Files that a task wants kept with the run: copied into the run's folder, and never out of it. Knows no pipe."""

from __future__ import annotations

import os
import stat
from hashlib import sha256
from pathlib import Path, PurePosixPath

from msgspec.structs import replace

from runner.execute.names import stem_of
from runner.task import Artifact, Request

PIECE = 1024 * 1024


class SecretInName(ValueError):  # noqa: N818  # named for what is wrong with it
    """The name of a file holds the value of a secret; the message names its variable."""


def kept(artifact: Artifact, request: Request) -> Artifact:
    """Copy the file as it is now; answers where it is below the run's folder, titled as the task named it.

    Raises:
        OSError: it is not there, or cannot be read or written.
        SecretInName: a secret is in its name.
        ValueError: it is no plain file, or its place leads out of the run's folder.

    """
    if not request.outputs:
        return artifact  # a run without a folder keeps nothing
    if (secret := _secret_in(artifact.path, request)) is not None:
        raise SecretInName(f"a file whose name holds the value of the secret `{secret}` cannot be kept")
    run = Path(request.outputs).parent
    folder = run / "artifacts" / stem_of(request.task, str(request.attempt))
    target = folder / _place_of(artifact.path)
    for each in reversed(target.relative_to(run).parents[:-1]):
        (run / each).mkdir(mode=0o700, exist_ok=True)
    if not target.parent.resolve().is_relative_to(run.resolve()):
        raise ValueError(f"`{artifact.path}` cannot be kept: {target.parent} leads out of the run's folder")
    size, digest = _copy(artifact.path, target)
    place = str(target.relative_to(run))
    return replace(artifact, path=place, title=artifact.title or artifact.path, size=size, digest=digest)


def _place_of(path: str) -> Path:
    """Answer where a file is kept: a path that stays inside keeps its folders, any other only its name and a digest."""
    pure = PurePosixPath(path)
    parts = [part for part in pure.parts if part != "."]
    if pure.is_absolute() or ".." in parts:
        digest = sha256(path.encode(errors="surrogatepass")).hexdigest()[:8]
        return Path(f"{digest}-{stem_of(pure.name)}")
    return Path(*map(stem_of, parts))


def _copy(path: str, target: Path) -> tuple[int, str]:
    """Copy a plain file, whole or not at all; answers its size and digest. A pipe is not waited for."""
    digest, size = sha256(), 0
    source = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(source, "rb") as reading:  # noqa: PTH123  # a descriptor
        if not stat.S_ISREG(os.fstat(source).st_mode):
            raise ValueError(f"`{path}` cannot be kept: it is no plain file")
        fresh = target.with_name(f".{target.name}.new")
        fresh.unlink(missing_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as writing:  # noqa: PTH123  # with a mode
            while piece := reading.read(PIECE):
                writing.write(piece)
                digest.update(piece)
                size += len(piece)
        fresh.replace(target)
    return size, digest.hexdigest()


def _secret_in(path: str, request: Request) -> str | None:
    secrets = {name: request.env[name] for name in request.secrets if request.env.get(name)}
    if not secrets:
        return None
    from runner.mask import Masker  # noqa: PLC0415  # most workers never see a secret

    return Masker(secrets).found_in(path)
