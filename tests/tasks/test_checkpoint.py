from __future__ import annotations

import json

import httpx
import pytest

from runner.task import NeedResult
from tasks.checkpoint import clean, judge
from tasks.evidence.http_probe import HttpProbe
from tests.tasks.kit import Reply, context, server

LIST = HttpProbe(kind="http", url="/api/documents?limit=2")
POWER = NeedResult(id="power", state="succeeded", run="run-1", outputs={"assertions": 3}, data_prefix="Task_3_")
pytestmark = pytest.mark.real


def test_a_backend_that_is_well_and_clean_passes(backend: str) -> None:
    """Every row has what was expected and what was seen."""
    here, said = context(needs=[POWER], above=[POWER])

    judgement = judge(base_url=backend, probes=[LIST], settle=0, context=here)

    assert (True, []) == (judgement.passed, said.failed)
    expected = [
        "task power",
        "assertions ran",
        "ledger of test data",
        "the backend is well now",
        "no test data left behind",
    ]
    assert expected == [check.name for check in said.checks]


def test_a_record_left_behind_fails_and_is_named(backend: str) -> None:
    """Beyond the first page, with the task it belongs to; records of other prefixes are not our business."""
    made = [
        httpx.post(f"{backend}/api/documents", json={"name": name}).json()
        for name in ("a", "Task_30_x", "b", "Task_3_x")
    ]
    here, said = context(needs=[POWER], above=[POWER])

    judgement = judge(base_url=backend, probes=[LIST], settle=0, context=here)

    for each in made:
        httpx.delete(f"{backend}/api/documents/{each['id']}")
    assert [(made[3]["id"], "Task_3_x", "power")] == [
        (each["id"], each["name"], each["task"]) for each in judgement.orphans
    ]
    assert [f"1 left behind: Task_3_x (id {made[3]['id']}, of power)"] == [check.observed for check in said.failed]


def test_prefixes_without_a_probe_are_not_verified(backend: str) -> None:
    """Test data that nobody looked for is no evidence."""
    here, said = context(needs=[POWER], above=[POWER])

    judge(base_url=backend, context=here)

    assert ["not verified: no probe was given; say where to look by `probes`"] == [
        check.observed for check in said.failed
    ]


def test_a_probe_without_a_prefix_is_not_verified(backend: str) -> None:
    """Where no task says how its test data is named, a probe has nothing to look for; that is no clean bill."""
    bare = NeedResult(id="power", state="succeeded", run="run-1", outputs={"assertions": 3})
    here, said = context(needs=[bare], above=[bare])

    judgement = judge(base_url=backend, probes=[LIST], settle=0, context=here)

    assert (False, ["no test data left behind"]) == (judgement.passed, judgement.failed)
    assert "no task above has a `data_prefix`" in str(said.failed[0].observed)


def test_a_long_list_is_read_whole() -> None:
    """A list endpoint may answer megabytes; its last record counts as much as its first."""
    records = [{"id": number, "name": "n" * 200} for number in range(9000)] + [{"id": 9000, "name": "Task_3_x"}]
    here, said = context(needs=[POWER], above=[POWER])
    with server(lambda _: Reply(body=json.dumps(records))) as (url, _):
        judge(probes=[HttpProbe(kind="http", url=f"{url}/list")], settle=0, context=here)

    assert ["1 left behind: Task_3_x (id 9000, of power)"] == [check.observed for check in said.failed]


def test_a_list_that_lags_behind_is_looked_at_once_more() -> None:
    """What is gone at the second look was not left behind; what is still there was."""
    left = json.dumps([{"id": 1, "name": "Task_3_x"}])
    seen = []
    for second in ("[]", left):
        bodies = [left, second]
        here, _ = context(needs=[POWER], above=[POWER])
        with server(lambda _, bodies=bodies: Reply(body=bodies.pop(0))) as (url, calls):  # type: ignore[misc]  # bound now
            judgement = judge(probes=[HttpProbe(kind="http", url=f"{url}/list")], settle=0.01, context=here)
        seen.append((judgement.passed, len(calls)))

    assert [(True, 2), (False, 2)] == seen


def test_prefixes_of_all_ancestors_count_and_what_is_ignored_does_not() -> None:
    """A task further above may have left something, too; a fixture that is meant to stay is named by `ignore`."""
    far = NeedResult(id="seed", state="succeeded", run="run-1", data_prefix="Task_1_")
    records = [{"id": 1, "name": "Task_1_a"}, {"id": 2, "name": "Task_3_keep"}, {"id": 3, "name": "Own_a"}]
    here, _ = context(needs=[POWER], above=[POWER, far])
    with server(lambda _: Reply(body=json.dumps(records))) as (url, _):
        probes = [HttpProbe(kind="http", url=f"{url}/list")]
        more = {"ignore": ["Task_3_keep"], "prefixes": ["Own_"]}
        judgement = judge(probes=probes, settle=0, context=here, **more)  # type: ignore[arg-type]  # lists of texts

    assert [("Task_1_a", "seed"), ("Own_a", "checkpoint")] == [
        (each["name"], each["task"]) for each in judgement.orphans
    ]


def test_clean_reaches_what_any_ancestor_left(backend: str) -> None:
    """As far as the checkpoint looks, and no further than `ignore` lets it."""
    far = NeedResult(id="seed", state="succeeded", run="run-1", data_prefix="Task_1_")
    for name in ("Task_1_a", "Task_1_keep"):
        httpx.post(f"{backend}/api/documents", json={"name": name})
    here, said = context(needs=[POWER], above=[POWER, far])

    clean(
        base_url=backend,
        probes=[LIST.model_copy(update={"delete": "/api/documents/{id}"})],
        ignore=["Task_1_keep"],
        context=here,
    )

    left = httpx.get(f"{backend}/api/documents").json()["items"]
    httpx.delete(f"{backend}/api/documents/{left[0]['id']}")
    assert ["Task_1_keep"] == [each["name"] for each in left]
    assert [] == said.failed


def test_clean_removes_what_was_just_listed_and_nothing_else(backend: str) -> None:
    """The ledger notes each deletion, and a checkpoint after it is content."""
    names = ("Task_3_a", "Task_30_b", "Task_3_c", "other")
    made = {name: httpx.post(f"{backend}/api/documents", json={"name": name}).json()["id"] for name in names}
    here, said = context(above=[POWER])
    probe = LIST.model_copy(update={"delete": "/api/documents/{id}"})

    cleaned = clean(base_url=backend, probes=[probe], context=here)

    left = [each["name"] for each in httpx.get(f"{backend}/api/documents").json()["items"]]
    for name in left:
        httpx.delete(f"{backend}/api/documents/{made[name]}")
    assert (["Task_30_b", "other"], [made["Task_3_a"], made["Task_3_c"]]) == (left, cleaned.removed)
    assert [("deleted", "record", "Task_3_a"), ("deleted", "record", "Task_3_c")] == said.ledger
    assert [] == said.failed


@pytest.mark.parametrize("prefix", ["", "a", "T_1"])
def test_clean_refuses_a_prefix_that_reaches_too_far(backend: str, prefix: str) -> None:
    """Empty, or shorter than four characters: nothing is removed, not even under the other prefixes."""
    made = httpx.post(f"{backend}/api/documents", json={"name": "Task_3_a"}).json()["id"]
    here, said = context(above=[POWER])

    cleaned = clean(base_url=backend, probes=[LIST], prefixes=[prefix], context=here)

    assert 204 == httpx.delete(f"{backend}/api/documents/{made}").status_code
    assert ([], ["prefixes"]) == (cleaned.removed, [check.name for check in said.failed])
