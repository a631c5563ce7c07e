from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.postman.replies import Reply, body_of, fault_of, is_transient, reason_of, wait_before
from tasks.postman.transport import Fault, PowerError

REASONS: dict[str, tuple[str, str]] = {
    '{"error": {"name": "notFound", "message": "No such thing"}}': ("notFound", "No such thing"),
    '{"type": "https://x/401", "title": "Unauthorized", "status": 401}': ("https://x/401", "Unauthorized"),
    '{"title": "t", "detail": "d", "status": 400}': ("", "d"),
    '{"error": "rateLimited", "message": "Slow down"}': ("rateLimited", "Slow down"),
    '{"error": {"name": "rateLimitError", "message": "m", "details": {}}}': ("rateLimitError", "m"),
    "<html>Bad gateway</html>": ("", "an HTML page"),
    "upstream timed out": ("", "upstream timed out"),
    "[]": ("", "[]"),
    '{"error": null}': ("", ""),
}


@pytest.mark.parametrize("body", REASONS)
def test_error_bodies_of_every_form_are_read(body: str) -> None:
    """Postman has three forms of its own, and what stands between us and it has others."""
    reason = reason_of(body)

    assert REASONS[body] == (reason.name, reason.message)


FAULTS: list[tuple[int, Any, Fault]] = [
    (401, {"error": {"name": "AuthenticationError"}}, Fault.KEY_REFUSED),
    (403, {"error": {"name": "forbiddenError"}}, Fault.NOT_PERMITTED),
    (404, {}, Fault.NOT_FOUND),
    (400, {"error": {"name": "instanceNotFoundError"}}, Fault.NOT_FOUND),
    (400, {"title": "Bad", "detail": "The environment was not found"}, Fault.NOT_FOUND),
    (400, {"error": {"name": "malformedRequestError"}}, Fault.REFUSED),
    (429, {"error": "serviceLimitExhausted"}, Fault.QUOTA),
    (429, {"error": {"name": "serviceLimitExhausted"}}, Fault.QUOTA),
    (429, {"error": "rateLimited"}, Fault.RATE_LIMITED),
    (500, {}, Fault.SERVER),
    (503, {}, Fault.SERVER),
    (301, {}, Fault.UNREACHABLE),
    (418, {}, Fault.REFUSED),
]


@pytest.mark.parametrize(("status", "body", "fault"), FAULTS)
def test_each_answer_means_one_fault(status: int, body: Any, fault: Fault) -> None:
    """The raw body is kept beside what it means."""
    text = json.dumps(body)
    error = fault_of(Reply(status=status, headers={}, body=text), "it")

    assert (fault, status, text) == (error.fault, error.status, error.body)


def test_only_what_may_pass_is_asked_again() -> None:
    """A quota that is used up stays so until the next month; the other 429 passes."""
    again = {status for status in range(200, 600) if is_transient(Reply(status=status, headers={}, body="{}"))}

    assert {408, 429, *range(500, 600)} == again
    assert not is_transient(Reply(status=429, headers={}, body='{"error": "serviceLimitExhausted"}'))


NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
WAITS: list[tuple[int, int, dict[str, str], float]] = [
    (1, 500, {}, 0.15), (2, 500, {}, 0.3), (3, 500, {}, 0.6), (20, 500, {}, 5.0),
    (1, 429, {"retry-after": "3"}, 3.0), (1, 500, {"retry-after": "3"}, 3.0), (1, 429, {"retryafter": "2.5"}, 2.5),
    (1, 429, {"retry-after": "Fri, 02 Jan 2026 03:04:12 GMT"}, 7.0),
    (1, 429, {"retry-after": "Fri, 02 Jan 2026 03:00:00 GMT"}, 0.0),
    (1, 429, {"retry-after": "3600"}, 60.0), (1, 429, {"retry-after": "soon"}, 0.15),
    (1, 429, {"ratelimit-reset": "8"}, 8.0), (1, 503, {"x-ratelimit-reset": "9"}, 9.0),
    (1, 429, {"x-ratelimit-reset": "1795500000"}, 0.15),
    (1, 429, {"ratelimit": "limit=300, remaining=0, reset=12"}, 12.0), (1, 429, {"ratelimit": '"u";r=0;t=11'}, 11.0),
    (1, 429, {"retry-after": "2", "ratelimit-reset": "50"}, 2.0),
    # Postman sends these with every answer: a server that failed did not ask to be left alone.
    (1, 500, {"ratelimit-reset": "50", "ratelimit": "limit=300, remaining=299, reset=50"}, 0.15),
]  # fmt: skip


@pytest.mark.parametrize(("attempt", "status", "headers", "seconds"), WAITS)
def test_waits_double_unless_a_header_asks_for_more(
    attempt: int, status: int, headers: dict[str, str], seconds: float
) -> None:
    """A delay that is asked for is honoured up to a minute; when a limit is lifted counts where it was met."""
    reply = Reply(status=status, headers=headers, body="")

    assert seconds == pytest.approx(wait_before(attempt, reply, 0.0, NOW))
    assert 0 <= wait_before(attempt, reply, 1.0, NOW) - seconds <= 0.0501


def test_no_answer_at_all_is_waited_for_as_long_as_a_bad_one() -> None:
    """There are no headers to read then."""
    assert [0.15, 0.3, 0.6] == pytest.approx([wait_before(attempt, None, 0.0, NOW) for attempt in (1, 2, 3)])


@given(st.integers(100, 599), st.text(max_size=60))
def test_any_answer_is_a_body_or_a_fault(status: int, body: str) -> None:
    """Whatever comes back, it is a JSON object or a PowerError with its body kept."""
    try:
        found = body_of(Reply(status=status, headers={}, body=body), "it")
    except PowerError as error:
        kept = error.body
    else:
        kept, body = "", "" if isinstance(found, dict) else body
    assert body == kept
