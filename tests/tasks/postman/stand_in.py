"""A stand-in of the Postman API on loopback: the four calls we make, and the ways it fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.tasks.kit import Call, Reply, server

KEY = "PMAK-0123456789abcdef-stand-in"
COLLECTION = "12345678-6c2f2d0e-5d1b-4a57-9f5c-1f6c7f0b9a42"
ENVIRONMENT = "12345678-0f6a2a1e-4a65-4a0e-9d0e-2b6c5a0b7a11"
MISSING = "6c2f2d0e-0000-4a57-9f5c-1f6c7f0b9a42"
FORBIDDEN = "6c2f2d0e-1111-4a57-9f5c-1f6c7f0b9a42"
WORKSPACE = "6c2f2d0e-2222-4a57-9f5c-1f6c7f0b9a42"
SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"

Answer = Callable[[Call], Reply | None]


def said(status: int, name: str, message: str, **headers: str) -> Reply:
    """Make an error as most of Postman's are."""
    return Reply(status=status, body=json.dumps({"error": {"name": name, "message": message}}), headers=headers)


def collection(base: str = "{{base_url}}") -> dict[str, Any]:
    """Make a collection of one request that holds one assertion."""
    test = {"listen": "test", "script": {"exec": ["pm.test('answers 200', () => pm.response.to.have.status(200))"]}}
    item = {"name": "Ask", "request": {"method": "GET", "url": f"{base}/ask"}, "event": [test]}
    return {"info": {"name": "One", "schema": SCHEMA}, "item": [item]}


def standard(call: Call, found: dict[str, Any]) -> Reply:
    """Answer as Postman does: a wrong key is refused, a wrong id is not found, in different words."""
    if call.headers.get("x-api-key") != KEY:
        return said(401, "AuthenticationError", "Invalid API Key. Every request requires a valid API Key to be sent.")
    answers: dict[str, Any] = {
        "/me": {"user": {"id": 7, "username": "ada", "teamName": "Engines"}},
        f"/collections/{COLLECTION}": {"collection": found},
        f"/environments/{ENVIRONMENT}": {"environment": {"id": ENVIRONMENT, "name": "e", "values": []}},
        f"/workspaces/{WORKSPACE}": {"workspace": {"id": WORKSPACE, "name": "w"}},
    }
    path = call.path.partition("?")[0]
    if path in answers:
        return Reply(body=json.dumps(answers[path]), headers={"content-type": "application/json"})
    if FORBIDDEN in path:
        return said(403, "forbiddenError", "You do not have enough permissions to perform this action.")
    if "environments" in path:
        return said(400, "instanceNotFoundError", "We could not find the environment you are looking for")
    return said(404, "instanceNotFoundError", "We could not find the collection you are looking for")


@contextmanager
def postman(answer: Answer = lambda _: None, found: dict[str, Any] | None = None) -> Iterator[tuple[str, list[Call]]]:
    """Run the stand-in; `answer` may answer first, `found` is the collection it has."""
    with server(lambda call: answer(call) or standard(call, found or collection())) as (url, calls):
        yield url, calls
