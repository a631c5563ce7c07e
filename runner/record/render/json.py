"""The report for programs: versioned JSON. Knows no layout."""

from __future__ import annotations

import json
from dataclasses import asdict

from runner.record.report import Report


def render_json(report: Report) -> str:
    """Write the report as one JSON document, `schema` first."""
    return json.dumps(asdict(report), indent=2, ensure_ascii=False, default=dict) + "\n"
