"""A report without what differs from one run to the next: times, ids, processes, lanes, and where a service listens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

OF_ONE_RUN = {
    *("run", "started", "finished", "seconds", "sequential_seconds", "speedup", "at", "asked"),
    *("latency_ms", "slowest_ms", "pid", "lane", "worker"),
}
"""Fields that hold a time, an id or a place of one run."""
WORDS = (
    (re.compile(r"https?://[\w.]+:\d+"), "URL"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "ID"),
    (re.compile(r"\d+\.\d+ s\b"), "TIME"),
)


def without_its_own(report: Any) -> Any:
    """Answer a report with all that is this run's own left out."""
    match report:
        case Mapping():
            return {key: without_its_own(value) for key, value in report.items() if key not in OF_ONE_RUN}
        case list():
            return [without_its_own(value) for value in report]
        case str():
            for pattern, word in WORDS:
                report = pattern.sub(word, report)
            return report
        case _:
            return report
