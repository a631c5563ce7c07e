from __future__ import annotations

from typing import Any

import pytest

from runner.task import Check
from tasks.newman.result import CollectionRun, Record, Tally, origin_of

STARTED = {"event": "started", "version": "6.2.2", "node": "20.0.0", "items": 1, "iterations": 1}
DONE = {"event": "done", "error": None, "iterations": 1, "milliseconds": 1500}
HERE = {"path": ["Users", "Create"], "iteration": 0}


def request(**more: Any) -> dict[str, Any]:
    """Make the event of a request that was answered."""
    sent = {"method": "POST", "url": "http://x.test/api/users", "status": 201, "milliseconds": 12, "type": "text/html"}
    return {"event": "request", **HERE, **sent, "record": None, "error": None, **more}


def assertion(**more: Any) -> dict[str, Any]:
    """Make the event of an assertion that holds."""
    return {"event": "assertion", **HERE, "name": "answers 201", "skipped": False, "error": None, **more}


def error(message: str, name: str = "AssertionError", code: str | None = None) -> dict[str, Any]:
    """Make an error as newman.js writes it."""
    return {"name": name, "message": message, "code": code}


def folded(*events: dict[str, Any], require: bool = False) -> tuple[CollectionRun, list[Check | Record]]:
    """Fold events into a result, and collect what they stand for."""
    tally = Tally()
    said = [each for event in events for each in tally.feed(event)]
    return tally.result(require_assertions=require, ended="exit code 0"), said


FAULTS: dict[str, dict[str, Any]] = {
    "a failed assertion": assertion(error=error("expected 500 to equal 201")),
    "a script that threw": {"event": "script_error", **HERE, "error": error("boom", "Error")},
    "a request without an answer": request(status=None, error=error("connect ECONNREFUSED", "Error", "ECONNREFUSED")),
    "an error of the whole run": {**DONE, "error": error("collection could not be loaded", "Error")},
    "a crash": {"event": "crashed", "error": error("Cannot find module", "Error")},
}


def test_a_run_without_any_fault_passes() -> None:
    """At least one request, every assertion holds, nothing threw, and the run came to its end."""
    result, said = folded(STARTED, request(), assertion(), DONE)

    expected = Check(name="Users / Create: answers 201", verdict="passed")
    assert (True, [expected]) == (result.passed, said)
    assert (1, 1, 0, 1.5, "6.2.2") == (
        result.requests,
        result.assertions,
        result.failed,
        result.seconds,
        result.engine_version,
    )


@pytest.mark.parametrize("name", FAULTS)
def test_each_kind_of_fault_fails_the_run(name: str) -> None:
    """One fault of any kind beside an assertion that holds is no pass."""
    result, _ = folded(STARTED, request(), assertion(), FAULTS[name], DONE)

    assert result.passed is False


def test_a_run_that_sent_nothing_is_no_pass() -> None:
    """An empty collection has shown nothing."""
    result, _ = folded(STARTED, DONE)

    assert result.passed is False


def test_a_run_that_ended_before_it_was_done_is_no_pass() -> None:
    """Newman was killed after the assertions had passed."""
    result, _ = folded(STARTED, request(), assertion())

    assert (False, "Newman ended before it was done: exit code 0") == (result.passed, result.run_error)


def test_no_assertion_is_a_warning_unless_they_are_required() -> None:
    """Requests that nobody looked at pass with a warning; skipped assertions did not run either."""
    events = (STARTED, request(), assertion(skipped=True), DONE)

    assert (True, ["no assertion ran: the answers were not looked at"]) == (
        folded(*events)[0].passed,
        folded(*events)[0].warnings,
    )
    assert folded(*events, require=True)[0].passed is False


def test_a_failed_assertion_says_what_was_asked_and_answered() -> None:
    """The check alone tells what to look at."""
    _, said = folded(
        STARTED, request(status=500), assertion(error=error("expected 500 to equal 201"), iteration=2), DONE
    )

    expected = Check(
        name="Users / Create: answers 201 (iteration 3)",
        verdict="failed",
        expected="answers 201",
        observed="expected 500 to equal 201",
        message="POST http://x.test/api/users answered 500 text/html in 12 ms",
    )
    assert [expected] == said


def test_a_script_error_that_newman_reports_twice_counts_once() -> None:
    """The runtime tells of most of them as an exception and again as the end of the script."""
    result, said = folded(STARTED, request(), FAULTS["a script that threw"], FAULTS["a script that threw"], DONE)

    assert (1, 1) == (len(result.script_errors), len(said))


def test_a_script_that_ran_out_of_time_does_not_end_the_run() -> None:
    """Newman calls its end callback at the time-out and goes on all the same."""
    early = {**DONE, "error": error("timed out", "Error", "ERR_SCRIPT_EXECUTION_TIMEOUT"), "iterations": 0}
    result, _ = folded(STARTED, request(), early, FAULTS["a script that threw"], request(), DONE)

    assert (None, 2, 1, False) == (result.run_error, result.requests, result.iterations, result.passed)


def test_records_are_told_from_what_requests_created_and_deleted() -> None:
    """A POST answered with a record under the prefix made it; an accepted DELETE of its URL removed it."""
    created = request(record={"id": "7", "name": "Task_2_a"})
    read = request(method="GET", url="http://x.test/api/users/7", status=200, record={"id": "7", "name": "Task_2_a"})
    refused = request(method="DELETE", url="http://x.test/api/users/7", status=403)
    deleted = request(method="DELETE", url="http://x.test/api/users/7?now=1", status=204)
    _, said = folded(STARTED, created, created, read, refused, deleted, deleted, DONE)
    _, kept = folded(STARTED, created, refused, DONE)

    assert ["created"] == [each.action for each in kept if isinstance(each, Record)]
    assert [("created", "users", "7", "Task_2_a"), ("deleted", "users", "7", "Task_2_a")] == [
        (each.action, each.kind, each.id, each.name) for each in said if isinstance(each, Record)
    ]


def test_a_result_lists_the_first_failures_and_counts_them_all() -> None:
    """Ten thousand failures do not make a report of ten thousand lines; the checks hold every one."""
    failures = [assertion(name=f"test {n}", error=error("no")) for n in range(100)]
    result, said = folded(STARTED, request(), *failures, DONE)

    assert (100, 100, 20) == (result.failed, len(said), len(result.failures))


def test_an_origin_is_scheme_host_and_port() -> None:
    """Without credentials, without a path, in any case; Newman takes what has no scheme for http."""
    origins = {
        "http://x.test:8000/a?b=http://y": "http://x.test:8000",
        "HTTPS://X.test": "https://x.test",
        "http://me:secret@x.test?q": "http://x.test",
        "x.test/a": "http://x.test",
    }

    assert origins == {url: origin_of(url) for url in origins}
