"""The page without a mouse, in a real browser: every control can be reached, and does what it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from selenium.webdriver import Keys

from runner.execute.simulate import Simulation, Step
from runner.record.folding import fold
from runner.schedule.messages import AttemptEnded, AttemptStarted, Event, Planned
from tests.kit import graph_of, opened, play, scripted
from tests.record.browser import Page
from tests.record.sample import sample_report

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("chromium")]


def test_tab_leads_to_every_control(show: Callable[..., Page]) -> None:
    """From the top of the page Tab comes by each link, button and field, once each; of bars and boxes by one each."""
    page = show(sample_report())
    wanted = page.ask(
        "const all = [...document.querySelectorAll('a[href], button, input, summary, [tabindex]')];"
        "all.forEach((each, place) => each.dataset.place = place);"
        "const radio = document.querySelector('input[type=radio]:not(:checked)');"
        "const reached = each => each.tabIndex >= 0 && each !== radio && each.checkVisibility();"
        "return all.filter(reached).map(each => each.dataset.place)"
    )
    visited = []
    for _ in range(len(wanted)):
        page.press(Keys.TAB)
        visited.append(page.focused("dataset.place"))

    assert wanted == visited
    for kind in (".bar", "button.node"):
        assert 1 == sum(page.ask("return arguments[0].tabIndex", each) == 0 for each in page.all(f"main {kind}"))


@pytest.mark.parametrize(
    ("column", "upwards"),
    [
        ("Task", ["dies", "excused", "fine", "flaky", "gate", "never", "slow", "stuck", "wrong"]),
        ("Took", ["never", "stuck", "dies", "gate", "excused", "fine", "flaky", "wrong", "slow"]),
        ("Tries", ["never", "stuck", "fine", "wrong", "slow", "dies", "excused", "gate", "flaky"]),
        ("Waited", ["fine", "flaky", "slow", "dies", "never", "stuck", "gate", "wrong", "excused"]),
    ],
)
def test_a_column_sorts(show: Callable[..., Page], column: str, upwards: list[str]) -> None:
    """Enter on a heading sorts upwards, again downwards, again as in the file; the heading says which."""
    page = show(sample_report())
    as_in_the_file = page.tasks()
    place = [each.text for each in page.all(".tasks th")].index(column)
    heading = page.all(".tasks th")[place]
    page.ask("arguments[0].querySelector('button').focus()", heading)
    seen = []
    for _ in range(3):
        page.press(Keys.ENTER)
        seen.append((heading.get_attribute("aria-sort"), page.tasks()))

    assert ("ascending", upwards) == seen[0]
    assert "descending" == seen[1][0]
    assert [upwards[-1], upwards[0]] == [seen[1][1][0], seen[1][1][-1]] or column != "Task"
    assert ("none", as_in_the_file) == seen[2]
    assert {"none"} == {each.get_attribute("aria-sort") for each in page.all(".tasks th")}


def test_the_table_filters(show: Callable[..., Page]) -> None:
    """By words in ids, states and messages, and by states; it says how many are left."""
    page = show(sample_report())
    page.focus("input[type=search]")
    page.press(*"segv")
    assert ["dies"] == page.tasks()
    assert "1 of 9 tasks" == page.one("#tasks [role=status]").text

    page.press(*(Keys.BACKSPACE * 4))
    assert "9 tasks" == page.one("#tasks [role=status]").text
    chips = {each.text: each for each in page.all(".chip")}
    for words, left in (
        ("1 flaky", ["flaky"]),
        ("1 timed out", ["flaky", "slow"]),
        ("2 failed", ["flaky", "wrong", "slow", "excused"]),
    ):
        page.ask("arguments[0].querySelector('input').focus()", chips[words])
        page.press(Keys.SPACE)
        assert left == page.tasks(), words


def test_a_task_opens_and_closes(show: Callable[..., Page]) -> None:
    """Enter on a task opens it in full, with the focus on its name; Escape leads back to where one was."""
    page = show(sample_report())
    page.focus(".tasks tbody tr:nth-child(2) a.task")
    page.press(Keys.ENTER)
    sheet = page.one("#sheet")

    assert page.opens("flaky")
    assert sheet.is_displayed()
    assert page.driver.current_url.endswith("#task/flaky")
    for words in (
        "killed by SIGSEGV",
        "Attempt 2",
        "rested 1.00 s before attempt 2 of 3",
        "It needs fine.",
        "attempt 1: answers",
    ):
        assert words in sheet.text, words

    page.press(Keys.ESCAPE)
    assert page.opens("")
    assert not sheet.is_displayed()
    assert "flaky" == page.focused()
    assert "#task" not in page.driver.current_url


def test_one_walks_from_task_to_task(show: Callable[..., Page]) -> None:
    """Next, Previous and the needs of a task are links; the last one has no next."""
    page = show(sample_report(), "#task/gate")
    assert page.opens("gate")
    assert ["Previous"] == [each.text for each in page.all("#sheet .bar a")]

    page.focus("#sheet .bar a")
    page.press(Keys.ENTER)
    assert page.opens("excused")
    page.driver.back()
    assert page.opens("gate")
    page.focus("#sheet section[aria-label=Needs] a.task")
    page.press(Keys.ENTER)
    assert page.opens("fine")


def test_what_is_folded_unfolds(show: Callable[..., Page], tmp_path: Path) -> None:
    """A log is folded where the task succeeded, and Enter on its summary shows it."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/a.1.log").write_text("first\n\n\x1b[31mlast\x1b[0m\n", encoding="utf-8")
    events: list[Event] = [opened(), AttemptStarted(at=0.0, task="a", attempt=1)]
    end = AttemptEnded(at=1.0, task="a", attempt=1, outcome=Step(seconds=1).outcome, log="logs/a.1.log")
    page = show(fold(graph_of("a"), [*events, end]), "#task/a")
    assert [] == page.all("#sheet pre")

    page.focus("#sheet summary")
    page.press(Keys.ENTER)
    assert "first\n\nlast" == page.one("#sheet pre").text


