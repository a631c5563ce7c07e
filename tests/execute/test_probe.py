"""What counts as an answer, and what is told of real servers."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable
from selectors import DefaultSelector

import pytest

from runner.execute.probe import READY, Probe, Target, judge, target_of

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


class Server:
    """A port on which somebody may listen, and does what a test wants with whoever connects."""

    def __init__(self, answers: Callable[[socket.socket], object] | None) -> None:
        self._answers = answers
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        if answers is not None:
            self._socket.listen()

    def serve(self) -> None:
        """Take one connection and answer."""
        if self._answers is not None:
            connection, _ = self._socket.accept()
            with connection:
                connection.recv(65536)
                self._answers(connection)

    def close(self) -> None:
        """Leave the port."""
        self._socket.close()


def _hangs_up(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close sends a reset


@pytest.mark.real
@pytest.mark.parametrize(
    ("answers", "found"),
    [
        (lambda connection: connection.sendall(SIZED), READY),
        (lambda connection: connection.sendall(SIZED[:-1]), "an answer that broke off"),
        (lambda _connection: None, "it closed the connection without an answer"),
        (_hangs_up, "connection reset by peer"),
        (None, "connection refused"),
    ],
)
def test_what_a_server_does_is_told_once(answers: Callable[[socket.socket], object] | None, found: str) -> None:
    """Whether it answers, breaks off, resets the connection or is not there."""
    server = Server(answers)
    target = Target(host="127.0.0.1", port=server.port, path="/")

    assert [found] == _told(target, server.serve)
    server.close()


@pytest.mark.real
@pytest.mark.parametrize("path", [None, "/"])
def test_a_host_that_is_none_is_said(path: str | None) -> None:
    """`.invalid` is the name that no host will ever have (RFC 2606)."""
    assert ["no such host"] == _told(Target(host="nobody.invalid", port=80, path=path), lambda: None)


@pytest.mark.real
def test_an_address_that_cannot_be_reached_is_said() -> None:
    """What the kernel refuses at once is told with its words."""
    (said,) = _told(Target(host="255.255.255.255", port=80), lambda: None)

    assert said in {"network is unreachable", "permission denied", "no route to host"}


@pytest.mark.real
def test_an_open_port_will_do_where_nothing_is_asked() -> None:
    """Without a path that somebody listens is enough; looking away tells nothing."""
    server = Server(lambda _connection: None)
    told: list[str] = []
    with DefaultSelector() as selector:
        away = Probe(Target(host="127.0.0.1", port=server.port), selector, told.append)
        away.begin()
        away.cancel()

        assert ([], {}) == (told, dict(selector.get_map()))
    assert [READY] == _told(Target(host="127.0.0.1", port=server.port), lambda: None)
    server.close()


def _told(target: Target, meanwhile: Callable[[], None]) -> list[str]:
    """Look once, and answer what was told."""
    told: list[str] = []
    with DefaultSelector() as selector:
        Probe(target, selector, told.append).begin()
        server = threading.Thread(target=meanwhile)
        server.start()
        until = time.monotonic() + 20
        while not told and time.monotonic() < until:
            for key, mask in selector.select(1.0):
                key.data(mask)
        server.join()
        assert not selector.get_map(), "it has looked away"
    return told
