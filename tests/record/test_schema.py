"""report.json and its schema: the one is valid against the other, and the other describes all there is."""

from __future__ import annotations

import json
from typing import Any, get_args

import jsonschema
from hypothesis import HealthCheck, given, settings

from runner.record.folding import fold
from runner.record.orphans import Orphan
from runner.record.render.json import SCHEMA, render_json
from runner.record.report import (
    ArtifactReport,
    AttemptReport,
    Change,
    CheckCounts,
    CheckReport,
    Episode,
    EpisodeKind,
    Fewer,
    GraphName,
    IncludedReport,
    LedgerReport,
    PlannedReport,
    Previous,
    Report,
    Seen,
    ServiceReport,
    TaskReport,
)
from runner.schedule.messages import Planned
from runner.task import Cause
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


DESCRIBED = {
    "graph": GraphName,
    "task": TaskReport,
    "attempt": AttemptReport,
    "check": CheckReport,
    "episode": Episode,
    "seen": Seen,
    "artifact": ArtifactReport,
    "ledger_row": LedgerReport,
    "planned": PlannedReport,
    "service": ServiceReport,
    "included": IncludedReport,
    "check_counts": CheckCounts,
    "orphan": Orphan,
    "previous": Previous,
    "change": Change,
    "fewer_workers": Fewer,
}


def test_the_schema_has_every_field_of_a_report() -> None:
    """What the data of a report holds is described, also where no sample has any of it, and nothing else is."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    described = {name: set(each["properties"]) for name, each in schema["$defs"].items()}

    assert set(Report.__struct_fields__) == set(schema["properties"]) == set(schema["required"])
    assert {name: set(kind.__struct_fields__) for name, kind in DESCRIBED.items()} == described
    assert set(get_args(EpisodeKind)) == set(schema["$defs"]["episode"]["properties"]["kind"]["enum"])
    assert {cause.word for cause in Cause} == {*schema["$defs"]["attempt"]["properties"]["cause"]["enum"]} - {None}


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
