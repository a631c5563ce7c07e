"""The JSON Schema of the graph file: as strict as a schema can be, and no stricter than the check."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from runner.errors import GraphError
from runner.graph.file import read_document
from runner.graph.keys import ROOT
from runner.graph.schema import schema
from runner.graph.shape import Arguments, Either, ListOf, MapOf, Plain, Record, Shape, Variables

ROOT_FOLDER = Path(__file__).parent.parent.parent
BROKEN = Path(__file__).parent / "broken"
ONLY_THE_CHECK_CAN_SEE = {
    "names": "need-not-declared service-not-needed service-reads-too-much root-reads-too-much unknown-parameter "
    "unknown-root unknown-need-far unknown-need-near unknown-pool secret-where-it-is-seen places-inside-texts "
    "self-need hash-in-a-condition artifact-in-a-condition artifact-misspelt artifact-with-dots "
    "artifact-of-many artifacts-of-none "
    "output-not-declared generates-alone fan-reads-too-much fan-of-a-parameter-that-is-no-list fan-one-output-of-many "
    "fan-needs-one-instance item-without-foreach matrix-unknown-axis matrix-exclude-unknown-axis",
    "expressions": "arithmetic condition-breaks-off escapes.json expression-breaks-off "
    "expression-in-double-quotes expression-is-empty expression-never-closed "
    "expression-with-something-behind status-function unknown-function "
    "wrong-number-of-arguments value-in-quotes value-for-python",
    "two keys at once": "claims-more-than-there-is cycle-of-three cycle-of-twelve cycle-of-two two-cycles "
    "manual-clean-up prefix-begins-another rate-that-never-lets-start same-prefix service-and-task-of-one-name",
    "items": "fan-twice-the-same fan-expression-in-a-pattern matrix-excludes-everything matrix-excludes-nothing",
}
"""Broken files that a schema must let pass, by what it cannot see."""


def data_of(path: Path, folder: Path) -> Any:
    """Answer the data of a graph file, None if it cannot be read or what was read is only a part."""
    text = path.read_text("utf-8").replace("⟦", "").replace("⟧", "")
    copy = folder / path.name
    copy.write_text(text, "utf-8")
    try:
        document, _ = read_document(str(copy))
    except GraphError:
        return None
    return None if document.problems else document.data


def good_files() -> list[Path]:
    """Every graph file that is shipped."""
    return [path for path in sorted((ROOT_FOLDER / "graphs").rglob("*.yaml")) if "tasks:" in path.read_text("utf-8")]


def records(shape: Shape) -> Iterator[Record]:
    """Every mapping with known keys, from the root down."""
    match shape:
        case Record(keys=keys):
            yield shape
            for key in keys.values():
                if key.shape is not None:
                    yield from records(key.shape)
        case MapOf(item=item) | ListOf(item=item):
            yield from records(item)
        case Either(short=short, record=record):
            yield from records(short)
            yield from records(record)
        case _:
            pass


def test_it_is_a_schema() -> None:
    """It is valid by the rules of draft 7, and plain JSON."""
    Draft7Validator.check_schema(schema())

    assert schema() == json.loads(json.dumps(schema()))


@pytest.mark.parametrize("path", good_files(), ids=lambda path: path.name)
def test_it_accepts_what_is_shipped(path: Path, tmp_path: Path) -> None:
    """Every graph that is shipped fits."""
    faults = [error.message for error in Draft7Validator(schema()).iter_errors(data_of(path, tmp_path))]

    assert [] == faults


def test_it_rejects_every_broken_file_that_a_schema_can_reject(tmp_path: Path) -> None:
    """Of the broken files whose data can be read, just those pass whose faults lie between values or in expressions."""
    expected = sorted(
        name if "." in name else f"{name}.yaml" for names in ONLY_THE_CHECK_CAN_SEE.values() for name in names.split()
    )
    validator = Draft7Validator(schema())

    data = {path.name: data_of(path, tmp_path) for path in sorted(BROKEN.iterdir())}
    passed = [name for name, each in data.items() if each is not None and validator.is_valid(each)]

    assert expected == passed
    assert sum(each is not None for each in data.values()) - len(passed) >= 40


def test_every_key_has_a_sentence_and_an_example_that_fits() -> None:
    """Whoever edits a file is told what a key is for, and shown a value that is right."""
    seen = 0
    for record in records(ROOT):
        for name, key in record.keys.items():
            assert key.desc[0].isupper() or key.desc[0] == "`", name
            assert key.desc.endswith("."), name
            assert key.example is not None, name
            seen += 1
            if key.shape is not None:
                subschema = {**_part(record, name), "description": ""}
                assert Draft7Validator(subschema).is_valid(key.example), (name, key.example)
    assert seen > 60


def _part(record: Record, name: str) -> Any:
    """Find the schema of one key: the part of the whole that describes a mapping with just these keys."""
    wanted = {each for each, key in record.keys.items() if key.shape is not None}
    waiting: list[Any] = [schema()]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if set(part.get("properties", {})) == wanted and part.get("additionalProperties") is False:
                return part["properties"][name]
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    raise AssertionError(name)


def test_the_schema_that_is_shipped_is_this_one() -> None:
    """Editors read graphs/schema.json; `python -m runner schema > graphs/schema.json` writes it anew."""
    shipped = json.loads((ROOT_FOLDER / "graphs" / "schema.json").read_text("utf-8"))

    assert schema() == shipped


def test_every_shipped_graph_points_at_it() -> None:
    """The first line of each leads an editor from where the file is to the schema."""
    for graph in sorted((ROOT_FOLDER / "graphs").rglob("*.yaml")):
        first = graph.read_text("utf-8").splitlines()[0]
        start, _, target = first.partition("$schema=")

        assert "# yaml-language-server: " == start, graph
        assert ROOT_FOLDER / "graphs/schema.json" == (graph.parent / target).resolve(), graph


def test_whatever_takes_any_value_says_so_on_purpose() -> None:
    """Only arguments, defaults and variables are left open."""
    open_keys = {
        name
        for record in records(ROOT)
        for name, key in record.keys.items()
        if isinstance(key.shape, Plain | Arguments | Variables)
    }

    assert {"with", "env", "default", "enum"} == open_keys
