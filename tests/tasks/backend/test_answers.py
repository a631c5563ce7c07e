from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.backend.answers import Answer, NoAnswer, meaning, status_of

UP, DEGRADED, STARTING, DOWN, UNKNOWN = "up", "degraded", "starting", "down", "unknown"

DIALECTS: dict[str, tuple[int, Any, str, dict[str, str]]] = {
    "fastapi": (200, {"status": "healthy", "services": {"db": "connected", "x": True}}, UP, {"db": UP, "x": UP}),
    "fastapi, down": (503, {"status": "unhealthy", "services": {"db": {"status": "down"}}}, DOWN, {"db": DOWN}),
    "fastapi, a mock": (200, {"status": "ok", "database": "mock"}, UP, {"database": UNKNOWN}),
    "fastapi, degraded": (200, {"status": "degraded", "services": {"mail": False}}, DEGRADED, {"mail": DOWN}),
    "only services": (200, {"services": {"db": "ok", "mail": "error"}}, DOWN, {"db": UP, "mail": DOWN}),
    "spring": (
        200,
        {"status": "UP", "components": {"db": {"status": "UP", "details": {"n": 1}}}, "groups": ["liveness"]},
        UP,
        {"db": UP},
    ),
    "spring, down": (503, {"status": "OUT_OF_SERVICE", "components": {"db": {"status": "DOWN"}}}, DOWN, {"db": DOWN}),
    "spring, down with 200": (200, {"status": "DOWN"}, DOWN, {}),
    "asp.net": (200, "Healthy", UP, {}),
    "asp.net, degraded": (200, "Degraded", DEGRADED, {}),
    "asp.net, unhealthy": (503, "Unhealthy", DOWN, {}),
    "asp.net, entries": (
        200,
        {"status": "Healthy", "totalDuration": "0.1", "entries": {"sql": {"status": "Healthy", "duration": "1"}}},
        UP,
        {"sql": UP},
    ),
    "health+json": (
        200,
        {"status": "pass", "checks": {"db:time": [{"status": "pass", "value": 2}], "cpu": [{"status": "warn"}]}},
        UP,
        {"db:time": UP, "cpu": DEGRADED},
    ),
    "health+json, worst of a list": (
        503,
        {"status": "fail", "checks": {"db": [{"status": "pass"}, {"status": "fail"}]}},
        DOWN,
        {"db": DOWN},
    ),
    "kubernetes": (200, "ok", UP, {}),
    "list of objects": (
        200,
        {"status": "ok", "checks": [{"name": "db", "healthy": True}, {"name": "mq", "healthy": False}]},
        UP,
        {"db": UP, "mq": DOWN},
    ),
    "empty 200": (200, "", UP, {}),
    "empty 204": (204, "", UP, {}),
    "empty 500": (500, "", DOWN, {}),
    "starting": (503, {"status": "starting"}, STARTING, {}),
    "starting with 200": (200, {"status": "Initializing"}, STARTING, {}),
    "healthy is a truth": (200, {"healthy": True}, UP, {}),
    "well said by a server that is not": (500, {"status": "ok"}, DOWN, {}),
    "nothing we know": (200, {"uptime": 12}, UNKNOWN, {}),
    "a word we do not know": (200, "marvellous", UNKNOWN, {}),
    "a number": (200, "17", UNKNOWN, {}),
}


@pytest.mark.parametrize("name", DIALECTS)
def test_each_dialect_is_understood(name: str) -> None:
    """Whatever a backend speaks, its status and that of each service are read as it means them."""
    code, said, status, services = DIALECTS[name]
    body = (said if isinstance(said, str) else json.dumps(said)).encode()

    look = meaning(Answer(http_status=code, body=body))

    assert (status, services) == (look.status, {name: each.status for name, each in look.services.items()})
    assert (look.error is None) == (status == UP)


AGAIN = {
    **dict.fromkeys((408, 425, 429, 500, 501, 502, 503, 504, 520, 529, 599), True),
    **dict.fromkeys((400, 401, 403, 404, 405, 410, 499), False),
}


@pytest.mark.parametrize("code", AGAIN)
def test_what_may_pass_is_asked_again_and_what_will_not_is_not(code: int) -> None:
    """A server that is busy or starting may recover; one that refuses will refuse again."""
    assert AGAIN[code] == meaning(Answer(http_status=code, body=b'{"status": "x"}')).again


def test_an_html_page_is_not_health() -> None:
    """A front end answers every path with 200 and a page."""
    for headers, body in (
        ({"content-type": "text/html; charset=utf-8"}, b"ok"),
        ({}, b"<!DOCTYPE html><title>App</title>"),
    ):
        look = meaning(Answer(http_status=200, headers=headers, body=body))

        assert ("unknown", True, False) == (look.status, look.elsewhere, look.again)


def test_no_answer_is_down_if_it_may_come_and_unknown_if_not() -> None:
    """A refused connection is a backend that is down; a bad certificate says nothing about the backend."""
    assert ("down", True) == (meaning(NoAnswer(message="refused", again=True)).status, True)
    assert ("unknown", False) == (meaning(NoAnswer(message="TLS", again=False)).status, False)


words = st.sampled_from(["ok", "DOWN", "Healthy", "warn", "x", ""]) | st.text(max_size=5)
jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["status", "services", "checks", "components", "db", "name", "details"]), inner, max_size=4
        )
    ),
    max_leaves=15,
)


@given(st.integers(200, 599), jsons)
def test_any_json_has_some_meaning(code: int, said: Any) -> None:
    """Whatever a backend says, it is understood or unknown, and never an exception; only 2xx can be well."""
    look = meaning(Answer(http_status=code, body=json.dumps(said).encode()))

    assert look.status != "up" or 200 <= code < 300


@given(st.binary(max_size=40))
def test_any_bytes_have_some_meaning(body: bytes) -> None:
    """Not even broken UTF-8 is an exception."""
    assert meaning(Answer(http_status=200, body=body)).status in ("up", "degraded", "starting", "down", "unknown")


def test_words_are_read_without_case_and_however_they_are_joined() -> None:
    """`Out Of Service`, `out-of-service` and `OUT_OF_SERVICE` are one."""
    assert {"down"} == {status_of(word) for word in ("Out Of Service", "out-of-service", " OUT_OF_SERVICE ")}
