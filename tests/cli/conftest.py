"""What tests of the command line share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.terminal import OnTerminal, Terminal


@pytest.fixture
def on_terminal() -> Iterator[OnTerminal]:
    """Answer what starts commands on terminals; those that a failed test leaves behind are killed."""
    started: list[Terminal] = []

    def start(folder: Path, *words: str | Path) -> Terminal:
        started.append(Terminal(folder, *words))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait()
