"""The shapes that real `.postman.json` files have, read into one. Knows no file, and of a value only where it stands.

Theory of operation. No standard says what the file holds, so people and agents wrote flat camelCase, flat snake_case,
nested objects, lists, maps, a registry with defaults, and whole exported collections. Spelling is ironed out first: a
key counts without `_`, `-` and case. Then each field has an ordered list of places it may stand at; the first that is
set wins, and every one that was set is remembered as a source, so that a fault can be shown where it stands and a
change can remove what it replaces. null and "" mean not set. What nobody asked for is kept, unless it is one slip away
from a key we know: to ignore that would be to use another backend than the one that was meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.postman.entries import NAMED, read_entries
from tasks.postman.json_text import Path, pointer
from tasks.postman.spelling import Choice, Shape, at, kind, look_for_slips, squashed, value_at, without, written

TEXTS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "workspace_id": (("workspaceid",), ("workspaceuid",), ("workspace", "id"), ("postmanworkspace", "id")),
    "collection_id": (
        ("collectionuid",),
        ("collection", "uid"),
        ("postmancollection", "uid"),
        ("collectionid",),
        ("collection", "id"),
        ("postmancollection", "id"),
    ),
    "environment_id": (
        ("environmentuid",),
        ("environment", "uid"),
        ("postmanenvironment", "uid"),
        ("environmentid",),
        ("environment", "id"),
        ("postmanenvironment", "id"),
    ),
    "collection_file": (("collectionfile",), ("collection", "file")),
    "environment_file": (("environmentfile",), ("environment", "file")),
    "globals_file": (("globalsfile",),),
    "base_url": (("baseurl",), ("project", "baseurl")),
    "api_key": (("apikey",),),
    "postman_api_key": (("postmanapikey",),),
}
"""Each field that is a text, and where it may stand; a uid wins over an id, the top level over what is nested."""

OBJECTS = {"test_results": "testresults", "metadata": "metadata"}

_HOLDERS = (*NAMED, *(f"postman{name}" for name in NAMED))
_INSIDE = {**{holder: {"id", "uid", "file"} for holder in _HOLDERS}, "project": {"baseurl"}, "default": set(NAMED)}
_TITLES = {"name", "version", *(f"{name}name" for name in NAMED)}
_TOP = {
    *(place[0] for places in TEXTS.values() for place in places),
    *OBJECTS.values(),
    *(f"{name}s" for name in NAMED),
    *("environmentids", "project", "default"),
}


def is_collection(raw: Mapping[str, Any]) -> bool:
    """Answer whether a file is a whole exported collection, or an answer of the API that holds one."""
    inner = raw.get("collection")
    found = inner if isinstance(inner, dict) else raw
    return isinstance(found.get("info"), dict) and isinstance(found.get("item"), list)


def read_shape(raw: Mapping[str, Any], choice: Choice) -> Shape:
    """Read a file of any shape."""
    shape = Shape()
    if not is_collection(raw):
        _look_at_top(shape, raw)
    for name, places in TEXTS.items():
        for path in (path for place in places for path in at(raw, place)):
            _take(shape, raw, name, path)
    for name, key in OBJECTS.items():
        for path in at(raw, (key,)):
            _take(shape, raw, name, path)
    for what in NAMED:
        read_entries(shape, raw, what, choice)
    unset = [(key,) for key, value in raw.items() if squashed(key) in _TOP and value in (None, "")]
    shape.extra = without(raw, [*unset, *(path for paths in shape.sources.values() for path in paths)])
    return shape


# -- the helpers -------------------------------------------------------------------------------------------------------


def _look_at_top(shape: Shape, raw: Mapping[str, Any]) -> None:
    look_for_slips(shape, raw, (), _TOP | _TITLES)
    for key, value in raw.items():
        if squashed(key) in _INSIDE:
            _look_inside(shape, value, (key,), _INSIDE[squashed(key)])


def _take(shape: Shape, raw: Mapping[str, Any], name: str, path: Path) -> None:
    """Take a value for a field. Only the first counts; the others are sources, and a contradiction is told."""
    value = value_at(raw, path)
    first = shape.values.setdefault(name, value)
    shape.sources.setdefault(name, []).append(path)
    same = first == value or (isinstance(first, str) and isinstance(value, str) and first.endswith(value))
    if not same:
        shape.warn(path, f"differs from {pointer(shape.sources[name][0])}, which is used")


def _look_inside(shape: Shape, value: Any, path: Path, known: set[str]) -> None:
    """Enter an object that is none of what we know, and what is no object: it would be lost in silence."""
    if isinstance(value, dict) and look_for_slips(shape, value, path, known | {"name"}):
        return
    if value in (None, "", {}) or (isinstance(value, str) and squashed(str(path[0])) in NAMED):
        return
    inner = " or ".join(f"`{written(each)}`" for each in sorted(known))
    what = f"one with {', '.join(value)}" if isinstance(value, dict) else kind(value)
    shape.fault(path, f"expected an object with {inner}, got {what}")
