"""The transport `mcp`: Postman's tools by the Model Context Protocol, over stdio or HTTP. Knows no collection.

Theory of operation. The official SDK is asynchronous and heavy (more than a second to import), so it is imported here
and late, and runs in an event loop of its own thread (anyio's portal) that lives from `open` to `close`. Collections
are only fetched: the server's own `runCollection` is no verdict (failed tests come back without an error, script errors
are invisible, and it uploads headers and bodies), and the hosted server does not offer it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from tasks.postman.api import guard, without_key
from tasks.postman.replies import Reply, body_of, fault_of
from tasks.postman.transport import Fault, Offer, PowerError

HOSTED = "https://mcp.postman.com/minimal"
PACKAGE = "@postman/postman-mcp-server@2.13.0"
NEEDED = ("getAuthenticatedUser", "getCollection", "getEnvironment")
TIMEOUT = 120.0
"""Seconds for one answer; the first `npx` on a machine downloads the package."""

PASSED = ("PATH", "HOME", "POSTMAN_API_BASE_URL", "HTTPS_PROXY", "NODE_EXTRA_CA_CERTS", "XDG_CACHE_HOME")
"""What a server that we start may know of our environment, beside the key."""


class McpTransport:
    """Postman's MCP server: `server` is `local` (npx), `hosted`, a URL, or the path of an installed server."""

    def __init__(self, key: SecretStr | None, *, server: str, environ: Mapping[str, str]) -> None:
        self._key, self._server, self._environ = key, server or "local", environ
        self._stack = ExitStack()
        self._client: Any = None
        self._portal: Any = None
        self._refused: int | None = None

    def open(self) -> Offer:
        """Connect, see that the tools we need are there, and authenticate.

        Raises:
            PowerError: no key, key refused, not permitted, endpoint unreachable, tool missing.

        """
        if self._key is None:
            raise PowerError(Fault.NO_KEY, "put a key of the Postman API into POSTMAN_API_KEY")
        self._connect(self._key.get_secret_value())
        info = self._client.server_info
        tools = self._tools()
        missing = [name for name in NEEDED if name not in tools]
        if missing:
            message = f"{self._server} does not offer {', '.join(missing)}; it offers {len(tools)} others"
            raise PowerError(Fault.TOOL_MISSING, message)
        user = _inner(self._called("getAuthenticatedUser", {}, "the key's owner"), "user")
        return Offer(
            server=info.name if info else self._server,
            version=info.version if info else "",
            user=str(user.get("username") or user.get("id") or ""),
            team=str(user.get("teamName") or ""),
            tools=tuple(sorted(tools)),
        )

    def collection(self, collection_id: str) -> dict[str, Any]:
        """Answer a collection (v2.1); without `model: full` the server answers a map without requests.

        Raises:
            PowerError: it could not be had.

        """
        arguments = {"collectionId": collection_id, "model": "full"}
        return _inner(self._called("getCollection", arguments, f"collection {collection_id}"), "collection")

    def environment(self, environment_id: str) -> dict[str, Any]:
        """Answer an environment.

        Raises:
            PowerError: it could not be had.

        """
        found = self._called("getEnvironment", {"environmentId": environment_id}, f"environment {environment_id}")
        return _inner(found, "environment")

    def close(self) -> None:
        """End the session, the server that was started, and the event loop."""
        self._client = None
        self._stack.close()

    # -- the helpers -----------------------------------------------------------------------------------------------

    def _connect(self, key: str) -> None:
        try:
            from anyio.from_thread import start_blocking_portal  # noqa: PLC0415  # heavy, and only this transport needs it
            from mcp import Client  # noqa: PLC0415  # the same
        except ImportError as error:
            message = f"the extra `mcp` is not installed ({error}): `pip install 'taskgraph-runner[mcp]'`"
            raise PowerError(Fault.TOOL_MISSING, message) from None
        self._portal = self._stack.enter_context(start_blocking_portal())
        client = Client(self._endpoint(key), read_timeout_seconds=TIMEOUT, mode="legacy")
        try:
            self._client = self._stack.enter_context(self._portal.wrap_async_context_manager(client))
        except Exception as error:  # noqa: BLE001  # a border: whatever the SDK, the server or the network raises
            raise self._unreachable(error) from None

    def _endpoint(self, key: str) -> Any:
        """Answer what the SDK connects to: parameters of a process, or a client of a URL."""
        from mcp.client.stdio import StdioServerParameters  # noqa: PLC0415  # heavy, and only this transport needs it
        from mcp.client.streamable_http import streamable_http_client  # noqa: PLC0415  # the same

        url = HOSTED if self._server == "hosted" else self._server
        if "://" in url:
            from httpx2 import AsyncClient, Timeout  # noqa: PLC0415  # what the SDK sends with

            guard(url)
            headers, hooks = {"Authorization": f"Bearer {key}"}, {"response": [self._note]}
            sender = AsyncClient(headers=headers, timeout=Timeout(TIMEOUT), event_hooks=hooks)
            self._stack.callback(self._portal.call, sender.aclose)  # the SDK closes only a sender of its own
            return streamable_http_client(url, http_client=sender)
        command = ["npx", "-y", PACKAGE] if self._server == "local" else ["node", _main_of(Path(self._server))]
        passed = {name: self._environ[name] for name in PASSED if name in self._environ}
        env = {**passed, "POSTMAN_API_KEY": key}
        return StdioServerParameters(command=command[0], args=[*command[1:], "--quiet"], env=env)

    async def _note(self, response: Any) -> None:
        """Keep the status of a refusal: the SDK says only that there was one."""
        if response.request.method == "POST":  # the stream of notifications is a GET that a server may refuse
            self._refused = response.status_code if response.status_code >= 400 else None

    def _tools(self) -> list[str]:
        try:
            return [tool.name for tool in self._portal.call(self._client.list_tools).tools]
        except Exception as error:  # noqa: BLE001  # a border: whatever the SDK, the server or the network raises
            raise self._unreachable(error) from None

    def _called(self, tool: str, arguments: dict[str, Any], what: str) -> dict[str, Any]:
        """Call a tool; what it says is one text, which is JSON unless something went wrong."""
        try:
            result = self._portal.call(self._client.call_tool, tool, arguments)
        except Exception as error:  # noqa: BLE001  # a border: whatever the SDK, the server or the network raises
            raise self._unreachable(error) from None
        text = "".join(block.text for block in result.content if hasattr(block, "text"))
        if result.is_error:
            raise fault_in(without_key(text, self._key), what)
        return body_of(Reply(status=200, headers={}, body=text), what)

    def _unreachable(self, error: BaseException) -> PowerError:
        inner = _innermost(error)
        if self._refused is not None:
            return fault_of(
                Reply(status=self._refused, headers={}, body=""), f"a session with the MCP server {self._server}"
            )
        hint = "; it needs Node 20 and npx" if isinstance(inner, FileNotFoundError) else ""
        words = without_key(f"the MCP server {self._server}: {inner or type(inner).__name__}{hint}", self._key)
        return PowerError(Fault.UNREACHABLE, words)


def fault_in(text: str, what: str) -> PowerError:
    """Say what a tool's error text means: `API request failed: 404`, sometimes with the body behind it."""
    status = re.search(r"API request failed: (\d{3})", text)
    if status is None:
        missing = "not found" in text.lower()
        return PowerError(
            Fault.NOT_FOUND if missing else Fault.REFUSED, f"{what}: {' '.join(text.split())[:300]}", body=text
        )
    start = text.find("{", status.end())
    return fault_of(Reply(status=int(status[1]), headers={}, body=text[start:] if start >= 0 else ""), what)


def _main_of(path: Path) -> str:
    """Answer the script of an installed server: a file, or the package's folder."""
    return str(path / "dist" / "src" / "index.js") if path.is_dir() else str(path)


def _innermost(error: BaseException) -> BaseException:
    """Answer the error inside of the groups that tasks of an event loop wrap it in."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _inner(found: dict[str, Any], name: str) -> dict[str, Any]:
    inner = found.get(name)
    return inner if isinstance(inner, dict) else found
