"""The page in a real browser: it says nothing to the console, asks for nothing, and works without a mouse."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, Keys

from runner.execute.simulate import Simulation, Step
from runner.record.folding import fold
from runner.record.report import Report
from runner.schedule.messages import AttemptEnded, AttemptStarted, Event, Noted
from runner.task import Cause, Check, Failed, LedgerRow
from tests.kit import graph_of, opened, play, scripted
from tests.record.browser import Page, complaints, emulate, requests
from tests.record.sample import sample_report

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("chromium")]

HOSTILE = (
    "</script><script>document.title='broken'</script><!--<script>",
    "<img src=http://127.0.0.1:9/x onerror=document.title='broken'>",
    "javascript:alert(1)//\"'`><svg onload=document.title='broken'>",
    "\u2028{{script}}&lt;b&gt;<b>bold</b>]]>",
)


def many_tasks(number: int = 2000) -> Report:
    """Fold a run of many tasks in layers of a hundred, each needing one above it."""
    text = "; ".join(f"t{n}: t{n - 100}" if n >= 100 else f"t{n}" for n in range(number))
    steps = {
        f"t{n}": Step(seconds=1 + n % 7 / 4, outcome=_bad() if n % 499 == 498 else Step(seconds=1).outcome)
        for n in range(number)
    }
    turns = play(graph_of(text), Simulation(*scripted(steps), slots=16), turns=100_000).turns
    return fold(graph_of(text), [turn.event for turn in turns])


def _bad() -> Failed:
    return Failed(cause=Cause.EXIT_CODE, message="exit code 3")


# -- what it may not do ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", HOSTILE)
def test_what_is_said_stays_text(show: Callable[..., Page], tmp_path: Path, said: str) -> None:
    """A task that says markup wherever it can, in its log, too, is shown as it said it; nothing of it comes alive."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/a.1.log").write_text(f"{said}\nthe last line", encoding="utf-8")
    notes = (
        Check(name=said, verdict="failed", expected=said, observed={said: [said]}, message=said),
        LedgerRow(action="created", kind=said, id=said, name=said, at="2026-01-01T00:00:00.000Z"),
    )
    outcome = Failed(cause=Cause.EXCEPTION, message=said, traceback=f"Traceback:\n{said}", outputs={said: said})
    events: list[Event] = [
        opened(params={"p": said}),
        AttemptStarted(at=0.0, task="a", attempt=1, pid=1),
        *(Noted(at=0.5, task="a", attempt=1, note=note) for note in notes),
        AttemptEnded(at=1.0, task="a", attempt=1, outcome=outcome, log="logs/a.1.log", left=(said,)),
    ]
    page = show(fold(graph_of("a; b: a"), events), "#task/a")
    for summary in page.all("summary"):
        page.ask("arguments[0].parentElement.open = true", summary)
    page.driver.implicitly_wait(0)
    shown = re.sub(r"\s+", " ", said.replace("\u2028", " "))
    text = re.sub(r"\s+", " ", page.ask("return document.body.textContent"))

    assert "FAILED: test" == page.driver.title
    assert 2 == len(page.all("script"))
    assert [] == page.all(
        "img, iframe, object, embed, b:not(p b, li b), main svg[onload], [onerror], a[href^=javascript]"
    )
    assert text.count(shown.replace("`", "")) + text.count(shown) >= 10
    assert "the last line" in text


def test_the_policy_holds(show: Callable[..., Page]) -> None:
    """Even a script that were to run could ask for nothing and make no markup; the browser says so itself."""
    page = show(sample_report())
    fetched = page.ask("return fetch('http://127.0.0.1:9/').then(() => 'fetched', error => error.constructor.name)")
    written = page.ask("try { document.body.innerHTML = '<p>'; return 'written' } catch (error) { return error.name }")
    told = complaints(page.driver)
    requests(page.driver)
    page.driver.get(page.driver.current_url)

    assert ("TypeError", "TypeError") == (fetched, written)
    assert 1 <= sum("connect-src" in line or "default-src" in line for line in told)


def test_a_page_of_two_thousand_tasks_works(show: Callable[..., Page]) -> None:
    """It opens with all rows, all bars and all boxes; it sorts, filters, and opens a task."""
    page = show(many_tasks())

    count = "return document.querySelectorAll(arguments[0]).length"
    assert [2000, 2000] == [page.ask(count, each) for each in (".tasks tbody tr", "button.node")]
    page.one("input[type=search]").send_keys("exit code")
    assert ["t498", "t997", "t1496", "t1995"] == page.tasks()
    page.one("input[type=search]").send_keys(Keys.BACKSPACE * 9 + "t1999")
    assert ["t1999"] == page.tasks()
    page.focus(".tasks tbody tr:not([hidden]) a.task")
    page.press(Keys.ENTER)
    assert page.opens("t1999")


