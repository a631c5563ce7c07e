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
    """Bring outputs that are files, and kept files, into the folder of a new run; `runs` are the oldest first.

    Raises:
        RunnerFault: an output is not what was written, or the folder cannot be written.

    """
    for task, result in kept.items():
        missing = carried(result, runs, folder)
        if missing:
            raise RunnerFault(f"the file {missing}, kept of `{task}`, was changed while this run began")


def carried(result: Kept, runs: Sequence[RunFolder], folder: RunFolder) -> str:
    """Bring the files of one result; answers the first that it needs and is not what was written, "" if all are.

    A file of the same name in several runs is told by its digest. One that was kept unpromised, and is gone, is left.

    Raises:
        RunnerFault: the folder cannot be written.

    """
    for file in files_of(result):
        source = _source(file, (run.path for run in reversed(runs)))
        if source is None:
            return file.file
        _bring(source, folder.path / file.file)
    for artifact in result.artifacts:
        if artifact.promise:
            continue
        latest_first = runs[::-1]
        places = (
            run.path / artifact.path for run in sorted(latest_first, key=lambda run: run.name != result.run)
        )  # its own run, if that is still kept
        place = next((place for place in places if place.is_file()), None)
        if place is not None:
            _bring(place, folder.path / artifact.path)
    return ""


def files_of(kept: Kept) -> list[OutputFile]:
    """Answer the files that a result is nothing without, each once: large outputs, and what was promised."""
    promised = (each for each in kept.artifacts if each.promise)
    artifacts = (OutputFile(file=each.path, size=each.size, digest=each.digest) for each in promised)
    return list(dict.fromkeys((*kept.outcome.files.values(), *artifacts)))


def is_whole(path: Path, file: OutputFile) -> bool:
    """Say whether a file is what was written."""
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
        for each in reversed([each for each in target.parents if not each.exists()]):
            each.mkdir(mode=0o700, exist_ok=True)
        try:
            os.link(source, target)
        except OSError:  # a border: not every disk can
            import shutil  # noqa: PLC0415  # it loads three compressors, and few runs carry files along

            shutil.copyfile(source, target)
            target.chmod(0o600)
    except OSError as error:  # a border: the disk
        raise RunnerFault(f"{target} cannot be written: {error.strerror}") from error
