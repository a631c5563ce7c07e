"""The report for programs: versioned JSON. Knows no layout."""

from __future__ import annotations

import json
from typing import Any

from msgspec import Struct

from runner.record.report import Report


def render_json(report: Report) -> str:
    """Write the report as one JSON document, `schema` first; every text in it can be written as UTF-8."""
    text = json.dumps(report, indent=2, ensure_ascii=False, default=_plain)
    return text.encode("utf-8", "backslashreplace").decode() + "\n"  # half a surrogate pair becomes JSON's own escape


def _plain(value: Any) -> dict[str, Any]:
    return (
        {name: getattr(value, name) for name in value.__struct_fields__} if isinstance(value, Struct) else dict(value)
    )
