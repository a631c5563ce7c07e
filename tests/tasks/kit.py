"""What the tests of the tasks share: a context that remembers, servers on loopback, the sample backend."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from runner.task import Check, Context, LedgerRow, NeedResult, Note, Progress, Request

ROOT = Path(__file__).resolve().parents[2]
PHASE = ROOT / "graphs/phase2"
NOW = "2026-01-02T03:04:05.678Z"


@dataclass(kw_only=True)
class Said:
    """Everything a task said."""

    notes: list[Note] = field(default_factory=list)

    @property
    def checks(self) -> list[Check]:
        return [note for note in self.notes if isinstance(note, Check)]

    @property
    def failed(self) -> list[Check]:
        return [check for check in self.checks if check.verdict == "failed"]

    @property
    def ledger(self) -> list[tuple[str, str, str | None]]:
        return [(note.action, note.kind, note.name) for note in self.notes if isinstance(note, LedgerRow)]

    @property
    def progress(self) -> list[str]:
        return [note.message for note in self.notes if isinstance(note, Progress)]

    def check(self, name: str) -> Check:
        return next(check for check in self.checks if check.name == name)


def context(
    *,
    needs: Sequence[NeedResult] = (),
    above: Sequence[NeedResult] = (),
    data_prefix: str | None = None,
    env: Mapping[str, str] | None = None,
) -> tuple[Context, Said]:
    """Make a context as a worker would, and what was said through it."""
    said = Said()
    request = Request(
        run="run-1",
        task="checkpoint",
        attempt=1,
        env=dict(os.environ) if env is None else env,
        needs={need.id: need for need in needs},
        above={need.id: need for need in above},
        data_prefix=data_prefix,
    )
    return Context(request, said.notes.append, lambda: NOW), said


def without_key() -> dict[str, str]:
    """Answer the environment without any key of Postman's."""
    return {name: value for name, value in os.environ.items() if not name.startswith("POSTMAN_")}


@contextmanager
def sample_backend(**env: str) -> Iterator[str]:
    """Run the sample backend under uvicorn; gives its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        command = [sys.executable, "-m", "uvicorn", "--app-dir", str(PHASE), "backend:app"]
        process = subprocess.Popen(
            [*command, "--fd", str(listener.fileno()), "--log-level", "warning"],
            pass_fds=(listener.fileno(),),
            env={**os.environ, **env},
        )
    try:
        _wait(f"http://127.0.0.1:{port}/api/health/ready", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while True:
        assert process.poll() is None, "the backend ended"
        assert time.monotonic() < until, "the backend was never ready"
        try:
            if httpx.get(url, timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.05)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a stand-in server answers; `raw` is written to the socket as it is, and the connection closed.

    `hang` is seconds before the answer, `drip` seconds between the bytes of its body.
    """

    status: int = 200
    body: bytes | str = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    hang: float = 0.0
    drip: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request that came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@contextmanager
def server(answer: Callable[[Call], Reply], *, tls: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[Call]]]:
    """Run a server on loopback that answers as it is told; gives its URL and the requests it got."""
    calls: list[Call] = []
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            call = Call(method=self.command, path=self.path, headers=headers, body=body)
            calls.append(call)
            reply = answer(call)
            over.wait(reply.hang)
            if reply.raw is not None:
                self.wfile.write(reply.raw)
                self.close_connection = True
                return
            body = reply.body.encode() if isinstance(reply.body, str) else reply.body
            self.send_response(reply.status)
            for name, value in {"content-length": str(len(body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            for piece in [body] if not reply.drip else [body[at : at + 1] for at in range(len(body))]:
                self.wfile.write(piece)
                over.wait(reply.drip)

        do_GET = do_POST = do_PUT = do_DELETE = _any  # noqa: N815  # the names are those of http.server

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """Say nothing: a client that goes away is part of the game."""

    running = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        running.socket = tls.wrap_socket(running.socket, server_side=True)
    thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{running.server_address[1]}", calls
    finally:
        over.set()
        running.shutdown()
        running.server_close()
        thread.join()


def commands_of_children() -> str:
    """Answer the command lines of the processes that this one has started and not buried."""
    found: list[str] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = stat.read_text(encoding="utf-8").rpartition(")")[2].split()[1]
            if int(parent) == os.getpid():
                found.append(stat.with_name("cmdline").read_text(encoding="utf-8"))
        except OSError:  # it ended while we looked
            continue
    return " ".join(found)
