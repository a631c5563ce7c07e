"""`--report` and `report --format`: the files of a run, at once or years later, through the real command line."""

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from runner.record.render.formats import FILES
from tests.cli.command import GRAPHS, environment, run

pytestmark = pytest.mark.real

CHOSEN = str(GRAPHS / "chosen.yaml")
LATER = ("html", "junit", "trace")


def files(folder: Path) -> set[str]:
    """Answer the report files of the latest run."""
    return {name for name in FILES.values() if (folder / ".runner/latest" / name).exists()}


@pytest.mark.parametrize(
    ("words", "variables", "expected"),
    [
        ([], {}, {"report.json", "report.md"}),
        (["--report", "html,junit"], {}, {"report.json", "report.md", "report.html", "junit.xml"}),
        (["--report", "all"], {}, set(FILES.values())),
        ([], {"CI": "true"}, set(FILES.values())),
    ],
)
def test_a_run_writes_what_was_asked_for(
    tmp_path: Path, words: list[str], variables: dict[str, str], expected: set[str]
) -> None:
    """JSON and Markdown always, the others on --report or where CI is set; the summary points at the page."""
    said = run(CHOSEN, "--only", "a", *words, cwd=tmp_path, env=environment(**variables))

    assert 0 == said.code, said.out + said.err
    assert expected == files(tmp_path)
    assert ("report.html" if "report.html" in expected else "report.md") in said.out.splitlines()[-1]


def test_an_unknown_format_stops_before_anything_runs(tmp_path: Path) -> None:
    """A format that is not there is a wrong command line: nothing was started."""
    said = run(CHOSEN, "--report", "pdf", cwd=tmp_path)

    assert 2 == said.code
    assert "error: there is no report format `pdf`; there are json, md, html, junit, trace, or all of them: all\n" == (
        said.err
    )
    assert not (tmp_path / ".runner").exists()


def test_github_gets_a_summary(tmp_path: Path) -> None:
    """Where GitHub names a file for a job's summary, the report is appended; where it cannot be, a line says so."""
    file = tmp_path / "summary.md"
    file.write_text("# Before\n", encoding="utf-8")
    run(CHOSEN, "--only", "a", cwd=tmp_path, env=environment(GITHUB_STEP_SUMMARY=str(file)))
    lost = run(CHOSEN, "--only", "a", cwd=tmp_path, env=environment(GITHUB_STEP_SUMMARY=str(tmp_path)))

    assert file.read_text(encoding="utf-8").startswith("# Before\n# PASSED: ")
    assert 0 == lost.code
    assert f"warning: {tmp_path} cannot be written" in lost.err


def test_years_later_a_folder_says_the_same(tmp_path: Path) -> None:
    """From a run's folder alone, moved and without its reports, every format comes out as it was written then."""
    run(CHOSEN, "--report", "all", cwd=tmp_path)
    folder = (tmp_path / ".runner/latest").resolve()
    then = {name: (folder / name).read_bytes() for name in FILES.values()}
    elsewhere = tmp_path / "archive/runs" / folder.name
    elsewhere.parent.mkdir(parents=True)
    shutil.move(folder, elsewhere)
    for name in FILES.values():
        (elsewhere / name).unlink()
    words = ["--state-dir", str(tmp_path / "archive")]
    printed = {each: run("report", "--format", each, "-o", "-", *words, cwd=tmp_path).out.encode() for each in FILES}
    told = [run("report", "--format", each, *words, cwd=tmp_path).out.strip() for each in LATER]

    assert then == {FILES[each]: text for each, text in printed.items()}
    assert [str(elsewhere / FILES[each]) for each in LATER] == told
    assert {FILES[each]: then[FILES[each]] for each in LATER} == {
        FILES[each]: (elsewhere / FILES[each]).read_bytes() for each in LATER
    }


