"""The task `health`: asks a backend how it is, and writes one check for the whole and one for each service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import monotonic, sleep

from runner.task import Check, Context, Verdict
from tasks.backend.http import Send, opened
from tasks.backend.looking import PATHS, HealthReport, Patience, Question, Time, until_over

__all__ = ["HealthReport", "check", "check_backend_health", "rows"]


def check_backend_health(
    base_url: str,
    path: str | None = None,
    required_services: Sequence[str] = (),
    *,
    strict: bool = False,
    max_wait: float = 30.0,
    attempts: int = 5,
    timeout: float = 5.0,
    headers: Mapping[str, str] | None = None,
    insecure: bool = False,
    jitter: bool = True,
    seed: int | None = None,
    send: Send | None = None,
    sleep: Callable[[float], None] = sleep,
    clock: Callable[[], float] = monotonic,
) -> HealthReport:
    """Ask until the backend is well, cannot become so, or the patience is over; times are seconds.

    Well is `up` (or `degraded`, unless `strict`) with every required service up. Without a path the usual ones are
    tried. `send`, `sleep` and `clock` stand in for the network and for time.
    """
    paths = PATHS if path is None else (path,)
    urls = tuple(each if "://" in each else f"{base_url.rstrip('/')}/{each.lstrip('/')}" for each in paths)
    question = Question(urls=urls, required=tuple(required_services), strict=strict)
    patience = Patience(max_wait=max_wait, attempts=attempts, timeout=timeout, jitter=jitter, seed=seed)
    time = Time(clock=clock, sleep=sleep)
    if send is not None:
        return until_over(question, patience, time, send)
    with opened(headers or {}, insecure=insecure) as real:
        return until_over(question, patience, time, real)


def check(
    *,
    base_url: str,
    path: str | None = None,
    required_services: list[str] | None = None,
    strict: bool = False,
    max_wait: float = 30.0,
    attempts: int = 5,
    timeout: float = 5.0,
    headers: dict[str, str] | None = None,
    insecure: bool = False,
    seed: int | None = None,
    context: Context,
) -> HealthReport:
    """Check that a backend is well: one check for the whole, and one for each of its services."""
    report = check_backend_health(
        base_url,
        path,
        required_services or (),
        strict=strict,
        max_wait=max_wait,
        attempts=attempts,
        timeout=timeout,
        seed=seed,
        headers=headers,
        insecure=insecure,
    )
    for row in rows(report, required_services or (), strict=strict):
        context.add(row)
    return report


def rows(report: HealthReport, required: Sequence[str], *, strict: bool) -> list[Check]:
    """Write a report as checks; a service that is not up fails only if the backend is unwell, or it is required."""
    verdict: Verdict = "passed" if report.healthy else "failed"
    tried = f"{report.attempts} attempt{'s' * (report.attempts != 1)}, waited {report.waited_s:.1f} s"
    whole = Check(
        name="health",
        verdict=verdict,
        expected="up" if strict else "up or degraded",
        observed=f"{report.status}: {report.error}" if report.error else report.status,
        message=f"{report.url}, {tried}",
        seconds=report.latency_ms / 1000,
    )
    return [whole, *(_service_row(report, name, required) for name in {**dict.fromkeys(required), **report.services})]


# -- the helpers -------------------------------------------------------------------------------------------------------


def _service_row(report: HealthReport, name: str, required: Sequence[str]) -> Check:
    service = report.services.get(name)
    if service is None:
        return Check(name=f"service {name}", verdict="failed", expected="up", observed="not mentioned")
    well = service.status == "up"
    verdict: Verdict = "passed" if well else "failed" if name in required or not report.healthy else "warning"
    observed = service.status if service.raw.lower() == service.status else f"{service.status} ({service.raw})"
    return Check(name=f"service {name}", verdict=verdict, expected="up", observed=observed, message=service.message)
