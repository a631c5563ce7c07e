"""Chromium as Debian has it, without a window, driven by its own driver: started, asked, and ended. Knows no report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selenium.common.exceptions import TimeoutException
from selenium.webdriver import ActionChains, Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import presence_of_element_located
from selenium.webdriver.support.wait import WebDriverWait

PATIENCE = 20
"""Seconds to wait for what a page makes when it is asked to: a busy machine takes its time."""
QUIET = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-extensions", "--hide-scrollbars", "--force-device-scale-factor=1", "--window-size=1280,900"),
)


def found(program: str) -> str:
    """Answer where a program of Debian's is; what is not there is named with the package to install."""
    path = shutil.which(program)
    assert path, f"`{program}` is not there: apt-get install chromium chromium-driver"
    return path


@contextmanager
def chromium(profile: Path) -> Iterator[Chrome]:
    """Start a browser with an empty profile, and end it."""
    options = ChromeOptions()
    options.binary_location = found("chromium")
    for argument in (*QUIET, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=Service(found("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()


def complaints(driver: Chrome) -> list[str]:
    """Answer what the console has been told since it was last asked."""
    return [entry["message"] for entry in driver.get_log("browser")]


def requests(driver: Chrome) -> set[str]:
    """Answer the addresses that were asked for since it was last asked, but those that hold their data themselves."""
    told: list[dict[str, Any]] = [
        json.loads(entry["message"])["message"]
        for entry in driver.get_log("performance")  # it is emptied by being read
    ]
    urls = [each["params"]["request"]["url"] for each in told if each["method"] == "Network.requestWillBeSent"]
    return {url for url in urls if not url.startswith("data:")}


def emulate(driver: Chrome, *, media: str = "", **features: str) -> None:
    """Let the browser be a printer (`media="print"`), or somebody who wants it dark; without words as it was."""
    wanted = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": wanted})


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page that is open, and how to look at it and press its keys."""

    driver: Chrome

    def all(self, selector: str) -> list[WebElement]:
        """Answer the elements of a selector."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        """Answer the first element of a selector, as soon as it is there."""
        there = presence_of_element_located((By.CSS_SELECTOR, selector))
        return WebDriverWait(self.driver, PATIENCE).until(there)

    def ask(self, script: str, *values: Any) -> Any:
        """Answer what a script returns."""
        return self.driver.execute_script(script, *values)  # type: ignore[no-untyped-call]

    def comes(self, words: str, script: str) -> bool:
        """Answer whether a script comes to return these words, within the time a busy machine may take."""
        try:
            return WebDriverWait(self.driver, PATIENCE).until(lambda _: self.ask(script) == words)
        except TimeoutException:
            return False

    def opens(self, task: str) -> bool:
        """Answer whether the sheet comes to show this task, with the focus on its name; "" for its being closed."""
        if not task:
            return self.comes("closed", "return sheet.open || document.body.className ? '' : 'closed'")
        return self.comes(task, "return sheet.open && document.activeElement.closest('#sheet h2')?.textContent")

    def press(self, *keys: str) -> None:
        """Press keys one after another, wherever the focus is."""
        chain = ActionChains(self.driver)
        for key in keys:
            chain.send_keys(key)
        chain.perform()

    def focus(self, selector: str) -> None:
        """Put the focus somewhere, as Tab would."""
        self.ask("arguments[0].focus()", self.one(selector))

    def focused(self, what: str = "textContent") -> Any:
        """Answer something of the element that has the focus."""
        return self.ask(f"return document.activeElement.{what}")

    def tasks(self) -> list[str]:
        """Answer the ids in the table of tasks, as shown."""
        rows: list[str] = self.ask(
            "return [...document.querySelectorAll('.tasks tbody tr')].filter(row => row.offsetParent)"
            ".map(row => row.querySelector('a.task').textContent)"
        )
        return rows
