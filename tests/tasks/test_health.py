from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tasks.health import check, check_backend_health
from tests.tasks.certificate import untrusted
from tests.tasks.kit import Call, Reply, context, server

pytestmark = pytest.mark.real


def test_the_sample_backend_is_well(backend: str) -> None:
    """The endpoint is found, and each of its services is up."""
    here, said = context()

    report = check(base_url=backend, context=here)

    assert (True, f"{backend}/api/health", "1.0.0") == (report.healthy, report.url, report.version)
    assert ["health", "service database", "service storage", "service search"] == [each.name for each in said.checks]


def test_a_service_that_is_down_fails_until_it_is_up_again(backend: str) -> None:
    """A backend that says it is unwell is believed, and asked again."""
    httpx.put(f"{backend}/api/admin/services/storage", json={"status": "down"})
    here, said = context()

    report = check(base_url=backend, attempts=2, max_wait=1, context=here)
    httpx.put(f"{backend}/api/admin/services/storage", json={"status": "up"})

    assert (False, "down", 503, 2) == (report.healthy, report.status, report.http_status, report.attempts)
    assert ["health", "service storage"] == [each.name for each in said.failed]
    assert check_backend_health(backend).healthy is True


def test_nobody_there_is_down() -> None:
    """A refused connection is retried, and then it is down."""
    with server(lambda _: Reply()) as (url, _):
        pass

    report = check_backend_health(url, "/health", attempts=2, max_wait=1)

    assert ("down", 2) == (report.status, report.attempts)
    assert report.error is not None
    assert "no connection" in report.error


def test_credentials_never_follow_a_redirect_to_another_host() -> None:
    """Within the host a redirect is followed; a different port is a different host."""
    with server(lambda _: Reply(body='{"status": "ok"}')) as (other, strangers):

        def answer(call: Call) -> Reply:
            inside = {"/health": "/real", "/away": f"{other}/health"}.get(call.path)
            return Reply(status=302, headers={"location": inside}) if inside else Reply(body='{"status": "ok"}')

        with server(answer) as (url, calls):
            followed = check_backend_health(url, "/health", headers={"authorization": "Bearer x"})
            refused = check_backend_health(url, "/away", headers={"authorization": "Bearer x"})

    assert (True, False, []) == (followed.healthy, refused.healthy, strangers)
    assert ["/health", "/real", "/away"] == [call.path for call in calls]
    assert {"Bearer x"} == {call.headers["authorization"] for call in calls}


def test_bad_urls_are_not_asked_again() -> None:
    """What cannot be asked will never answer."""
    for url in ("ftp://x.test", "http://", "nonsense", "http://x y.test", "http://127.0.0.1:99999", "http://[::1"):
        report = check_backend_health(url, "/health")

        assert (False, 1) == (report.healthy, report.attempts)


def test_an_answer_that_never_ends_costs_its_time_limit() -> None:
    """Every byte comes in time, but the whole of them does not."""
    with server(lambda _: Reply(body='{"status": "ok"}' + " " * 200, drip=0.05)) as (url, _):
        report = check_backend_health(url, "/health", attempts=1, timeout=0.4)

    assert (False, "no whole answer within 0.4 s") == (report.healthy, report.error)
    assert report.latency_ms < 2000


def test_a_certificate_that_nobody_trusts_is_not_asked_again(tmp_path: Path) -> None:
    """The next time it would be no better; with `insecure` it is taken."""
    with server(lambda _: Reply(body='{"status": "ok"}'), tls=untrusted(tmp_path)) as (url, _):
        refused = check_backend_health(url, "/health")
        taken = check_backend_health(url, "/health", insecure=True)

    assert (False, "unknown", 1) == (refused.healthy, refused.status, refused.attempts)
    assert refused.error is not None
    assert refused.error.startswith("TLS: ")
    assert taken.healthy is True


def test_a_header_may_hold_any_text() -> None:
    """Beyond ASCII it is sent as UTF-8; one that no header can hold is a row, not an exception."""
    with server(lambda _call: Reply(body='{"status": "up"}')) as (url, calls):
        assert check_backend_health(url, "/health", headers={"X-Name": "Zoë"}, attempts=1).healthy
        assert "Zoë" == calls[0].headers["x-name"].encode("latin-1").decode()
        refused = check_backend_health(url, "/health", headers={"X-Name": "a\nb"}, attempts=1)

    assert not refused.healthy
    assert refused.error
