"""The one place that asks a backend: one GET by httpx, bounded in time and size. Knows no meaning of an answer."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import TypeAlias
from urllib.parse import urljoin, urlsplit

import httpx

from tasks.backend.answers import Answer, NoAnswer

Send: TypeAlias = Callable[[str, float], Answer | NoAnswer]
"""Asks a URL within some seconds."""

CONNECT_TIMEOUT = 2.0
LARGEST_BODY = 1024 * 1024
REDIRECTS = 3


@contextmanager
def opened(headers: Mapping[str, str], *, insecure: bool = False, largest: int = LARGEST_BODY) -> Iterator[Send]:
    """Give a way to ask, over connections that are kept; of a body no more than `largest` bytes are read."""
    with httpx.Client(
        headers=httpx.Headers(dict(headers), encoding="utf-8"), follow_redirects=False, verify=not insecure
    ) as client:
        yield lambda url, timeout: ask(client, url, timeout, largest)


def ask(client: httpx.Client, url: str, timeout: float, largest: int = LARGEST_BODY) -> Answer | NoAnswer:
    """Ask once. A redirect is followed within the same host only: headers may hold credentials."""
    started = monotonic()
    if fault := _fault_of(url):
        return NoAnswer(message=f"{url} is no URL: {fault}", again=False)
    try:
        for _ in range(REDIRECTS):
            answer = _asked(client, url, started, timeout, largest)
            target = urljoin(url, answer.headers.get("location", "")) if 300 <= answer.http_status < 400 else url
            if target == url or not _same_host(url, target):
                return answer
            url = target
    except httpx.HTTPError as error:
        return _no_answer(error, monotonic() - started, timeout)
    except (httpx.InvalidURL, UnicodeError) as error:
        return NoAnswer(message=f"{url} is no URL: {error}", again=False)
    return answer


# -- the helpers -------------------------------------------------------------------------------------------------------


def _fault_of(url: str) -> str:
    """Say what httpx would only find out by asking a name server; "" if it is nothing."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        return str(error)
    return "there is a blank in its host" if any(each.isspace() for each in parts.netloc) else ""


def _asked(client: httpx.Client, url: str, started: float, timeout: float, largest: int) -> Answer:
    limits = httpx.Timeout(timeout, connect=min(CONNECT_TIMEOUT, timeout))
    with client.stream("GET", url, timeout=limits) as response:
        body = bytearray()
        for piece in response.iter_bytes():
            body += piece
            if len(body) >= largest:
                break
            if monotonic() - started > timeout:  # httpx limits each read, not the whole of them
                raise httpx.ReadTimeout("the answer did not end", request=response.request)
        headers = {name.lower(): value for name, value in response.headers.items()}
        seconds = monotonic() - started
        return Answer(http_status=response.status_code, headers=headers, body=bytes(body[:largest]), seconds=seconds)


def _same_host(url: str, target: str) -> bool:
    """Answer whether it is the same host and port, or the same host by https."""
    one, other = urlsplit(url), urlsplit(target)
    same = one.scheme == other.scheme and one.port == other.port
    return one.hostname == other.hostname and (same or (one.scheme == "http" and other.scheme == "https"))


def _no_answer(error: httpx.HTTPError, seconds: float, timeout: float) -> NoAnswer:
    match error:
        case httpx.ConnectTimeout():
            message = f"no connection within {min(CONNECT_TIMEOUT, timeout):g} s"
        case httpx.TimeoutException():
            message = f"no whole answer within {timeout:g} s"
        case httpx.ConnectError() if _is_tls(error):
            return NoAnswer(message=f"TLS: {error}", again=False, seconds=seconds)
        case httpx.ConnectError():
            message = f"no connection: {error}"
        case httpx.UnsupportedProtocol():
            return NoAnswer(message=str(error), again=False, seconds=seconds)
        case _:
            message = f"the connection broke off: {error or type(error).__name__}"
    return NoAnswer(message=message, again=True, seconds=seconds)


def _is_tls(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
