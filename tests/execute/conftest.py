"""What the tests of the executors share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.execute.dask_cluster import DaskCluster
from tests.execute.pools import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Make a real pool with two slots."""
    made = Bench(tmp_path)
    yield made
    made.pool.close()


@pytest.fixture(scope="session")
def dask_address() -> Iterator[str]:
    """Start a cluster of three workers on this machine, and answer its scheduler's address."""
    with DaskCluster(3) as cluster:
        yield cluster.address
