"""The report for programs: versioned JSON. Knows no layout."""

from __future__ import annotations

import json
from dataclasses import asdict

from runner.record.report import Report


def render_json(report: Report) -> str:
    """Write the report as one JSON document, `schema` first; every text in it can be written as UTF-8."""
    text = json.dumps(asdict(report), indent=2, ensure_ascii=False, default=dict)
    return text.encode("utf-8", "backslashreplace").decode() + "\n"  # half a surrogate pair becomes JSON's own escape
