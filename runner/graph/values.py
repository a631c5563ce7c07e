"""`${{ ... }}`: parsed once, resolved when a graph is checked, evaluated when it runs. Knows no YAML and no task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from runner.task import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """One parsed `${{ ... }}`; `source` is the text between the braces."""

    source: str


Value: TypeAlias = Any


def evaluate(value: Value, scope: Mapping[str, Json]) -> Json:
    raise NotImplementedError
