"""The report of one run, folded and rendered: golden files hold whole texts, and all of them state the same totals."""

import io
import json
import os
import re
from pathlib import Path
from random import Random

import pytest

from runner.driver import Unwatched, Witness, World, drive
from runner.errors import UsageError
from runner.plain import from_plain, to_plain
from runner.record.folding import Telling, fold
from runner.record.progress import PlainProgress
from runner.record.render.html import render_html
from runner.record.render.json import render_json
from runner.record.render.junit import render_junit
from runner.record.render.markdown import render_markdown
from runner.record.render.text import COLOURED, PLAIN, render_text
from runner.record.render.trace import render_trace
from runner.record.report import Report
from runner.requests import Requests, Surroundings
from runner.schedule.history import Stories
from runner.schedule.machine import Schedule
from runner.schedule.messages import Event
from tests.kit import Listed, graph_of
from tests.record.sample import GRAPH, sample_events
from tests.schedule.generator import game_of

GOLDEN = Path(__file__).parents[1] / "golden" / "record"
FOLDER = Path("runs/20260101-000000-test-0000")
NAMED_BY_DESIGN = {
    "": "schema run graph verdict exit_code started finished seconds sequential_seconds speedup critical_path workers"
    " params tasks services checks orphans previous",
    "graph": "name file digest",
    "tasks": "id state flaky started seconds attempts outputs checks artifacts ledger",
    "tasks.attempts": "number started seconds outcome cause message log pid",
    "tasks.checks": "name verdict expected observed message seconds",
    "services": "id state url seconds",
    "checks": "passed failed total",
    "orphans": "prefix id task",
}


def report() -> Report:
    """Fold the sample run."""
    return fold(GRAPH, sample_events())


def progress() -> str:
    """Write the sample run as it would have been shown."""
    stream, schedule = io.StringIO(), Schedule(GRAPH)
    watch = PlainProgress(stream, GRAPH)
    for event in sample_events():
        schedule.handle(event)
        watch.observe([event], schedule)
    return stream.getvalue()


def page() -> str:
    """Write the page of the sample without style and script, which are files of their own, its data laid out."""
    text = render_html(report(), FOLDER)
    data = re.search(r'id="data">(.*?)</script>', text, re.DOTALL)
    assert data
    laid_out = json.dumps(json.loads(data[1]), indent=1, ensure_ascii=False)
    bare = re.sub(r"<style>.*?</style>", "<style/>", text.replace(data[1], laid_out), flags=re.DOTALL)
    return re.sub(r"<script>.*?</script>|sha256-[\w+/=]+", "…", bare, flags=re.DOTALL)


RENDERED = {
    "summary.txt": lambda: render_text(report(), FOLDER, PLAIN, 100) + "\n",
    "summary-narrow.txt": lambda: render_text(report(), FOLDER, PLAIN, 60) + "\n",
    "report.md": lambda: render_markdown(report(), FOLDER),
    "report.json": lambda: render_json(report()),
    "report.html": page,
    "junit.xml": lambda: render_junit(report(), FOLDER),
    "trace.json": lambda: render_trace(report()),
    "progress.txt": progress,
}


@pytest.mark.parametrize("name", RENDERED)
def test_a_rendering_is_what_a_person_has_read(name: str) -> None:
    """Each rendering of the sample run equals its golden file (TASKGRAPH_GOLDEN=1 writes them anew, to be read)."""
    if os.environ.get("TASKGRAPH_GOLDEN"):
        (GOLDEN / name).write_text(RENDERED[name](), encoding="utf-8")

    assert (GOLDEN / name).read_text(encoding="utf-8") == RENDERED[name]()


def test_each_task_ends_in_the_state_its_script_says() -> None:
    """The states are those of the sample, worked out by hand."""
    states = {task.id: (task.state, task.flaky, len(task.attempts)) for task in report().tasks}

    assert {
        "fine": ("succeeded", False, 1),
        "flaky": ("succeeded", True, 2),
        "wrong": ("failed", False, 1),
        "slow": ("timed_out", False, 1),
        "dies": ("crashed", False, 1),
        "never": ("skipped", False, 0),
        "stuck": ("blocked", False, 0),
        "excused": ("failed", False, 1),
        "gate": ("succeeded", False, 1),
    } == states
    assert ("failed", 1) == (report().verdict, report().exit_code)


def test_a_check_of_an_attempt_that_was_tried_again_counts_no_more() -> None:
    """The failed check of the first attempt is told with its attempt, and what counts is the last one's."""
    flaky = next(task for task in report().tasks if task.id == "flaky")

    assert [(1, "failed"), (2, "passed")] == [(check.attempt, check.verdict) for check in flaky.checks]
    assert ["passed"] == [check.verdict for check in flaky.counted]
    assert (2, 1, 1, 4) == (
        report().checks.passed,
        report().checks.failed,
        report().checks.warnings,
        report().checks.total,
    )


