"""What an answer of the Postman API means, and how long to wait before asking again. Pure: sends nothing.

Sources: Postman's documentation of limits and its TypeScript SDK (3 attempts, 150 ms doubled up to 5 s, 50 ms of
jitter, a delay asked for honoured up to 60 s), and bodies seen in practice. They are not uniform: `{error: {name,
message}}`, problem-style `{type, title, detail}`, and a text as `error`; 400 may mean not found.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from tasks.postman.json_text import NotJson, parse
from tasks.postman.transport import Fault, PowerError

ATTEMPTS = 3
FIRST_WAIT, LONGEST_WAIT, JITTER, LONGEST_ASKED = 0.15, 5.0, 0.05, 60.0
TRANSIENT = frozenset({408, 429, *range(500, 600)})
QUOTA = "serviceLimitExhausted"
DELAYS = ("retry-after", "retryafter", "x-ratelimit-retryafter")
"""Headers that say how many seconds to wait; which of them is sent varies."""

RESETS = ("ratelimit-reset", "x-ratelimit-reset")
"""Headers that say how many seconds there are until a limit is lifted. They come with good answers, too."""

LIMITED = frozenset({429, 503})
"""Where a limit is what was met, and not an answer that happens to tell of one."""

A_DAY = 86_400
"""More than that is no delay but a moment, seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer: header names in lower case, the body as text."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """What an error body says: a name, and a sentence."""

    name: str = ""
    message: str = ""

    def __str__(self) -> str:
        return ": ".join(each for each in (self.name, self.message) if each) or "it gave no reason"


def body_of(reply: Reply, what: str) -> dict[str, Any]:
    """Answer the body of a good answer.

    Raises:
        PowerError: the answer is not good, or not what it should be.

    """
    if reply.status != 200:
        raise fault_of(reply, what)
    if "text/html" in reply.headers.get("content-type", ""):
        message = f"{what}: an HTML page came instead of JSON; is something between us and Postman, such as a proxy?"
        raise PowerError(Fault.BAD_ANSWER, message, status=200, body=reply.body)
    try:
        found = parse(reply.body)
    except NotJson as error:
        message = (
            f"{what}: the answer is not JSON: {error.message} (line {error.place.line}, column {error.place.column})"
        )
        raise PowerError(Fault.BAD_ANSWER, message, status=200, body=reply.body) from None
    if not isinstance(found, dict):
        raise PowerError(Fault.BAD_ANSWER, f"{what}: the answer is no JSON object", status=200, body=reply.body)
    return found


def fault_of(reply: Reply, what: str) -> PowerError:
    """Say what an answer that is not good means, and what to do."""
    reason = reason_of(reply.body)
    fault, advice = _meaning(reply.status, reason, reply.headers)
    message = f"asked for {what}, Postman answered {reply.status}, {reason}" + (f"; {advice}" if advice else "")
    return PowerError(fault, message, status=reply.status, body=reply.body)


def reason_of(body: str) -> Reason:
    """Read an error body of any form; what is no JSON has no name."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):  # a border: proxies answer in whatever form they like
        return Reason(message=_short(body) if not body.lstrip().startswith("<") else "an HTML page")
    if not isinstance(found, dict):
        return Reason(message=_short(body))
    error = found.get("error")
    inner = error if isinstance(error, dict) else found
    name = error if isinstance(error, str) else inner.get("name") or inner.get("type") or inner.get("code")
    message = inner.get("message") or inner.get("detail") or inner.get("title") or inner.get("error_description")
    return Reason(name=_short(str(name or "")), message=_short(str(message or "")))


def is_transient(reply: Reply) -> bool:
    """Answer whether asking again may help; a used-up quota stays used up until the next month."""
    return reply.status in TRANSIENT and reason_of(reply.body).name != QUOTA


def wait_before(attempt: int, reply: Reply | None, jitter: float, now: datetime) -> float:
    """Answer the seconds to wait after the `attempt`-th attempt; `jitter` is between 0 and 1."""
    asked = _asked(reply, now) if reply is not None else None
    if asked is not None:
        return min(LONGEST_ASKED, asked)
    return min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** (attempt - 1)) + JITTER * jitter


# -- the helpers -------------------------------------------------------------------------------------------------------


def _asked(reply: Reply, now: datetime) -> float | None:
    """Answer the seconds that the headers ask for; None if they ask for nothing that can be read."""
    headers = reply.headers
    names = DELAYS + (RESETS if reply.status in LIMITED else ())
    seconds = [found for name in names if (found := _seconds(headers.get(name, ""), now)) is not None]
    if not seconds and reply.status in LIMITED:
        # `limit=300, remaining=0, reset=12`, or `"default";r=0;t=12`, as the drafts of RateLimit had it
        reset = re.search(r"\b(?:reset|t)=(\d+)", headers.get("ratelimit", ""))
        seconds = [float(reset[1])] if reset else []
    return seconds[0] if seconds else None


def _seconds(text: str, now: datetime) -> float | None:
    text = text.strip()
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return float(text) if float(text) < A_DAY else None
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds()) if text else None
    except (ValueError, TypeError):  # a border: what a server writes there is not ours
        return None


def _meaning(status: int, reason: Reason, headers: Mapping[str, str]) -> tuple[Fault, str]:
    missing = "notfound" in reason.name.lower() or "not found" in reason.message.lower()
    match status:
        case 401:
            return Fault.KEY_REFUSED, "make a new key in Postman's settings and put it into POSTMAN_API_KEY"
        case 403:
            return Fault.NOT_PERMITTED, "the key's owner may not do this, or the plan or region does not offer it"
        case 404:
            return Fault.NOT_FOUND, "is the id right, and may the key's owner see it?"
        case 400 if missing:
            return Fault.NOT_FOUND, "is the id right, and may the key's owner see it?"
        case 429 if reason.name == QUOTA:
            return Fault.QUOTA, "the month's calls of this team are used up; wait, or export to files and use them"
        case 429:
            return Fault.RATE_LIMITED, "ask less often"
        case _ if 300 <= status < 400:
            where = headers.get("location", "nowhere")
            return (
                Fault.UNREACHABLE,
                f"it points to {where}, which is not followed with a key; is the URL of the API right?",
            )
        case _ if status >= 500:
            return Fault.SERVER, "it is on Postman's side; try again later"
        case _:
            return Fault.REFUSED, ""


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 200 else text[:197] + "..."
