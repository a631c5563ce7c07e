from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from pydantic import SecretStr

from tasks.postman.client import PostmanPowerClient
from tasks.postman.config_model import PostmanConfig
from tasks.postman.mcp import McpTransport, fault_in
from tasks.postman.transport import Fault, PowerError
from tests.tasks.kit import commands_of_children
from tests.tasks.npm import package
from tests.tasks.postman.stand_in import COLLECTION, ENVIRONMENT, FORBIDDEN, KEY, MISSING, collection, postman

ERRORS = {
    "MCP error -32603: API request failed: 404": (Fault.NOT_FOUND, 404),
    'MCP error -32602: API request failed: 401 {"error": {"name": "AuthenticationError"}}': (Fault.KEY_REFUSED, 401),
    'API request failed: 403 {"error": {"name": "forbiddenError", "message": "no"}}': (Fault.NOT_PERMITTED, 403),
    "MCP error -32603: API request failed: 429": (Fault.RATE_LIMITED, 429),
    'API request failed: 429 {"error": "serviceLimitExhausted"}': (Fault.QUOTA, 429),
    "The environment was not found": (Fault.NOT_FOUND, None),
    "Invalid arguments for tool": (Fault.REFUSED, None),
}


@pytest.mark.parametrize("text", ERRORS)
def test_a_tools_error_text_is_told_apart(text: str) -> None:
    """An error is a normal result with a text; its status says what it means."""
    error = fault_in(text, "it")

    assert ERRORS[text] == (error.fault, error.status)


def test_without_a_key_nothing_is_started() -> None:
    """The server would end at once without one."""
    with pytest.raises(PowerError) as caught:
        McpTransport(None, server="local", environ={}).open()

    assert Fault.NO_KEY is caught.value.fault


@pytest.fixture(scope="module")
def installed() -> Path:
    """Answer Postman's own MCP server, as npm has it."""
    return package("@postman/postman-mcp-server", "2.13.0")


def environ(url: str, key: str = KEY) -> dict[str, str]:
    """Answer an environment that points the server at the stand-in."""
    return {**os.environ, "POSTMAN_API_BASE_URL": url, "POSTMAN_API_KEY": key}


@pytest.mark.real
def test_postmans_own_server_over_stdio(installed: Path) -> None:
    """It says who it is and what it offers, and fetches whole collections; its errors are errors."""
    with postman() as (url, calls):
        config = PostmanConfig(collection_id=COLLECTION, environment_id=ENVIRONMENT)
        client = PostmanPowerClient(config, transport="mcp", mcp_server=str(installed), environ=environ(url))
        with client:
            power = client.activate_power()
            fetched = client.get_collection(), client.get_environment()
            faults = {}
            for each in (MISSING, FORBIDDEN):
                with pytest.raises(PowerError) as caught:
                    client.get_collection(each)
                faults[each] = caught.value.fault

    assert ("mcp", "@postman/postman-mcp-server", "2.13.0", "ada", "Engines") == (
        power.transport,
        power.server,
        power.version,
        power.user,
        power.team,
    )
    assert {"getCollection", "getEnvironment", "runCollection"} <= set(power.tools)
    assert collection() == fetched[0]
    assert fetched[1] is not None
    assert "e" == fetched[1]["name"]
    assert {MISSING: Fault.NOT_FOUND, FORBIDDEN: Fault.NOT_PERMITTED} == faults
    assert {KEY} == {call.headers["x-api-key"] for call in calls}


@pytest.mark.real
def test_a_wrong_key_is_refused_over_stdio_and_the_server_is_gone(installed: Path) -> None:
    """The key is not in the message."""
    wrong = "PMAK-wrong-but-well-formed"
    with postman() as (url, _):
        opened = McpTransport(SecretStr(wrong), server=str(installed), environ=environ(url, wrong))
        with closing(opened), pytest.raises(PowerError) as caught:
            opened.open()

    assert Fault.KEY_REFUSED is caught.value.fault
    assert wrong not in str(caught.value)
    assert "postman-mcp-server" not in commands_of_children()


@contextmanager
def hosted(*tools: str) -> Iterator[str]:
    """Run an MCP server over streamable HTTP that offers some tools and wants the key as a bearer; gives its URL."""
    from mcp.server.mcpserver import MCPServer

    server = MCPServer("hosted stand-in")

    def get_user() -> str:
        return json.dumps({"user": {"username": "ada"}})

    def get_collection(collectionId: str, model: str) -> str:  # noqa: N803  # the names are Postman's
        return json.dumps({"collection": {**collection(), "asked": [collectionId, model]}})

    functions: dict[str, Any] = {
        "getAuthenticatedUser": get_user,
        "getCollection": get_collection,
        "getEnvironment": get_user,
    }
    for name in tools:
        server.add_tool(functions[name], name=name)
    inner = server.streamable_http_app()

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        headers = dict(scope.get("headers") or [])
        if scope["type"] == "http" and headers.get(b"authorization") != f"Bearer {KEY}".encode():
            await send({"type": "http.response.start", "status": 401, "headers": []})
            await send({"type": "http.response.body", "body": b"{}"})
            return
        await inner(scope, receive, send)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = uvicorn.Server(uvicorn.Config(guarded, log_level="error"))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
        running.should_exit = True
        thread.join(timeout=10)


@pytest.mark.real
def test_a_hosted_server_is_asked_with_a_bearer_key() -> None:
    """For the whole of a collection: without `model: full` it would answer a map."""
    with hosted("getAuthenticatedUser", "getCollection", "getEnvironment") as url:
        opened = McpTransport(SecretStr(KEY), server=url, environ={})
        with closing(opened):
            offer = opened.open()
            fetched = opened.collection(COLLECTION)

    assert ("hosted stand-in", "ada") == (offer.server, offer.user)
    assert [COLLECTION, "full"] == fetched["asked"]


@pytest.mark.real
def test_each_way_of_not_getting_in_is_told_apart() -> None:
    """A missing tool, a refused key, nobody there, no such server."""
    told = {}
    with hosted("getAuthenticatedUser", "getEnvironment") as url:
        asked = {
            "tool": (url, KEY),
            "key": (url, "PMAK-wrong-but-well-formed"),
            "nobody": ("http://127.0.0.1:1/mcp", KEY),
        }
        asked |= {"clear": ("http://mcp.postman.test/mcp", KEY), "gone": ("/nonexistent/server.js", KEY)}
        for name, (server, key) in asked.items():
            opened = McpTransport(SecretStr(key), server=server, environ=os.environ)
            with closing(opened), pytest.raises(PowerError) as caught:
                opened.open()
            told[name] = caught.value.fault

    assert {
        "tool": Fault.TOOL_MISSING,
        "key": Fault.KEY_REFUSED,
        "nobody": Fault.UNREACHABLE,
        "clear": Fault.UNREACHABLE,
        "gone": Fault.UNREACHABLE,
    } == told
