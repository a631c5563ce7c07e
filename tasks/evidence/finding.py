"""What a probe for left-over test data may answer. Pure data, and the one test of a prefix."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

FIELDS = ("name", "title", "id", "key", "slug", "email")
"""The fields of a record that are held against the prefixes, unless others are named."""

IDS = ("id", "_id", "uid", "uuid", "key", "name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """A record that was left behind: its id, the text that begins with a prefix, and where it was listed."""

    id: str
    name: str
    prefix: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """A probe that looked at everything there is: `looked_at` records, and the orphans among them."""

    orphans: tuple[Orphan, ...]
    looked_at: int
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unverified:
    """A probe that could not look at everything: nothing can be said, and why."""

    why: str
    where: str
    orphans: tuple[Orphan, ...] = ()


Finding: TypeAlias = Searched | Unverified


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is looked for: prefixes, and beginnings that are left alone although they begin with one."""

    prefixes: tuple[str, ...]
    ignore: tuple[str, ...] = ()

    def prefix_of(self, text: str) -> str | None:
        """Answer the prefix a text begins with; case counts, and there are no patterns in it."""
        if any(text.startswith(each) for each in self.ignore):
            return None
        return next((prefix for prefix in self.prefixes if text.startswith(prefix)), None)


def orphans_in(
    records: Iterable[Mapping[str, Any]], wanted: Wanted, fields: Sequence[str], id_field: str | None, where: str
) -> list[Orphan]:
    """Answer the records of which a field begins with a prefix; `attributes.name` is a field one level down."""
    found: list[Orphan] = []
    for record in records:
        texts = [text for path, text in _texts(record) if path in fields]
        hit = next(((text, prefix) for text in texts if (prefix := wanted.prefix_of(text)) is not None), None)
        if hit is not None:
            found.append(Orphan(id=id_of(record, id_field), name=hit[0], prefix=hit[1], where=where))
    return found


def overlooked(records: Iterable[Mapping[str, Any]], wanted: Wanted, fields: Sequence[str]) -> str:
    """Say where a text that no field holds begins with a prefix; "" if none does.

    Such a record may be an orphan, or may only speak of one: nobody who has not chosen the fields can tell.
    """
    for record in records:
        hits = [path for path, text in _texts(record) if wanted.prefix_of(text) is not None]
        if hits and not any(path in fields for path in hits):
            return f"`{hits[0]}` of a record begins with a prefix, but is none of the fields {', '.join(fields)}"
    return ""


def id_of(record: Mapping[str, Any], id_field: str | None) -> str:
    """Answer a record's id: its `id_field`, or the first usual one it has; "" if there is none."""
    names = IDS if id_field is None else (id_field,)
    return next((str(record[name]) for name in names if record.get(name) not in (None, "")), "")


# -- the helpers -------------------------------------------------------------------------------------------------------


def _texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text and number of a record with its path: `name`, `attributes.name`, `tags` for those of a list."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each, path)
    elif isinstance(value, str | int):
        yield path, str(value)
