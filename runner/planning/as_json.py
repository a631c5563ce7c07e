"""A plan for programs: one JSON document, times in seconds. Knows no layout."""

from __future__ import annotations

import json
from typing import Any

from msgspec import Struct

from runner.planning.model import Plan

SCHEMA = 1
PLACES = 6
"""Decimals of a second that are written: what comes behind is noise of adding."""


def plan_data(plan: Plan) -> dict[str, Any]:
    """Answer a plan as plain data, `schema` first."""
    return {"schema": SCHEMA, **_plain(plan)}


def render_json(plan: Plan) -> str:
    """Write a plan as JSON; every text in it can be written as UTF-8."""
    text = json.dumps(plan_data(plan), indent=2, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode() + "\n"  # half a surrogate pair becomes JSON's own escape


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, PLACES)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    return value