@pytest.mark.parametrize("kind", [".bar", "button.node"])
def test_arrows_lead_to_every_bar_and_box(show: Callable[..., Page], kind: str) -> None:
    """From any one, arrow keys reach all others, and Enter opens the task."""
    page = show(sample_report())
    container = "#timeline" if kind == ".bar" else "#graph"
    number = len(page.all(f"{container} {kind}"))
    page.focus(f"{container} {kind}[tabindex='0']")
    reached, waiting = {page.focused("ariaLabel")}, [page.focused("ariaLabel")]
    while waiting:
        start = waiting.pop()
        for key in (Keys.ARROW_LEFT, Keys.ARROW_RIGHT, Keys.ARROW_UP, Keys.ARROW_DOWN):
            page.focus(f'{container} {kind}[aria-label="{start}"]')
            page.press(key)
            if (label := page.focused("ariaLabel")) not in reached:
                reached.add(label)
                waiting.append(label)

    assert number == len(reached)
    page.press(Keys.ENTER)
    assert page.comes("open", "return sheet.open ? 'open' : ''")


def test_the_timeline_turns_and_grows(show: Callable[..., Page]) -> None:
    """An arrow key turns lanes of workers into rows of tasks, with what was planned; a button makes it wider."""
    plan = {"a": Planned(started=0.0, seconds=2.0), "b": Planned(started=2.0, seconds=1.0)}
    graph = graph_of("a; b: a")
    turns = play(graph, Simulation(*scripted({}), slots=2), opened(2, planned=plan)).turns
    page = show(fold(graph, [turn.event for turn in turns]))
    labels = [each.text for each in page.all("#timeline .rows .label")]
    page.focus("#timeline input[type=radio]:checked")
    page.press(Keys.ARROW_RIGHT)

    assert ["", "worker 1", "planned 1"] == labels
    assert ["", "a", "b"] == [each.text for each in page.all("#timeline .rows .label")]
    assert 2 == len(page.all("#timeline .rows .plan"))

    before = page.one("#timeline .rows").rect["width"]
    page.focus("#timeline button[title=Larger]")
    page.press(Keys.ENTER)
    assert 1.4 * before < page.one("#timeline .rows").rect["width"]
    page.focus("#timeline button[title=Fit]")
    page.press(Keys.ENTER)
    assert before == page.one("#timeline .rows").rect["width"]


def test_the_graph_grows(show: Callable[..., Page]) -> None:
    """Larger makes boxes larger, Smaller smaller, Fit as they were."""
    page = show(sample_report())
    width = "return document.querySelector('.node').getBoundingClientRect().width"
    sizes = [page.ask(width)]
    for name in ("Larger", "Smaller", "Smaller", "Fit"):
        page.focus(f"#graph button[title={name}]")
        page.press(Keys.SPACE)
        sizes.append(page.ask(width))

    assert [1, 1.5, 1, 0.667, 1] == [round(size / sizes[0], 3) for size in sizes]
