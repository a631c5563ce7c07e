from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.backend.answers import Answer, NoAnswer
from tasks.evidence.finding import Searched, Unverified, Wanted
from tasks.evidence.http_probe import LARGEST_PAGE, HttpProbe, look

BASE = "http://x.test"
WANTED = Wanted(prefixes=("Task_2_", "Task_3_"))


class Store:
    """A backend with a list endpoint that pages in the way it is told."""

    def __init__(self, names: list[str], how: str, size: int = 3) -> None:
        self.records: list[dict[str, Any]] = [{"id": number, "name": name} for number, name in enumerate(names)]
        self.how, self.size = how, size
        self.asked: list[str] = []

    def send(self, url: str, _timeout: float) -> Answer | NoAnswer:
        self.asked.append(url)
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        records = [each for each in self.records if each["name"].startswith(query.get("prefix", ""))]
        size = int(query.get("limit", self.size))
        start = {"page": (int(query.get("page", 1)) - 1) * size, "none": 0}.get(
            self.how, int(query.get("offset") or query.get("cursor") or 0)
        )
        body: dict[str, Any] = {"items": records[start : start + size]}
        more = start + size < len(records)
        if self.how == "next" and more:
            body["next"] = f"/list?offset={start + size}"
        if self.how == "cursor" and more:
            body["next_cursor"] = str(start + size)
        if self.how in ("total", "offset"):
            body["total"] = len(records)
        return Answer(http_status=200, body=json.dumps(body).encode())


names = st.lists(st.sampled_from(["Task_2_a", "Task_3_", "Task_20_a", "task_2_a", "other", "xTask_2_"]), max_size=14)


@example(["Task_2_a", "other", "Task_3_", "other", "Task_2_a"], "offset", 2)
@given(names, st.sampled_from(["next", "cursor", "offset", "page"]), st.integers(1, 5))
def test_every_page_is_looked_at(names: list[str], how: str, size: int) -> None:
    """However a backend pages, exactly the records under a prefix are orphans; case counts, `Task_20_` is another."""
    paging = None if how == "next" else {"by": how, "size": size}
    probe = HttpProbe.model_validate({"kind": "http", "url": "/list", "paging": paging, "max_pages": 30})

    finding = look(probe, BASE, WANTED, Store(names, how, size).send)

    assert isinstance(finding, Searched)
    expected = [name for name in names if name.startswith(("Task_2_", "Task_3_"))]
    assert expected == [orphan.name for orphan in finding.orphans]
    assert len(names) == finding.looked_at


def test_a_server_that_filters_is_asked_for_each_prefix() -> None:
    """With `prefix_parameter` only what may be an orphan is listed."""
    store = Store(["Task_2_a", "other", "Task_3_b"], "next")
    finding = look(HttpProbe(kind="http", url="list?x=1", prefix_parameter="prefix"), BASE, WANTED, store.send)

    assert [f"{BASE}/list?x=1&prefix=Task_2_", f"{BASE}/list?x=1&prefix=Task_3_"] == store.asked
    assert ["Task_2_a", "Task_3_b"] == [orphan.name for orphan in finding.orphans]


def test_what_is_ignored_is_no_orphan() -> None:
    """Fixtures that are meant to stay can be left alone."""
    wanted = Wanted(prefixes=("Task_2_",), ignore=("Task_2_keep",))
    finding = look(HttpProbe(kind="http", url="/list"), BASE, wanted, Store(["Task_2_keep_1", "Task_2_a"], "next").send)

    assert ["Task_2_a"] == [orphan.name for orphan in finding.orphans]


UNVERIFIED: dict[str, tuple[Answer | NoAnswer, str]] = {
    "missing": (Answer(http_status=404), "answered 404"),
    "refused": (Answer(http_status=403), "give it `headers` that may list"),
    "no answer": (NoAnswer(message="connection refused", again=True), "connection refused"),
    "no JSON": (Answer(http_status=200, body=b"<html>"), "no list of records"),
    "no list": (Answer(http_status=200, body=b'{"a": 1}'), "no list of records"),
    "other fields": (
        Answer(http_status=200, body=b'[{"label": "Task_2_a"}]'),
        "they have label: say which by `fields`",
    ),
    "an unusual field": (
        Answer(http_status=200, body=b'[{"id": 7, "label": "Task_2_a"}]'),
        "`label` of a record begins with a prefix",
    ),
    "deep inside": (
        Answer(http_status=200, body=b'{"data": [{"id": "7", "attributes": {"tags": ["x", "Task_2_a"]}}]}'),
        "`attributes.tags` of a record begins with a prefix",
    ),
    "too large": (Answer(http_status=200, body=b" " * LARGEST_PAGE), "more than 64 MiB; ask for it in pages"),
    "more that cannot be asked for": (
        Answer(http_status=200, body=b'{"items": [{"id": 1}], "total": 2}'),
        "by `paging`",
    ),
    "has more": (Answer(http_status=200, body=b'{"items": [{"id": 1}], "has_more": true}'), "by `paging`"),
    "another host": (Answer(http_status=200, body=b'{"items": [], "next": "http://y.test/"}'), "another host, y.test"),
    "without end": (Answer(http_status=200, body=b'{"items": [], "next": "/list"}'), "after 50 pages"),
}


@pytest.mark.parametrize("name", UNVERIFIED)
def test_what_could_not_be_looked_at_is_unverified(name: str) -> None:
    """No evidence is not a pass: the endpoint is missing, refuses, or does not show its end."""
    reply, why = UNVERIFIED[name]

    finding = look(HttpProbe(kind="http", url="/list"), BASE, WANTED, lambda *_: reply)

    assert isinstance(finding, Unverified)
    assert why in finding.why


def test_orphans_seen_before_the_search_got_stuck_are_kept() -> None:
    """What was found is found, even if there may be more."""
    pages = iter(
        [
            Answer(http_status=200, body=b'{"items": [{"id": 1, "name": "Task_2_a"}], "next": "/2"}'),
            Answer(http_status=500),
        ]
    )

    finding = look(HttpProbe(kind="http", url="/list"), BASE, WANTED, lambda *_: next(pages))

    assert ["Task_2_a"] == [orphan.name for orphan in finding.orphans]
    assert isinstance(finding, Unverified)


def test_fields_are_those_that_were_chosen_also_one_level_down() -> None:
    """Who names the fields knows that the others only speak of test data."""
    body = b'{"data": [{"id": "7", "attributes": {"name": "Task_2_a"}}, {"id": "8", "comment": "Task_2_ is broken"}]}'
    probe = HttpProbe(kind="http", url="/list", fields=("attributes.name", "id"))

    finding = look(probe, BASE, WANTED, lambda *_: Answer(http_status=200, body=body))

    assert isinstance(finding, Searched)
    assert [("7", "Task_2_a")] == [(each.id, each.name) for each in finding.orphans]
