"""One look at a server: does it answer? Never waits. Knows no service.

`judge` decides, `Probe` does: it connects, asks and reads as far as the socket goes, then tells what it found.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable
from contextlib import suppress
from errno import EINPROGRESS, EISCONN
from selectors import EVENT_READ, EVENT_WRITE, BaseSelector

from msgspec import Struct

READY = ""
"""What a probe tells when the server answers as it should; any other text says why not."""
LARGEST = 4 * 1024 * 1024
"""Bytes of an answer that are read; a larger one counts as whole."""

_STATUS = re.compile(rb"HTTP/\d\.\d (\d{3})")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)


class Target(Struct, frozen=True, kw_only=True):
    """Where to look. `path` None asks nothing: that the port is open is enough."""

    host: str
    port: int
    path: str | None = None

    @property
    def name(self) -> str:
        """How people write it."""
        return f"{self.host}:{self.port}" if self.path is None else f"http://{self.host}:{self.port}{self.path}"


def target_of(http: str | None, port: int | None) -> Target:
    """Answer where to look: at a path on our own port, at a whole URL, or whether the port is open.

    Raises:
        ValueError: it is no address that can be looked at.

    """
    if http is None or not http.startswith(("http:", "https:")):
        if port is None:
            raise ValueError(f"there is no port to look at for `{'tcp' if http is None else http}`")
        return Target(host="127.0.0.1", port=port, path=None if http is None else f"/{http.lstrip('/')}")
    from urllib.parse import urlsplit  # noqa: PLC0415  # most graphs have no service

    url = urlsplit(http)
    if url.scheme != "http" or not url.hostname:
        raise ValueError(f"`{http}` cannot be probed, only http:// can; use `tcp` or `log`")
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    return Target(host=url.hostname, port=url.port or 80, path=path)


def judge(answer: bytes, *, ended: bool) -> str | None:
    """Answer `READY`, why it is not, or None while the answer is not whole. Source: RFC 9112, section 6."""
    head, blank, body = answer.partition(b"\r\n\r\n")
    status = _STATUS.match(head)
    if not blank or status is None:
        return None if not ended else "no whole answer" if answer else "it closed the connection without an answer"
    length = _LENGTH.search(head)
    if _CHUNKED.search(head):
        whole = body.endswith(b"0\r\n\r\n")
    elif length:
        whole = len(body) >= int(length[1])
    else:
        whole = ended
    if not whole and len(answer) < LARGEST:
        return "an answer that broke off" if ended else None
    return READY if 200 <= int(status[1]) < 400 else f"status {status[1].decode()}"


class Probe:
    """One look at a target. `tell` hears what was found, once, unless `cancel` comes first."""

    def __init__(self, target: Target, selector: BaseSelector, tell: Callable[[str], None]) -> None:
        self._target = target
        self._selector = selector
        self._tell = tell
        self._answer = b""
        self._addresses = _addresses(target)
        self._socket: socket.socket | None = None

    def begin(self) -> None:
        """Begin to look."""
        self._connect("no such host")

    def cancel(self) -> None:
        """Look away."""
        if self._socket is not None:
            with suppress(KeyError):
                self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = None

    def _connect(self, reason: str) -> None:
        """Try the next address, or tell why the last one did not do."""
        self.cancel()
        if not self._addresses:
            self._tell(reason)
            return
        family, address = self._addresses.pop(0)
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setblocking(False)  # noqa: FBT003  # its own signature
        code = self._socket.connect_ex(address)
        if code in (0, EINPROGRESS, EISCONN):
            self._selector.register(self._socket, EVENT_WRITE, self._on_connected)
        else:
            self._connect(os.strerror(code).lower())

    def _on_connected(self, _mask: int) -> None:
        assert self._socket is not None, "somebody connected"
        code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._connect(os.strerror(code).lower())
        elif self._socket.getsockname() == self._socket.getpeername():
            self._connect("connection refused")  # nobody listens: the kernel gave us the very port we looked at
        elif self._target.path is None:
            self._found(READY)
        else:
            host = f"{self._target.host}:{self._target.port}"
            request = f"GET {self._target.path} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
            self._selector.modify(self._socket, EVENT_READ, self._on_answer)
            with suppress(OSError):  # a few bytes always fit; a broken connection tells when it is read
                self._socket.send(request.encode("ascii", "replace"))

    def _on_answer(self, _mask: int) -> None:
        assert self._socket is not None, "somebody answers"
        try:
            piece = self._socket.recv(65536)
        except BlockingIOError:
            return
        except OSError as error:  # a border: the server may drop us
            self._found((error.strerror or "broken connection").lower())
            return
        self._answer += piece
        found = judge(self._answer, ended=not piece)
        if found is not None:
            self._found(found)

    def _found(self, found: str) -> None:
        self.cancel()
        self._tell(found)


def _addresses(target: Target) -> list[tuple[socket.AddressFamily, tuple[str | int, ...]]]:
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return [(family, address) for family, _, _, _, address in found if isinstance(address[0], str)]
