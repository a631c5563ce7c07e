"""`--resume` by the real command line: what is kept, what is not, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command import report_in, run

pytestmark = pytest.mark.real

GRAPH = """
version: 1
name: steps
params: {who: {type: string, default: me}, wait: {type: duration, default: 1s}}
tasks:
  first: {run: "echo first >> ran"}
  second: {run: "echo second >> ran; test -e go", needs: [first]}
  third: {run: "echo third ${{ params.who }} >> ran", needs: [second]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Answer a folder with a graph whose second task fails until there is a file."""
    (tmp_path / "g.yaml").write_text(GRAPH, encoding="utf-8")
    return tmp_path


def ran(folder: Path) -> list[str]:
    """Answer what ran since last asked, in order."""
    lines = (folder / "ran").read_text(encoding="utf-8").splitlines()
    (folder / "ran").write_text("", encoding="utf-8")
    return lines


def test_a_failed_run_goes_on_with_its_parameters(folder: Path) -> None:
    """What succeeded is kept, what failed runs again; parameters are those of then, unless given again."""
    assert 1 == run("g.yaml", "-p", "who=you", "-p", "wait=2s", cwd=folder).code
    assert ["first", "second"] == ran(folder)
    failed = report_in(folder)["run"]
    (folder / "go").touch()
    said = run("g.yaml", "--resume", cwd=folder)

    assert 0 == said.code, said.err
    assert ["second", "third you"] == ran(folder)
    assert f"Goes on with run {failed}: 1 of 3 tasks kept." in said.out
    report = report_in(folder)
    assert (failed, [], {"who": "you", "wait": 2.0}) == (report["resumes"], report["doubtful"], report["params"])
    assert ["kept", "succeeded", "succeeded"] == [task["state"] for task in report["tasks"]]

    assert 0 == run("g.yaml", "--resume", "-p", "who=them", cwd=folder).code
    assert ["third them"] == ran(folder)
    assert 0 == run("g.yaml", "--resume", cwd=folder).code
    assert [] == ran(folder)
    assert "Goes on with run" in (folder / ".runner/latest/report.md").read_text(encoding="utf-8")


def test_a_changed_file_is_todays_file(folder: Path) -> None:
    """What was changed runs again with all below it, and a parameter that is gone is no error."""
    (folder / "go").touch()
    assert 0 == run("g.yaml", "-p", "wait=2s", cwd=folder).code
    ran(folder)
    changed = GRAPH.replace("test -e go", "true").replace(", wait: {type: duration, default: 1s}", "")
    (folder / "g.yaml").write_text(changed, encoding="utf-8")

    assert 0 == run("g.yaml", "--resume", cwd=folder).code
    assert ["second", "third me"] == ran(folder)


def test_nothing_to_go_on_with_is_a_fresh_run_that_says_so(folder: Path) -> None:
    """The latest of this graph is meant, not of any other."""
    (folder / "go").touch()
    (folder / "other.yaml").write_text(GRAPH, encoding="utf-8")
    run("other.yaml", cwd=folder)
    ran(folder)
    said = run("g.yaml", "--resume", cwd=folder)

    assert 0 == said.code
    assert ["first", "second", "third me"] == ran(folder)
    assert "There was no earlier run of this graph to go on with" in said.out


def test_a_run_that_is_named_must_be_one_of_this_graph(folder: Path) -> None:
    """Otherwise nothing is started."""
    (folder / "other.yaml").write_text(GRAPH, encoding="utf-8")
    run("other.yaml", cwd=folder)
    other = report_in(folder)["run"]
    ran(folder)

    for name in (other, "20000101"):
        said = run("g.yaml", "--resume", name, cwd=folder)
        assert 2 == said.code
        assert name in said.err
    assert [] == ran(folder)


def test_a_success_that_only_its_receipt_tells_of_is_kept(folder: Path) -> None:
    """The journal is cut behind the start of the last task, as a kill would; its receipt is whole."""
    (folder / "go").touch()
    run("g.yaml", cwd=folder)
    ran(folder)
    journal = folder / ".runner/latest/journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    start = next(n for n, line in enumerate(lines) if b'"AttemptStarted"' in line and b'"third"' in line)
    journal.write_bytes(b"".join(lines[: start + 1]))
    (folder / ".runner/latest/report.json").unlink()

    assert 0 == run("g.yaml", "--resume", cwd=folder).code
    assert [] == ran(folder)

    journal.write_bytes(b"")  # the run that kept it is not asked for again
    first = min((folder / ".runner/runs").iterdir())
    for receipt in (first / "receipts").iterdir():
        receipt.unlink()
    said = run("g.yaml", "--resume", first.name, cwd=folder)

    assert ["third me"] == ran(folder)
    assert "under way when it ended, so perhaps done twice: third." in " ".join(said.out.split())
