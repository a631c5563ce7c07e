"""The trace for Perfetto: every attempt once, at its time, on a lane of its own."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from runner.record.render.lanes import pauses, spans
from runner.record.render.trace import render_trace
from runner.record.report import Report
from tests.record.sample import sample_report


def events_of(report: Report, kind: str = "X") -> list[dict[str, Any]]:
    """Answer the events of one kind of a report's trace."""
    return [event for event in json.loads(render_trace(report))["traceEvents"] if event["ph"] == kind]


def test_a_trace_has_every_attempt_once() -> None:
    """Each attempt that began is an event of its time and length, in microseconds."""
    report = sample_report()
    by_hand = {
        ("fine", 0, 1_000_000),
        ("slow", 0, 2_000_000),
        ("dies", 0, 250_000),
        ("wrong", 250_000, 1_500_000),
        ("flaky (attempt 1)", 1_000_000, 500_000),
        ("flaky (attempt 2)", 2_500_000, 500_000),
        ("excused", 1_500_000, 750_000),
        ("gate", 3_000_000, 500_000),
    }
    found = [(event["name"], event["ts"], event["dur"]) for event in events_of(report) if event["pid"] == 1]

    assert by_hand == set(found)
    assert len(by_hand) == len(found)
    assert ["backend"] == [event["name"] for event in events_of(report) if event["cat"] == "service"]
    assert ["flaky rests"] == [event["name"] for event in events_of(report) if event["cat"] == "rest"]


def test_events_of_a_lane_do_not_overlap() -> None:
    """Perfetto nests what overlaps on a thread: each ends before the next begins, on as many lanes as workers."""
    lanes: dict[int, list[tuple[int, int]]] = {}
    for event in events_of(sample_report()):
        lanes.setdefault(event["tid"], []).append((event["ts"], event["ts"] + event["dur"]))
    for spans_of_lane in lanes.values():
        ordered = sorted(spans_of_lane)
        for (_, end), (start, _) in pairwise(ordered):
            assert end <= start + 1500

    assert {0, 1, 2} == {span.lane for span in spans(sample_report())}
    assert (
        len(lanes)
        == len({event["tid"] for event in events_of(sample_report(), "M") if event["name"] == "thread_name"}) + 2
    )


def test_the_counter_follows_what_runs() -> None:
    """At each moment the counter is the number of attempts under way; at the end it is 0."""
    counts = {event["ts"]: event["args"]["attempts"] for event in events_of(sample_report(), "C")}
    attempts = [event for event in events_of(sample_report()) if event["pid"] == 1]
    for moment, count in counts.items():
        assert sum(each["ts"] <= moment < each["ts"] + each["dur"] for each in attempts) == count

    assert 0 == counts[max(counts)]


def test_waits_and_rests_lie_between() -> None:
    """A wait leads from the last need to the first attempt, a rest from one attempt to the next."""
    found = {(each.task, each.kind): (each.start, each.end) for each in pauses(sample_report())}

    assert {
        ("wrong", "wait"): (0.0, 0.25),
        ("excused", "wait"): (0.0, 1.5),
        ("flaky", "rest"): (1.5, 2.5),
    } == found
