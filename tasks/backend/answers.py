"""What a health endpoint's answer means, in any of the dialects backends speak. Pure: sends nothing, waits for nothing.

The dialects: `{status, services}` as FastAPI projects write it, Spring Actuator, ASP.NET (plain text and `entries`),
the expired draft of application/health+json, the plain `ok` of Kubernetes, and an empty 200 or 204.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from runner.task import Json

Status: TypeAlias = Literal["up", "degraded", "starting", "down", "unknown"]

_MEANT: Mapping[Status, tuple[str, ...]] = {
    "up": (
        *("ok", "up", "pass", "passed", "healthy", "alive", "ready", "running", "operational", "online", "connected"),
        *("available", "success", "true", "serving"),
    ),
    "degraded": ("warn", "warning", "degraded", "partial"),
    "starting": ("starting", "initializing", "pending"),
    "down": (
        *("fail", "failed", "error", "down", "unhealthy", "critical", "offline", "disconnected", "unavailable"),
        *("out_of_service", "not_ready", "not_serving", "false"),
    ),
}
WORDS: Mapping[str, Status] = {word: status for status, words in _MEANT.items() for word in words}
"""Words of health endpoints, in lower case with `_` between, and what they mean."""

WORST: tuple[Status, ...] = ("down", "starting", "unknown", "degraded", "up")
CONTAINERS = ("services", "checks", "components", "entries", "dependencies", "details")
LOOSE = ("database", "db", "cache", "redis", "storage", "queue")
"""Parts of a backend that some endpoints name beside their status, without a container."""
STATED = ("status", "state", "health", "healthy", "ok")
TRANSIENT = frozenset({408, 425, 429, *range(500, 600)})
LONGEST_WORDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: header names in lower case, at most the first MiB of the body, and seconds until it was there."""

    http_status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    """Nothing came back, or not all of it; `again`: it may be different the next time."""

    message: str
    again: bool
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One part of the backend: what its word means, the word as it was, and what else it said."""

    status: Status
    raw: str
    message: str = ""
    latency_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one answer means. `elsewhere`: this path is no health endpoint, another one may be."""

    status: Status
    services: Mapping[str, Service] = field(default_factory=dict)
    http_status: int | None = None
    version: str | None = None
    error: str | None = None
    again: bool = False
    elsewhere: bool = False


def meaning(reply: Answer | NoAnswer) -> Look:
    """Say what a reply means, whatever is required of it."""
    match reply:
        case NoAnswer(message=message, again=again):
            return Look(status="down" if again else "unknown", error=message, again=again)
        case Answer(http_status=code) if code in (404, 405):
            return Look(status="unknown", http_status=code, error=f"answered {code}", elsewhere=True)
        case Answer(http_status=code) if code in (401, 403):
            advice = "it wants credentials: give them as `headers`"
            return Look(status="unknown", http_status=code, error=f"answered {code}; {advice}")
        case Answer(http_status=code, headers=headers) if 300 <= code < 400:
            error = f"answered {code} and points to {headers.get('location', 'nowhere')}, which was not followed"
            return Look(status="unknown", http_status=code, error=error, elsewhere=True)
        case Answer():
            return _read(reply)


def status_of(value: Json) -> Status:
    """Say what a word, a truth or an object with a status means."""
    match value:
        case bool():
            return "up" if value else "down"
        case str():
            return WORDS.get(value.strip().lower().replace(" ", "_").replace("-", "_"), "unknown")
        case dict():
            stated = next((value[key] for key in STATED if isinstance(value.get(key), str | bool)), None)
            return status_of(stated) if stated is not None else _worst(_services(value).values())
        case list():
            return _worst([_service(each) for each in value])
        case _:
            return "unknown"


# -- the helpers -------------------------------------------------------------------------------------------------------


def _read(answer: Answer) -> Look:
    code, text = answer.http_status, answer.body.decode("utf-8", errors="replace").strip()
    good, again = 200 <= code < 300, answer.http_status in TRANSIENT
    if _is_page(answer, text):
        error = f"answered {code} with an HTML page, which says nothing about health"
        return Look(status="down" if again else "unknown", http_status=code, error=error, again=again, elsewhere=good)
    if not text:
        empty = None if good else f"answered {code}"
        return Look(status="up" if good else "down", http_status=code, error=empty, again=again)
    said = _said(text)
    services = _services(said) if isinstance(said, dict) else {}
    status = status_of(said)
    if not good:
        status = status if status in ("down", "starting") else "down"
    version = said.get("version") if isinstance(said, dict) else None
    return Look(
        status=status,
        services=services,
        http_status=code,
        version=str(version) if version is not None else None,
        error=_error(status, code, text, services),
        again=again or (good and status in ("down", "starting", "degraded")),
    )


def _said(text: str) -> Json:
    try:
        said: Json = json.loads(text)
    except (ValueError, RecursionError):  # a border: plain text is a dialect, too
        return text
    return said


def _is_page(answer: Answer, text: str) -> bool:
    kind = answer.headers.get("content-type", "").lower()
    return "text/html" in kind or text[:100].lower().startswith(("<!doctype html", "<html"))


def _services(said: Mapping[str, Any]) -> dict[str, Service]:
    found: dict[str, Service] = {}
    for container in CONTAINERS:
        inner = said.get(container)
        if isinstance(inner, dict):
            found.update({str(name): _service(each) for name, each in inner.items() if _tells(each)})
        elif isinstance(inner, list):
            named = [each for each in inner if isinstance(each, dict) and isinstance(each.get("name"), str)]
            found.update({each["name"]: _service(each) for each in named})
    if not found:
        found.update({name: _service(said[name]) for name in LOOSE if _tells(said.get(name))})
    return found


def _tells(value: Any) -> bool:
    """Answer whether a value says anything about a service; numbers and nulls, as in Spring's `details`, do not."""
    return isinstance(value, str | bool | list) or (isinstance(value, dict) and status_of(value) != "unknown")


def _service(value: Any) -> Service:
    raw, message, latency = value, "", None
    if isinstance(value, list) and value:
        value = max(value, key=lambda each: -WORST.index(status_of(each)))
        raw = value
    if isinstance(value, dict):
        raw = next((value[key] for key in STATED if isinstance(value.get(key), str | bool)), "")
        words = (value.get(key) for key in ("message", "error", "output", "description", "reason"))
        message = next((str(each) for each in words if each), "")
        taken = next(
            (value[key] for key in ("latency_ms", "latencyMs", "responseTime") if _is_number(value.get(key))), None
        )
        latency = None if taken is None else float(taken)
    return Service(status=status_of(value), raw=str(raw)[:LONGEST_WORDS], message=message[:500], latency_ms=latency)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _worst(services: Iterator[Service] | Any) -> Status:
    found = {each.status for each in services}
    return next((status for status in WORST if status in found), "unknown")


def _error(status: Status, code: int, text: str, services: Mapping[str, Service]) -> str | None:
    if status == "up":
        return None
    bad = {name: each for name, each in services.items() if each.status not in ("up", "unknown")}
    if bad:
        said = (
            f"{name} is {each.status}" + (f" ({each.message})" if each.message else "") for name, each in bad.items()
        )
        return f"answered {code}: {', '.join(said)}"
    if status == "unknown":
        return f"answered {code}, but what it said is no status we know: {text[:LONGEST_WORDS]}"
    return f"answered {code}: {text[:LONGEST_WORDS]}"
