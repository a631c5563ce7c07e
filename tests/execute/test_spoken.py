"""What a command writes, and how it is read: outputs, checks, rows of the ledger; and every way to write them wrong."""

from __future__ import annotations

import pytest

from runner.execute.spoken import Unclear, check_in, outputs_in, row_in
from runner.task import Check, Json, LedgerRow

NOW = "2026-01-01T00:00:00.000Z"
TYPES = {
    "text": "string",
    "count": "integer",
    "part": "number",
    "sure": "boolean",
    "names": "list",
    "sizes": "map",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("\n \n", {}),
        ("a=1", {"a": "1"}),
        ("a=1\n", {"a": "1"}),
        ("a=1\r\nb=2\r\n", {"a": "1", "b": "2"}),
        ("a=\n", {"a": ""}),
        ("  a = x = y \n", {"a": " x = y "}),
        ("a=1<<2\n", {"a": "1<<2"}),
        ("a=1\na=2\n", {"a": "2"}),
        ("a<<END\none\n\n  two=2\nEND\nb=3", {"a": "one\n\n  two=2", "b": "3"}),
        ("a<<END\nEND\n", {"a": ""}),
        ("a<<END\n\nEND", {"a": ""}),
        ("a << END\nx\nEND \nEND\n", {"a": "x\nEND "}),
        ("a<<E=F\nx\nE=F\n", {"a": "x"}),
        ('{"a": 1, "b": [true, null], "c": {"d": 0.5}}', {"a": 1, "b": [True, None], "c": {"d": 0.5}}),
        ('{\n  "a":\n  "x"\n}\nb=2\n{"c": 3}\n', {"a": "x", "b": "2", "c": 3}),
        ('{"a": 1}\n{"a": 2}', {"a": 2}),
        ("naïve-name=ü\n", {"naïve-name": "ü"}),
    ],
)
def test_outputs_are_read_in_three_ways(text: str, expected: dict[str, Json]) -> None:
    """Lines, texts over several lines and JSON, in any order; without types a text is a text, and JSON what it is."""
    assert expected == outputs_in(text, {})


def test_outputs_are_what_was_declared() -> None:
    """A text is read as its type, and so is JSON; a whole number is a number, too."""
    said = "text=true\ncount= 7 \npart=1\nsure=false\nnames=[1, 2]\n" + '{"sizes": {"a": 1}}'
    as_json = '{"text": "true", "count": 7, "part": 1, "sure": false, "names": [1, 2], "sizes": {"a": 1}}'
    found = outputs_in(said, TYPES)

    wanted = {"text": "true", "count": 7, "part": 1.0, "sure": False, "names": [1, 2], "sizes": {"a": 1}}
    assert wanted == found == outputs_in(as_json, TYPES)
    assert [str, int, float, bool, list, dict] == [type(found[name]) for name in TYPES]


