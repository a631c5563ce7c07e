from __future__ import annotations

from typing import Any

import pytest

from runner.task import Check, LedgerRow, NeedResult
from tasks.evidence import rows
from tasks.evidence.finding import Orphan, Searched, Unverified
from tasks.evidence.rows import Requirement


def need(name: str, state: str = "succeeded", **more: Any) -> NeedResult:
    """Make the result of a task that ran in this run."""
    return NeedResult(id=name, state=state, **{"run": "run-1", **more})


UPSTREAM: dict[str, tuple[NeedResult, bool, str, str]] = {
    "succeeded": (need("a"), False, "passed", "succeeded"),
    "failed": (need("a", "failed", cause="exit_code"), False, "failed", "failed (exit_code)"),
    "may fail": (need("a", "failed", cause="exit_code", required=False), False, "warning", "failed (exit_code)"),
    "timed out": (need("a", "timed_out", cause="timed_out"), False, "failed", "timed_out"),
    "blocked": (need("a", "blocked"), False, "failed", "blocked"),
    "skipped": (need("a", "skipped"), False, "failed", "skipped"),
    "kept": (need("a", "kept", run="run-0"), False, "passed", "kept, from run run-0"),
    "kept, but must be fresh": (need("a", "kept", run="run-0"), True, "failed", "kept, from run run-0"),
    "cached": (need("a", "cached", run="run-0"), False, "passed", "cached, from run run-0"),
    "fresh": (need("a"), True, "passed", "succeeded"),
}


@pytest.mark.parametrize("name", UPSTREAM)
def test_a_task_above_passed_or_says_how_it_did_not(name: str) -> None:
    """Kept and cached results count, with the run they come from, unless they must be fresh."""
    result, fresh, verdict, observed = UPSTREAM[name]

    (row,) = rows.upstream({"a": result}, run="run-1", require_fresh=fresh)

    assert (verdict, observed) == (row.verdict, row.observed)


def test_a_failed_task_names_its_first_failed_check() -> None:
    """The row alone tells where to look."""
    bad = [Check(name=f"test {n}", verdict="failed", observed=f"saw {n}") for n in range(3)]
    (row,) = rows.upstream({"a": need("a", "failed", checks=tuple(bad))}, run="run-1", require_fresh=False)

    assert "test 0: saw 0, and 2 more" == row.message


def test_a_service_is_no_task() -> None:
    """What has no run has no verdict of its own; whether the backend is well is another row."""
    assert [] == list(
        rows.upstream({"backend": NeedResult(id="backend", state="ready")}, run="run-1", require_fresh=False)
    )


def test_assertions_are_counted_over_all_tasks() -> None:
    """Truths and texts are no counts."""
    needs = {
        name: need(name, outputs={"assertions": count}) for name, count in {"a": 2, "b": 3, "c": True, "d": "9"}.items()
    }

    row = rows.assertions(needs, 5)

    assert ("passed", 5, "a: 2, b: 3") == (row.verdict, row.observed, row.message)
    assert "failed" == rows.assertions(needs, 6).verdict


ORPHAN = Orphan(id="7", name="Task_2_a", prefix="Task_2_", where="http://x.test/list")
HERE = {"where": "http://x.test/list"}


def test_left_over_data_is_named_with_its_task() -> None:
    """Each orphan by its name, its id and the task it belongs to."""
    row = rows.left_over(
        Searched(orphans=(ORPHAN,), looked_at=9, **HERE), {"Task_2_": "config"}, ["Task_2_"], allow_unverified=False
    )

    assert ("failed", "1 left behind: Task_2_a (id 7, of config)") == (row.verdict, row.observed)


