from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.evidence.finding import Orphan, Searched, Unverified, Wanted
from tasks.evidence.firestore_probe import FirestoreProbe, look, remove, successor
from tests.tasks.npm import firestore

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)


@example("a\ud7ff", "b")
@given(texts, texts)
def test_the_successor_bounds_exactly_what_begins_with_a_prefix(prefix: str, text: str) -> None:
    """In Unicode's order, which is UTF-8's: a text is in the range if it begins with the prefix, and only then."""
    if prefix.strip(chr(0x10FFFF)):
        assert text.startswith(prefix) == (prefix <= text < successor(prefix))
        assert prefix <= prefix + text < successor(prefix)
    successor(prefix).encode()


@pytest.fixture(scope="module")
def emulator() -> Iterator[Any]:
    """Run the emulator and connect to it; gives the client."""
    with firestore() as host:
        before = os.environ.get("FIRESTORE_EMULATOR_HOST")
        os.environ["FIRESTORE_EMULATOR_HOST"] = host
        from google.cloud.firestore import Client

        client = Client(project="phase")
        yield client
        client.close()  # type: ignore[no-untyped-call]  # the library has no types there
        os.environ.pop("FIRESTORE_EMULATOR_HOST")
        if before is not None:
            os.environ["FIRESTORE_EMULATOR_HOST"] = before


@pytest.mark.real
def test_documents_under_a_prefix_are_found_and_removed(emulator: Any) -> None:
    """By a field's range, so that `Task_20_` is not under `Task_2_`; only what was found is removed."""
    names = ["Task_2_a", "Task_2_", "Task_20_a", "task_2_a", "xTask_2_", "Task_2", "Task_3_b"]
    for number, name in enumerate(names):
        emulator.collection("documents").document(str(number)).set({"name": name})
    probe = FirestoreProbe(kind="firestore", collections=("documents",), project="phase")
    wanted = Wanted(prefixes=("Task_2_", "Task_3_"))

    found = look(probe, wanted)
    removed = [remove(probe, orphan) for orphan in found.orphans]
    again = look(probe, wanted)

    assert isinstance(found, Searched)
    assert ["Task_2_", "Task_2_a", "Task_3_b"] == sorted(orphan.name for orphan in found.orphans)
    assert isinstance(again, Searched)
    assert (["", "", ""], ()) == (removed, again.orphans)
    assert (7, 4) == (found.looked_at, again.looked_at)
    left = sorted(document.get("name") for document in emulator.collection("documents").stream())
    assert sorted(["Task_20_a", "task_2_a", "xTask_2_", "Task_2"]) == left


def test_the_real_service_is_left_alone_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an emulator nothing is deleted, and nothing is even connected to."""
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
    probe = FirestoreProbe(kind="firestore", collections=("documents",))

    assert "set `allow_live`" in remove(probe, Orphan(id="documents/1", name="Task_2_a", prefix="Task_2_", where=""))


@pytest.mark.real
def test_what_cannot_be_asked_is_unverified(emulator: Any) -> None:
    """A collection path that is none is an error of the query, and no clean bill."""
    assert emulator is not None
    probe = FirestoreProbe(kind="firestore", collections=("documents/1",), project="phase")

    assert isinstance(look(probe, Wanted(prefixes=("Task_2_",))), Unverified)
