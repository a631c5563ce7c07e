"""What a fan-out is for: the combinations of a matrix as GitHub makes them, the items of a `foreach`, their names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.graph.items import combined, items_of, name_of, names_of
from runner.graph.loose import EvaluationError
from runner.graph.model import Foreach, Matrix
from runner.graph.values import parse

FRUIT = {"fruit": ["apple", "pear"], "animal": ["cat", "dog"]}


def test_a_matrix_is_every_combination_the_last_axis_first() -> None:
    """As a counter turns: the last axis changes fastest."""
    assert [("apple", "cat"), ("apple", "dog"), ("pear", "cat"), ("pear", "dog")] == [
        tuple(each.values()) for each in combined(FRUIT, (), ())
    ]


def test_include_goes_by_the_example_of_github() -> None:
    """The example of GitHub's manual: added where it overwrites no value of an axis, else a combination of its own."""
    include = [
        {"color": "green"},
        {"color": "pink", "animal": "cat"},
        {"fruit": "apple", "shape": "circle"},
        {"fruit": "banana"},
        {"fruit": "banana", "animal": "cat"},
    ]

    assert [
        {"fruit": "apple", "animal": "cat", "color": "pink", "shape": "circle"},
        {"fruit": "apple", "animal": "dog", "color": "green", "shape": "circle"},
        {"fruit": "pear", "animal": "cat", "color": "pink"},
        {"fruit": "pear", "animal": "dog", "color": "green"},
        {"fruit": "banana"},
        {"fruit": "banana", "animal": "cat"},
    ] == combined(FRUIT, (), include)


def test_exclude_takes_away_before_include_adds() -> None:
    """What was excluded may be included again; values of other types are other values."""
    excluded = combined(FRUIT, [{"animal": "cat"}], [{"fruit": "pear", "animal": "cat"}])

    assert [("apple", "dog"), ("pear", "dog"), ("pear", "cat")] == [tuple(each.values()) for each in excluded]
    assert [{"n": 1}] == combined({"n": [1, True]}, [{"n": True}], ())
    assert [{"a": 1}] == combined({}, (), [{"a": 1}])
    assert [] == combined({"n": []}, (), ())


@pytest.mark.parametrize(
    ("item", "name"),
    [
        ("a b", "a b"),
        ("", "''"),
        (3, "3"),
        (1.5, "1.5"),
        (True, "true"),
        (None, "null"),
        ({"name": "x", "url": "/"}, "x"),
        ({"id": 7, "url": "/"}, "7"),
        ({"url": "/", "deep": {"name": "y"}}, "/,y"),
        (["a", 1], '["a",1]'),
        ("a\nb\x1b[2J", "a%0Ab%1B[2J"),
        ("ü" * 60, "ü" * 60),
    ],
)
def test_names(item: Any, name: str) -> None:
    """An item is called by what a person would call it; what no terminal should get is written as numbers."""
    assert name == name_of(item)


def test_long_names_are_cut_and_told_apart() -> None:
    """Two that begin alike do not become one."""
    one, other = name_of("x" * 90 + "1"), name_of("x" * 90 + "2")

    assert one != other
    assert 60 == len(one) == len(other)


def test_a_combination_is_called_by_its_axes() -> None:
    """What `include` adds to it does not change its name; one that lacks an axis is called by all it has."""
    fan = Matrix(axes=FRUIT)

    assert ["apple,cat", "fig", "pear,dog"] == names_of(
        fan,
        [{"fruit": "apple", "animal": "cat", "color": 1}, {"fruit": "fig"}, {"animal": "dog", "fruit": "pear"}],
        "/",
    )


def test_two_of_one_name_are_an_error_that_says_which() -> None:
    """The same twice is another mistake than two things that look alike."""
    with pytest.raises(EvaluationError, match=r"items 1 and 3 are both called `a`; they are the same"):
        names_of(Foreach(items=[]), ["a", "b", "a"], "/")
    with pytest.raises(
        EvaluationError, match=r"items 1 and 2 are both called `1`; they are not the same, and a `name`"
    ):
        names_of(Foreach(items=[]), [1, "1"], "/")


def test_files_are_items_by_their_place(tmp_path: Path) -> None:
    """Each is its whole path, called by where it is in the folder; sorted, as the patterns of `inputs` have it."""
    for name in ("b.json", "a.json", "deep/c.json", ".hidden.json", "a.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    fan = Foreach(files=("**/*.json", "!b.*"))
    items = items_of(fan, {}, str(tmp_path))

    assert [str(tmp_path / name) for name in (".hidden.json", "a.json", "deep/c.json")] == items
    assert [".hidden.json", "a.json", "deep/c.json"] == names_of(fan, items, str(tmp_path))
    assert [] == items_of(Foreach(files=("*.none",)), {}, str(tmp_path))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("${{ params.x }}", "`foreach` must be a list: `params.x` is a text"),
        ("${{ params.n }}", "`foreach` must be a list: `params.n` is null"),
        ("${{ params.m }}", "`foreach` must be a list: `params.m` is a mapping"),
    ],
)
def test_what_is_no_list_is_said_to_be_none(text: str, words: str) -> None:
    """With what was written, and what came of it."""
    with pytest.raises(EvaluationError, match=words):
        items_of(Foreach(items=parse(text)), {"params": {"x": "a", "n": None, "m": {}}}, "/")


def test_a_matrix_may_come_whole_out_of_an_expression() -> None:
    """`include` and `exclude` are keys of it then, as they are where it is written out."""
    whole = {"os": ["a", "b"], "exclude": [{"os": "a"}], "include": [{"os": "c"}]}

    assert [{"os": "b"}, {"os": "c"}] == items_of(Matrix(axes=parse("${{ params.m }}")), {"params": {"m": whole}}, "/")
    with pytest.raises(EvaluationError, match=r"`matrix\.os` must be a list"):
        items_of(Matrix(axes=parse("${{ params.m }}")), {"params": {"m": {"os": "a"}}}, "/")
    with pytest.raises(EvaluationError, match=r"`matrix\.include` holds mappings, not a text"):
        items_of(Matrix(axes=parse("${{ params.m }}")), {"params": {"m": {"include": ["a"]}}}, "/")
