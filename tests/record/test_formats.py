"""All formats together: the same figures in each, and which of them a run is written in."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from runner.errors import RunnerFault, UsageError
from runner.record.folder import RunFolder
from runner.record.render.formats import ALWAYS, FILES, append_summary, formats_named, formats_of, rendered
from runner.record.render.json import render_json
from runner.record.render.junit import ORDER
from runner.record.report import Report
from runner.task import Cause
from tests.record.sample import sample_report
from tests.record.test_junit import failed, junit, tried
from tests.record.test_trace import events_of

NOWHERE = Path("nowhere")


def fanned_report() -> Report:
    """Answer the sample with its first task as the group of a fan-out, which is no task by itself."""
    group, *others = sample_report().tasks
    return replace(sample_report(), tasks=(replace(group, instances=len(others)), *others))


def figures() -> Iterator[tuple[str, dict[str, int], tuple[int, int, int, int]]]:
    """Answer what each format that holds figures says of the sample: tasks by state, and checks."""
    whole = json.loads(render_json(sample_report()))
    checks = whole["checks"]
    states = dict(Counter(task["state"] for task in whole["tasks"]))
    yield "json", states, (checks["passed"], checks["failed"], checks["warnings"], checks["total"])
    suite = junit(sample_report())
    told = {item.get("name", ""): item.get("value", "") for item in suite.iter("property")}
    yield "junit", _states(told["totals"]), _checks(told["checks"])
    page = json.loads(_page_data(rendered(sample_report(), RunFolder(path=NOWHERE), "html")))
    counts = {each["state"]: each["count"] for each in page["counts"]}
    yield "html", counts, _checks(page["words"]["checks"])
    yield "html words", _states(page["words"]["totals"]), _checks(page["words"]["checks"])
    markdown = rendered(sample_report(), RunFolder(path=NOWHERE), "md")
    yield "md", _states(markdown.splitlines()[2].partition(";")[0]), _checks(markdown)
    trace = {event["args"]["state"] for event in events_of(sample_report()) if event["pid"] == 1}
    assert trace == {
        "succeeded",
        "succeeded (flaky: 2 attempts)",
        "failed",
        "failed (allowed)",
        "timed out",
        "crashed",
    }


def _page_data(page: str) -> str:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return found[1]


def _states(words: str) -> dict[str, int]:
    return {
        name.strip().replace(" ", "_"): int(number) for number, name in re.findall(r"(\d+) ([a-z ]+)", _bare(words))
    }


def _bare(words: str) -> str:
    return re.sub(r" \([^)]*\)", "", words)


def _checks(words: str) -> tuple[int, int, int, int]:
    found = re.search(r"(\d+) of (\d+) checks passed, (\d+) failed, (\d+) with a warning", words)
    assert found
    passed, total, failed, warned = map(int, found.groups())
    return passed, failed, warned, total


def test_all_formats_state_the_same_figures() -> None:
    """How many tasks ended in each state, and how many checks passed, worked out by hand."""
    states = {"succeeded": 3, "failed": 2, "timed_out": 1, "crashed": 1, "blocked": 1, "skipped": 1}
    told = list(figures())

    assert ["json", "junit", "html", "html words", "md"] == [name for name, _, _ in told]
    for name, found, checks in told:
        assert states == found, name
        assert (2, 1, 1, 4) == checks, name


def test_the_figures_of_junit_add_up() -> None:
    """What the suite says of itself is what a reader who counts its cases finds."""
    root = junit(sample_report())
    suite = next(root.iter("testsuite"))
    counted = {name: sum(case.find(name) is not None for case in root.iter("testcase")) for name in ORDER[:5]}

    assert (13, 2, 2, 3) == tuple(int(suite.get(name, "")) for name in ("tests", "failures", "errors", "skipped"))
    assert (2, 2, 3) == (counted["failure"], counted["error"], counted["skipped"])


def test_which_formats_a_run_is_written_in() -> None:
    """Two always, what was asked for, and all where CI is set; an unknown one is refused with those there are."""
    assert ALWAYS == formats_of((), {})
    assert (*ALWAYS, "trace") == formats_of(("trace", "md"), {"CI": ""})
    assert {*FILES} == {*formats_of((), {"CI": "true"})}
    assert ("html", "junit") == formats_named("html, junit")
    assert {*FILES} == {*formats_named("all")}
    with pytest.raises(UsageError, match=r"no report format `pdf`; there are json, md, html, junit, trace"):
        formats_named("html,pdf")


def test_a_summary_is_appended(tmp_path: Path) -> None:
    """What stands in GitHub's file stays, no link leads into a folder that is not there, and a fault is told."""
    file = tmp_path / "summary.md"
    file.write_text("before\n", encoding="utf-8")
    append_summary(tried(failed(Cause.EXIT_CODE)), RunFolder(path=NOWHERE), file)
    text = file.read_text(encoding="utf-8")

    assert text.startswith("before\n# FAILED: test\n")
    assert "log: `logs/a.1.log`" in text
    assert "](logs" not in text
    with pytest.raises(RunnerFault, match="cannot be written"):
        append_summary(sample_report(), RunFolder(path=NOWHERE), tmp_path)


def test_a_report_is_written_piece_by_piece_as_it_would_be_whole() -> None:
    """With tasks, without any, and with a text that holds a line's end and the very words the pieces are cut at."""
    named = sample_report().graph
    odd = replace(named, name='\n  "tasks": []', file="a\nb")
    for report in (sample_report(), replace(sample_report(), tasks=()), replace(sample_report(), graph=odd)):
        whole = json.dumps(msgspec.to_builtins(report), indent=2, ensure_ascii=False) + "\n"

        assert whole == render_json(report)


def test_every_format_counts_the_instances_of_a_fan_out_and_not_their_group() -> None:
    """The group stands for its instances; counted beside them it would be counted twice."""
    report = fanned_report()
    expected = dict(Counter(task.state for task in report.tasks[1:]))
    page = json.loads(_page_data(rendered(report, RunFolder(path=NOWHERE), "html")))
    told = {item.get("name", ""): item.get("value", "") for item in junit(report).iter("property")}

    assert expected == {each["state"]: each["count"] for each in page["counts"]}
    assert sum(expected.values()) == sum(count for _, count in page["shares"])
    assert expected == _states(page["words"]["totals"])
    assert expected == _states(told["totals"])
    assert expected == _states(rendered(report, RunFolder(path=NOWHERE), "md").splitlines()[2].partition(";")[0])


def test_every_format_says_which_worker_did_an_attempt() -> None:
    """On a cluster that is where to look for what went wrong; of this machine nobody says so."""
    report = sample_report()
    failed_task = next(task for task in report.tasks if task.attempts and task.attempts[-1].message)
    away = replace(failed_task.attempts[-1], worker="tcp://10.0.0.7:4711")
    there = replace(failed_task, attempts=(*failed_task.attempts[:-1], away))
    report = replace(report, tasks=tuple(there if task.id == there.id else task for task in report.tasks))
    told = [rendered(report, RunFolder(path=NOWHERE), kind) for kind in ("json", "html", "md", "trace")]

    assert [True] * 4 == ["tcp://10.0.0.7:4711" in text for text in told]
    assert [1] * 3 == [text.count("tcp://10.0.0.7:4711") for text in (told[0], *told[2:])]
    assert not any("tcp://" in rendered(sample_report(), RunFolder(path=NOWHERE), kind) for kind in ("md", "trace"))
