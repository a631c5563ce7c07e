"""Outputs that are files, as expressions meet them: they can be handed on, in `with`, and not looked at. Reads none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from runner.graph.loose import EvaluationError
from runner.task import Json, OutputFile, Placed


class Piece(Struct, frozen=True, kw_only=True):
    """A part of an output that is a file: `name` is how the expression calls it, `steps` lead into the file."""

    name: str
    file: OutputFile
    steps: tuple[str | int, ...] = ()

    def part(self, key: Json) -> Piece | None:
        """Answer what is under a key, None for what cannot be one."""
        if isinstance(key, str):
            return replace(self, name=f"{self.name}.{key}", steps=(*self.steps, key))
        if isinstance(key, int | float) and not isinstance(key, bool) and key == int(key):
            return replace(self, name=f"{self.name}[{int(key)}]", steps=(*self.steps, int(key)))
        return None


def pieces_of(task: str, files: Mapping[str, OutputFile]) -> dict[str, Any]:
    """Answer what expressions read of the outputs of a task that are files."""
    return {name: Piece(name=f"needs.{task}.outputs.{name}", file=file) for name, file in files.items()}


def looked_at(value: Any) -> Any:
    """Answer a value that is to be looked at as it is.

    Raises:
        EvaluationError: it is in a file, or part of it is.

    """
    for piece in _near(value, 3):
        where = f"{piece.file.file}, {piece.file.size / 1024**2:.1f} MiB"
        raise EvaluationError(
            f"`{piece.name}` is in a file ({where}): only `with` may read it, on its own in `${{{{ }}}}`"
        )
    return value


def looked_into(value: Any) -> Any:
    """Answer a value of which every part is to be looked at.

    Raises:
        EvaluationError: it is in a file, or part of it is.

    """
    for piece in _pieces(value):
        looked_at(piece)
    return value


def placed(value: Any, at: tuple[str | int, ...] = ()) -> tuple[Json, tuple[Placed, ...]]:
    """Take the parts of files out of evaluated arguments; answers what is left, null in their places, and the parts."""
    if isinstance(value, Piece):
        return None, (Placed(at=at, file=value.file, steps=value.steps),)
    if not any(True for _ in _pieces(value)):
        return value, ()
    assert isinstance(value, Mapping | list), "what holds a piece is a mapping or a list"
    names = list(value) if isinstance(value, Mapping) else list(range(len(value)))
    found: dict[Any, tuple[Json, tuple[Placed, ...]]] = {name: placed(value[name], (*at, name)) for name in names}
    rest = {name: left for name, (left, _) in found.items()}
    parts = tuple(part for _, parts in found.values() for part in parts)
    return (rest if isinstance(value, Mapping) else list(rest.values())), parts


def _near(value: Any, depth: int) -> Iterator[Piece]:
    """Answer the parts of files in what one expression reaches: `needs`, one of them, its outputs, one output."""
    if isinstance(value, Piece):
        yield value
    elif depth and isinstance(value, dict):
        for item in value.values():
            yield from _near(item, depth - 1)


def _pieces(value: Any) -> Iterator[Piece]:
    """Answer the parts of files in a value, however deep."""
    match value:
        case Piece():
            yield value
        case dict():
            for item in value.values():
                yield from _pieces(item)
        case list() | tuple():
            for item in value:
                yield from _pieces(item)
        case _:
            pass
