"""What a task promises by files: kept, or missing; and JUnit files, whose cases are its checks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from runner.execute.artifacts import kept
from runner.execute.promises import MOST, Promises
from runner.task import Artifact, Cause, Check, Failed, Note, Request

CASES = """<testsuites><testsuite>
  <testcase classname="m" name="good" time="0.5"/>
  <testcase classname="m" name="bad" time="1,000"><failure message="1 != 2">m.py:7: AssertionError</failure></testcase>
  <testcase classname="m" name="odd" time="soon"><error message="no disk"/></testcase>
  <testcase name="left out" file="m.py" line="3"><skipped message="later"/></testcase>
</testsuite></testsuites>"""
SECRET = {"env": {"KEY": "hunter22"}, "secrets": ("KEY",)}


class Attempt:
    """An attempt in a folder of its own, with another one for its run."""

    def __init__(self, folder: Path, **fields: object) -> None:
        (folder / "work").mkdir()
        (folder / "run").mkdir()
        os.chdir(folder / "work")
        self.run = folder / "run"
        given = Request(run="r", task="t", attempt=1, workdir=str(folder / "work"), outputs=str(self.run / "outputs"))
        self.request = replace(given, **fields)  # type: ignore[arg-type]  # fields of a request
        self.said: list[Note] = []

    def keeps(self, promises: Promises, *, whole: bool = True) -> list[str]:
        """Let it end, well or not; answers what was wrong."""
        return [f"{fault.cause.word}: {fault.message}" for fault in self.faults(promises, whole=whole)]

    def faults(self, promises: Promises, *, whole: bool = True) -> Sequence[Failed]:
        """Let it end; answers what was wrong, as it is."""
        return promises.keep(self._say, whole=whole)

    def _say(self, note: Note) -> None:
        self.said.append(kept(note, self.request) if isinstance(note, Artifact) else note)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Answer a folder, and come back from wherever a test goes."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(**files: str) -> None:
    """Write files; `__` in a name stands for a slash, `_` for a dot."""
    for name, text in files.items():
        path = Path(name.replace("__", "/").replace("_", "."))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_files_and_globs_are_kept(here: Path) -> None:
    """Each file once for each promise, in order, with size and digest, as it was when the attempt ended."""
    attempt = Attempt(here, promises=("a.xml", "out/*.png", "out/**"))
    promises = Promises(attempt.request)
    write(a_xml="one", out__2_png="22", out__1_png="1", out__deep__x_txt="")

    assert [] == attempt.keeps(promises)
    assert [
        ("a.xml", "a.xml", 3),
        ("out/*.png", "out/1.png", 1),
        ("out/*.png", "out/2.png", 2),
        ("out/**", "out/1.png", 1),
        ("out/**", "out/2.png", 2),
        ("out/**", "out/deep/x.txt", 0),
    ] == [(each.promise, each.title, each.size) for each in attempt.said if isinstance(each, Artifact)]
    for each in attempt.said:
        assert isinstance(each, Artifact)
        assert each.path == f"artifacts/t.1/{each.title}"
        assert sha256((attempt.run / each.path).read_bytes()).hexdigest() == each.digest


@pytest.mark.parametrize(
    ("promise", "expected"),
    [
        ("a.xml", "bad_output: `a.xml`, which it promised, is not there"),
        ("out/*.png", "bad_output: no file matches `out/*.png`, which it promised"),
        ("folder", "bad_output: `folder`, which it promised, is a folder; promise `folder/**`"),
        ("folder*", "bad_output: no file matches `folder*`, which it promised"),
        ("pipe", "bad_output: `pipe` cannot be kept: it is no plain file"),
        ("link", "bad_output: `link` cannot be kept: No such file or directory"),
        ("locked/x", "bad_output: `locked/x`, which it promised, is not there"),
        ("hunter22.txt", "secret_in_output: a file whose name holds the value of the secret `KEY` cannot be kept"),
        ("*.txt", "secret_in_output: a file whose name holds the value of the secret `KEY` cannot be kept"),
    ],
)
def test_a_promise_that_is_not_kept_is_said(here: Path, promise: str, expected: str) -> None:
    """What is not there, is no file, leads nowhere, or would tell a secret by its name."""
    attempt = Attempt(here, promises=(promise,), **SECRET)
    promises = Promises(attempt.request)
    write(hunter22_txt="x")
    Path("folder").mkdir()
    os.mkfifo("pipe")
    Path("link").symlink_to("nowhere")

    assert [expected] == attempt.keeps(promises)
    assert [] == attempt.said


def test_an_attempt_that_failed_owes_nothing_and_keeps_what_there_is(here: Path) -> None:
    """Screenshots of a failure are worth most; what was not written any more is no news."""
    attempt = Attempt(here, promises=("a.xml", "b.xml"), junit=("b.xml", "c.xml"))
    promises = Promises(attempt.request)
    write(b_xml=CASES)

    assert [] == attempt.keeps(promises, whole=False)
    assert ["b.xml"] == [each.title for each in attempt.said if isinstance(each, Artifact)]
    assert 4 == sum(isinstance(each, Check) for each in attempt.said)


def test_too_many_files_are_not_kept(here: Path) -> None:
    """A glob that meets a whole tree is a mistake, and no journal is filled with it."""
    attempt = Attempt(here, promises=("*.txt",))
    for number in range(MOST + 1):
        Path(f"{number}.txt").touch()

    assert ["bad_output: `*.txt` stands for 10,001 files, more than 10,000; pack them into one"] == attempt.keeps(
        Promises(attempt.request)
    )
    assert [] == attempt.said


def test_files_are_looked_for_where_the_task_runs(here: Path) -> None:
    """Also if its function has gone elsewhere."""
    attempt = Attempt(here, promises=("a.xml",))
    promises = Promises(attempt.request)
    write(a_xml="x")
    os.chdir("/")

    assert [] == attempt.keeps(promises)


def test_cases_become_checks(here: Path) -> None:
    """Passed, failed, in error, and skipped, which is a warning; with message, place and time where they are told."""
    attempt = Attempt(here, junit=("*.xml",))
    promises = Promises(attempt.request)
    write(a_xml=CASES)

    assert [] == attempt.keeps(promises)
    assert [
        Check(name="m::good", verdict="passed", expected="passes", observed="passed", seconds=0.5),
        Check(
            name="m::bad",
            verdict="failed",
            expected="passes",
            observed="failed: 1 != 2",
            message="m.py:7",
            seconds=1000.0,
        ),
        Check(name="m::odd", verdict="failed", expected="passes", observed="error: no disk", seconds=0.0),
        Check(
            name="left out",
            verdict="warning",
            expected="runs",
            observed="skipped: later",
            message="m.py:4",
            seconds=0.0,
        ),
    ] == attempt.said


def test_cases_of_one_name_are_told_apart_by_their_files(here: Path) -> None:
    """Those that stand in one file only keep their name."""
    attempt = Attempt(here, junit=("*.xml",))
    promises = Promises(attempt.request)
    write(a_xml='<s><testcase name="x"/><testcase name="y"/></s>', b_xml='<s><testcase name="x"/></s>')

    assert [] == attempt.keeps(promises)
    assert ["x (a.xml)", "y", "x (b.xml)"] == [each.name for each in attempt.said if isinstance(each, Check)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "a.xml:1:1: this is no JUnit report: no element found: line 1, column 0"),
        ("<s>\n <testcase>", "a.xml:2:12: this is no JUnit report: no element found"),
        ("{}", "a.xml:1:1: this is no JUnit report: not well-formed"),
        ("<s/>", "there is no test in its JUnit files"),
        (None, "`a.xml`, which it promised, is not there"),
    ],
)
def test_what_is_no_evidence_is_said(here: Path, text: str | None, expected: str) -> None:
    """A file that is not there, cannot be read, or holds no test at all."""
    attempt = Attempt(here, junit=("a.xml",))
    promises = Promises(attempt.request)
    if text is not None:
        write(a_xml=text)
    found = attempt.keeps(promises)

    assert found[0].startswith(f"bad_output: {expected}"), found
    assert [] == attempt.said


def test_evidence_of_another_attempt_is_none(here: Path) -> None:
    """A file that lay there before and was not touched is as good as missing; one that was written anew counts."""
    attempt = Attempt(here, junit=("a.xml", "b*.xml"), promises=("a.xml",))
    write(a_xml=CASES, b1_xml=CASES, b2_xml='<s><testcase name="old"/></s>')
    promises = Promises(attempt.request)
    write(b1_xml='<s><testcase name="new"/></s>')
    found = attempt.keeps(promises)

    assert ["bad_output: `a.xml` was not written: it is as it was before"] == found
    assert ["new"] == [each.name for each in attempt.said if isinstance(each, Check)]
    assert [Cause.BAD_OUTPUT] == [fault.cause for fault in attempt.faults(Promises(attempt.request), whole=True)[:1]]
