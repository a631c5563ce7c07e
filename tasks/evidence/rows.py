"""Evidence rows: each requirement of a checkpoint held against what is known. Pure: sends nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator

from runner.task import Check, Json, NeedResult, Verdict
from tasks.evidence.finding import Finding, Orphan, Searched, Unverified

LISTED = 10
"""How many orphans a row names; the outputs hold more."""

PASSED = ("succeeded", "cached", "kept")


class Requirement(BaseModel):
    """One further row: what was observed, one thing it has to be, and `where` to look."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    observed: Any
    where: str = ""
    equals: Any = None
    at_least: float | None = None
    at_most: float | None = None
    contains: Any = None
    matches: str | None = None

    @field_validator("matches")
    @classmethod
    def _is_pattern(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except re.error as error:
            raise ValueError(f"{value!r} is no regular expression: {error}") from None
        return value


def upstream(needs: Mapping[str, NeedResult], *, run: str, require_fresh: bool) -> Iterator[Check]:
    """Yield a row per task that is needed: it has a result, and passed. A service has no run and no row.

    Of a fan-out each instance has a row.
    """
    for need in needs.values():
        if need.run and not need.instances:
            yield _upstream(need, run=run, require_fresh=require_fresh)


def assertions(needs: Mapping[str, NeedResult], at_least: int) -> Check:
    """Judge how many assertions ran: a phase that looked at nothing has shown nothing."""
    found = {name: need.outputs.get("assertions") for name, need in needs.items()}
    counted = {name: each for name, each in found.items() if isinstance(each, int) and not isinstance(each, bool)}
    total = sum(counted.values())
    return Check(
        name="assertions ran",
        verdict="passed" if total >= at_least else "failed",
        expected=f"at least {at_least}",
        observed=total,
        message=", ".join(f"{name}: {number}" for name, number in counted.items())
        or "no task has an output `assertions`",
    )


def left_over(finding: Finding, owners: Mapping[str, str], prefixes: Sequence[str], *, allow_unverified: bool) -> Check:
    """Judge what a probe found: no record under any prefix. `owners` maps a prefix to its task."""
    match finding:
        case Searched(orphans=(), looked_at=looked_at, where=where):
            verdict: Verdict = "passed"
            observed = f"none among {looked_at} records"
        case Searched(orphans=orphans, where=where):
            verdict = "failed"
            observed = f"{len(orphans)} left behind: {listed(orphans, owners)}"
        case Unverified(orphans=orphans, why=why, where=where):
            verdict = "warning" if allow_unverified and not orphans else "failed"
            observed = f"not verified: {why}" + (
                f"; already {len(orphans)}: {listed(orphans, owners)}" if orphans else ""
            )
    return Check(
        name="no test data left behind",
        verdict=verdict,
        expected=f"no record named {', '.join(f'{prefix}…' for prefix in prefixes)}" if prefixes else "a prefix",
        observed=observed,
        message=where,
    )


def ledger(above: Mapping[str, NeedResult]) -> Check:
    """Judge the ledger: what it says was created was also deleted."""
    open_rows: dict[tuple[str, str], str] = {}
    created = 0
    for need in above.values():
        for row in need.ledger:
            if row.action == "created":
                created += 1
                open_rows[row.kind, row.id] = f"{row.kind} {row.name or row.id} (id {row.id}, of {need.id})"
            else:
                open_rows.pop((row.kind, row.id), None)
    left = list(open_rows.values())
    shown = ", ".join(left[:LISTED]) + (f" and {len(left) - LISTED} more" if len(left) > LISTED else "")
    return Check(
        name="ledger of test data",
        verdict="failed" if left else "passed",
        expected="everything created is deleted",
        observed=f"created and not deleted: {shown}" if left else f"{created} created, all deleted",
        message=f"ledgers of {', '.join(above)}" if above else "no task above keeps a ledger",
    )


def required(requirement: Requirement) -> Check:
    """Judge a row of the graph's own."""
    compared = sorted(requirement.model_fields_set - {"name", "observed", "where"})
    if len(compared) != 1:
        words = "`equals`, `at_least`, `at_most`, `contains` or `matches`"
        return Check(name=requirement.name, verdict="failed", expected=f"one of {words}", observed=", ".join(compared))
    (how,) = compared
    wanted: Json = getattr(requirement, how)
    return Check(
        name=requirement.name,
        verdict="passed" if _holds(how, requirement.observed, wanted) else "failed",
        expected=wanted if how == "equals" else f"{how.replace('_', ' ')} {wanted}",
        observed=requirement.observed,
        message=requirement.where,
    )


def listed(orphans: Sequence[Orphan], owners: Mapping[str, str]) -> str:
    """Name orphans for people, each with its task."""
    shown = [f"{each.name} (id {each.id}, of {owners.get(each.prefix, '?')})" for each in orphans[:LISTED]]
    more = f" and {len(orphans) - LISTED} more" if len(orphans) > LISTED else ""
    return ", ".join(shown) + more


# -- the helpers -------------------------------------------------------------------------------------------------------


def _upstream(need: NeedResult, *, run: str, require_fresh: bool) -> Check:
    from_another = need.run != run or need.state in ("kept", "cached")
    word = need.state if need.cause in (None, need.state) else f"{need.state} ({need.cause})"
    observed = f"{word}, from run {need.run}" if from_another else word
    passed = need.state in PASSED
    verdict: Verdict = "passed"
    if not passed:
        verdict = "failed" if need.required else "warning"
    elif require_fresh and from_another:
        verdict = "failed"
    bad = [f"{each.name}: {each.observed}" for each in need.checks if each.verdict == "failed"]
    first = f"{bad[0]}" + (f", and {len(bad) - 1} more" if len(bad) > 1 else "") if bad and not passed else need.message
    return Check(
        name=f"task {need.id}",
        verdict=verdict,
        expected="passed in this run" if require_fresh else "passed",
        observed=observed,
        message=_counted(need) if passed else first,
    )


def _counted(need: NeedResult) -> str:
    return f"its {len(need.checks)} check{'s' * (len(need.checks) != 1)}" if need.checks else "it has no checks"


def _holds(how: str, observed: Any, wanted: Any) -> bool:
    number = isinstance(observed, int | float) and not isinstance(observed, bool)
    match how:
        case "equals":
            return bool(observed == wanted)
        case "at_least":
            return number and observed >= wanted
        case "at_most":
            return number and observed <= wanted
        case "contains":
            return (isinstance(observed, list | dict) and wanted in observed) or (
                isinstance(observed, str) and isinstance(wanted, str) and wanted in observed
            )
        case _:
            return isinstance(observed, str) and re.search(str(wanted), observed) is not None
