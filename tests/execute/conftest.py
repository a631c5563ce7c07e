"""What the tests of the executors share."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import LocalCluster

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
    options = {"threads_per_worker": 1, "dashboard_address": "127.0.0.1:0", "silence_logs": logging.CRITICAL}
    with LocalCluster(n_workers=3, host="127.0.0.1", **options) as cluster:
        yield cluster.scheduler_address
