from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from runner.junit import Case, cases_in
from tasks.pytest import TestRun, run
from tests.cli.command import report_in, task_in
from tests.cli.command import run as runner
from tests.tasks.kit import ROOT, Said, context

MIXED = """
import pytest

@pytest.fixture
def broken(): raise OSError("no disk")

@pytest.fixture
def leaky():
    yield
    raise OSError("not closed")

def test_good(): pass
def test_bad(): assert 1 + 1 == 3, "sums"
def test_error(broken): pass
def test_leaky(leaky): pass
@pytest.mark.skip(reason="later")
def test_skipped(): pass
@pytest.mark.xfail
def test_known(): assert False
"""


def ran(folder: Path, text: str, **more: Any) -> tuple[TestRun | None, Said]:
    """Run pytest on a file as the task does, apart from the settings of this project."""
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (folder / "test_it.py").write_text(text, encoding="utf-8")
    here, said = context()
    options = [
        f"--rootdir={folder}",
        "-p",
        "no:cacheprovider",
        "-c",
        str(folder / "pytest.ini"),
        *more.pop("options", []),
    ]
    return run(paths=[str(folder / "test_it.py")], options=options, context=here, **more), said


@pytest.mark.real
def test_each_way_a_test_ends_is_told(tmp_path: Path) -> None:
    """Failures and errors with message and place, skipped ones as warnings; an expected failure did not run through."""
    result, said = ran(tmp_path, MIXED)

    assert result is not None
    assert (1, 1, 2, 2, 4, 1) == (
        result.passed,
        result.failed,
        result.errors,
        result.skipped,
        result.assertions,
        result.exit_code,
    )
    rows = {check.name.rpartition("::")[2]: (check.verdict, check.message.rpartition("/")[2]) for check in said.checks}
    assert {
        "pytest": ("failed", ""),
        "test_bad": ("failed", "test_it.py:13"),
        "test_error": ("failed", "test_it.py:5"),
        "test_leaky": ("failed", "test_it.py:10"),
        "test_skipped": ("warning", "test_it.py:16"),
        "test_known": ("warning", "test_it.py:18"),
    } == rows
    assert "1 passed, 1 failed, 2 error, 2 skipped" == said.checks[0].observed
    assert "failed: AssertionError: sums | assert (1 + 1) == 3" == said.failed[1].observed


@pytest.mark.real
def test_a_selection_on_several_processes_passes_and_is_measured(tmp_path: Path) -> None:
    """-k, -n and coverage are pytest's own; less coverage than asked for fails."""
    (tmp_path / "half.py").write_text("def used():\n    return 1\ndef unused():\n    return 2\n", encoding="utf-8")
    text = "from half import used\ndef test_one(): assert used() == 1\ndef test_two(): assert False\n"
    (tmp_path / ".coveragerc").write_text("", encoding="utf-8")
    options = [f"--cov-config={tmp_path}/.coveragerc"]

    result, said = ran(
        tmp_path, text, keyword="one", workers=2, coverage=["half"], coverage_at_least=80, options=options
    )

    assert result is not None
    assert (1, 0, 75.0) == (result.passed, result.failed, result.coverage)
    assert [("coverage", "at least 80 %", "75.0 %")] == [(row.name, row.expected, row.observed) for row in said.failed]


@pytest.mark.real
def test_what_could_not_run_is_no_pass(tmp_path: Path) -> None:
    """Nothing collected, everything skipped, a file that cannot be imported, an unknown option, no pytest."""
    told = {
        "empty": ran(tmp_path, "")[1],
        "skipped": ran(tmp_path, "import pytest\npytest.skip('all', allow_module_level=True)")[1],
        "import": ran(tmp_path, "import no_such_module")[1],
        "option": ran(tmp_path, "", options=["--no-such-option"])[1],
        "python": ran(tmp_path, "", python="/bin/false")[1],
    }

    seen = {name: str(said.failed[0].observed) for name, said in told.items()}
    assert "no test was collected (exit code 5); 0 tests" == seen["empty"]
    assert "no test ran; 1 skipped" in seen["skipped"] or "no test was collected (exit code 5)" in seen["skipped"]
    assert "could not be collected (exit code 2); 1 error" in seen["import"]
    assert "exit code 4, and no report" in seen["option"]
    assert "is pytest installed for /bin/false?" in seen["python"]


@pytest.mark.real
def test_the_example_runs_three_files_at_the_same_time(tmp_path: Path) -> None:
    """Eleven tests in three processes of their own, and a checkpoint that counted them."""
    said = runner(ROOT / "graphs/examples/pytest-phase.yaml", cwd=tmp_path)
    report = report_in(tmp_path)

    assert (0, "passed") == (said.code, report["verdict"])
    outputs = [task_in(report, name)["outputs"]["passed"] for name in ("task_2", "task_3", "task_4")]
    assert [4, 4, 3] == outputs
    assert 3 == len({task_in(report, name)["attempts"][0]["pid"] for name in ("task_2", "task_3", "task_4")})


def test_a_report_of_any_runner_is_read() -> None:
    """Names, outcomes, the first lines of why, and the last place of a traceback."""
    text = """<testsuites><testsuite>
      <testcase classname="a.b" name="one" time="0.5"/>
      <testcase classname="a.b" name="two" time="1" file="b.py"><failure message="no&#10;&#10;more">a.py:3: in f
b.py:12: AssertionError</failure></testcase>
      <testcase name="three"><skipped message="later"/></testcase>
      <testcase classname="a.b" name="one"><error message="teardown"/></testcase>
    </testsuite></testsuites>"""

    assert [
        Case(name="a.b::one", outcome="error", message="teardown", place="", seconds=0.0),
        Case(name="a.b::two", outcome="failed", message="no | more", place="b.py:12", seconds=1.0),
        Case(name="three", outcome="skipped", message="later", place="", seconds=0.0),
    ] == cases_in(ET.fromstring(text))
