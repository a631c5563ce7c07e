"""What the tests of the executors share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.execute.pools import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Make a real pool with two slots."""
    made = Bench(tmp_path)
    yield made
    made.pool.close()
