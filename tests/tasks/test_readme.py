from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.graph.check import load
from tasks import checkpoint, config, health, power
from tasks import pytest as tasks_pytest
from tests.cli.command import report_in, run, task_in
from tests.tasks.kit import ROOT, Reply, server

TEXT = (ROOT / "tasks/README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "tasks.config:validate": config.validate,
    "tasks.power:run": power.run,
    "tasks.health:check": health.check,
    "tasks.checkpoint:judge": checkpoint.judge,
    "tasks.checkpoint:clean": checkpoint.clean,
    "tasks.pytest:run": tasks_pytest.run,
}


def blocks(language: str) -> list[str]:
    """Answer the code blocks of the README in one language."""
    return [text for name, text in BLOCKS if name == language]


@pytest.mark.real
def test_the_task_in_ten_lines_runs_as_it_stands(tmp_path: Path) -> None:
    """Two items are enough; one is not, and the message says how many there were."""
    assert 10 >= len([line for line in blocks("python")[0].splitlines() if line.strip()])
    (tmp_path / "stock.py").write_text(blocks("python")[0], encoding="utf-8")
    (tmp_path / "shop.yaml").write_text(blocks("yaml")[0], encoding="utf-8")
    seen = []
    for items in ("[1, 2]", "[1]"):
        with server(lambda _, items=items: Reply(body=f'{{"items": {items}}}')) as (url, _):  # type: ignore[misc]  # bound now
            said = run("shop.yaml", "-p", f"shop={url}", cwd=tmp_path)
        seen.append((said.code, task_in(report_in(tmp_path), "sell")["state"]))

    assert [(0, "succeeded"), (1, "blocked")] == seen
    assert "1 in http://127.0.0.1" in " ".join(said.out.split())


def test_graphs_of_the_readme_are_valid(tmp_path: Path) -> None:
    """Each YAML block can be read as a graph."""
    for number, block in enumerate(blocks("yaml")):
        file = tmp_path / f"{number}.yaml"
        file.write_text(block, encoding="utf-8")

        assert load(str(file)).graph.tasks


@pytest.mark.parametrize("uses", FUNCTIONS)
def test_every_task_and_every_parameter_is_documented(uses: str) -> None:
    """A word of `with` that nobody can look up is as good as none."""
    assert f"`{uses}`" in TEXT
    words = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`\n]+)`", TEXT)) + " ".join(blocks("yaml"))))

    assert set() == set(inspect.signature(FUNCTIONS[uses]).parameters) - words - {"context"}
