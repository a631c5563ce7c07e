"""The report for programs: versioned JSON. Knows no layout."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from runner.record.report import Report

SCHEMA = Path(__file__).with_name("report.schema.json")
"""What a program may rely on; `schema --report` prints it."""


def render_json(report: Report) -> str:
    """Write the report as one JSON document, `schema` first; every text in it can be written as UTF-8."""
    try:
        return msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n"
    except UnicodeEncodeError:  # half a surrogate pair, which a program has printed, becomes JSON's own escape
        text = json.dumps(msgspec.to_builtins(report), indent=2, ensure_ascii=False)
        return text.encode("utf-8", "backslashreplace").decode() + "\n"
