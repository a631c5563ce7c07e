"""report.json and its schema: the one is valid against the other, and the other describes all there is."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
from hypothesis import HealthCheck, given, settings

from runner.record.folding import fold
from runner.record.render.json import SCHEMA, render_json
from runner.record.report import Report
from runner.schedule.messages import Planned
from tests.kit import graph_of, opened
from tests.record.sample import GRAPH, sample_events, sample_report
from tests.record.test_hostile import HOSTILE
from tests.record.test_hostile import report_of as hostile


def described(schema: dict[str, Any]) -> jsonschema.Draft202012Validator:
    """Make a validator that also minds fields which the schema does not describe."""
    strict = json.loads(json.dumps(schema), object_hook=_closed)
    return jsonschema.Draft202012Validator(strict, format_checker=jsonschema.FormatChecker())


def _closed(node: dict[str, Any]) -> dict[str, Any]:
    return {**node, "additionalProperties": False} if "properties" in node and "required" in node else node


VALIDATOR = described(json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_the_schema_is_one() -> None:
    """The schema is valid, and says what each object of a report is."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)

    assert all(each["description"] for each in schema["$defs"].values())


def test_reports_are_as_the_schema_says() -> None:
    """The sample, every cut of it, and a planned one hold what the schema describes and nothing else."""
    events = sample_events()
    for length in range(1, len(events) + 1):
        VALIDATOR.validate(json.loads(render_json(fold(GRAPH, events[:length]))))
    first = opened(planned={"a": Planned(started=0.0, seconds=1.0)})
    VALIDATOR.validate(json.loads(render_json(fold(graph_of("a"), [first]))))


def test_the_schema_has_every_field_of_a_report() -> None:
    """What a report's data classes hold is described, also where the sample has none of it."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    seen = set(Report.__struct_fields__)

    assert seen == set(schema["properties"]) == set(schema["required"])
    assert {"schema": {"const": 1}} == {
        name: {"const": value["const"]} for name, value in schema["properties"].items() if "const" in value
    }


def test_a_wrong_report_is_not_valid() -> None:
    """The schema can say no: to each field that is missing, and to a word that no state is."""
    whole = json.loads(render_json(sample_report()))
    for name in whole:
        assert not VALIDATOR.is_valid({key: value for key, value in whole.items() if key != name}), name
    whole["tasks"][0]["state"] = "fine"

    assert not VALIDATOR.is_valid(whole)


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(said=HOSTILE)
def test_hostile_texts_stay_texts_in_json(said: str) -> None:
    """Whatever is said, the report is valid and holds it as it was said."""
    whole = json.loads(render_json(hostile(said)))
    VALIDATOR.validate(whole)

    assert said == whole["tasks"][0]["checks"][0]["name"]
    assert said == whole["tasks"][0]["attempts"][0]["message"] or not said
