"""The report for programs: versioned JSON. Knows no layout."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec.structs import replace

from runner.record.report import Report, TaskReport

SCHEMA = Path(__file__).with_name("report.schema.json")
"""What a program may rely on; `schema --report` prints it."""


def render_json(report: Report) -> str:
    """Write the report as one JSON document, `schema` first; every text in it can be written as UTF-8."""
    return b"".join(json_pieces(report)).decode()


def json_pieces(report: Report) -> Iterator[bytes]:
    """Write the same piece by piece: the whole report of 10,000 tasks has 15 MB."""
    before, after = _indented(replace(report, tasks=())).split(b'\n  "tasks": []', 1)
    yield before + b'\n  "tasks": ['
    between = b"\n    "
    for task in report.tasks:
        yield between + _indented(task).replace(b"\n", b"\n    ")  # within a text, a line's end is an escape
        between = b",\n    "
    yield b"\n  ]" if report.tasks else b"]"
    yield after + b"\n"


def _indented(part: Report | TaskReport) -> bytes:
    try:
        return msgspec.json.format(msgspec.json.encode(part), indent=2)
    except UnicodeEncodeError:  # half a surrogate pair, which a program has printed, becomes JSON's own escape
        text = json.dumps(msgspec.to_builtins(part), indent=2, ensure_ascii=False)
        return text.encode("utf-8", "backslashreplace")
