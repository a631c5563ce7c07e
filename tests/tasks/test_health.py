from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tasks.health import check, check_backend_health
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
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(tmp_path))
    with server(lambda _: Reply(body='{"status": "ok"}'), tls=context) as (url, _):
        refused = check_backend_health(url, "/health")
        taken = check_backend_health(url, "/health", insecure=True)

    assert (False, "unknown", 1) == (refused.healthy, refused.status, refused.attempts)
    assert refused.error is not None
    assert refused.error.startswith("TLS: ")
    assert taken.healthy is True


def _certificate(folder: Path) -> Path:
    """Make a certificate for loopback that is signed by nobody but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    kind, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    file = folder / "both.pem"
    file.write_bytes(key.private_bytes(kind, form, serialization.NoEncryption()) + certificate.public_bytes(kind))
    return file
