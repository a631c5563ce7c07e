from __future__ import annotations

from typing import Any

import pytest

from tasks.evidence.listing import NoList, page_of

ONE = {"id": 1, "name": "a"}

BODIES: dict[str, tuple[Any, str | None, list[Any]]] = {
    "a list": ([ONE], None, [ONE]),
    "items": ({"items": [ONE], "total": 1}, None, [ONE]),
    "any other list of objects": ({"users": [ONE], "tags": ["x"]}, None, [ONE]),
    "wrapped twice": ({"data": {"documents": [ONE]}}, None, [ONE]),
    "a map of ids": (
        {"7": {"name": "a"}, "8": {"name": "b"}},
        None,
        [{"id": "7", "name": "a"}, {"id": "8", "name": "b"}],
    ),
    "a list of names": (["a"], None, [{"id": "a", "name": "a"}]),
    "by pointer": ({"x": {"a/b": [ONE]}, "items": []}, "/x/a~1b", [ONE]),
    "the whole by pointer": ([ONE], "", [ONE]),
    "nothing": ([], None, []),
}


@pytest.mark.parametrize("name", BODIES)
def test_records_are_found(name: str) -> None:
    """Wherever a backend puts its list, the records are found, or the pointer says where."""
    body, pointer, records = BODIES[name]

    assert records == list(page_of(body, {}, pointer).records)


@pytest.mark.parametrize(
    ("body", "pointer"), [({"a": 1}, None), ("x", None), (None, None), ({"items": []}, "/x"), ([1], "/0")]
)
def test_no_list_is_an_error(body: Any, pointer: str | None) -> None:
    """An answer without a list is no empty list."""
    with pytest.raises(NoList):
        page_of(body, {}, pointer)


LINKS: dict[str, tuple[Any, dict[str, str]]] = {
    "next": ({"items": [], "next": "/x?page=2"}, {}),
    "links": ({"items": [], "links": {"next": "/x?page=2"}}, {}),
    "HAL": ({"items": [], "_links": {"next": {"href": "/x?page=2"}}}, {}),
    "header": ([], {"link": '</x?page=1>; rel="prev", </x?page=2>; rel="next"'}),
}


@pytest.mark.parametrize("name", LINKS)
def test_links_to_the_next_page_are_found(name: str) -> None:
    """In the body, as HAL, or as a header (RFC 8288)."""
    body, headers = LINKS[name]

    assert "/x?page=2" == page_of(body, headers, None).next


def test_a_next_that_is_no_link_is_none() -> None:
    """Some write null, false or a number where there is no next page."""
    assert [None] * 3 == [page_of({"items": [], "next": each}, {}, None).next for each in (None, False, 2)]