def test_a_screen_reader_finds_its_way(show: Callable[..., Page]) -> None:
    """There are landmarks, one heading a part, a name for every control, and each picture has a table beside it."""
    page = show(sample_report(), "#task/wrong")
    tree = page.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    named = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if not node.get("ignored")]
    controls = {"button", "link", "checkbox", "radio", "searchbox", "textbox", "dialog", "table", "region", "group"}
    whole = show(sample_report())
    roles = {node["role"]["value"] for node in whole.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]}

    assert {"banner", "navigation", "main", "heading", "table", "status"} <= roles
    assert [] == [role for role, name in named if role in controls - {"group"} and not name]
    assert {"What failed", "Evidence", "Left behind", "Timeline", "Graph", "Tasks", "About this run"} == {
        each.text for each in whole.all("main > section > h2")
    }
    for part in ("timeline", "graph"):
        assert "as a" in whole.one(f"#{part} > details > summary").text


CONTRAST = """
const context = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
const parsed = color => { context.clearRect(0, 0, 1, 1); context.fillStyle = color; context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data]; };
const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] / 255 + below[i] * (1 - top[3] / 255)).concat(255);
const behind = element => { if (!element) return [255, 255, 255, 255];
  const own = parsed(getComputedStyle(element).backgroundColor);
  return own[3] === 255 ? own : over(own, behind(element.parentElement)); };
const linear = value => (value /= 255) <= .04045 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4;
const light = color => { const [r, g, b] = color.slice(0, 3).map(linear);
  return .2126 * r + .7152 * g + .0722 * b; };
const poor = new Set();
for (const element of document.querySelectorAll('body *')) {
  const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
  if (!own || !element.checkVisibility() || element.closest('.unseen, .skip, script, noscript')) continue;
  const ground = behind(element), ink = over(parsed(getComputedStyle(element).color), ground);
  const [a, b] = [light(ink), light(ground)].sort((x, y) => y - x), ratio = (a + .05) / (b + .05);
  if (ratio < 4.5) poor.add(`${element.tagName}.${element.className} ${ratio.toFixed(2)}`);
}
return [...poor];
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_written_can_be_read(show: Callable[..., Page], driver: Chrome, scheme: str) -> None:
    """Every text stands out from its ground by 4.5 to 1 or more (WCAG 2.2, AA), light and dark, on the sheet, too."""
    emulate(driver, prefers_color_scheme=scheme)
    for part in ("", "#task/wrong", "#task/flaky"):
        page = show(sample_report(), part)
        ground = page.ask("return getComputedStyle(document.body).backgroundColor")

        assert [] == page.ask(CONTRAST), part
        assert (scheme == "dark") == (sum(map(int, re.findall(r"\d+", ground))) < 3 * 60)


CUT_OFF = """
const scrolls = element => element !== document.body &&
  (/auto|scroll/.test(getComputedStyle(element).overflowX) || scrolls(element.parentElement));
const lost = each => each.getBoundingClientRect().right > innerWidth + 1 && !scrolls(each.parentElement);
return [...document.querySelectorAll('main *:not(.unseen)')].filter(each => each.checkVisibility() && lost(each))
  .map(each => each.outerHTML.slice(0, 80));
"""
"""What reaches over the edge of the screen and cannot be scrolled to."""


@pytest.mark.parametrize("width", [1280, 820, 500])
def test_a_narrow_screen_scrolls_one_way(show: Callable[..., Page], driver: Chrome, width: int) -> None:
    """The page is as wide as the screen; what is wider scrolls in its own frame."""
    page = show(sample_report())
    driver.set_window_size(width, 900)

    assert page.ask("return document.documentElement.scrollWidth <= innerWidth")
    assert [] == page.ask(CUT_OFF)
    assert page.tasks()


def test_it_prints(show: Callable[..., Page], driver: Chrome) -> None:
    """On paper there is nothing to click, and all that is shown is there in full."""
    page = show(sample_report())
    driver.set_window_size(720, 1020)  # A4 within its margins, in CSS pixels
    emulate(driver, media="print")

    assert not any(each.is_displayed() for each in page.all("nav, .controls, input"))
    assert 9 == len(page.tasks())
    assert "rgb(255, 255, 255)" == page.ask("return getComputedStyle(document.body).backgroundColor")
    assert page.ask(
        "return [...document.querySelectorAll('.wide, .frame')]"
        ".every(each => each.scrollHeight <= each.clientHeight + 1 && each.scrollWidth <= each.clientWidth + 1)"
    )
