"""The transport `api`: the Postman API over HTTPS. The one place that sends to it; knows no collection."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr
from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_attempt

from tasks.postman.replies import ATTEMPTS, Reply, body_of, is_transient, wait_before
from tasks.postman.transport import Fault, Offer, PowerError

API_URL = "https://api.getpostman.com"
URL_VARIABLE = "POSTMAN_API_BASE_URL"
"""The same variable that Postman's own MCP server reads."""

TOOLS = ("getAuthenticatedUser", "getWorkspace", "getCollection", "getEnvironment")
TIMEOUT, CONNECT_TIMEOUT, LONGEST = 30.0, 5.0, 120.0
LARGEST_BODY = 256 * 1024 * 1024


class ApiTransport:
    """Calls of the Postman API with one key; `sleep` and `jitter` stand in for time and chance."""

    def __init__(
        self,
        key: SecretStr | None,
        *,
        url: str = API_URL,
        workspace_id: str | None = None,
        sleep: Callable[[float], None] = sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._key, self._url, self._workspace_id = key, url.rstrip("/"), workspace_id
        self._sleep, self._jitter = sleep, jitter
        self._client: httpx.Client | None = None

    def open(self) -> Offer:
        """Authenticate, and see the workspace if one is configured.

        Raises:
            PowerError: no key, key refused, not permitted, endpoint unreachable.

        """
        if self._key is None:
            raise PowerError(Fault.NO_KEY, "put a key of the Postman API into POSTMAN_API_KEY")
        key = self._key.get_secret_value().strip()
        if not key.isascii() or not key.isprintable() or " " in key:
            raise PowerError(Fault.KEY_REFUSED, "the key holds a blank or a character that no key has")
        guard(self._url)
        limits = httpx.Timeout(TIMEOUT, connect=CONNECT_TIMEOUT)
        self._client = httpx.Client(base_url=self._url, headers={"X-API-Key": key}, timeout=limits)
        user = self._get("/me", "the key's owner").get("user")
        if not isinstance(user, Mapping):
            raise PowerError(
                Fault.BAD_ANSWER, f"the key's owner: {self._url}/me names no user; is this the Postman API?"
            )
        if self._workspace_id is not None:
            self._get(f"/workspaces/{self._workspace_id}", f"workspace {self._workspace_id}")
        return Offer(
            server=self._url,
            version="v10",
            user=str(user.get("username") or user.get("id") or ""),
            team=str(user.get("teamName") or user.get("teamDomain") or ""),
            tools=TOOLS,
        )

    def collection(self, collection_id: str) -> dict[str, Any]:
        """Answer a collection (v2.1).

        Raises:
            PowerError: it could not be had.

        """
        return self._inner(f"/collections/{collection_id}", f"collection {collection_id}", "collection")

    def environment(self, environment_id: str) -> dict[str, Any]:
        """Answer an environment.

        Raises:
            PowerError: it could not be had.

        """
        return self._inner(f"/environments/{environment_id}", f"environment {environment_id}", "environment")

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    # -- the helpers -----------------------------------------------------------------------------------------------

    def _inner(self, path: str, what: str, name: str) -> dict[str, Any]:
        found = self._get(path, what).get(name)
        if not isinstance(found, dict):
            raise PowerError(Fault.BAD_ANSWER, f"{what}: the answer has no `{name}` in it")
        return found

    def _get(self, path: str, what: str) -> dict[str, Any]:
        """Ask, and ask again where that may help."""
        retrying = Retrying(
            retry=retry_if_result(_may_help),
            stop=stop_after_attempt(ATTEMPTS),
            wait=self._wait,
            sleep=self._sleep,
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )
        reply: Reply | PowerError = retrying(self._once, path, what)
        if isinstance(reply, PowerError):
            raise reply
        return body_of(reply, what)

    def _wait(self, state: RetryCallState) -> float:
        last = state.outcome.result() if state.outcome else None
        reply = last if isinstance(last, Reply) else None
        return wait_before(state.attempt_number, reply, self._jitter(), datetime.now(UTC))

    def _once(self, path: str, what: str) -> Reply | PowerError:
        assert self._client is not None, "opened before it is asked"
        started, body = monotonic(), bytearray()
        try:
            with self._client.stream("GET", path) as response:
                for piece in response.iter_bytes():
                    body += piece
                    if len(body) > LARGEST_BODY:
                        return PowerError(
                            Fault.BAD_ANSWER, f"{what}: the answer is larger than {LARGEST_BODY >> 20} MiB"
                        )
                    if monotonic() - started > LONGEST:  # each read has a limit of its own, the whole of them had none
                        return PowerError(Fault.UNREACHABLE, f"{what}: no whole answer within {LONGEST:.0f} s")
                headers = {name.lower(): value for name, value in response.headers.items()}
                text = body.decode("utf-8", errors="replace")
                shown = text if response.status_code == 200 else without_key(text, self._key)
                return Reply(status=response.status_code, headers=headers, body=shown)
        except httpx.HTTPError as error:  # a border: the network
            words = str(error) or type(error).__name__
            return PowerError(Fault.UNREACHABLE, f"{what}: {self._url} did not answer: {words}")


def without_key(text: str, key: SecretStr | None) -> str:
    """Take the key out of what Postman says of a fault: it is told to people, and a key from a file nobody masks."""
    return text if key is None else text.replace(key.get_secret_value().strip(), "***")


def guard(url: str) -> None:
    """Refuse to send a key where everybody on the way can read it."""
    parts = urlsplit(url)
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise PowerError(Fault.UNREACHABLE, f"{url} is not https; a key is sent in the clear to this machine only")


def _may_help(reply: Reply | PowerError) -> bool:
    return is_transient(reply) if isinstance(reply, Reply) else reply.fault is Fault.UNREACHABLE
