"""The garbage collector while a large graph is read."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from runner.graph.check import without_collection


@pytest.fixture(autouse=True)
def _thawed() -> Iterator[None]:
    """Leave nothing frozen and the collector on."""
    yield
    gc.unfreeze()
    gc.enable()


def test_what_was_made_without_collection_is_old_afterwards() -> None:
    """The next object does not have all of a graph walked over: none of it is young any more."""
    with without_collection():
        made = [list[int]() for _ in range(1000)]
    young = {id(each) for each in gc.get_objects(generation=0)}

    assert not any(id(each) in young for each in made)
    assert gc.isenabled()


def test_what_somebody_else_has_frozen_stays_so() -> None:
    """A program that reads a graph keeps what it had frozen before."""
    gc.freeze()
    frozen = gc.get_freeze_count()

    with without_collection():
        list[int]()

    assert gc.get_freeze_count() == frozen > 0


def test_a_collector_that_is_off_stays_off() -> None:
    """Whoever has switched the collector off finds it off."""
    gc.disable()

    with without_collection():
        pass

    assert not gc.isenabled()
