"""JUnit XML: valid against the schema of Jenkins, in the order of that of Surefire, whatever tasks say."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from hypothesis import HealthCheck, example, given, settings
from msgspec.structs import replace

from runner.execute.simulate import Simulation, Step
from runner.graph.model import Retry
from runner.record.folding import fold
from runner.record.render.junit import LONGEST, ORDER, render_junit
from runner.record.report import Report
from runner.schedule.messages import AttemptEnded, AttemptStarted, Event, Noted
from runner.task import Cause, Check, Failed, Outcome, Succeeded
from tests.kit import graph_of, opened, play, scripted
from tests.record.sample import sample_report
from tests.record.test_hostile import HOSTILE
from tests.record.test_hostile import report_of as hostile

JENKINS = xmlschema.XMLSchema(Path(__file__).with_name("junit-10.xsd"))
"""The schema that Jenkins holds such files against, with Surefire's marks; tests/README.md says where it is from."""
NOWHERE = Path("nowhere")


def junit(report: Report, folder: Path = NOWHERE) -> ET.Element:
    """Write a report as JUnit, hold it against the schema, and read it again."""
    text = render_junit(report, folder)
    JENKINS.validate(text)
    root = ET.fromstring(text)
    for case in root.iter("testcase"):  # Surefire's schema wants them in an order, which that of Jenkins does not
        places = [ORDER.index(element.tag) for element in case]
        assert sorted(places) == places
    return root


def tried(*outcomes: Outcome, required: bool = True) -> Report:
    """Fold a run of one task whose attempts end so, each with a log."""
    retry = Retry(attempts=len(outcomes), delay=1.0, jitter="none")
    graph = graph_of("a", a={"retry": retry, "allow_failure": not required})
    steps = {"a": [Step(seconds=1.0, outcome=outcome) for outcome in outcomes]}
    turns = play(graph, Simulation(*scripted(steps), slots=1)).turns
    return fold(graph, [_logged(turn.event) for turn in turns])


def _logged(event: Event) -> Event:
    return replace(event, log=f"logs/a.{event.attempt}.log") if isinstance(event, AttemptEnded) else event


def failed(cause: Cause) -> Failed:
    """Fail for a cause."""
    return Failed(cause=cause, message=f"because {cause.word}")


def test_every_task_and_every_check_is_a_case() -> None:
    """Each task of the sample is a case under the graph's name, its checks are cases under its own."""
    root = junit(sample_report())
    cases = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    by_hand = {
        "test": ["fine", "flaky", "wrong", "slow", "dies", "never", "stuck", "excused", "gate"],
        "test.flaky": ["answers"],
        "test.wrong": ["collection has items", "status is <200>"],
        "test.gate": ["all passed"],
    }

    assert sorted((place, name) for place, names in by_hand.items() for name in names) == sorted(cases)


@pytest.mark.parametrize("cause", Cause)
def test_a_cause_is_a_failure_or_an_error(cause: Cause) -> None:
    """What a test could find is a failure; everything else is an error; each names its cause."""
    suite = next(junit(tried(failed(cause))).iter("testsuite"))
    case = next(suite.iter("testcase"))
    tag = "failure" if cause in {Cause.FAILED_CHECK, Cause.EXIT_CODE} else "error"

    assert [(tag, cause.word)] == [(element.tag, element.get("type")) for element in case]
    assert {"failures": "01"[tag == "failure"], "errors": "01"[tag == "error"], "skipped": "0"} == {
        name: suite.get(name) for name in ("failures", "errors", "skipped")
    }


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause is not Cause.CANCELLED])
def test_an_attempt_that_was_tried_again_is_marked(cause: Cause) -> None:
    """As in Surefire: flaky where the task succeeded in the end, a rerun where it did not."""
    kind = "Failure" if cause in {Cause.FAILED_CHECK, Cause.EXIT_CODE} else "Error"
    flaky = next(junit(tried(failed(cause), Succeeded())).iter("testcase"))
    hopeless = next(junit(tried(failed(cause), failed(Cause.EXIT_CODE))).iter("testcase"))
    lost = next(junit(tried(failed(cause), failed(Cause.LOST))).iter("testcase"))

    assert [f"flaky{kind}"] == [element.tag for element in flaky]
    assert ["failure", f"rerun{kind}"] == [element.tag for element in hopeless]
    assert {"error", f"rerun{kind}"} == {element.tag for element in lost}
    assert f"because {cause.word}" == flaky[0].findtext("stackTrace")