@pytest.mark.parametrize(
    ("allow", "orphans", "verdict"), [(False, (), "failed"), (True, (), "warning"), (True, (ORPHAN,), "failed")]
)
def test_no_evidence_is_not_a_pass(*, allow: bool, orphans: tuple[Orphan, ...], verdict: str) -> None:
    """Unverified fails unless allowed; orphans that were seen fail whatever is allowed."""
    row = rows.left_over(
        Unverified(why="answered 404", orphans=orphans, **HERE), {}, ["Task_2_"], allow_unverified=allow
    )

    assert verdict == row.verdict
    assert "not verified: answered 404" in str(row.observed)


def entry(action: Any, kind: str, key: str) -> LedgerRow:
    """Make a row of the ledger."""
    return LedgerRow(action=action, kind=kind, id=key, at="2026-01-01T00:00:00.000Z")


def test_the_ledger_is_even_when_everything_created_is_deleted() -> None:
    """By kind and id, over all tasks: what one creates another may delete, and no deletion counts in advance."""
    even = {
        "a": need("a", ledger=(entry("created", "doc", "1"),)),
        "b": need("b", ledger=(entry("deleted", "doc", "1"),)),
    }
    odd = {
        "a": need(
            "a", ledger=(entry("deleted", "doc", "1"), entry("created", "doc", "1"), entry("deleted", "user", "1"))
        )
    }

    assert ("passed", "1 created, all deleted") == (rows.ledger(even).verdict, rows.ledger(even).observed)
    assert ("failed", "created and not deleted: doc 1 (id 1, of a)") == (
        rows.ledger(odd).verdict,
        rows.ledger(odd).observed,
    )


REQUIREMENTS: dict[str, tuple[dict[str, Any], Any, str]] = {
    "equals": ({"equals": 3}, 3, "passed"),
    "equals null": ({"equals": None}, None, "passed"),
    "does not equal": ({"equals": 3}, 4, "failed"),
    "at least": ({"at_least": 3}, 3, "passed"),
    "less": ({"at_least": 3}, 2.9, "failed"),
    "at least of nothing": ({"at_least": 0}, None, "failed"),
    "at least of a truth": ({"at_least": 0}, True, "failed"),
    "at most": ({"at_most": 3}, 3, "passed"),
    "more": ({"at_most": 3}, 3.1, "failed"),
    "contains an item": ({"contains": "a"}, ["a", "b"], "passed"),
    "contains a text": ({"contains": "bc"}, "abcd", "passed"),
    "contains a key": ({"contains": "a"}, {"a": 1}, "passed"),
    "contains not": ({"contains": "a"}, ["ab"], "failed"),
    "contains of a number": ({"contains": 1}, 1, "failed"),
    "matches": ({"matches": "^v[0-9]+"}, "v12-rc", "passed"),
    "matches not": ({"matches": "^v[0-9]+$"}, "v12-rc", "failed"),
    "nothing to compare": ({}, 1, "failed"),
    "two comparisons": ({"equals": 1, "at_least": 1}, 1, "failed"),
}


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_a_requirement_of_the_graph_is_held_against_what_was_observed(name: str) -> None:
    """Numbers are compared with numbers only, and exactly one comparison is made."""
    compared, observed, verdict = REQUIREMENTS[name]

    assert verdict == rows.required(Requirement(name="r", observed=observed, **compared)).verdict


def test_every_row_says_where_to_look() -> None:
    """A verdict that nobody can follow up is a claim."""
    check = Check(name="c", verdict="passed")
    (upstream,) = rows.upstream({"a": need("a", checks=(check, check))}, run="run-1", require_fresh=False)
    required = rows.required(Requirement(name="r", observed=1, equals=1, where="output `n` of a"))

    assert "its 2 checks" == upstream.message
    assert "ledgers of a, b" == rows.ledger({"a": need("a"), "b": need("b")}).message
    assert "output `n` of a" == required.message


def test_a_pattern_that_is_none_is_told_before_anything_runs() -> None:
    """The parameters of a task are checked when its graph is."""
    with pytest.raises(ValueError, match="is no regular expression: unterminated character set"):
        Requirement(name="r", observed="a", matches="[")
