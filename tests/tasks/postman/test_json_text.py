from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.postman.json_text import NotJson, Path, parse, places, pointer

texts = st.text(max_size=8)
scalars = st.none() | st.booleans() | st.integers(-9, 9999) | st.floats(allow_nan=False, allow_infinity=False) | texts
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=12
)


def _written(value: Any, path: Path, lines: list[str], where: dict[Path, int]) -> None:
    """Write JSON with every value and every bracket on a line of its own, noting the lines: slow, and plainly right."""
    if isinstance(value, dict | list):
        items = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
        lines.append("{" if isinstance(value, dict) else "[")
        for index, (key, inner) in enumerate(items):
            if isinstance(value, dict):
                lines.append(f"{json.dumps(key)}:")
                where[*path, key] = len(lines)
            else:
                where[*path, key] = len(lines) + 1
            _written(inner, (*path, key), lines, where)
            lines.append("," if index < len(items) - 1 else "")
        lines.append("}" if isinstance(value, dict) else "]")
    else:
        lines.append(json.dumps(value))


@given(documents)
def test_every_value_is_found_on_its_line(document: Any) -> None:
    """The place of a member is the line of its key, that of a list's item the line it begins on."""
    lines: list[str] = []
    expected: dict[Path, int] = {}
    _written(document, (), lines, expected)

    found = places("\n".join(lines))

    assert expected == {path: spots[0].line for path, spots in found.items() if path}


def test_a_key_written_twice_has_two_places() -> None:
    """JSON keeps the last of two equal keys in silence, so both are told."""
    assert [2, 4] == [spot.line for spot in places('{\n"a": {"b": 1},\n"b": 2,\n"a": 3}')["a",]]


BROKEN = {
    "missing comma": ('{\n  "a": 1\n  "b": 2\n}', 2),
    "missing colon": ('{\n  "a" 1,\n  "b": 2\n}', 2),
    "missing closing quote of a value": ('{\n  "a": "x,\n  "b": 2\n}', 2),
    "missing opening quote of a key": ('{\n  "a": 1,\n  b": 2\n}', 3),
    "missing closing quote of a key": ('{\n  "a: 1,\n  "b": 2\n}', 2),
    "missing value": ('{\n  "a": \n}', 2),
    "missing brace of an inner object": ('{\n  "a": {\n    "b": 1\n  ,\n  "c": 2\n}', 4),
    "missing brace of the last inner object": ('{\n  "a": {\n    "b": 1\n  \n}\n', 4),
    "missing opening brace of an inner object": ('{\n  "a": \n    "b": 1\n  },\n  "c": 2\n}', 2),
    "missing first brace": ('\n  "a": 1\n}', 1),
    "missing last brace": ('{\n  "a": 1\n\n', 3),
    "missing bracket": ('{\n  "a": [\n    1,\n    2\n  ,\n  "c": 2\n}', 5),
    "missing opening bracket": ('{\n  "a": \n    1,\n    2\n  ],\n  "c": 2\n}', 2),
    "missing item": ('{\n  "a": [\n    1,\n    \n  ]\n}', 4),
    "cut word": ('{\n  "a": tru,\n  "b": 2\n}', 2),
    "bad escape": ('{\n  "a": "\\u00g9",\n  "b": 2\n}', 2),
    "not a number": ('{\n  "a": 1,\n  "b": NaN\n}', 3),
    "trailing comma": ('{\n  "a": 1,\n}', 2),
}


@pytest.mark.parametrize("name", BROKEN)
def test_damage_is_told_on_its_line(name: str) -> None:
    """What is missing is told where it is missing, not where the parser noticed."""
    text, line = BROKEN[name]

    with pytest.raises(NotJson) as caught:
        parse(text)

    assert line == caught.value.place.line


def test_nesting_without_end_is_an_error() -> None:
    """A hundred thousand brackets are no crash."""
    with pytest.raises(NotJson):
        parse("[" * 100_000)


def test_paths_are_written_as_people_write_them() -> None:
    """Plain keys with dots, others quoted, indexes in brackets."""
    assert '$.collections[0]["a b"].uid' == pointer(("collections", 0, "a b", "uid"))
