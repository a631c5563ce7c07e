"""Plain data: whatever crosses a border comes back as it was, and nothing else is taken for it."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.plain import NotThisShape, decode, encode, from_plain, to_plain
from runner.schedule.messages import Command, Event
from runner.task import TAG, Cause, Failed, NeedResult, Note, Outcome, Request, ServiceRequest, Signature, Succeeded
from tests.shapes import JSON, any_of

CROSSING = (*get_args(Event), *get_args(Command), *get_args(Outcome), *get_args(Note))
KINDS = (*CROSSING, Request, ServiceRequest, NeedResult, Signature)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_is_written_as_json_is_read_as_it_was(kind: type, data: st.DataObject) -> None:
    """Every message comes back equal, type for type, whatever a task has put into it."""
    value = data.draw(any_of(kind))
    whole = next((union for union in (Event, Command, Outcome, Note) if kind in get_args(union)), kind)
    read = from_plain(whole, json.loads(json.dumps(to_plain(value))))

    assert value == read
    assert repr(value) == repr(read)  # 1, 1.0 and True are equal, and not the same


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_line_is_read_as_it_was_written(kind: type, data: st.DataObject) -> None:
    """One line of JSON, also with half a surrogate pair in it, as the names of files may have: the same comes back."""
    value = data.draw(any_of(kind))
    line = encode(value)

    assert b"\n" not in line
    assert repr(value) == repr(decode(kind, line))


class Text(str):
    """A text of a kind of its own."""

    __slots__ = ()


class Number(int):
    """A whole number of a kind of its own."""


class Ratio(float):
    """A number of a kind of its own."""


ODD = {"text": Text("x"), "number": Number(3), "ratio": Ratio(0.5), "map": MappingProxyType({"a": [Text("y")]})}


def test_what_is_plain_but_for_its_class_is_written_as_plain() -> None:
    """A library may return texts, numbers and mappings of its own; anything else is refused by name."""
    assert {"text": "x", "number": 3, "ratio": 0.5, "map": {"a": ["y"]}} == json.loads(encode(ODD)) == to_plain(ODD)
    for write in (encode, to_plain):
        with pytest.raises(NotThisShape, match="object is not plain data"):
            write({"a": object()})


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(event=any_of(Event), data=st.data(), odd=JSON)
def test_damaged_data_is_refused_or_is_that_shape(event: Any, data: st.DataObject, odd: Any) -> None:
    """With any one value replaced, reading raises NotThisShape and nothing else, or answers a whole event."""
    plain = json.loads(json.dumps(to_plain(event)))
    place = plain
    while isinstance(place, dict) and place:
        name = data.draw(st.sampled_from(sorted(place)))
        if not isinstance(place[name], dict) or data.draw(st.booleans()):
            place[name] = odd
            break
        place = place[name]
    try:
        read = from_plain(Event, plain)
    except NotThisShape:
        return

    assert plain[TAG] == type(read).__name__
    assert read == from_plain(Event, to_plain(read))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({TAG: "ClockTicked"}, "missing required field `at`"),
        ({TAG: "ClockTicked", "at": 1.0, "more": 1}, "unknown field `more`"),
        ({TAG: "ClockTicked", "at": "1"}, "Expected `float`, got `str`"),
        ({TAG: "ClockTicked", "at": True}, "Expected `float`, got `bool`"),
        ({TAG: "CancelAsked", "at": 1.0, "why": "bored"}, "Invalid enum value 'bored'"),
        (
            {TAG: "Noted", "at": 1.0, "task": "a", "attempt": 1, "note": {TAG: "Failed"}},
            "Invalid value 'Failed'",
        ),
        (
            {TAG: "AttemptEnded", "at": 1.0, "task": "a", "attempt": 1, "outcome": {TAG: "Failed", "cause": "x"}},
            "at `$.outcome.cause`",
        ),
        ({TAG: "Unheard"}, "Invalid value 'Unheard'"),
        (["ClockTicked"], "Expected `object`, got `array`"),
    ],
)
def test_a_wrong_shape_is_named(data: Any, words: str) -> None:
    """What does not fit is refused with what was expected and what was there."""
    with pytest.raises(NotThisShape) as refused:
        from_plain(Event, data)

    assert words in str(refused.value)


def test_defaults_are_left_out() -> None:
    """A field that has its default is not written; one that only equals it is."""
    assert {TAG: "Succeeded"} == to_plain(Succeeded())
    assert {TAG: "Failed", "cause": "timed_out", "outputs": {}} == to_plain(Failed(cause=Cause.TIMED_OUT, outputs={}))


def test_what_is_not_plain_is_refused() -> None:
    """Objects of other kinds do not slip through as text."""
    for odd in (object(), {"a": [object()]}, Succeeded(outputs={"a": object()})):
        with pytest.raises(NotThisShape, match="is not plain data"):
            to_plain(odd)
