"""What is written of events: nothing that a secret is in, and all that is ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from runner.clock import WallClock
from runner.mask import Masker
from runner.plain import to_plain
from runner.record.events import Both, EventLines
from runner.record.journal import Journal, read
from runner.record.masked import OURS, without_secrets
from runner.schedule.messages import AttemptEnded, ClockTicked, Event, Kept, Noted, RunOpened
from runner.task import Cause, Check, Failed, Succeeded
from tests.shapes import any_of

SECRET = "hunter22"
AT = "2026-01-01T00:00:00.000Z"


def planted(value: Any) -> Any:
    """Put the secret into every text and key, but for fields that are ours and the names of tasks."""
    if isinstance(value, str):
        return f"{value}<{SECRET}>"
    if isinstance(value, list | tuple):
        return type(value)(planted(item) for item in value)
    if isinstance(value, dict):
        holds_data = not any(isinstance(item, Struct) for item in value.values())
        return {planted(name) if holds_data else name: planted(item) for name, item in value.items()}
    if isinstance(value, Struct):
        theirs = [name for name in value.__struct_fields__ if name not in OURS]
        return replace(value, **{name: planted(getattr(value, name)) for name in theirs})
    return value


@pytest.mark.parametrize("kind", get_args(Event), ids=lambda kind: kind.__name__)
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_secret_in_any_field_is_masked(kind: type, data: st.DataObject) -> None:
    """Whatever field of whatever event holds a secret, it is masked, unless the field is ours; those stay."""
    event = data.draw(any_of(kind))
    ours = [name for name in event.__struct_fields__ if name in OURS]

    masked = without_secrets(planted(event), Masker({"KEY": SECRET}))

    assert SECRET not in json.dumps(to_plain(masked))
    assert [getattr(event, name) for name in ours] == [getattr(masked, name) for name in ours]


def test_names_of_ours_in_other_peoples_data_hide_nothing() -> None:
    """A key of an output or a parameter, and the id of a task, may be a word of ours: what it holds is masked."""
    data: dict[str, Any] = {"log": SECRET, "run": {"cause": [SECRET]}, SECRET: "task"}
    clean = {"log": "***", "run": {"cause": ["***"]}, "***": "task"}
    masker = Masker({"KEY": SECRET})
    opened = RunOpened(
        at=0.0, run="r", started=AT, slots=1, params=data, kept={"log": Kept(outcome=Succeeded(outputs=data))}
    )
    noted = Noted(at=1.0, task="a", attempt=1, note=Check(name="c", verdict="passed", expected=data, observed=[data]))

    masked_opened, masked_noted = without_secrets(opened, masker), without_secrets(noted, masker)

    assert clean == masked_opened.params
    assert clean == masked_opened.kept["log"].outcome.outputs
    assert Check(name="c", verdict="passed", expected=clean, observed=[clean]) == masked_noted.note


def test_a_secret_that_is_a_word_of_ours_breaks_nothing() -> None:
    """Kinds, causes, states and figures are written as they are, also where they happen to be a secret."""
    masker = Masker({"A": "crashed", "B": "AttemptEnded", "C": "12.25", "D": "task", "E": "message"})
    ended = AttemptEnded(at=12.25, task="task", attempt=1, outcome=Failed(cause=Cause.CRASHED, message="it crashed"))

    assert replace(ended, outcome=Failed(cause=Cause.CRASHED, message="it ***")) == without_secrets(ended, masker)
    assert without_secrets(ended, Masker({})) is ended


def test_event_lines_are_json_that_any_program_reads(tmp_path: Path) -> None:
    """Each line is one event, masked as in the journal, in ASCII; what is handled is what was kept."""
    journal, lines = Journal(tmp_path / "j", WallClock(), Masker({"KEY": SECRET})), EventLines(tmp_path / "e")
    note = Check(name=f"\ud800 {SECRET}", verdict="failed")
    kept = Both(journal, lines).record([ClockTicked(at=1.0), Noted(at=2.0, task="a", attempt=1, note=note)])
    lines.close()
    journal.close()
    first, second = (tmp_path / "e").read_bytes().decode("ascii").splitlines()

    assert {"is": "ClockTicked", "at": 1.0} == json.loads(first)
    assert "\ud800 ***" == json.loads(second)["note"]["name"]
    assert list(read(tmp_path / "j").events) == kept
