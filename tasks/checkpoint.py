"""The task `checkpoint`: judges the tasks it needs by evidence, one row per requirement. No evidence is not a pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import sleep

from runner.task import Check, Context, NeedResult, Verdict
from tasks.evidence import rows
from tasks.evidence.finding import Finding, Orphan, Searched, Unverified, Wanted
from tasks.evidence.probes import Probe, look, remove
from tasks.evidence.rows import Requirement
from tasks.health import check_backend_health

LARGEST_OUTPUT = 200
"""How many orphans the outputs hold."""

SHORTEST_PREFIX = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a checkpoint came to; `orphans` names the first of them, with the task each belongs to."""

    passed: bool
    rows: int
    failed: list[str]
    orphans: list[dict[str, str]]


def judge(
    *,
    base_url: str = "",
    health_path: str | None = None,
    required_services: list[str] | None = None,
    probes: list[Probe] | None = None,
    prefixes: list[str] | None = None,
    ignore: list[str] | None = None,
    require: list[Requirement] | None = None,
    at_least_assertions: int = 1,
    require_fresh: bool = False,
    allow_unverified: bool = False,
    settle: float = 1.0,
    context: Context,
) -> Judgement:
    """Judge the tasks this one needs; with `base_url`, the backend's health and what was left behind in it, too.

    `prefixes` are looked for beside those of the tasks above; `settle` is the wait in seconds before a second look.
    """
    owners = {**dict.fromkeys(prefixes or (), context.task), **prefixes_of(context.above)}
    wanted = Wanted(prefixes=tuple(sorted(owners)), ignore=tuple(ignore or ()))
    added: list[Check] = []

    def add(check: Check) -> None:
        added.append(check)
        context.add(check)

    for row in _rows_of_record(context, at_least_assertions, require or (), require_fresh=require_fresh):
        add(row)
    if base_url:
        add(_health(base_url, health_path, required_services or ()))
    findings = list(_findings(probes or (), base_url, wanted, settle, sleep))
    for finding in findings:
        add(rows.left_over(finding, owners, wanted.prefixes, allow_unverified=allow_unverified))
    failed = [check.name for check in added if check.verdict == "failed"]
    return Judgement(passed=not failed, rows=len(added), failed=failed, orphans=_named(findings, owners))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """What `clean` removed, by id, and what it could not."""

    removed: list[str]
    failed: list[str]


def clean(
    *,
    base_url: str = "",
    probes: list[Probe],
    prefixes: list[str] | None = None,
    ignore: list[str] | None = None,
    context: Context,
) -> Cleaned:
    """Remove the test data that the tasks above left behind: only what a probe has just listed under a prefix.

    A prefix shorter than four characters is refused, and nothing is removed: it would reach records of other people.
    """
    wanted = Wanted(
        prefixes=tuple(sorted({*(prefixes or ()), *prefixes_of(context.above)})), ignore=tuple(ignore or ())
    )
    short = [prefix for prefix in wanted.prefixes if len(prefix) < SHORTEST_PREFIX]
    if short or not wanted.prefixes:
        observed = f"{', '.join(map(repr, short))}" if short else "no prefix at all"
        expected = f"prefixes of {SHORTEST_PREFIX} characters or more"
        context.add(Check(name="prefixes", verdict="failed", expected=expected, observed=observed))
        return Cleaned(removed=[], failed=[])
    kinds = {row.id: row.kind for need in context.above.values() for row in need.ledger}
    removed: list[str] = []
    failed: list[str] = []
    for probe in probes:
        finding = look(probe, base_url, wanted)
        for orphan in finding.orphans:
            fault = remove(probe, base_url, orphan)
            context.add(_removal(orphan, fault))
            (failed if fault else removed).append(orphan.id)
            if not fault:
                context.deleted(kinds.get(orphan.id, "record"), orphan.id, name=orphan.name)
        if isinstance(finding, Unverified):
            seen = f"not everything could be looked at: {finding.why}"
            context.add(
                Check(name="search", verdict="failed", expected="everything", observed=seen, message=finding.where)
            )
    return Cleaned(removed=removed, failed=failed)


def prefixes_of(above: Mapping[str, NeedResult]) -> dict[str, str]:
    """Map each data prefix of the tasks above to its task."""
    return {need.data_prefix: need.id for need in above.values() if need.data_prefix}


# -- the helpers -------------------------------------------------------------------------------------------------------


def _rows_of_record(
    context: Context, at_least: int, require: Sequence[Requirement], *, require_fresh: bool
) -> Iterator[Check]:
    """Rows that need nothing but what the run itself knows."""
    yield from rows.upstream(context.needs, run=context.run, require_fresh=require_fresh)
    if at_least:
        yield rows.assertions(context.needs, at_least)
    yield from (rows.required(each) for each in require)
    yield rows.ledger(context.above)


def _health(base_url: str, path: str | None, required: Sequence[str]) -> Check:
    report = check_backend_health(base_url, path, required, attempts=2)
    observed = f"{report.status}: {report.error}" if report.error else report.status
    verdict: Verdict = "passed" if report.healthy else "failed"
    return Check(name="the backend is well now", verdict=verdict, expected="up", observed=observed, message=report.url)


def _findings(
    probes: Sequence[Probe], base_url: str, wanted: Wanted, settle: float, sleep: Callable[[float], None]
) -> Iterator[Finding]:
    """Look with every probe; what is not clean is looked at once more, because lists lag behind."""
    if not wanted.prefixes:
        if probes:
            why = "no task above has a `data_prefix`, and no `prefixes` are given: there is nothing to look for"
            yield Unverified(why=why, where="")
        return
    if not probes:
        yield Unverified(why="no probe was given; say where to look by `probes`", where="")
    for probe in probes:
        finding = look(probe, base_url, wanted)
        if not (isinstance(finding, Searched) and not finding.orphans):
            sleep(settle)
            finding = look(probe, base_url, wanted)
        yield finding


def _removal(orphan: Orphan, fault: str) -> Check:
    verdict: Verdict = "failed" if fault else "passed"
    name = f"remove {orphan.name} (id {orphan.id})"
    return Check(name=name, verdict=verdict, expected="removed", observed=fault or "removed", message=orphan.where)


def _named(findings: Sequence[Finding], owners: Mapping[str, str]) -> list[dict[str, str]]:
    orphans: list[Orphan] = [orphan for finding in findings for orphan in finding.orphans]
    return [
        {
            "id": each.id,
            "name": each.name,
            "prefix": each.prefix,
            "task": owners.get(each.prefix, ""),
            "where": each.where,
        }
        for each in orphans[:LARGEST_OUTPUT]
    ]