def test_a_report_goes_where_it_is_wanted(tmp_path: Path) -> None:
    """`-o` names a file for any format; text, Markdown and JSON are printed otherwise."""
    run(CHOSEN, cwd=tmp_path)
    for each in ("text", "md", "json"):
        out = tmp_path / f"out.{each}"
        printed = run("report", "--format", each, cwd=tmp_path)
        told = run("report", "--format", each, "-o", str(out), cwd=tmp_path)

        assert f"{out}\n" == told.out
        assert printed.out == out.read_text(encoding="utf-8")
    junit = run("report", "--format", "junit", "-o", "here.xml", cwd=tmp_path)

    assert "here.xml\n" == junit.out
    assert "testsuites" == ET.parse(tmp_path / "here.xml").getroot().tag
    assert run("report", "--json", cwd=tmp_path).out == run("report", "--format", "json", cwd=tmp_path).out


def test_what_does_not_go_is_said(tmp_path: Path) -> None:
    """A folder that is not there, and options that contradict each other, each have a line and no traceback."""
    run(CHOSEN, "--only", "a", cwd=tmp_path)
    lost = run("report", "--format", "html", "-o", "no/such/folder.html", cwd=tmp_path)
    open_text = run("report", "--format", "md", "--open", cwd=tmp_path)
    both = run("report", "--format", "md", "--json", cwd=tmp_path)

    assert (5, "error: no/such/folder.html cannot be written: No such file or directory\n") == (lost.code, lost.err)
    assert (2, "error: `--open` shows the page: it goes with `--format html` alone\n") == (
        open_text.code,
        open_text.err,
    )
    assert 2 == both.code
    assert both.err.startswith("error: `--json` is `--format json`")


def test_open_shows_the_page(tmp_path: Path) -> None:
    """`--open` writes the page into the run's folder and hands its address to the browser; without one, it says so."""
    run(CHOSEN, "--only", "a", cwd=tmp_path)
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {tmp_path}/address\n', encoding="utf-8")
    browser.chmod(0o755)
    said = run("report", "--open", cwd=tmp_path, env=environment(BROWSER=str(browser)))
    page = tmp_path / ".runner/latest/report.html"

    assert 0 == said.code, said.err
    assert page.resolve().as_uri() == (tmp_path / "address").read_text(encoding="utf-8")
    assert page.exists()


def test_the_schema_of_the_report_is_printed(tmp_path: Path) -> None:
    """`schema --report` prints the schema that report.json is valid against."""
    schema = json.loads(run("schema", "--report", cwd=tmp_path).out)

    assert "urn:taskgraph-runner:report:1" == schema["$id"]


def test_a_report_made_later_is_the_one_the_run_wrote(tmp_path: Path) -> None:
    """With failures, retries, kept results, a service and a secret in a parameter: byte for byte, from the journal."""
    secret = "hunter22-and-more"
    (tmp_path / "g.yaml").write_text(EVENTFUL)
    for words in ((), ("--resume",)):
        ended = run("g.yaml", "-p", f"word={secret}", *words, cwd=tmp_path, env=environment(KEY=secret))
        latest = (tmp_path / ".runner/latest").resolve()
        written = (latest / "report.json").read_text(encoding="utf-8")
        shutil.move(latest / "report.json", tmp_path / "written.json")
        again = run("report", "--json", cwd=tmp_path)
        shutil.move(tmp_path / "written.json", latest / "report.json")

        assert 1 == ended.code, ended.out + ended.err
        assert written == again.out
        assert "***" in written
        assert secret not in written


EVENTFUL = """\
secrets: [KEY]
params: {word: {type: string}}
services:
  up: {run: "echo hello; sleep 60", ready: {log: hello}}
tasks:
  a: {run: "true", if: "params.word != 'x'"}
  b: {run: "exit 1", retry: {attempts: 3, delay: 10ms}, needs: [a]}
  c: {run: "true", needs: [b]}
  d: {run: "true", needs: [up]}
  e: {run: "exit 1", allow_failure: true}
  f: {run: "echo $KEY", trigger: all_done, needs: [b, e]}
"""
