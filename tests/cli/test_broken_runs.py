"""Every way in which a run's folder can be broken, for every command that reads: a clear line, and the others go on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.cli.main import main
from runner.execute.simulate import Simulation
from runner.graph.check import load
from runner.mask import Masker
from runner.record.folder import RunFolder
from runner.record.journal import Journal
from runner.record.remembered import refolded
from runner.record.render.json import render_json
from tests.kit import opened, play, scripted

GRAPH = "version: 1\ntasks:\n  a: {run: 'true'}\n  b: {run: 'true', needs: [a]}\n"
GOOD, BAD = "20260101-000000001-good-aaaa", "20260102-000000001-bad-bbbb"
Break = Callable[[Path], object]


class _Clock:
    def now(self) -> float:
        return 0.0


def make(folder: Path) -> None:
    """Make the folder of a run as a run leaves it."""
    (folder / "logs").mkdir(parents=True)
    (folder / "receipts").mkdir()
    (folder / "graph.yaml").write_text(GRAPH, encoding="utf-8")
    graph = load(str(folder / "graph.yaml")).graph
    first = opened(2, run=folder.name, file="g.yaml")
    journal = Journal(folder / "journal.jsonl", _Clock(), Masker({}))
    journal.record([turn.event for turn in play(graph, Simulation(*scripted(), slots=2), first).turns])
    journal.close()
    (folder / "report.json").write_text(render_json(refolded(RunFolder(path=folder))), encoding="utf-8")


def journal(change: Callable[[bytes], bytes]) -> Break:
    """Break the journal, and leave no report that could stand in for it."""

    def broken(folder: Path) -> None:
        (folder / "report.json").unlink()
        file = folder / "journal.jsonl"
        file.write_bytes(change(file.read_bytes()))

    return broken


def graph(text: bytes) -> Break:
    """Put another graph file in place of the copy, and leave no report."""

    def broken(folder: Path) -> None:
        (folder / "report.json").unlink()
        (folder / "graph.yaml").write_bytes(text)

    return broken


def report(text: bytes) -> Break:
    """Break the report, and the journal too, so that it is asked for."""

    def broken(folder: Path) -> None:
        (folder / "report.json").write_bytes(text)
        (folder / "journal.jsonl").write_bytes(b"nonsense\nmore\nand more\n")

    return broken


def in_its_place(name: str, *, report_too: bool = True) -> Break:
    """Put a folder in the place of a file."""

    def broken(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()
        if report_too:
            (folder / "report.json").unlink(missing_ok=True)

    return broken


def empty(folder: Path) -> None:
    """Leave nothing of it but its name."""
    shutil.rmtree(folder)
    folder.mkdir()


def swapped(folder: Path) -> None:
    """Put the report of the other run in its place, and break the journal."""
    report((folder.parent / GOOD / "report.json").read_bytes())(folder)


def gone(*names: str) -> Break:
    """Remove some of it."""
    return lambda folder: [(folder / name).unlink() for name in names]


WAYS: dict[str, Break] = {
    "an empty folder": empty,
    "no journal": gone("journal.jsonl", "report.json"),
    "no graph file": gone("graph.yaml", "report.json"),
    "an empty journal": journal(lambda _data: b""),
    "a journal of one line": journal(lambda data: data.split(b"\n")[0] + b"\n"),
    "a journal torn in its first line": journal(lambda data: data[:10]),
    "a journal torn in its first event": journal(lambda data: data[:60]),
    "a journal of another kind": journal(lambda _data: b"a log\nof something\nelse\n"),
    "a journal of zeroes": journal(lambda data: bytes(len(data))),
    "a line damaged in the middle": journal(lambda data: data.replace(b"AttemptEnded", b"AttemptXnded", 1)),
    "a line missing in the middle": journal(lambda data: b"\n".join(data.split(b"\n")[:2] + data.split(b"\n")[3:])),
    "a folder for a journal": in_its_place("journal.jsonl"),
    "an empty graph file": graph(b""),
    "a graph file of another graph": graph(b"version: 1\ntasks: {other: {run: 'true'}}\n"),
    "a graph file with a task less": graph(b"version: 1\ntasks: {a: {run: 'true'}}\n"),
    "a graph file with other needs": graph(b"version: 1\ntasks: {b: {run: 'true'}, a: {run: 'true', needs: [b]}}\n"),
    "a graph file with another trigger": graph(GRAPH.replace("[a]", "[a], trigger: one_failed").encode()),
    "a graph file that is no YAML": graph(b"tasks: [\n"),
    "a graph file in another encoding": graph(GRAPH.replace("true", "tr\xfce").encode("latin-1")),
    "a folder for a graph file": in_its_place("graph.yaml"),
    "nothing but half a report": report(b'{\n  "schema": 1,\n  "run": "2026'),
    "nothing but an empty report": report(b""),
    "nothing but a report that is a list": report(b"[]"),
    "nothing but a report of nothing": report(b"{}"),
    "nothing but a report of a later version": report(b'{"schema": 99}'),
    "nothing but a bottomless report": report(b"[" * 100_000),
    "nothing but a binary report": report(bytes(range(256))),
    "nothing but the report of another run": swapped,
    "a folder for a report": in_its_place("report.json", report_too=False),
}
"""Some of them break a run for good, some only half: then it may as well be read."""

READING = (
    ["report", BAD],
    ["show", BAD],
    ["explain", BAD, "a"],
    ["diff", GOOD, BAD],
    ["diff", BAD, GOOD],
    ["logs", BAD, "a"],
)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Answer a state folder with a good run and one to be broken."""
    monkeypatch.chdir(tmp_path)
    for name in (GOOD, BAD):
        make(tmp_path / ".runner/runs" / name)
    return tmp_path / ".runner"


