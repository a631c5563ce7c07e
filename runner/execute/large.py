"""Outputs that are too large to travel: a worker writes them into files, and workers read them. Knows no pipe.

Theory of operation. What a task returns goes through the runner into the journal, and from there into every report and
every task that needs it. So a large output stays where it is: the worker that has it writes it into the run's folder as
JSON and replies with name, size and digest (`OutputFile`). Where `with` reads such an output, the runner hands on which
part of which file is meant (`Placed`), and the worker that needs it reads it. The runner never does.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from runner.execute.names import stem_of
from runner.task import Cause, Failed, Json, NeedResult, Outcome, OutputFile, Request

LIMIT = 1024 * 1024
"""Bytes of JSON that one output, and all outputs of one attempt that travel, may have (DESIGN section 5, Outputs)."""
WORTH = 16 * 1024
"""Bytes below which an output is not worth a file, also where all together are too large."""


class Unreadable(ValueError):  # noqa: N818  # the file is not what it should be
    """The file of an output cannot be read, or is not what was written; the message is for people."""


class Outputs(Mapping[str, Json]):
    """What a needed task returned; what is in files is read when it is asked for."""

    def __init__(self, need: NeedResult, folder: Path) -> None:
        self._need = need
        self._folder = folder

    def __getitem__(self, name: str) -> Json:
        file = self._need.files.get(name)
        return self._need.outputs[name] if file is None else read(self._folder, file)

    def __iter__(self) -> Iterator[str]:
        return iter((*self._need.outputs, *self._need.files))

    def __len__(self) -> int:
        return len(self._need.outputs) + len(self._need.files)


def stored(outcome: Outcome, request: Request) -> Outcome:
    """Write the large outputs of an attempt into files; an outcome without any comes back as it is.

    It fails where the files cannot be written, where a secret is in them, or where what is left is still too large.
    """
    if not outcome.outputs or not request.outputs:
        return outcome
    spelled = {name: json.dumps(value, separators=(",", ":")) for name, value in outcome.outputs.items()}
    total = sum(map(len, spelled.values())) + sum(map(len, spelled))
    if total <= LIMIT:
        return outcome
    large = list(_too_large(spelled, total))
    if (secret := _secret_in({name: outcome.outputs[name] for name in large}, request)) is not None:
        message = f"an output held the value of the secret `{secret}`"
        return Failed(cause=Cause.SECRET_IN_OUTPUT, message=message)
    if total - sum(len(spelled[name]) for name in large) > LIMIT:
        message = f"it returned {len(spelled)} outputs, together {_mebibytes(total)}; return them as one, as a list say"
        return Failed(cause=Cause.BAD_OUTPUT, message=message)
    try:
        files = {name: _written(request, number, spelled[name]) for number, name in enumerate(large)}
    except OSError as error:  # a border: the disk
        message = f"its outputs ({_mebibytes(total)}) cannot be written: {error.strerror}"
        return Failed(cause=Cause.BAD_OUTPUT, message=message)
    rest = {name: value for name, value in outcome.outputs.items() if name not in files}
    return replace(outcome, outputs=rest, files=files)


def with_files(request: Request) -> Request:
    """Answer a request whose needs and arguments have what is in files.

    Raises:
        Unreadable: a file is not there, or is not what was written.

    """
    folder = Path(request.outputs)
    needs, above = _readable(request.needs, folder), _readable(request.above, folder)
    if not request.placed:
        return replace(request, needs=needs, above=above)
    return replace(request, needs=needs, above=above, arguments=_filled(request, folder))


def read(folder: Path, file: OutputFile) -> Json:
    """Read an output.

    Raises:
        Unreadable: its file is not there, or is not what was written.

    """
    try:
        data = Path(folder, Path(file.file).name).read_bytes()
    except OSError as error:  # a border: the disk, and whoever else works on it
        raise Unreadable(f"the output {file.file} cannot be read: {error.strerror}") from None
    if len(data) != file.size or sha256(data).hexdigest() != file.digest:
        raise Unreadable(f"the output {file.file} is not what was written: it was changed since")
    return json.loads(data)  # type: ignore[no-any-return]  # Json, by its digest what we wrote


# -- the helpers -------------------------------------------------------------------------------------------------------


def _too_large(spelled: Mapping[str, str], total: int) -> Iterator[str]:
    """Answer the outputs that become files: all over the limit, then the largest until what is left is within it."""
    for name in sorted(spelled, key=lambda name: len(spelled[name]), reverse=True):
        if total <= LIMIT or len(spelled[name]) < WORTH:
            return
        total -= len(spelled[name])
        yield name


def _secret_in(outputs: Mapping[str, Json], request: Request) -> str | None:
    secrets = {name: request.env[name] for name in request.secrets if request.env.get(name)}
    if not secrets:
        return None
    from runner.mask import Masker  # noqa: PLC0415  # most workers never see a secret

    return Masker(secrets).found_in(dict(outputs))


def _written(request: Request, number: int, text: str) -> OutputFile:
    """Write one file, whole or not at all."""
    folder = Path(request.outputs)
    folder.mkdir(mode=0o700, exist_ok=True)
    name, data = f"{stem_of(request.task, str(request.attempt), str(number))}.json", text.encode("ascii")
    fresh = folder / f".{name}.new"
    try:
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123  # with a mode
            file.write(data)
            file.flush()
            os.fdatasync(file.fileno())
        fresh.replace(folder / name)
    except OSError:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise
    return OutputFile(file=f"outputs/{name}", size=len(data), digest=sha256(data).hexdigest())


def _readable(needs: Mapping[str, NeedResult], folder: Path) -> Mapping[str, NeedResult]:
    if not any(need.files for need in needs.values()):
        return needs
    return {name: replace(need, outputs=Outputs(need, folder)) if need.files else need for name, need in needs.items()}


def _filled(request: Request, folder: Path) -> dict[str, Json]:
    arguments: dict[str, Json] = json.loads(json.dumps(request.arguments))  # a copy: what is filled in is ours
    whole = {placed.file.file: placed.file for placed in request.placed}
    loaded = {name: read(folder, file) for name, file in whole.items()}
    for placed in request.placed:
        *way, last = placed.at
        target: Any = _inside(arguments, way)
        target[last] = _inside(loaded[placed.file.file], placed.steps)
    return arguments


def _inside(value: Any, steps: Sequence[str | int]) -> Any:
    """Follow steps into data as expressions do: what is not there is null."""
    for step in steps:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
            value = value[step]
        else:
            return None
    return value


def _mebibytes(size: int) -> str:
    return f"{size / 1024**2:.1f} MiB"
