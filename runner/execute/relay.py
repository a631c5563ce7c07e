"""Services of this machine, as the hosts of a cluster reach them. Knows no cluster.

Theory of operation. Most programs listen on loopback unless they are told otherwise, and a graph file is to run
unchanged. So while a service is ready, its port is opened at the address under which the hosts know this machine, and
what comes there is handed on. Where the service listens there itself, or that address is not one of this machine's
own, the port cannot be opened, and nothing need or can be handed on.

The bytes go through an event loop in a thread of its own, which begins with the first port.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import closing, suppress

from msgspec.structs import replace

from runner.schedule.messages import Event, ServiceEnded, ServiceReady

LOOPBACK = "127.0.0.1"
PIECE = 64 * 1024


class Relay:
    """The ports that are open for others."""

    def __init__(self, host: str) -> None:
        """`host` is the name or address under which others know this machine."""
        self._host = host
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._open: dict[str, asyncio.Server] = {}

    def passed(self, event: Event) -> Event:
        """Open or shut the port of a service that the event is about; answers the event as others may read it."""
        match event:
            case ServiceReady(service=service, port=int(port)) if self._host != LOOPBACK:
                self._open_port(service, port)
                return replace(event, url=event.url.replace(f"//{LOOPBACK}:", f"//{_in_url(self._host)}:"))
            case ServiceEnded(service=service) if service in self._open:
                self._shut(self._open.pop(service))
        return event

    def close(self) -> None:
        """Shut all ports, and everything that is being handed on."""
        if self._loop is None or self._thread is None:
            return
        for server in self._open.values():
            self._shut(server)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop = self._thread = None
        self._open.clear()

    # -- the helpers -----------------------------------------------------------------------------------------------

    def _open_port(self, service: str, port: int) -> None:
        try:
            family, _, _, _, place = socket.getaddrinfo(self._host, port, type=socket.SOCK_STREAM)[0]
            listening = socket.create_server(place[:2], family=family)
        except OSError:  # a border: it listens there itself, or others find it by a way that we do not know
            return
        loop = self._running()
        self._open[service] = asyncio.run_coroutine_threadsafe(_serve(listening, port), loop).result()

    def _shut(self, server: asyncio.Server) -> None:
        assert self._loop is not None, "a port was opened in it"
        self._loop.call_soon_threadsafe(server.close)

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=_run, args=(self._loop,), name="relay", daemon=True)
            self._thread.start()
        return self._loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    """Run a loop until it is stopped, and end what still goes on in it."""
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.get_loop().run_forever()


async def _serve(listening: socket.socket, port: int) -> asyncio.Server:
    async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(OSError):  # a border: either side may go at any time
            there, back = await asyncio.open_connection(LOOPBACK, port)
            with closing(back):
                await asyncio.gather(_copy(reader, back), _copy(there, writer))

    return await asyncio.start_server(hand_on, sock=listening)


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Hand on until one side has said all, and tell the other that it has."""
    while piece := await source.read(PIECE):
        sink.write(piece)
        await sink.drain()
    sink.write_eof()


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
