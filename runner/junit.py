"""A JUnit report as data. Pure; standard library only, because tasks and workers read it. Knows no test runner."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from xml.etree.ElementTree import Element

Outcome: TypeAlias = Literal["passed", "failed", "error", "skipped"]

LONGEST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test: its full name, how it ended, why, and where (`file:line`, where the report tells)."""

    name: str
    outcome: Outcome
    message: str
    place: str
    seconds: float

    @property
    def said(self) -> dict[str, Any]:
        """Answer the fields of the check that it is: one that was skipped is a warning."""
        skipped = self.outcome == "skipped"
        return {
            "name": self.name,
            "verdict": "passed" if self.outcome == "passed" else "warning" if skipped else "failed",
            "expected": "runs" if skipped else "passes",
            "observed": f"{self.outcome}: {self.message}" if self.message else self.outcome,
            "message": self.place,
            "seconds": self.seconds,
        }


def cases_in(root: Element) -> list[Case]:
    """Read every test of a report; a test with several outcomes (its teardown failed, too) is the worst of them."""
    worst: dict[str, Case] = {}
    for each in root.iter("testcase"):
        for case in _cases(each):
            before = worst.get(case.name)
            if before is None or _RANK.index(case.outcome) < _RANK.index(before.outcome):
                worst[case.name] = case
    return list(worst.values())


# -- the helpers -------------------------------------------------------------------------------------------------------

_RANK: tuple[Outcome, ...] = ("error", "failed", "skipped", "passed")
_ENDINGS: dict[str, Outcome] = {"error": "error", "failure": "failed", "skipped": "skipped"}


def _cases(each: Element) -> Iterator[Case]:
    classname, name = each.get("classname") or "", each.get("name") or ""
    full = f"{classname}::{name}" if classname else name
    seconds = _seconds(each.get("time") or "0")
    endings = [(outcome, inner) for tag, outcome in _ENDINGS.items() for inner in each.findall(tag)]
    if not endings:
        yield Case(name=full, outcome="passed", message="", place="", seconds=seconds)
    for outcome, inner in endings:
        message = (inner.get("message") or inner.text or "").strip()
        yield Case(name=full, outcome=outcome, message=_first(message), place=_place(each, inner), seconds=seconds)


def _seconds(text: str) -> float:
    """Read a time as test runners write it, some with commas between the thousands; 0 for what is none."""
    try:
        seconds = float(text.replace(",", ""))
    except ValueError:  # a border: anybody may have written the report
        return 0.0
    return seconds if math.isfinite(seconds) else 0.0


def _first(message: str) -> str:
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return " | ".join(lines[:3])[:LONGEST]


def _place(each: Element, inner: Element) -> str:
    """Answer the last `file:line: Error` of a traceback, else where the test stands."""
    found = re.findall(r"^(\S+\.py:\d+): ", inner.text or "", re.MULTILINE)
    if found:
        return str(found[-1])
    file, line = each.get("file"), each.get("line")
    return f"{file}:{int(line) + 1}" if file and line and line.isdigit() else file or ""
