from __future__ import annotations

import json
from pathlib import Path

import pytest

from tasks.newman.options import RunOptions, base_url_variables, newman_options
from tasks.postman.client import PostmanPowerClient, chosen_kind
from tasks.postman.config_model import PostmanConfig
from tasks.postman.transport import Fault, PowerError
from tests.tasks.kit import Reply, server, without_key
from tests.tasks.postman.stand_in import COLLECTION, KEY, collection, postman

CHOICES = {
    (False, True, False): "file",
    (False, True, True): "file",
    (True, True, False): "api",
    (True, True, True): "api",
    (True, False, True): "file",
    (True, False, False): "api",
}


@pytest.mark.parametrize(("has_key", "has_id", "has_file"), CHOICES)
def test_auto_takes_the_api_with_a_key_and_an_id_and_else_files(*, has_key: bool, has_id: bool, has_file: bool) -> None:
    """And what was asked for is taken as it is."""
    config = PostmanConfig(collection_id=COLLECTION if has_id else None, collection_file="c.json" if has_file else None)

    assert CHOICES[has_key, has_id, has_file] == chosen_kind("auto", config, has_key=has_key)[0]
    assert ("mcp", "it was asked for") == chosen_kind("mcp", config, has_key=has_key)


def test_the_base_url_is_every_variable_that_is_spelled_like_it() -> None:
    """Used in a request or listed in the environment, in any spelling; nothing else is touched."""
    used = {"item": [{"request": {"url": "{{baseUrl}}/{{ base_url }}/{{BASE-URL}}/{{database_url}}/{{baseUrl}}"}}]}

    assert ("baseUrl", "base_url", "BASE-URL") == base_url_variables(used, None)
    options = newman_options(RunOptions(base_url="http://x.test", data_prefix="P_"), {"item": []}, None, None, ".")
    assert [{"key": "base_url", "value": "http://x.test"}, {"key": "data_prefix", "value": "P_"}] == options["envVar"]


def test_files_that_are_no_exports_are_told_with_their_place(tmp_path: Path) -> None:
    """Missing, broken and mistaken files are different faults."""
    (tmp_path / "broken.json").write_text('{\n  "info": }', encoding="utf-8")
    (tmp_path / "other.json").write_text('{"values": []}', encoding="utf-8")
    told = {}
    for name in ("none.json", "broken.json", "other.json"):
        client = PostmanPowerClient(PostmanConfig(collection_file=name), folder=tmp_path, environ={})
        with client, pytest.raises(PowerError) as caught:
            client.get_collection()
        told[name] = (caught.value.fault, caught.value.message.replace(f"{tmp_path}/", ""))

    assert (Fault.NOT_FOUND, "there is no file none.json") == told["none.json"]
    assert (Fault.BAD_ANSWER, "broken.json:2:11: this is not JSON: Expecting value") == told["broken.json"]
    assert (Fault.BAD_ANSWER, "other.json is no Postman collection: it has no `info` and `item`") == told["other.json"]


def test_an_answer_of_the_api_that_was_saved_is_an_export(tmp_path: Path) -> None:
    """Some keep the API's wrapping."""
    (tmp_path / "c.json").write_text(json.dumps({"collection": collection()}), encoding="utf-8")
    with PostmanPowerClient(PostmanConfig(collection_file="c.json"), folder=tmp_path, environ={}) as client:
        assert collection() == client.get_collection()


@pytest.mark.real
def test_a_collection_of_the_api_runs_here(tmp_path: Path) -> None:
    """Activated, fetched, run, deactivated; the status tells which of it is true at the moment."""
    with postman() as (url, _), server(lambda _: Reply()) as (backend, calls):
        environ = {**without_key(), "POSTMAN_API_KEY": KEY, "POSTMAN_API_BASE_URL": url}
        client = PostmanPowerClient(PostmanConfig(collection_id=COLLECTION), folder=tmp_path, environ=environ)
        assert client.get_power_status().active is False
        with client:
            power = client.activate_power()
            result = client.run_collection(RunOptions(base_url=backend))
            during = client.get_power_status()
        after = client.get_power_status()

    assert ("api", "a key is set", "ada") == (power.transport, power.why, power.user)
    assert (True, 1, ["/ask"]) == (result.passed, result.assertions, [call.path for call in calls])
    assert (True, False, result) == (during.active, after.active, after.last_run)
