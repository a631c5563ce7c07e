"""`schema`: the JSON Schema of the graph file, for editors, or of report.json, for programs that read it."""

from __future__ import annotations

import argparse
import json


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `schema`."""
    parser.add_argument("--report", action="store_true", help="the schema of report.json instead")


def main(chosen: argparse.Namespace) -> int:
    """Print the schema."""
    if chosen.report:
        from runner.record.render.json import SCHEMA

        print(SCHEMA.read_text(encoding="utf-8"), end="")
        return 0
    from runner.graph.schema import schema

    print(json.dumps(schema(), indent=2, ensure_ascii=False))
    return 0
