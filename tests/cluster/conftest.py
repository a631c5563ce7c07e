"""What needs root and makes hosts is run when it is asked for by its mark; `-m 'not real'` and the like ask not."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.engine import Engine


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked `hosts`, unless the words after `-m` speak of hosts."""
    if "hosts" in config.option.markexpr:
        return
    left_out = [item for item in items if item.get_closest_marker("hosts")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def _engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine(tmp_path_factory.mktemp("engine")) as made:
        yield made


@pytest.fixture
def engine(_engine: Engine) -> Iterator[Engine]:
    """Answer the cluster, with all its workers there and nobody's work on it."""
    _engine.whole()
    yield _engine
    _engine.end_runs()
    assert _engine.all_gone(20.0)


@pytest.fixture
def marks() -> Iterator[Path]:
    """Answer a folder that all hosts see: nothing below /var/tmp is covered."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield Path(folder)