def test_times_add_up() -> None:
    """Seconds are sums of attempts without rests; the critical path leads to the last end."""
    whole = report()
    by_hand = 1.0 + 0.5 + 0.5 + 1.5 + 2.0 + 0.25 + 0.75 + 0.5

    assert by_hand == whole.sequential_seconds
    assert round(by_hand / whole.seconds, 2) == whole.speedup
    assert ("fine", "flaky", "gate") == whole.critical_path


def test_what_was_left_behind_is_named() -> None:
    """A created record that was not deleted is an orphan of the task that made it."""
    assert [("Task_9_", "42", "Task_9_b", "wrong")] == [
        (each.prefix, each.id, each.name, each.task) for each in report().orphans
    ]


def test_the_json_has_every_field_that_was_promised() -> None:
    """report.json holds at least the fields that DESIGN section 6 lists."""
    whole = json.loads(render_json(report()))
    for path, names in NAMED_BY_DESIGN.items():
        found = [whole]
        for step in filter(None, path.split(".")):
            found = [item for each in found for item in (each[step] if isinstance(each[step], list) else [each[step]])]

        assert found, path
        assert all(set(names.split()) <= each.keys() for each in found), path


def test_all_renderings_state_the_same_totals() -> None:
    """Verdict and counts are the same in text, Markdown and JSON."""
    whole = json.loads(render_json(report()))
    states = [task["state"].replace("_", " ") for task in whole["tasks"]]
    for text in (render_text(report(), FOLDER, PLAIN, 200), render_markdown(report(), FOLDER)):
        assert "FAILED" in text
        for state in set(states):
            assert re.search(rf"\b{states.count(state)} {state}\b", text), state
        assert "2 of 4 checks passed, 1 failed, 1 with a warning" in text


@pytest.mark.parametrize("width", [40, 60, 100])
def test_colours_change_nothing_but_colour(width: int) -> None:
    """Without its escapes the coloured summary is the plain one."""
    coloured = render_text(report(), FOLDER, COLOURED, width)

    assert "\x1b[31m" in coloured
    assert render_text(report(), FOLDER, PLAIN, width) == re.sub(r"\x1b\[\d+m", "", coloured)


def test_a_run_that_was_killed_is_interrupted() -> None:
    """A journal that ends early folds into a report that says so, with what was running named as lost."""
    events = sample_events()
    cut = next(index for index, event in enumerate(events) if getattr(event, "task", "") == "wrong") + 1
    whole = fold(GRAPH, events[:cut])
    wrong = next(task for task in whole.tasks if task.id == "wrong")

    assert ("interrupted", False) == (whole.verdict, whole.complete)
    assert ["lost"] == [attempt.cause for attempt in wrong.attempts]


def test_every_cut_of_a_run_can_be_reported() -> None:
    """Whatever prefix of the events survives, there is a report in every form."""
    events = sample_events()
    for length in range(1, len(events) + 1):
        whole = fold(GRAPH, events[:length])
        words = "FAILED test" if length == len(events) else "INTERRUPTED (the runner was killed) test"

        assert words in render_text(whole, FOLDER, PLAIN, 80)
        assert words.replace(" test", ": test") in render_markdown(whole, FOLDER)
        assert json.loads(render_json(whole))["run"] == whole.run


def test_events_of_another_graph_are_refused() -> None:
    """A graph file that was changed since the run is named as such; nothing else is made of it."""
    with pytest.raises(UsageError, match="changed since"):
        fold(graph_of("other"), sample_events())


def test_a_run_tells_of_itself_what_its_journal_tells() -> None:
    """Told by looking on at the schedule that runs it, a report is the one that is folded later from its events."""
    games = [game for game in (game_of(Random(seed)) for seed in range(150)) if not game.unfit]
    for game in games:
        tellings: list[Telling] = []

        def summon(schedule: Schedule, stories: Stories, told: list[Telling] = tellings) -> Witness:
            told.append(Telling(schedule, stories))
            return told[0].turn

        simulation, recorder = game.simulation(), Listed()
        world = World(executor=simulation, clock=simulation, recorder=recorder, observer=Unwatched(), summon=summon)
        drive(game.graph, game.first, Requests(game.graph, Surroundings(), game.first.params), world)
        read = [from_plain(Event, json.loads(json.dumps(to_plain(event)))) for event in recorder.events]

        assert fold(game.graph, read) == tellings[0].report()
    assert len(games) > 75
