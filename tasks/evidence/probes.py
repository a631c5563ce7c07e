"""The kinds of probes for left-over test data, and the way to look with any of them."""

from __future__ import annotations

from typing import TypeAlias

from tasks.backend.http import opened
from tasks.evidence import http_probe
from tasks.evidence.finding import Finding, Wanted
from tasks.evidence.http_probe import HttpProbe

Probe: TypeAlias = HttpProbe


def look(probe: Probe, base_url: str, wanted: Wanted) -> Finding:
    """Look once."""
    match probe:
        case HttpProbe():
            with opened(probe.headers) as send:
                return http_probe.look(probe, base_url, wanted, send)
