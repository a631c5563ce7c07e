"""What counts as an answer."""

from __future__ import annotations

import pytest

from runner.execute.probe import READY, Target, judge, target_of

SIZED = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
OPEN = b"HTTP/1.0 302 Found\r\nLocation: /x\r\n\r\nhello"


@pytest.mark.parametrize("answer", [SIZED, CHUNKED])
def test_only_a_whole_answer_counts(answer: bytes) -> None:
    """Cut anywhere, an answer is waited for while the connection lives, and is none when it has ended."""
    for cut in range(len(answer)):
        assert judge(answer[:cut], ended=False) is None
        assert judge(answer[:cut], ended=True) != READY
    assert READY == judge(answer, ended=False)
    assert READY == judge(answer, ended=True)


def test_an_answer_without_a_length_ends_with_the_connection() -> None:
    """Then, and only then, it is whole."""
    assert judge(OPEN, ended=False) is None
    assert READY == judge(OPEN, ended=True)


@pytest.mark.parametrize("status", [100, 199, 400, 404, 500, 503])
def test_other_statuses_are_not_ready(status: int) -> None:
    """Only 200 to 399 will do; the reason names the status."""
    assert f"status {status}" == judge(b"HTTP/1.1 %d X\r\n\r\n" % status, ended=True)


@pytest.mark.parametrize("status", [200, 204, 301, 399])
def test_good_statuses_are_ready(status: int) -> None:
    """From 200 to 399."""
    assert READY == judge(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status, ended=False)


@pytest.mark.parametrize(
    ("http", "port", "target"),
    [
        ("/health", 80, Target(host="127.0.0.1", port=80, path="/health")),
        ("health", 80, Target(host="127.0.0.1", port=80, path="/health")),
        (None, 5432, Target(host="127.0.0.1", port=5432)),
        ("http://localhost:9000/a?b=c", 80, Target(host="localhost", port=9000, path="/a?b=c")),
        ("http://host", None, Target(host="host", port=80, path="/")),
    ],
)
def test_where_to_look(http: str | None, port: int | None, target: Target) -> None:
    """A path is on the service's own port, a URL says all itself, nothing means the open port."""
    assert target == target_of(http, port)


@pytest.mark.parametrize(("http", "port"), [("/health", None), (None, None), ("https://localhost/", 1), ("http://", 1)])
def test_where_nobody_can_look(http: str | None, port: int | None) -> None:
    """It is said, not tried."""
    with pytest.raises(ValueError, match=r"probe|port"):
        target_of(http, port)
