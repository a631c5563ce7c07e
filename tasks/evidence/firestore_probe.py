"""The probe `firestore`: documents whose field, or whose id, begins with a prefix. Needs the extra `firestore`.

A field's range query is `field >= prefix and field < successor(prefix)`: the successor has the last character raised by
one, so `Task_2_` does not meet `Task_20_`. Honours FIRESTORE_EMULATOR_HOST, which needs no credentials.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from tasks.evidence.finding import Finding, Orphan, Searched, Unverified, Wanted

TIMEOUT = 30.0
LAST = 0x10FFFF


class FirestoreProbe(BaseModel):
    """Where to look: `collections` by path, each `fields` by a range, and with `ids` the document ids, too.

    `group` looks in every collection of the name, however deep; the real service needs an index for that.
    `allow_live` lets `clean` delete in the real service, and not only in an emulator.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["firestore"]
    collections: tuple[str, ...]
    fields: tuple[str, ...] = ("name",)
    ids: bool = False
    group: bool = False
    project: str | None = None
    database: str | None = None
    cap: int = 1000
    allow_live: bool = False


def successor(prefix: str) -> str:
    """Answer the first text after every text that begins with a prefix, in Unicode's order; surrogates are no text."""
    for at in range(len(prefix) - 1, -1, -1):
        number = ord(prefix[at])
        if number < LAST:
            following = 0xE000 if 0xD7FF <= number < 0xE000 else number + 1
            return prefix[:at] + chr(following)
    return chr(LAST)


def look(probe: FirestoreProbe, wanted: Wanted) -> Finding:
    """Ask for each collection, field and prefix; what cannot be asked is unverified."""
    where = f"firestore {', '.join(probe.collections)}"
    try:
        from google.cloud import firestore  # noqa: PLC0415  # a second to import, and only this probe needs it
    except ImportError:
        return Unverified(
            why="the extra `firestore` is not installed: `pip install 'taskgraph-runner[firestore]'`", where=where
        )
    orphans: dict[str, Orphan] = {}
    there = 0
    try:
        with closing(firestore.Client(project=probe.project, database=probe.database)) as client:
            there = sum(_number(probe, client, name) for name in probe.collections)
            for document in _found(probe, client, wanted):
                path, name = document
                prefix = wanted.prefix_of(name)
                if prefix is not None:
                    orphans[path] = Orphan(id=path, name=name, prefix=prefix, where=where)
                if len(orphans) > probe.cap:
                    why = f"more than {probe.cap} documents were found"
                    return Unverified(why=why, where=where, orphans=tuple(orphans.values()))
    except Exception as error:  # noqa: BLE001  # a border: credentials, network, missing indexes, in many classes
        return Unverified(why=_words(error), where=where, orphans=tuple(orphans.values()))
    return Searched(orphans=tuple(orphans.values()), looked_at=there, where=where)


def remove(probe: FirestoreProbe, orphan: Orphan) -> str:
    """Delete a document that was just found; answers what went wrong, "" if nothing did."""
    if not os.environ.get("FIRESTORE_EMULATOR_HOST") and not probe.allow_live:
        return "this is the real service, not an emulator; set `allow_live` to delete there"
    try:
        from google.cloud import firestore  # noqa: PLC0415  # a second to import, and only this probe needs it

        with closing(firestore.Client(project=probe.project, database=probe.database)) as client:
            client.document(orphan.id).delete(timeout=TIMEOUT)
    except Exception as error:  # noqa: BLE001  # a border: credentials, network, missing extra, in many classes
        return _words(error)
    return ""


# -- the helpers -------------------------------------------------------------------------------------------------------


def _found(probe: FirestoreProbe, client: Any, wanted: Wanted) -> Iterator[tuple[str, str]]:
    """Yield path and matching text of every document found."""
    for name in probe.collections:
        collection = _collection(probe, client, name)
        for prefix in wanted.prefixes:
            for field in probe.fields:
                for document in _range(collection, field, prefix, successor(prefix), probe.cap):
                    yield document.reference.path, str(document.get(field))
            if probe.ids and not probe.group:
                first, last = collection.document(prefix), collection.document(successor(prefix))
                for document in _range(collection, "__name__", first, last, probe.cap):
                    yield document.reference.path, document.id


def _collection(probe: FirestoreProbe, client: Any, name: str) -> Any:
    return client.collection_group(name) if probe.group else client.collection(name)


def _number(probe: FirestoreProbe, client: Any, name: str) -> int:
    """Count the documents: a misspelt collection is as free of orphans as a clean one, and only this shows it."""
    ((counted,),) = _collection(probe, client, name).count().get(timeout=TIMEOUT)
    return int(counted.value)


def _range(collection: Any, field: str, first: Any, last: Any, cap: int) -> Any:
    from google.cloud.firestore_v1.base_query import FieldFilter  # noqa: PLC0415  # loaded with the client

    query = collection.where(filter=FieldFilter(field, ">=", first)).where(filter=FieldFilter(field, "<", last))
    return query.limit(cap + 1).stream(timeout=TIMEOUT)


def _words(error: Exception) -> str:
    text = " ".join(str(error).split())
    hint = "; the query needs an index" if "FAILED_PRECONDITION" in text or "index" in text.lower() else ""
    return f"{type(error).__name__}: {text[:300]}{hint}"
