"""A service on loopback, as others reach it: 127.0.0.2 stands for the address they know, which loopback has as well."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from runner.execute.relay import Relay
from runner.schedule.messages import Event, ServiceEnded, ServiceReady

pytestmark = pytest.mark.real

OUTSIDE = "127.0.0.2"


class Shouting:
    """A service on one address: answers each caller, once that has said all, in capitals."""

    def __init__(self, address: str) -> None:
        self._listening = socket.create_server((address, 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):  # it is closed already
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _serve(self) -> None:
        try:
            while True:
                caller, _ = self._listening.accept()
                with caller:
                    caller.sendall(_all_of(caller).upper())
        except OSError:
            return


def _all_of(caller: socket.socket) -> bytes:
    said = b""
    while piece := caller.recv(65536):
        said += piece
    return said


def _ask(way: socket.socket, words: bytes) -> None:
    way.sendall(words)
    way.shutdown(socket.SHUT_WR)


def _asked(port: int, words: bytes) -> bytes:
    with socket.create_connection((OUTSIDE, port), 10.0) as way:
        asking = threading.Thread(target=_ask, args=(way, words))
        asking.start()
        answer = _all_of(way)
        asking.join()
    return answer


def _ready(port: int | None) -> ServiceReady:
    url = "" if port is None else f"http://127.0.0.1:{port}"
    return ServiceReady(at=1.0, service="web", attempt=1, url=url, port=port)


@pytest.fixture
def relay() -> Iterator[Relay]:
    """Relay from where others ask."""
    made = Relay(OUTSIDE)
    yield made
    made.close()


@pytest.fixture
def web() -> Iterator[Shouting]:
    """Serve on loopback."""
    made = Shouting("127.0.0.1")
    yield made
    made.close()


def test_what_listens_on_loopback_is_reached_from_outside(relay: Relay, web: Shouting) -> None:
    """The event has the address that others know, and there the service answers, however much it is asked."""
    passed = relay.passed(_ready(web.port))

    assert f"http://{OUTSIDE}:{web.port}" == passed.url  # type: ignore[union-attr]
    assert b"HELLO" == _asked(web.port, b"hello")
    assert b"AB" * 3_000_000 == _asked(web.port, b"ab" * 3_000_000)


def test_a_service_that_listens_there_itself_is_left_alone(relay: Relay) -> None:
    """Nobody stands between it and those who ask."""
    wide = Shouting("0.0.0.0")
    relay.passed(_ready(wide.port))

    assert b"HELLO" == _asked(wide.port, b"hello")

    wide.close()


def test_when_a_service_is_over_its_port_is_free_again(relay: Relay, web: Shouting) -> None:
    """The next one may listen there itself."""
    relay.passed(_ready(web.port))
    relay.passed(ServiceEnded(at=2.0, service="web", attempt=1, how="died"))
    web.close()
    relay.close()
    with socket.create_server((OUTSIDE, web.port)) as again:
        assert web.port == again.getsockname()[1]


@pytest.mark.parametrize("event", [_ready(None), ServiceEnded(at=2.0, service="web", attempt=1, how="stopped")])
def test_all_else_is_passed_as_it_is(event: Event, relay: Relay) -> None:
    """A service without a port has nothing to be reached at; one that was not open needs no shutting."""
    assert event == relay.passed(event)


def test_at_home_nothing_is_opened(web: Shouting) -> None:
    """A cluster on this machine reaches loopback as well as we do."""
    relay = Relay("127.0.0.1")

    assert _ready(web.port) == relay.passed(_ready(web.port))

    relay.close()
