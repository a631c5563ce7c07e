"""A plan for programs: one JSON document, times in seconds. Knows no layout."""

from __future__ import annotations

import json

from msgspec.json import Encoder, format  # noqa: A004  # it is msgspec's word

from runner.plain import to_plain
from runner.planning.model import Plan

_ENCODER = Encoder(order="deterministic")  # what a rehearsal names is a set


def render_json(plan: Plan) -> str:
    """Write a plan as JSON, `schema` first; every text in it can be written as UTF-8."""
    try:
        return format(_ENCODER.encode(plan), indent=2).decode() + "\n"
    except UnicodeEncodeError:  # half a surrogate pair becomes JSON's own escape
        return json.dumps(to_plain(plan), indent=2) + "\n"
