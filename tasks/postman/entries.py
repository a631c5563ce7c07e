"""Maps and lists of collections, environments and workspaces, and which of them is meant. Knows no file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tasks.postman.ids import fault_of_id, is_id
from tasks.postman.json_text import Path, pointer
from tasks.postman.spelling import Choice, Shape, at, kind, look_for_slips, spelled, value_at

NAMED = ("workspace", "collection", "environment")
"""What there may be several of, each with a name."""

_BASE_URLS = (("baseurl",), ("variables", "baseurl"), ("variables", "apiurl"))
"""Where the entry of an environment, or of a collection, may hold the backend's URL."""


def read_entries(shape: Shape, raw: Mapping[str, Any], what: str, choice: Choice) -> None:
    """Read `collections` and the like, a map or a list of ids or of objects with one; then choose one of them."""
    ids: dict[str, str] = {}
    entries: dict[str, Path] = {}
    for place in ("environmentids", "environments") if what == "environment" else (f"{what}s",):
        for path in at(raw, (place,)):
            found = _ids(shape, raw, path, titles=bool(ids))
            ids = {**found, **ids}
            entries = {**dict(_named(value_at(raw, path), path)), **entries}
    if ids and what != "workspace":
        shape.values[f"{what}s"] = ids
    wanted = {"collection": choice.collection, "environment": choice.environment}.get(what, "")
    chosen = _chosen(shape, raw, what, ids, wanted)
    if chosen in ids:
        shape.values[f"{what}_id"] = ids[chosen]
    if what != "workspace" and chosen in entries:
        _take_base_url(shape, raw, entries[chosen])
    if not chosen and len(ids) > 1 and f"{what}_id" not in shape.values:
        _tell_several(shape, what, ids, next(iter(entries.values()))[:1])


# -- the helpers -------------------------------------------------------------------------------------------------------


def _named(value: Any, path: Path) -> Iterator[tuple[str, Path]]:
    """Yield the name and the path of each entry of a map or a list."""
    if isinstance(value, dict):
        yield from ((name, (*path, name)) for name in value)
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            name = next((str(entry[key]) for key in spelled(entry, "name") if entry[key]), "")
            yield name or str(index + 1), (*path, index)


def _ids(shape: Shape, raw: Mapping[str, Any], path: Path, *, titles: bool) -> dict[str, str]:
    """Answer the ids by name; `titles`: the ids stood elsewhere, so a text in here is a title."""
    value = value_at(raw, path)
    if not isinstance(value, dict | list):
        shape.fault(path, f"expected a map of names to ids, or a list, got {kind(value)}")
        return {}
    found: dict[str, str] = {}
    for name, spot in _named(value, path):
        entry = value_at(raw, spot)
        if isinstance(entry, str) and titles:
            continue
        for each in _spots(entry, spot):
            uid = value_at(raw, each)
            shape.sources.setdefault("", []).append(each)
            if isinstance(uid, str) and is_id(uid):
                found.setdefault(name, uid)
            else:
                shape.fault(each, fault_of_id(uid) if isinstance(uid, str) else f"expected an id, got {kind(uid)}")
        known = isinstance(entry, dict) and (not entry or look_for_slips(shape, entry, spot, ("id", "uid", "name")))
        if not known and not isinstance(entry, str | None):
            shape.fault(spot, f"expected an id, or an object with `id` or `uid`, got {kind(entry)}")
    return found


def _spots(entry: Any, path: Path) -> Iterator[Path]:
    """Yield where the id of an entry stands, the uid first."""
    if isinstance(entry, str) and entry:
        yield path
    for name in ("uid", "id"):
        yield from ((*path, key) for key in spelled(entry, name) if entry[key] not in (None, ""))


def _chosen(shape: Shape, raw: Mapping[str, Any], what: str, ids: Mapping[str, str], wanted: str) -> str:
    """Answer the name that is meant: the caller's, that of the id given, the default, `local`, or the only one."""
    if is_id(wanted):
        shape.values[f"{what}_id"] = wanted
        return next((name for name, uid in ids.items() if uid == wanted), "")
    name, place = (wanted, next(iter(at(raw, (f"{what}s",))), ())) if wanted else _default(shape, raw, what)
    if name and place and not wanted:
        shape.sources.setdefault(f"{what}_id", []).append(place)
    if name and name not in ids:
        listed = f"there are {', '.join(ids)}" if ids else f"the file lists no {what}s"
        shape.fault(place, f"there is no {what} named {name!r}; {listed}")
    given = shape.values.get(f"{what}_id")
    if given is not None and not wanted:
        return next((each for each, uid in ids.items() if uid.endswith(str(given))), "")
    if name:
        return name
    if what == "environment" and "local" in ids:
        return "local"
    return next(iter(ids)) if len(ids) == 1 else ""


def _default(shape: Shape, raw: Mapping[str, Any], what: str) -> tuple[str, Path]:
    """Answer the name the file gives: `default{collection}`, or `collection` as a text; one that is an id is taken."""
    for path in at(raw, ("default", what)):
        value = value_at(raw, path)
        if isinstance(value, str):
            return value, path
        shape.fault(path, f"expected the name of one of the {what}s, got {kind(value)}")
    for path in at(raw, (what,)):
        value = value_at(raw, path)
        if isinstance(value, str):
            if not is_id(value):
                return value, path
            shape.values.setdefault(f"{what}_id", value)
            shape.sources.setdefault(f"{what}_id", []).append(path)
    return "", ()


def _take_base_url(shape: Shape, raw: Mapping[str, Any], path: Path) -> None:
    entry = value_at(raw, path)
    for place in _BASE_URLS:
        for inner in at(entry, place):
            used = shape.values.setdefault("base_url", value_at(entry, inner))
            sources = shape.sources.setdefault("base_url", [])
            if used != value_at(entry, inner) and sources:
                shape.warn((*path, *inner), f"differs from {pointer(sources[0])}, which is used")
            sources.append((*path, *inner))


def _tell_several(shape: Shape, what: str, ids: Mapping[str, str], path: Path) -> None:
    listed = ", ".join(f"{name} ({uid})" for name, uid in ids.items())
    how = f'say which: `{what}: NAME` in the graph, or "default": {{"{what}": "NAME"}} in the file'
    message = f"several {what}s and no default: {listed}; {how}"
    if what == "collection":
        shape.fault(path, message)
    elif what == "environment":
        shape.warn(path, f"{message}; none is used")
