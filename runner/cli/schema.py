"""`schema`: the JSON Schema of the graph file, for editors."""

from __future__ import annotations

import argparse
import json


def arguments(_parser: argparse.ArgumentParser) -> None:
    """Add no options."""


def main(_chosen: argparse.Namespace) -> int:
    """Print the schema."""
    from runner.graph.schema import schema

    print(json.dumps(schema(), indent=2, ensure_ascii=False))
    return 0
