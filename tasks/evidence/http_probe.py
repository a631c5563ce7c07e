"""The probe `http`: reads a list endpoint to its end and holds every record against the prefixes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

import httpx
from pydantic import BaseModel, ConfigDict, Field

from tasks.backend.answers import Answer, NoAnswer
from tasks.backend.http import Send
from tasks.evidence.finding import FIELDS, Finding, Orphan, Searched, Unverified, Wanted, orphans_in, overlooked
from tasks.evidence.listing import NoList, PageOf, page_of

TIMEOUT = 15.0
LARGEST_PAGE = 64 * 1024 * 1024
FIRST = {"offset": 0, "page": 1, "cursor": 0}


class Paging(BaseModel):
    """How further pages are asked for, where the answer has no link to them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: Literal["offset", "page", "cursor"]
    parameter: str | None = None
    size_parameter: str = "limit"
    size: int = 100
    first: int | None = None


class HttpProbe(BaseModel):
    """Where to list records: `url` is relative to the backend's, `items` a JSON pointer, found if it is not given.

    `delete` is the URL that deletes one, with `{id}` in it; only `clean` uses it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["http"]
    url: str
    items: str | None = None
    fields: tuple[str, ...] = FIELDS
    id_field: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    prefix_parameter: str | None = None
    delete: str | None = None
    paging: Paging | None = None
    max_pages: int = 50


class _Stuck(Exception):  # noqa: N818  # named for what happened
    """Not everything could be looked at; says why."""


def look(probe: HttpProbe, base_url: str, wanted: Wanted, send: Send) -> Finding:
    """List everything, for each prefix if the server filters, and answer what begins with one."""
    start = _whole(base_url, probe.url)
    orphans: dict[tuple[str, str], Orphan] = {}
    looked_at = 0
    try:
        for url in _starts(probe, start, wanted):
            for page in _pages(probe, url, send):
                looked_at += len(page.records)
                found = orphans_in(page.records, wanted, probe.fields, probe.id_field, start)
                orphans.update({(each.id, each.name): each for each in found})
                _judgeable(page.records, probe, wanted)
    except _Stuck as stuck:
        return Unverified(why=str(stuck), where=start, orphans=tuple(orphans.values()))
    return Searched(orphans=tuple(orphans.values()), looked_at=looked_at, where=start)


def remove(probe: HttpProbe, base_url: str, orphan: Orphan) -> str:
    """Delete a record that was just listed; answers what went wrong, "" if nothing did."""
    if probe.delete is None or "{id}" not in probe.delete:
        return "the probe has no `delete` with `{id}` in it"
    url = _whole(base_url, probe.delete.replace("{id}", quote(orphan.id, safe="")))
    try:
        answered = httpx.delete(url, headers=probe.headers, timeout=TIMEOUT, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"DELETE {url}: {error or type(error).__name__}"
    gone = answered.is_success or answered.status_code in (404, 410)
    return "" if gone else f"DELETE {url} answered {answered.status_code}"


# -- the helpers -------------------------------------------------------------------------------------------------------


def _whole(base_url: str, url: str) -> str:
    return url if "://" in url else urljoin(f"{base_url.rstrip('/')}/", url.lstrip("/"))


def _starts(probe: HttpProbe, url: str, wanted: Wanted) -> Sequence[str]:
    if probe.prefix_parameter is None:
        return (url,)
    return [_with(url, {probe.prefix_parameter: prefix}) for prefix in wanted.prefixes]


def _pages(probe: HttpProbe, start: str, send: Send) -> Iterator[PageOf]:
    """Yield page after page; being unable to see the end is being stuck."""
    paging = probe.paging
    at = paging.first if paging and paging.first is not None else FIRST[paging.by] if paging else 0
    url = start if paging is None else _with(start, _position(paging, at, None))
    seen = 0
    for _ in range(probe.max_pages):
        page = _page(probe, url, send)
        yield page
        seen += len(page.records)
        if page.next is not None:
            url = _same_host(urljoin(url, page.next), start)
        elif paging is None or paging.by == "cursor":
            if page.cursor is None or paging is None:
                _at_its_end(page, seen)
                return
            url = _with(start, _position(paging, at, page.cursor))
        elif not page.records or (page.total is not None and seen >= page.total):
            return
        else:
            at += len(page.records) if paging.by == "offset" else 1
            url = _with(start, _position(paging, at, None))
    raise _Stuck(f"after {probe.max_pages} pages there were still more; raise `max_pages` or set `prefix_parameter`")


def _position(paging: Paging, at: int, cursor: str | None) -> dict[str, str]:
    given = {paging.size_parameter: str(paging.size)}
    name = paging.parameter or paging.by
    if paging.by == "cursor":
        return given | ({name: cursor} if cursor else {})
    return given | {name: str(at)}


def _page(probe: HttpProbe, url: str, send: Send) -> PageOf:
    match send(url, TIMEOUT):
        case NoAnswer(message=message):
            raise _Stuck(f"{url}: {message}")
        case Answer(http_status=code) if code in (401, 403):
            raise _Stuck(f"{url} answered {code}; give it `headers` that may list")
        case Answer(http_status=code) if code != 200:
            raise _Stuck(f"{url} answered {code}")
        case Answer(body=body) if len(body) >= LARGEST_PAGE:
            raise _Stuck(f"{url} answered more than {LARGEST_PAGE >> 20} MiB; ask for it in pages by `paging`")
        case Answer(body=body, headers=headers):
            with suppress(NoList, ValueError, RecursionError):
                return page_of(json.loads(body), headers, probe.items)
            raise _Stuck(f"{url} answered no list of records that we could read; say where it is by `items`")


def _at_its_end(page: PageOf, seen: int) -> None:
    """Be stuck if the answer says that there is more, and not how to get it."""
    if page.more or page.cursor is not None or (page.total is not None and page.total > seen):
        more = f"{page.total} records" if page.total is not None else "more records"
        raise _Stuck(f"the backend has {more}, only {seen} were listed; say how to go on by `paging`")


def _judgeable(records: Sequence[Mapping[str, Any]], probe: HttpProbe, wanted: Wanted) -> None:
    """Be stuck if no record has any of the fields, or if what counts seems to be in others: then nobody can tell."""
    names = [name.partition(".")[0] for name in probe.fields]
    if records and not any(name in record for record in records for name in names):
        there, fields = ", ".join(sorted(records[0])[:8]), ", ".join(probe.fields)
        raise _Stuck(f"no record has any of the fields {fields}; they have {there}: say which by `fields`")
    chosen = "fields" in probe.model_fields_set
    if not chosen and (place := overlooked(records, wanted, probe.fields)):
        raise _Stuck(f"{place}; say which by `fields`")


def _same_host(url: str, start: str) -> str:
    if urlsplit(url).hostname != urlsplit(start).hostname:
        raise _Stuck(f"the next page is on another host, {urlsplit(url).hostname}; it was not asked")
    return url


def _with(url: str, parameters: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    query = {**dict(parse_qsl(parts.query, keep_blank_values=True)), **parameters}
    return urlunsplit(parts._replace(query=urlencode(query)))
