"""How keys are spelled, and where in a raw file something is. Pure; knows no field's meaning."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tasks.postman.json_text import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something to say about a place of the file."""

    path: Path
    message: str
    severity: Literal["error", "warning"] = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which of several a caller wants, by name or id; "" leaves it to the file."""

    collection: str = ""
    environment: str = ""


@dataclass(slots=True, kw_only=True)
class Shape:
    """What was read: values by field, where each stands (the winner first), what was left over, and findings.

    Sources under "" are those of entries in maps and lists, which belong to no single field.
    """

    values: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, list[Path]] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def fault(self, path: Path, message: str) -> None:
        """Enter something that is wrong."""
        self.findings.append(Finding(path=path, message=message))

    def warn(self, path: Path, message: str) -> None:
        """Enter something that may be meant so."""
        self.findings.append(Finding(path=path, message=message, severity="warning"))


def squashed(key: str) -> str:
    """Iron out a key's spelling: `collectionUid`, `collection_uid` and `COLLECTION-UID` are one."""
    return key.replace("_", "").replace("-", "").lower()


def spelled(raw: Any, name: str) -> Iterator[str]:
    """Yield the keys of an object that are spellings of a squashed name."""
    if isinstance(raw, dict):
        yield from (key for key in raw if squashed(key) == name)


def at(raw: Any, place: Sequence[str]) -> Iterator[Path]:
    """Yield the paths of everything that is set at a place of squashed names, however they are spelled."""
    for key in spelled(raw, place[0]):
        if len(place) > 1:
            yield from ((key, *rest) for rest in at(raw[key], place[1:]))
        elif raw[key] not in (None, ""):
            yield (key,)


def value_at(raw: Any, path: Sequence[str | int]) -> Any:
    """Answer what stands at a path."""
    for step in path:
        raw = raw[step]
    return raw


def without(raw: Any, paths: Collection[Path]) -> Any:
    """Answer plain data without what stands at some paths, and without the containers that this leaves empty."""
    items = list(raw.items()) if isinstance(raw, dict) else list(enumerate(raw))
    kept: list[tuple[Any, Any]] = []
    for key, value in items:
        inner = [path[1:] for path in paths if path[0] == key]
        if () in inner:
            continue
        left = without(value, inner) if inner else value
        if left or not inner:
            kept.append((key, left))
    return dict(kept) if isinstance(raw, dict) else [value for _, value in kept]


def meant(name: str, known: Collection[str]) -> str:
    """Answer the known name that a squashed name is one slip away from; "" if there is none."""
    return next((each for each in sorted(known) if _one_slip(name, each)), "")


def look_for_slips(shape: Shape, raw: Mapping[str, Any], above: Path, known: Collection[str]) -> bool:
    """Enter every key that is one slip away from a known one that is not there; answers whether any known one is."""
    present = {squashed(key) for key in raw}
    absent = set(known) - present
    slips = [(key, slip) for key in raw if squashed(key) not in known and (slip := meant(squashed(key), absent))]
    for key, slip in slips:
        shape.fault((*above, key), f"`{key}` is not a key we know; did you mean `{written(slip)}`?")
    return bool(slips or present & set(known))


def written(name: str) -> str:
    """Write a squashed name as its author would have."""
    for part in ("workspace", "collection", "environment", "base", "test", "postman", "api", "globals"):
        if name.startswith(part) and name not in (part, f"{part}s"):
            return f"{part}_{written(name.removeprefix(part))}"
    return name


def kind(value: Any) -> str:
    """Name the kind of a JSON value for people."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
        case _:
            return "an object"


def _one_slip(one: str, other: str) -> bool:
    """One letter too many, too few, or wrong, or two swapped."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    start = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    a, b = one[start:], other[start:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[:2][::-1] and a[2:] == b[2:])
