"""The files of results that a new run takes over: linked into its folder, so that it stands alone. Decides nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from runner.errors import RunnerFault
from runner.record.folder import RunFolder
from runner.schedule.messages import Kept
from runner.task import OutputFile


def carry(kept: Mapping[str, Kept], runs: Sequence[RunFolder], folder: RunFolder) -> None:
    """Bring the outputs that are files into the folder of a new run; `runs` are the oldest first.

    A file of the same name in several runs is told by its digest.

    Raises:
        RunnerFault: a file is not what was written, or the folder cannot be written.

    """
    for task, result in kept.items():
        for file in result.outcome.files.values():
            source = _source(file, (run.path for run in reversed(runs)))
            if source is None:
                raise RunnerFault(f"the output {file.file}, kept of `{task}`, was changed while this run began")
            _bring(source, folder.path / file.file)


def is_whole(path: Path, file: OutputFile) -> bool:
    """Say whether an output's file is what was written."""
    return path.is_file() and path.stat().st_size == file.size and _digest(path) == file.digest


# -- the helpers -------------------------------------------------------------------------------------------------------


def _source(file: OutputFile, folders: Iterable[Path]) -> Path | None:
    for folder in folders:
        if is_whole(path := folder / file.file, file):
            return path
    return None


def _digest(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while piece := file.read(1024 * 1024):
            digest.update(piece)
    return digest.hexdigest()


def _bring(source: Path, target: Path) -> None:
    try:
        target.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            os.link(source, target)
        except OSError:  # a border: not every disk can
            import shutil  # noqa: PLC0415  # it loads three compressors, and few runs carry files along

            shutil.copyfile(source, target)
            target.chmod(0o600)
    except OSError as error:  # a border: the disk
        raise RunnerFault(f"{target} cannot be written: {error.strerror}") from error
