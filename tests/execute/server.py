"""A server that can be as unwell as a test wants; standard library only, so that it starts at once."""

from __future__ import annotations

import argparse
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import FrameType


class Handler(BaseHTTPRequestHandler):
    """Answers well, badly, half, or not at all, by the path."""

    unwell = 0
    looks = 0

    def do_GET(self) -> None:
        """Answer."""
        match self.path.partition("?")[0]:
            case "/health":
                Handler.looks += 1
                self._answer(503 if Handler.looks <= Handler.unwell else 200, "well")
            case "/count":
                self._answer(200, str(Handler.looks))
            case "/moved":
                self._answer(302, "elsewhere")
            case "/half":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            case "/garbage":
                self.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n")
            case "/nothing":
                pass
            case _:
                self._answer(404, "missing")

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
        """Say nothing."""


def _bye(_number: int, _frame: FrameType | None) -> None:
    print("ended by SIGTERM", flush=True)
    sys.exit(0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    parser.add_argument("--unwell", type=int, default=0)
    parser.add_argument("--says", default="")
    options = parser.parse_args()
    Handler.unwell = options.unwell
    if options.says:
        print(options.says, flush=True)
    signal.signal(signal.SIGTERM, _bye)
    HTTPServer(("127.0.0.1", options.port), Handler).serve_forever()