def test_a_failure_that_is_allowed_fails_nothing() -> None:
    """A server that reads the file counts it as skipped, and sees why."""
    root = junit(tried(failed(Cause.CRASHED), failed(Cause.EXCEPTION), required=False))
    skipped = next(root.iter("skipped"))

    assert ("0", "0") == (root.get("failures"), root.get("errors"))
    assert "failed (allowed): because exception" == skipped.get("message")


def test_what_a_tried_attempt_printed_stands_with_it(tmp_path: Path) -> None:
    """Each attempt has the end of its own log."""
    (tmp_path / "logs").mkdir()
    for number in (1, 2):
        (tmp_path / f"logs/a.{number}.log").write_text(f"printed by {number}\n", encoding="utf-8")
    case = next(junit(tried(failed(Cause.EXIT_CODE), Succeeded()), tmp_path).iter("testcase"))

    assert "printed by 1" == (case.findtext("flakyFailure/system-out") or "").strip()
    assert "printed by 2" == (case.findtext("system-out") or "").strip()


def test_a_failed_check_of_a_task_that_may_fail_is_skipped() -> None:
    """As its task is: the file has no failure in it, and the check says why."""
    graph = graph_of("a", a={"allow_failure": True})
    note = Noted(at=1.0, task="a", attempt=1, note=Check(name="count", verdict="failed", expected=1, observed=2))
    events: list[Event] = [opened(), AttemptStarted(at=0.0, task="a", attempt=1), note]
    events.append(AttemptEnded(at=2.0, task="a", attempt=1, outcome=failed(Cause.FAILED_CHECK)))
    root = junit(fold(graph, events))
    case = next(each for each in root.iter("testcase") if each.get("name") == "count")

    assert ("0", "0") == (root.get("failures"), root.get("errors"))
    assert ["skipped"] == [element.tag for element in case]
    assert (case[0].get("message") or "").startswith("failed (allowed): ")


def test_checks_of_one_name_are_told_apart() -> None:
    """Servers tell cases by their names, so a second check of a name gets a number."""
    notes = [Noted(at=1.0, task="a", attempt=1, note=Check(name="same", verdict="passed")) for _ in range(3)]
    events: list[Event] = [opened(), AttemptStarted(at=0.0, task="a", attempt=1), *notes]
    root = junit(fold(graph_of("a"), [*events, AttemptEnded(at=2.0, task="a", attempt=1, outcome=Succeeded())]))

    assert ["a", "same", "same (2)", "same (3)"] == [case.get("name") for case in root.iter("testcase")]


def test_of_a_long_log_the_end_is_kept(tmp_path: Path) -> None:
    """A log of a megabyte costs a bounded part of the file, and what no XML can hold is left out of it."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/a.1.log").write_text("x" * 1_000_000 + "\nthe \x00\x1b[31mlast\ufffe line", encoding="utf-8")
    text = render_junit(tried(failed(Cause.EXIT_CODE)), tmp_path)
    printed = junit(tried(failed(Cause.EXIT_CODE)), tmp_path).findtext(".//system-out") or ""

    assert len(text) < 30_000
    assert printed.endswith("the last\ufffd line")
    assert printed.startswith("… 983,6")


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(said=HOSTILE)
@example(said="]]></failure><testcase/>")
@example(said="\ufffe\uffff\x00\x0b\ud800")
@example(said="x" * 20_000)
def test_hostile_texts_stay_texts_in_junit(said: str) -> None:
    """Whatever is said, the file is valid and has the cases it has for a harmless word."""
    harmless, root = junit(hostile("word")), junit(hostile(said))

    assert [element.tag for element in harmless.iter()] == [element.tag for element in root.iter()]
    assert all(len(value) <= LONGEST + 20 for element in root.iter() for value in element.attrib.values())
