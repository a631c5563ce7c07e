from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.backend.answers import Answer, NoAnswer
from tasks.backend.looking import PATHS, HealthReport, retry_after
from tasks.health import check_backend_health, rows

TRANSIENT = {408, 425, 429, *range(500, 600)}


class World:
    """A backend that answers from a list, then goes on with its last answer; time passes only when it is slept."""

    def __init__(self, replies: Sequence[Answer | NoAnswer], takes: float = 0.0) -> None:
        self.replies, self.takes = list(replies), takes
        self.now = 0.0
        self.slept: list[float] = []
        self.asked: list[str] = []

    def send(self, url: str, timeout: float) -> Answer | NoAnswer:
        self.asked.append(url.removeprefix("http://x.test"))
        self.now += min(self.takes, timeout)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def check(self, path: str | None = "/health", **options: object) -> HealthReport:
        given = {"jitter": False, **options}
        return check_backend_health(
            "http://x.test",
            path,
            send=self.send,
            sleep=self.sleep,
            clock=lambda: self.now,
            **given,  # type: ignore[arg-type]  # options of any kind
        )


def said(status: str, code: int = 200, **headers: str) -> Answer:
    """Make an answer that states a status."""
    return Answer(http_status=code, body=json.dumps({"status": status}).encode(), headers=headers)


REFUSED = NoAnswer(message="connection refused", again=True)
BAD_CERTIFICATE = NoAnswer(message="TLS: certificate verify failed", again=False)


def _well(reply: Answer | NoAnswer) -> bool:
    return isinstance(reply, Answer) and 200 <= reply.http_status < 300 and b"ok" in reply.body


def _again(reply: Answer | NoAnswer) -> bool:
    """Say by the rules of the issue whether a reply is worth another question."""
    if isinstance(reply, NoAnswer):
        return reply.again
    return reply.http_status in TRANSIENT or (200 <= reply.http_status < 300 and not _well(reply))


replies = st.one_of(
    st.builds(said, st.just("ok"), st.just(200)),
    st.builds(said, st.sampled_from(["down", "starting"]), st.sampled_from([200, 500, 502, 503, 504, 429, 408, 425])),
    st.builds(said, st.just("down"), st.sampled_from([400, 401, 403, 410])),
    st.builds(lambda seconds: said("down", 503, **{"retry-after": str(seconds)}), st.integers(0, 40)),
    st.just(REFUSED),
    st.just(BAD_CERTIFICATE),
)


@given(st.lists(replies, min_size=1, max_size=8), st.integers(1, 6), st.floats(0.5, 40), st.floats(0, 3))
def test_backend_health_verification(
    sequence: list[Answer | NoAnswer], attempts: int, budget: float, takes: float
) -> None:
    """For any sequence of answers verdict, number of attempts and waits follow the rules, in virtual time."""
    world = World(sequence, takes)

    report = world.check(attempts=attempts, max_wait=budget)

    now, waits, asked = 0.0, [], 0
    while True:
        reply = sequence[min(asked, len(sequence) - 1)]
        asked += 1
        now += min(takes, max(0.1, min(5.0, budget - now)))
        if not _again(reply) or asked >= attempts or now >= budget:
            break
        wait = min(8.0, 0.5 * 2 ** (asked - 1))
        if isinstance(reply, Answer) and "retry-after" in reply.headers:
            wait = float(reply.headers["retry-after"])
        waits.append(max(0.0, min(wait, budget - now)))
        now += waits[-1]
    assert (_well(reply), asked) == (report.healthy, report.attempts)
    assert waits == pytest.approx(world.slept)
    assert report.waited_s == pytest.approx(sum(waits), abs=0.001)
    assert asked == len(report.history)


def test_waits_double_up_to_a_cap() -> None:
    """Half a second, then twice as long each time, never more than eight seconds."""
    world = World([REFUSED])

    world.check(attempts=8, max_wait=1000)

    assert [0.5, 1, 2, 4, 8, 8, 8] == world.slept


def test_jitter_spreads_the_waits_and_a_seed_repeats_them() -> None:
    """Full jitter: anything between nothing and the whole wait, the same again with the same seed."""
    first, again, other = (World([REFUSED]) for _ in range(3))
    for world, seed in ((first, 1), (again, 1), (other, 2)):
        world.check(attempts=8, max_wait=1000, jitter=True, seed=seed)

    assert first.slept == again.slept != other.slept
    assert all(0 <= wait <= longest for wait, longest in zip(first.slept, [0.5, 1, 2, 4, 8, 8, 8], strict=True))


def test_paths_that_are_no_health_endpoint_cost_no_attempt() -> None:
    """404, 405 and HTML pages move on to the next path, and the one that answered is remembered."""
    page = Answer(http_status=200, headers={"content-type": "text/html"}, body=b"<html>")
    world = World([Answer(http_status=404), Answer(http_status=405), page, said("down", 503), said("ok")])

    report = world.check(path=None)

    assert ["/health", "/healthz", "/api/health", "/health/ready", "/health/ready"] == world.asked
    assert (True, 2, "http://x.test/health/ready") == (report.healthy, report.attempts, report.url)


def test_where_no_path_is_health_every_one_that_was_tried_is_named() -> None:
    """Nothing is passed that was not seen; the message says to give the path."""
    world = World([Answer(http_status=404)])

    report = world.check(path=None)

    assert (False, "unknown", 1, list(PATHS)) == (report.healthy, report.status, report.attempts, world.asked)
    assert report.error is not None
    assert f"give its `path`: {', '.join(PATHS)} answered 404" in report.error


def test_required_services_must_be_there_and_up() -> None:
    """A service that is not mentioned is not up, and asking again does not make it appear."""
    body = json.dumps({"status": "ok", "services": {"db": "ok", "mail": "down"}}).encode()
    world = World([Answer(http_status=200, body=body)])

    assert world.check(required_services=["db"]).healthy is True
    assert world.check(required_services=["queue"]).error == "required: queue is not mentioned"
    report = world.check(required_services=["mail"])
    assert (False, "down", 5) == (report.healthy, report.status, report.attempts)


def test_degraded_passes_unless_it_must_not() -> None:
    """`strict` asks for more, and waits for it."""
    assert World([said("degraded")]).check().healthy is True
    assert True is World([said("degraded"), said("ok")]).check(strict=True).healthy
    assert World([said("degraded")]).check(strict=True).attempts == 5


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
WAITS = {
    "7": 7.0, "0": 0.0, "": None, "soon": None, "-3": None, "1.5": None,
    "Thu, 01 Jan 2026 12:00:30 GMT": 30.0, "Thu, 01 Jan 2026 11:00:00 GMT": 0.0, "Thu, 01 Jan 2026": None,
}  # fmt: skip


@pytest.mark.parametrize("text", WAITS)
def test_retry_after_is_seconds_or_a_date(text: str) -> None:
    """What cannot be read is as if it were not there."""
    assert WAITS[text] == retry_after({"retry-after": text}, NOON)


def test_rows_name_what_is_down() -> None:
    """One row for the whole, one for each service; the rows alone tell what to fix."""
    body = json.dumps(
        {"status": "unhealthy", "services": {"db": {"status": "down", "message": "no disk"}, "mail": "ok"}}
    )
    report = World([Answer(http_status=503, body=body.encode())]).check(attempts=1)

    expected = [
        ("health", "failed", "down: answered 503: db is down (no disk)"),
        ("service queue", "failed", "not mentioned"),
        ("service db", "failed", "down"),
        ("service mail", "passed", "up (ok)"),
    ]
    assert expected == [(row.name, row.verdict, row.observed) for row in rows(report, ["queue"], strict=False)]
