"""How smooth is the page of a run with many tasks? Renders one, opens it in Chromium, times what a person does.

`python -m tests.bench.page [TASKS…]`; exits 1 where something takes longer than `LIMITS` says. Milliseconds, the best
of three, each until the browser has laid out what changed.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from random import Random

from selenium.webdriver import Chrome

from runner.execute.simulate import Simulation, Step
from runner.graph.model import Retry
from runner.record.folding import fold
from runner.record.render.html import render_html
from runner.record.report import Report
from runner.task import Cause, Failed
from tests.kit import graph_of, play, scripted
from tests.record.browser import chromium

LIMITS = {"open": 3000, "filter": 100, "sort": 250, "task": 100, "by task": 250, "larger": 100}
ACTS = """
const now = () => performance.now();
const time = act => { const from = now(); act(); document.body.offsetHeight; return now() - from; };
const [page] = performance.getEntriesByType('navigation'), search = document.querySelector('input[type=search]');
const type = words => { search.value = words; search.dispatchEvent(new Event('input')); };
return {
  'open': page.loadEventEnd,
  'filter': time(() => type('17')) + time(() => type('')),
  'sort': time(() => document.querySelectorAll('.tasks th button')[3].click()),
  'task': time(() => { openTask(run.tasks[1]); showFromAddress(); }),
  'by task': time(() => document.querySelectorAll('input[type=radio]')[1].click()),
  'larger': time(() => document.querySelector('#graph button[title=Larger]').click()),
};
"""


def layers(count: int) -> Report:
    """Run so many tasks in virtual time, in layers of a hundred with three needs each; some are flaky, some fail."""
    chance = Random(1)
    parts, settings, steps = [], {}, {}
    for number in range(count):
        above = number // 100 * 100
        needs = {f"task_{chance.randrange(above - 100, above):05}" for _ in range(3)} if above else set[str]()
        name, seconds = f"task_{number:05}", chance.lognormvariate(0, 1)
        parts.append(f"{name}: {' '.join(sorted(needs))}")
        steps[name] = [Step(seconds=seconds)]
        if chance.random() < 0.01:
            steps[name].insert(0, Step(seconds=seconds, outcome=Failed(cause=Cause.EXIT_CODE, message="exit code 1")))
            settings[name] = {"retry": Retry(attempts=1 if chance.random() < 0.05 else 2, delay=1.0, jitter="none")}
    graph = graph_of("; ".join(parts), **settings)
    turns = play(graph, Simulation(*scripted(steps), slots=16), turns=10 * count).turns
    return fold(graph, [turn.event for turn in turns])


def timed(driver: Chrome, page: Path) -> dict[str, float]:
    """Open a page three times and answer the best time of each act."""
    found = []
    for _ in range(3):
        driver.get(page.as_uri())
        found.append(driver.execute_script(ACTS))  # type: ignore[no-untyped-call]
    return {act: min(each[act] for each in found) for act in LIMITS}


def main(counts: list[int]) -> int:
    """Print a row for each number of tasks; answers 1 if a limit is passed at 2,000 tasks or fewer."""
    slow = False
    print("| tasks | MB | rendered in s |", " | ".join(LIMITS), "|")
    with tempfile.TemporaryDirectory() as folder, chromium(Path(folder, "profile")) as driver:
        for count in counts:
            report, page = layers(count), Path(folder, "report.html")
            begun = time.perf_counter()
            page.write_text(render_html(report, Path(folder)), encoding="utf-8")
            rendered = time.perf_counter() - begun
            best = timed(driver, page)
            slow |= count <= 2000 and any(best[act] > limit for act, limit in LIMITS.items())
            figures = " | ".join(f"{took:.0f}" for took in best.values())
            print(f"| {count} | {page.stat().st_size / 1e6:.1f} | {rendered:.2f} | {figures} |", flush=True)
    return int(slow)


if __name__ == "__main__":
    sys.exit(main([int(word) for word in sys.argv[1:]] or [4, 500, 2000, 10_000]))
