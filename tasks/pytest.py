"""The task `pytest`: runs pytest in a process of its own, and turns its JUnit report into checks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from runner.junit import Case, cases_in
from runner.task import Check, Context

EXITS = {
    2: "it was interrupted, or a file could not be collected",
    3: "pytest itself failed",
    4: "its command line is wrong",
    5: "no test was collected",
}
"""pytest's exit codes beyond 0 and 1 (pytest documentation, Exit codes)."""

SLOWEST = 10
GRACE = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TestRun:
    """What a run of pytest came to. `assertions` is the number of tests that ran, which a checkpoint counts."""

    __test__ = False

    passed: int
    failed: int
    errors: int
    skipped: int
    assertions: int
    seconds: float
    exit_code: int
    coverage: float | None
    slowest: list[dict[str, float]]


def run(
    *,
    paths: list[str],
    workers: int | str | None = None,
    keyword: str = "",
    marker: str = "",
    coverage: list[str] | None = None,
    coverage_at_least: float | None = None,
    options: list[str] | None = None,
    python: str | None = None,
    context: Context,
) -> TestRun | None:
    """Run tests; `workers`, `keyword` and `marker` are pytest's -n, -k and -m, `options` are added as they are.

    `coverage` names what is measured (pytest-cov), in percent. `python` is the interpreter, ours if none is given.
    """
    interpreter = _interpreter(python)
    with tempfile.TemporaryDirectory(prefix="pytest-") as folder:
        report, measured = Path(folder, "junit.xml"), Path(folder, "coverage.xml")
        command = [
            *(interpreter, "-m", "pytest", *paths, f"--junit-xml={report}", "-o", "junit_family=xunit1"),
            *(("-n", str(workers)) if workers is not None else ()),
            *(("-k", keyword) if keyword else ()),
            *(("-m", marker) if marker else ()),
            *((f"--cov={name}" for name in coverage) if coverage else ()),
            *((f"--cov-report=xml:{measured}", "--cov-report=term") if coverage else ()),
            *(options or ()),
        ]
        code = _ended(command, COVERAGE_FILE=str(Path(folder, ".coverage")))
        if not report.is_file():
            observed = f"exit code {code}, and no report; is pytest installed for {interpreter}? The log says more"
            context.add(Check(name="pytest", verdict="failed", expected="a JUnit report", observed=observed))
            return None
        cases = cases_in(ET.parse(report).getroot())  # noqa: S314  # pytest wrote it a moment ago
        percent = _line_rate(measured) if coverage else None
    for check in (*_rows(cases, code), *_coverage_rows(percent, coverage_at_least)):
        context.add(check)
    return _result(cases, code, percent)


# -- the helpers -------------------------------------------------------------------------------------------------------


def _interpreter(python: str | None) -> str:
    if python is None:
        return sys.executable
    return shutil.which(python) or python


def _ended(command: Sequence[str], **env: str) -> int:
    """Run to the end, whatever ends us: pytest gets the time to write its report and to tear down."""
    with _started(command, env) as process:
        return process.wait()


@contextmanager
def _started(command: Sequence[str], more: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    process = subprocess.Popen(command, env={**env, **more})  # noqa: S603  # the graph's author names it
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _rows(cases: Sequence[Case], code: int) -> list[Check]:
    """Answer one row for the whole, and one for each test that did not pass."""
    ran = [case for case in cases if case.outcome != "skipped"]
    bad = [case for case in ran if case.outcome != "passed"]
    counts = _counts(cases)
    if code in EXITS:
        counts = f"{EXITS[code]} (exit code {code}); {counts}"
    whole = Check(
        name="pytest",
        verdict="passed" if code == 0 and ran and not bad else "failed",
        expected="every test passes",
        observed=counts if ran or code in EXITS else f"no test ran; {counts}",
        seconds=sum(case.seconds for case in cases),
    )
    return [whole, *(Check(**case.said) for case in cases if case.outcome != "passed")]


def _line_rate(file: Path) -> float | None:
    """Read how many percent of the lines a coverage report (Cobertura's XML) says were run; None if there is none."""
    if not file.is_file():
        return None
    found = re.search(r'<coverage[^>]*\sline-rate="([\d.]+)"', file.read_text(encoding="utf-8"))
    return round(float(found[1]) * 100, 2) if found else None


def _coverage_rows(percent: float | None, at_least: float | None) -> list[Check]:
    if at_least is None:
        return []
    good = percent is not None and percent >= at_least
    observed = "not measured" if percent is None else f"{percent:.1f} %"
    return [
        Check(
            name="coverage",
            verdict="passed" if good else "failed",
            expected=f"at least {at_least:g} %",
            observed=observed,
        )
    ]


def _counts(cases: Sequence[Case]) -> str:
    outcomes = [case.outcome for case in cases]
    words = ((outcomes.count(word), word) for word in ("passed", "failed", "error", "skipped"))
    return ", ".join(f"{number} {word}" for number, word in words if number) or "0 tests"


def _result(cases: Sequence[Case], code: int, percent: float | None) -> TestRun:
    outcomes = [case.outcome for case in cases]
    slowest = sorted(cases, key=lambda case: -case.seconds)[:SLOWEST]
    return TestRun(
        passed=outcomes.count("passed"),
        failed=outcomes.count("failed"),
        errors=outcomes.count("error"),
        skipped=outcomes.count("skipped"),
        assertions=len(outcomes) - outcomes.count("skipped"),
        seconds=round(sum(case.seconds for case in cases), 3),
        exit_code=code,
        coverage=percent,
        slowest=[{case.name: case.seconds} for case in slowest],
    )
