"""A shop that holds its orders in memory, so that each folder of the collection has something of its own to verify."""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

PRICES = {"apple": 30, "pear": 40, "plum": 10}
ORDERS: dict[str, dict[str, Any]] = {}
NUMBERS = count(1)


class Shop(BaseHTTPRequestHandler):
    """Answers prices, and takes, shows and forgets orders."""

    def do_GET(self) -> None:
        """Answer all prices, one of them, or an order."""
        kind, _, name = self.path.strip("/").partition("/")
        found = {"prices": PRICES, "orders": ORDERS}.get(kind, {})
        self._answer(200 if not name or name in found else 404, found.get(name) if name else found)

    def do_POST(self) -> None:
        """Take an order."""
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        order["id"] = f"o{next(NUMBERS)}"
        ORDERS[order["id"]] = order
        self._answer(201, order)

    def do_DELETE(self) -> None:
        """Forget an order."""
        gone = ORDERS.pop(self.path.rpartition("/")[2], None)
        self._answer(204 if gone else 404, None)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the names are the library's
        """Say nothing of requests."""

    def _answer(self, status: int, data: Any) -> None:
        body = b"" if status == 204 else json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Shop).serve_forever()
