"""One browser for all tests that look at a page, and a way to open the page of a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from runner.record.render.html import render_html
from runner.record.report import Report
from tests.record.browser import Page, chromium, complaints, emulate, requests


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """Start one browser for all tests that want one."""
    with chromium(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture
def show(driver: Chrome, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Open the page of a report, and hold it afterwards against what no page may do."""
    file = tmp_path / "report.html"

    def open_page(report: Report, part: str = "") -> Page:
        file.write_text(render_html(report, tmp_path), encoding="utf-8")
        driver.get("about:blank")
        complaints(driver)
        requests(driver)
        driver.set_window_size(1280, 900)
        driver.get(file.as_uri() + part)
        return Page(driver=driver)

    yield open_page
    emulate(driver)

    assert [] == complaints(driver)
    assert {file.as_uri()} == {url.partition("#")[0] for url in requests(driver)}
