"""What the tests of the tasks share as fixtures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tasks.kit import sample_backend


@pytest.fixture(scope="module")
def backend() -> Iterator[str]:
    """Run the sample backend for the tests of one file; gives its URL."""
    with sample_backend() as url:
        yield url
