"""Asking until the backend is well, cannot become so, or the patience is over. Knows no dialect and no socket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import Random

from tenacity import RetryCallState, Retrying, retry_if_result

from tasks.backend.answers import Answer, Look, NoAnswer, Service, Status, meaning
from tasks.backend.http import Send

PATHS = (
    *("/health", "/healthz", "/api/health", "/health/ready", "/ready", "/readyz"),
    *("/actuator/health", "/api/v1/health"),
)
"""Where a health endpoint is looked for when no path is given, in this order."""

FIRST_WAIT, FACTOR, LONGEST_WAIT = 0.5, 2.0, 8.0
SHORTEST_TIMEOUT = 0.1
LONGEST_HISTORY = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked: `urls` are tried in order until one is a health endpoint.

    Well is `up` (or `degraded`, unless `strict`) with every service of `required` up.
    """

    urls: tuple[str, ...]
    required: tuple[str, ...] = ()
    strict: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to go on: seconds in all, attempts in all, seconds for each. `seed` None is chance."""

    max_wait: float = 30.0
    attempts: int = 5
    timeout: float = 5.0
    jitter: bool = True
    seed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Time:
    """Where time comes from and goes to; both in seconds."""

    clock: Callable[[], float]
    sleep: Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question and what came of it; `at` is seconds since the first."""

    at: float
    attempt: int
    url: str
    http_status: int | None
    status: Status
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """How the backend is. `latency_ms` is that of the last answer, `waited_s` what was slept between attempts."""

    status: Status
    healthy: bool
    url: str
    http_status: int | None
    latency_ms: float
    attempts: int
    waited_s: float
    services: Mapping[str, Service] = field(default_factory=dict)
    version: str | None = None
    error: str | None = None
    history: tuple[Asked, ...] = ()


def until_over(question: Question, patience: Patience, time: Time, send: Send) -> HealthReport:
    """Ask, and ask again."""
    return _Looking(question, patience, time).until_over(send)


def required_of(look: Look, question: Question) -> Look:
    """Hold what was seen against what is required."""
    if look.status not in ("up", "degraded"):
        return look
    services = look.services
    bad = [
        f"{name} is {services[name].status}"
        for name in question.required
        if name in services and services[name].status != "up"
    ]
    missing = [f"{name} is not mentioned" for name in question.required if name not in services]
    if bad or missing:
        error = f"required: {', '.join(bad + missing)}"
        return replace(look, status="down" if bad else "unknown", error=error, again=bool(bad))
    return replace(look, again=look.status == "degraded" and question.strict)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read Retry-After, seconds or a date (RFC 9110, 10.2.3); None if there is none that can be read."""
    text = headers.get("retry-after", "").strip()
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds()) if text else None
    except (ValueError, TypeError):  # a border: what a server writes there is not ours
        return None


class _Looking:
    """The state of one check: which paths are left, what was seen, when it began."""

    def __init__(self, question: Question, patience: Patience, time: Time) -> None:
        self._question, self._patience, self._time = question, patience, time
        self._urls = list(question.urls)
        self._random = Random(patience.seed)  # noqa: S311  # it spreads load, it guards nothing
        self._started = time.clock()
        self._waited = 0.0
        self._attempt = 0
        self._asked: list[Asked] = []
        self._last: Answer | NoAnswer = NoAnswer(message="not asked", again=False)

    def until_over(self, send: Send) -> HealthReport:
        retrying = Retrying(
            retry=retry_if_result(lambda found: found.again),
            stop=lambda state: state.attempt_number >= self._patience.attempts or self._left() <= 0,
            wait=self._wait,
            sleep=self._rest,
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )
        return self._report(retrying(self._walk, send))

    def _walk(self, send: Send) -> Look:
        """Ask the paths that are left until one is a health endpoint; those that are none are not asked again."""
        self._attempt += 1
        while True:
            look = self._ask(send, self._urls[0])
            if not look.elsewhere or len(self._urls) == 1:
                return look
            self._urls.pop(0)

    def _ask(self, send: Send, url: str) -> Look:
        self._last = send(url, max(SHORTEST_TIMEOUT, min(self._patience.timeout, self._left())))
        look = required_of(meaning(self._last), self._question)
        asked = Asked(
            at=round(self._time.clock() - self._started, 3),
            attempt=self._attempt,
            url=url,
            http_status=look.http_status,
            status=look.status,
            message=look.error or "",
        )
        self._asked.append(asked)
        return look

    def _wait(self, state: RetryCallState) -> float:
        longest = min(LONGEST_WAIT, FIRST_WAIT * FACTOR ** (state.attempt_number - 1))
        wait = self._random.uniform(0, longest) if self._patience.jitter else longest
        if isinstance(self._last, Answer):
            asked = retry_after(self._last.headers, datetime.now(UTC))
            wait = wait if asked is None else asked
        return min(wait, self._left())

    def _rest(self, seconds: float) -> None:
        self._waited += seconds
        self._time.sleep(seconds)

    def _left(self) -> float:
        return max(0.0, self._patience.max_wait - (self._time.clock() - self._started))

    def _report(self, look: Look) -> HealthReport:
        return HealthReport(
            status=look.status,
            healthy=look.status == "up" or (look.status == "degraded" and not self._question.strict),
            url=self._urls[0],
            http_status=look.http_status,
            latency_ms=round(self._last.seconds * 1000, 1),
            attempts=self._attempt,
            waited_s=round(self._waited, 3),
            services=dict(look.services),
            version=look.version,
            error=self._not_found() if look.elsewhere and len(self._question.urls) > 1 else look.error,
            history=tuple(self._asked[-LONGEST_HISTORY:]),
        )

    def _not_found(self) -> str:
        tried: dict[str, list[str]] = {}
        for each in self._asked:
            tried.setdefault(each.message, []).append("/" + each.url.partition("://")[2].partition("/")[2])
        said = "; ".join(f"{', '.join(dict.fromkeys(paths))} {message}" for message, paths in tried.items())
        return f"no health endpoint was found, give its `path`: {said}"
