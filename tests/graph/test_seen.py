"""What a condition saw: each value by the name it has there."""

from __future__ import annotations

import pytest

from runner.graph.seen import seen
from runner.graph.values import parse_bare
from runner.task import Json

SCOPE: dict[str, Json] = {
    "params": {"deep": True, "which": "a"},
    "needs": {"a": {"outputs": {"n o": 2, "list": [5, 6]}}, "phase2.power": {"state": "failed"}},
    "env": {},
}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("true", {}),
        ("params.deep", {"params.deep": True}),
        ("!params.deep || params.deep && env.CI", {"params.deep": True, "env.CI": None}),
        ("needs.a.outputs['n o'] > 1", {"needs.a.outputs['n o']": 2}),
        ("needs.a.outputs.list[1] == 6", {"needs.a.outputs.list[1]": 6}),
        ("needs['phase2.power'].state == 'failed'", {"needs['phase2.power'].state": "failed"}),
        ("contains(params.which, 'a')", {"params.which": "a"}),
        ("needs[params.which].outputs.list[0]", {"needs[…].outputs.list[0]": 5, "params.which": "a"}),
        ("fromJSON('{').x || params.deep", {"params.deep": True}),
        ("secrets.KEY || params.deep", {"params.deep": True}),
    ],
)
def test_each_value_is_told_once_by_its_name(condition: str, expected: dict[str, Json]) -> None:
    """What is missing is null; what cannot be read at all, as secrets in a condition, is left out."""
    assert list(expected.items()) == list(seen(parse_bare(condition), SCOPE))