@pytest.mark.parametrize("way", WAYS)
def test_a_broken_run_is_told_in_a_line(way: str, state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is broken: no traceback, one line that says what, an honest exit code; or it can be read after all."""
    WAYS[way](state / "runs" / BAD)
    for words in READING:
        code = main(words)
        said = capsys.readouterr()
        assert code in {0, 2, 5}, (words, said.err)
        if code:
            assert ("error: ", 1, "") == (said.err[:7], said.err.count("\n"), said.out), (words, said.err)
            assert BAD in said.err, said.err


@pytest.mark.parametrize("way", WAYS)
def test_the_other_runs_stay_readable(way: str, state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A broken run is a row that says why; history, report, show and explain of the other say what they said."""
    WAYS[way](state / "runs" / BAD)

    assert 0 == main(["history"])
    said = capsys.readouterr().out
    firsts = [line.split()[0] for line in said.splitlines() if line.startswith("  2026")]
    assert sorted([GOOD, BAD]) == sorted(firsts), said
    assert "g.yaml: " in said
    for words in (
        ["history", "--json"],
        ["report", GOOD],
        ["show", GOOD],
        ["explain", GOOD, "b"],
        ["report", GOOD, "--json"],
    ):
        assert 0 == main(words), words
        assert GOOD in capsys.readouterr().out


def test_a_damaged_journal_is_no_loss_where_the_run_has_reported(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The report that the run wrote is shown, and a note says that it is that."""
    (state / "runs" / BAD / "journal.jsonl").write_bytes(b"nonsense\nmore\nand more\n")

    assert 0 == main(["report", BAD])
    said = capsys.readouterr()
    assert "PASSED" in said.out
    assert "this is the report that the run wrote itself" in said.err


def test_what_is_no_run_is_passed_over(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Files, links that lead nowhere and folders of other names among the runs are nobody's business."""
    runs = state / "runs"
    (runs / "zzz-notes").mkdir()
    (runs / "20260103-file").write_text("x", encoding="utf-8")
    (runs / "20260104-link").symlink_to("nowhere")

    assert 0 == main(["report"])
    assert BAD in capsys.readouterr().out


def test_a_report_of_an_older_schema_is_made_anew(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From the journal, in today's schema; history and diff count the run like any other."""
    file = state / "runs" / BAD / "report.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"schema": 1', '"schema": 0', 1), encoding="utf-8")

    assert 0 == main(["report", BAD, "--json"])
    assert 1 == json.loads(capsys.readouterr().out)["schema"]
    assert 0 == main(["history"])
    assert "2 of 2 runs passed" in capsys.readouterr().out
    assert 0 == main(["diff", GOOD, BAD])
    assert "Nothing changed: 2 tasks went as before." in capsys.readouterr().out
