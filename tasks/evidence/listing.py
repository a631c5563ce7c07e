"""A list endpoint's answer: its records, and whether there are more. Pure: sends nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KEYS = ("items", "data", "results", "documents", "records", "entries", "list", "content", "value")
"""Where lists are looked for first; after them, the first list of objects."""

CURSORS = ("next_cursor", "nextCursor", "next_page_token", "nextPageToken", "cursor")
MORE = ("has_more", "hasMore", "has_next", "hasNext")
TOTALS = ("total", "total_count", "totalCount", "count", "totalElements")


class NoList(ValueError):  # noqa: N818  # named for what is missing
    """There is no list of records in the answer; the message says what there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOf:
    """One page: its records; `next` is a link, `cursor` a token, `more` the answer's word that there are more."""

    records: tuple[Mapping[str, Any], ...]
    next: str | None = None
    cursor: str | None = None
    more: bool = False
    total: int | None = None


def page_of(body: Any, headers: Mapping[str, str], pointer: str | None) -> PageOf:
    """Read one answer; `pointer` is a JSON pointer (RFC 6901) to the list, None looks for it.

    Raises:
        NoList: there is none.

    """
    found = _at(body, pointer) if pointer is not None else _list_in(body)
    if found is None:
        raise NoList(f"there is no list of records in the answer{f' at {pointer}' if pointer else ''}; say `items`")
    inner = body if isinstance(body, dict) else {}
    return PageOf(
        records=tuple(_records(found)),
        next=_link(inner) or _link_header(headers.get("link", "")),
        cursor=next((str(inner[key]) for key in CURSORS if inner.get(key)), None),
        more=any(inner.get(key) is True for key in MORE),
        total=next((inner[key] for key in TOTALS if isinstance(inner.get(key), int)), None),
    )


# -- the helpers -------------------------------------------------------------------------------------------------------


def _at(body: Any, pointer: str) -> Any:
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(body, dict):
            body = body.get(key)
        elif isinstance(body, list) and key.isdigit() and int(key) < len(body):
            body = body[int(key)]
        else:
            return None
    return body if isinstance(body, list | dict) else None


def _list_in(body: Any) -> Any:
    if isinstance(body, list):
        return body
    if not isinstance(body, dict):
        return None
    named = next((body[key] for key in KEYS if isinstance(body.get(key), list)), None)
    if named is not None:
        return named
    lists = [
        value for value in body.values() if isinstance(value, list) and all(isinstance(each, dict) for each in value)
    ]
    if lists:
        return max(lists, key=len)
    nested = next((body[key] for key in KEYS if isinstance(body.get(key), dict)), None)
    if nested is not None:
        return _list_in(nested)
    maps_to_objects = bool(body) and all(isinstance(value, dict) for value in body.values())
    return body if maps_to_objects or not body else None


def _records(found: Any) -> list[Mapping[str, Any]]:
    """Answer objects; a map of ids to objects gets its keys as ids, and a plain text is its own id and name."""
    if isinstance(found, dict):
        return [{"id": key, **value} if isinstance(value, dict) else {"id": key} for key, value in found.items()]
    return [each if isinstance(each, dict) else {"id": str(each), "name": str(each)} for each in found]


def _link(body: Mapping[str, Any]) -> str | None:
    links = [body.get(key) for key in ("next", "next_url", "nextUrl", "nextLink", "@odata.nextLink")]
    links += [
        inner.get("next")
        for key in ("links", "_links", "paging", "pagination", "meta")
        if isinstance(inner := body.get(key), dict)
    ]
    for link in links:
        if isinstance(link, dict):
            link = link.get("href")  # noqa: PLW2901  # HAL wraps it
        if isinstance(link, str) and re.match(r"https?://|/|\?", link):
            return link
    return None


def _link_header(value: str) -> str | None:
    found = re.search(r'<([^>]*)>\s*;[^,]*rel="?next\b', value)
    return found[1] if found else None
