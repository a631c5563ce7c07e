"""Outputs that are files can be handed on by `with`, and not looked at by anything else."""

from __future__ import annotations

from typing import Any

import pytest

from runner.graph.pieces import Piece, looked_at, pieces_of, placed
from runner.graph.values import EvaluationError, command_text, evaluate, is_true, parse, parse_bare
from runner.task import Json, OutputFile, Placed

FILE = OutputFile(file="outputs/load.1.0.json", size=3 * 1024**2, digest="d")
SCOPE: dict[str, Json] = {
    "needs": {"load": {"state": "succeeded", "outputs": {"count": 3, **pieces_of("load", {"rows": FILE})}}},
    "params": {"at": 2},
}


def evaluated(**arguments: Any) -> tuple[Json, tuple[Placed, ...]]:
    """Evaluate arguments and take out what is in files."""
    return placed(evaluate({name: parse(text) for name, text in arguments.items()}, SCOPE))


def part(at: tuple[str | int, ...], *steps: str | int) -> Placed:
    """Answer what belongs at a place."""
    return Placed(at=at, file=FILE, steps=steps)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("${{ needs.load.outputs.rows }}", ()),
        ("${{ needs.load.outputs.rows[3].name }}", (3, "name")),
        ("${{ needs.load.outputs['rows'][params.at] }}", (2,)),
        ("${{ false || needs.load.outputs.rows.a }}", ("a",)),
    ],
)
def test_with_hands_on_which_part_of_which_file(text: str, steps: tuple[str | int, ...]) -> None:
    """Null stands in its place until a worker reads it; steps may themselves be expressions."""
    assert ({"x": None, "n": 3}, (part(("x",), *steps),)) == evaluated(x=text, n="${{ needs.load.outputs.count }}")


def test_what_is_reached_with_others_is_found() -> None:
    """All outputs of a task, handed on together, hold the file among them."""
    assert ({"all": {"count": 3, "rows": None}}, (part(("all", "rows")),)) == evaluated(all="${{ needs.load.outputs }}")


def test_deep_inside_lists_it_is_found_as_well() -> None:
    """Lists and mappings of arguments are walked, and left as they are elsewhere."""
    value = {"list": [1, {"x": Piece(name="n", file=FILE)}], "plain": [{"y": 1}]}

    assert ({"list": [1, {"x": None}], "plain": [{"y": 1}]}, (part(("list", 1, "x")),)) == placed(value)


@pytest.mark.parametrize(
    "condition",
    [
        "needs.load.outputs.rows",
        "needs.load.outputs.rows[0]",
        "!needs.load.outputs.rows",
        "needs.load.outputs.rows.n == 3",
        "3 > needs.load.outputs.rows.n",
        "needs.load.outputs.rows.n && true",
        "contains(needs.load.outputs.rows, 'a')",
        "startsWith(needs.load.outputs.rows.name, 'a')",
        "toJSON(needs) == ''",
        "toJSON(needs.load) == ''",
        "toJSON(needs.load.outputs) == ''",
        "params[needs.load.outputs.rows.name]",
    ],
)
def test_a_condition_may_not_look_into_a_file(condition: str) -> None:
    """The error says what is in which file, how large that is, and who may read it."""
    with pytest.raises(EvaluationError) as raised:
        is_true(parse_bare(condition), SCOPE)

    said = str(raised.value)
    assert said.startswith("`needs.load.outputs.rows")
    assert said.endswith(
        " is in a file (outputs/load.1.0.json, 3.0 MiB): only `with` may read it, on its own in `${{ }}`"
    )


def test_neither_texts_nor_commands_hold_what_is_in_a_file() -> None:
    """A file would have to be read for both."""
    for fill in (evaluate, command_text):
        with pytest.raises(EvaluationError, match="only `with` may read it"):
            fill(parse("rows: ${{ needs.load.outputs.rows.n }}"), SCOPE)


def test_what_is_small_is_looked_at_as_ever() -> None:
    """The neighbour of a file is data like any other."""
    assert is_true(parse_bare("needs.load.outputs.count == 3 && needs.load.state == 'succeeded'"), SCOPE)
    assert {"a": [1]} == looked_at({"a": [1]})
    assert ([1, "a", None], ()) == placed([1, "a", None])