@pytest.mark.parametrize(
    ("text", "declared", "expected"),
    [
        ("hello", "", "TASKGRAPH_OUTPUT:1: `hello` is no output; write `name=value`, `name<<END` or JSON"),
        ("a=1\n=2", "", "TASKGRAPH_OUTPUT:2: `=2` is no output; write `name=value`, `name<<END` or JSON"),
        ("two words=2", "", "TASKGRAPH_OUTPUT:1: `two words=2` is no output"),
        ("x" * 100, "", f"TASKGRAPH_OUTPUT:1: `{'x' * 57}...` is no output"),
        ("a=1\nb<<END\nx\n", "", "TASKGRAPH_OUTPUT:2: no line `END` ends this text"),
        ("b<<\nx\n", "", "TASKGRAPH_OUTPUT:1: the word that ends this text is missing; write `name<<END`"),
        ("a<<X\n1\n2\nX\nwrong", "", "TASKGRAPH_OUTPUT:5: `wrong` is no output"),
        ('a=1\n\n{"b": }', "", "TASKGRAPH_OUTPUT:3: this is no JSON: Expecting value (column 7)"),
        ('{"b":\n  oops}', "", "TASKGRAPH_OUTPUT:2: this is no JSON: Expecting value (column 3)"),
        ('{"b": NaN}', "", "TASKGRAPH_OUTPUT:1: this is no JSON: NaN is not JSON"),
        ('{"b": 1e999}', "", "TASKGRAPH_OUTPUT:1: `b`: what it returned is inf, and JSON knows no such number"),
        ('{"b": 1}\n{\n"c": 1} and more', "", "TASKGRAPH_OUTPUT:3: `and more` stands behind the JSON"),
        ('{"b": ' + "[" * 100_000, "", "TASKGRAPH_OUTPUT:1: this is no JSON: maximum recursion depth"),
        ("a=1\nconut=3", "count", "TASKGRAPH_OUTPUT:1: `a` is not among its `outputs`; declared are count"),
        ("conut=3", "count", "TASKGRAPH_OUTPUT:1: `conut` is not among its `outputs`; did you mean `count`?"),
        ("", "count", "it did not write its output `count` into TASKGRAPH_OUTPUT"),
        ("count=1", "count text part", "it did not write its outputs `text`, `part` into TASKGRAPH_OUTPUT"),
        ("count=many", "count", "`count` was declared as integer, and is `many`; write a whole number such as `3`"),
        ("count=1.5", "count", "TASKGRAPH_OUTPUT:1: `count` was declared as integer, and is 1.5"),
        ("count=true", "count", "TASKGRAPH_OUTPUT:1: `count` was declared as integer, and is true"),
        ("sure=yes", "sure", "`sure` was declared as boolean, and is `yes`; write `true` or `false`"),
        ("part=1e999", "part", "TASKGRAPH_OUTPUT:1: `part`: what it returned is inf"),
        (f"part=1{'0' * 400}", "part", "TASKGRAPH_OUTPUT:1: `part` was declared as number, and is 1000"),
        ("names=a, b", "names", '`names` was declared as list, and is `a, b`; write JSON such as `["a", "b"]`'),
        ('{"text": 3}', "text", "TASKGRAPH_OUTPUT:1: `text` was declared as string, and is 3"),
        ('{"sizes": null}', "sizes", "TASKGRAPH_OUTPUT:1: `sizes` was declared as map, and is null"),
    ],
)
def test_what_is_wrong_with_outputs_is_said_with_its_line(text: str, declared: str, expected: str) -> None:
    """Each message begins with the file and the line, says why, and mostly what to write."""
    with pytest.raises(Unclear) as caught:
        outputs_in(text, {name: TYPES[name] for name in declared.split()})

    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"name": "n", "verdict": "warning"}', Check(name="n", verdict="warning")),
        ('{"name": "n", "expected": 1, "observed": 1}', Check(name="n", verdict="passed", expected=1, observed=1)),
        (
            '{"name": "n", "expected": [1], "observed": null, "message": "m", "seconds": 2}',
            Check(name="n", verdict="failed", expected=[1], observed=None, message="m", seconds=2.0),
        ),
        (
            '{"name": "n", "expected": 1, "observed": 2, "verdict": "passed"}',
            Check(name="n", verdict="passed", expected=1, observed=2),
        ),
    ],
)
def test_a_check_is_a_line_of_json(line: str, expected: Check) -> None:
    """Its verdict may be given, or follow from what was expected and observed."""
    assert expected == check_in(line, 1)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            '{"action": "created", "kind": "user", "id": "7"}',
            LedgerRow(action="created", kind="user", id="7", at=NOW),
        ),
        (
            '{"action": "deleted", "kind": "user", "id": 7, "name": "N", "url": "http://x", "at": "2025"}',
            LedgerRow(action="deleted", kind="user", id="7", name="N", url="http://x", at="2025"),
        ),
    ],
)
def test_a_row_is_a_line_of_json(line: str, expected: LedgerRow) -> None:
    """A number may be its id, and without a time it is of now."""
    assert expected == row_in(line, 1, lambda: NOW)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("passed", "TASKGRAPH_CHECKS:4: this is no JSON: Expecting value (column 1); write one object a line, such as"),
        ("[1]", 'TASKGRAPH_CHECKS:4: this is no object; write `{"name": "…", "verdict": "passed"}`'),
        ('{"name": NaN}', "TASKGRAPH_CHECKS:4: this is no JSON: NaN is not JSON"),
        ('{"name": "n"}', "TASKGRAPH_CHECKS:4: it has no `verdict`; write"),
        ('{"verdict": "passed"}', "TASKGRAPH_CHECKS:4: Object missing required field `name`"),
        ('{"nmae": "n"}', "TASKGRAPH_CHECKS:4: there is no field `nmae`; did you mean `name`?"),
        ('{"is": "LedgerRow"}', "TASKGRAPH_CHECKS:4: there is no field `is`; "),
        (
            '{"name": "n", "verdict": "ok"}',
            'TASKGRAPH_CHECKS:4: `verdict` must be one of `passed`, `failed`, `warning`, not "ok"',
        ),
        ('{"name": 3, "verdict": "passed"}', "TASKGRAPH_CHECKS:4: Expected `str`, got `int` - at `$.name`"),
        ('{"name": "n", "verdict": "passed", "seconds": "1"}', "TASKGRAPH_CHECKS:4: Expected `float | null`"),
    ],
)
def test_a_line_that_is_no_check_is_said_with_its_place(line: str, expected: str) -> None:
    """As for outputs."""
    with pytest.raises(Unclear) as caught:
        check_in(line, 4)

    assert str(caught.value).startswith(expected)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"kind": "user", "id": "7"}', "TASKGRAPH_LEDGER:2: `action` must be `created` or `deleted`; write"),
        ('{"action": "made", "kind": "u", "id": "7"}', "TASKGRAPH_LEDGER:2: `action` must be `created` or `deleted`"),
        ('{"action": "created", "id": "7"}', "TASKGRAPH_LEDGER:2: Object missing required field `kind`"),
        ('{"action": "created", "kind": "u", "id": true}', "TASKGRAPH_LEDGER:2: Expected `str`, got `bool`"),
        ('{"actoin": "created"}', "TASKGRAPH_LEDGER:2: there is no field `actoin`; did you mean `action`?"),
        ("created user 7", "TASKGRAPH_LEDGER:2: this is no JSON: Expecting value"),
    ],
)
def test_a_line_that_is_no_row_is_said_with_its_place(line: str, expected: str) -> None:
    """As for checks."""
    with pytest.raises(Unclear) as caught:
        row_in(line, 2, lambda: NOW)

    assert str(caught.value).startswith(expected)


def test_a_hundred_thousand_outputs_are_read_at_once() -> None:
    """Line by line and object by object: nothing is read again and again."""
    lines = [f"k{number}=v" if number % 2 else f'{{"k{number}": 1}}' for number in range(100_000)]

    assert 100_000 == len(outputs_in("\n".join(lines), {}))
