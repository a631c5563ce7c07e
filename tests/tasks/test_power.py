from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from msgspec import to_builtins

from runner.task import Stopped
from tasks.newman.options import RunOptions
from tasks.newman.result import CollectionRun
from tasks.postman.client import Listener, PostmanPowerClient
from tasks.postman.config_model import PostmanConfig
from tasks.power import combine, folders, run
from tests.tasks.certificate import untrusted
from tests.tasks.kit import PHASE, Call, Reply, Said, commands_of_children, context, server, without_key
from tests.tasks.newman.test_find import newman_in
from tests.tasks.postman.stand_in import collection

pytestmark = pytest.mark.real

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"


def item(name: str = "Ask", *tests: str, before: str = "", path: str = "/") -> dict[str, Any]:
    """Make a request of a collection with its scripts."""
    events = [{"listen": "test", "script": {"exec": list(tests)}}] if tests else []
    events += [{"listen": "prerequest", "script": {"exec": [before]}}] if before else []
    return {"name": name, "request": {"method": "GET", "url": "{{baseUrl}}" + path}, "event": events}


def ran(folder: Path, items: Sequence[Any], base_url: str, **more: Any) -> tuple[CollectionRun | None, Said]:
    """Run a collection of these items as the task does."""
    collection = {"info": {"name": "c", "schema": SCHEMA}, "item": list(items)}
    (folder / "c.json").write_text(json.dumps(collection), encoding="utf-8")
    (folder / ".postman.json").write_text(json.dumps({"collection_file": "c.json"}), encoding="utf-8")
    here, said = context(env=without_key(), data_prefix="Task_3_")
    return run(config=str(folder / ".postman.json"), base_url=base_url, context=here, **more), said


def test_the_sample_collection_passes_and_cleans_up(backend: str) -> None:
    """Every assertion is a check, and what it creates and deletes is in the ledger."""
    here, said = context(env=without_key(), data_prefix="Task_3_")

    result = run(config=str(PHASE / ".postman.json"), base_url=backend, require_assertions=True, context=here)

    assert result is not None
    assert (True, 7, 15, 0) == (result.passed, result.requests, result.assertions, result.failed)
    assert [("created", "documents", "Task_3_letter"), ("deleted", "documents", "Task_3_letter")] == said.ledger
    assert [] == said.failed
    assert 0 == httpx.get(f"{backend}/api/documents").json()["total"]
    assert "Documents / Create" in said.progress


def test_assertions_of_a_script_that_sends_are_counted_once(tmp_path: Path) -> None:
    """Newman's own report counts them twice after `pm.sendRequest`."""
    script = (
        "pm.sendRequest(pm.variables.get('baseUrl'), (e, r) => pm.test('inner', () => pm.expect(r.code).to.eql(200)))"
    )
    with server(lambda _: Reply(body="{}")) as (url, calls):
        result, said = ran(tmp_path, [item("Ask", script, "pm.test('outer', () => {})")], url)

    assert result is not None
    assert (True, 2, 2, 2) == (result.passed, result.assertions, result.requests, len(calls))
    assert ["Ask: inner", "Ask: outer"] == sorted(check.name for check in said.checks if check.name.startswith("Ask"))


def test_a_script_that_throws_fails_though_every_assertion_held(tmp_path: Path) -> None:
    """Outside of `pm.test` nothing counts an assertion, so the error itself has to."""
    with server(lambda _: Reply(body="{}")) as (url, _):
        result, said = ran(tmp_path, [item("Ask", "pm.test('holds', () => {}); nonsense()")], url)

    assert result is not None
    assert (False, 0) == (result.passed, result.failed)
    assert [("Ask: script", "ReferenceError: nonsense is not defined")] == [(c.name, c.observed) for c in said.failed]


def test_a_script_that_loops_for_ever_is_stopped_and_the_rest_runs(tmp_path: Path) -> None:
    """The script's own limit, although Newman's option for it alone does nothing."""
    with server(lambda _: Reply(body="{}")) as (url, calls):
        result, said = ran(tmp_path, [item("Loop", "while (true) {}"), item("Ask")], url, script_timeout=0.5)

    assert result is not None
    assert (False, ["Loop: script"], 2) == (result.passed, [check.name for check in said.failed], len(calls))


def test_a_backend_that_hangs_costs_its_time_limit(tmp_path: Path) -> None:
    """The request is given up, and the run goes on."""
    with server(lambda call: Reply(hang=20) if call.path == "/hang" else Reply()) as (url, _):
        result, said = ran(tmp_path, [item("Hang", path="/hang"), item("Ask")], url, request_timeout=0.5)

    assert result is not None
    assert (False, ["Hang: request"]) == (result.passed, [check.name for check in said.failed])


def test_every_spelling_of_the_base_url_is_overridden(tmp_path: Path) -> None:
    """The graph says which backend is verified, whatever the collection calls it; its prefix is a variable, too."""
    seen: list[Call] = []

    def answer(call: Call) -> Reply:
        seen.append(call)
        return Reply()

    with server(answer) as (url, _):
        second = {"name": "b", "request": {"method": "GET", "url": "{{base_url}}/{{data_prefix}}b"}}
        ran(tmp_path, [item("a", path="/a"), second], url)

    assert ["/a", "/Task_3_b"] == [call.path for call in seen]


def test_data_iterations_folders_and_bail(tmp_path: Path) -> None:
    """One run per row of data, only the folders asked for, and no further than the first failure if told so."""
    items = [
        {
            "name": "F",
            "item": [
                item("in", "pm.test('n', () => pm.expect(pm.iterationData.get('n')).to.be.below(2))", path="/{{n}}")
            ],
        },
        item("out"),
    ]
    (tmp_path / "rows.csv").write_text("n,text\n1,a\n2,b\n3,c\n", encoding="utf-8")
    with server(lambda _: Reply()) as (url, calls):
        result, said = ran(tmp_path, items, url, folders=["F"], data="rows.csv", bail=True)

    assert result is not None
    assert (["/1", "/2"], 1) == ([call.path for call in calls], result.failed)
    assert ["F / in: n (iteration 2)"] == [check.name for check in said.failed]


def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    """Newman would run nothing; that is no pass."""
    result, said = ran(tmp_path, [item()], "http://127.0.0.1:1", folders=["nowhere"])

    assert result is not None
    assert result.passed is False
    assert "Unable to find a folder or request" in str(said.failed[0].observed)


def test_newman_is_gone_when_the_task_is_stopped(tmp_path: Path) -> None:
    """A stop in the middle of a run ends the process that runs the collection."""

    def stop(_: object) -> None:
        raise Stopped

    with server(lambda _: Reply(hang=20)) as (url, _):
        (tmp_path / "c.json").write_text(json.dumps(collection()), encoding="utf-8")
        client = PostmanPowerClient(
            PostmanConfig(collection_file="c.json"),
            folder=tmp_path,
            environ=without_key(),
            listener=Listener(progress=lambda *said: stop(said)),
        )
        with client, pytest.raises(Stopped):
            client.run_collection(RunOptions(base_url=url))

    assert "newman.js" not in commands_of_children()


def test_a_run_has_a_limit_of_its_own(tmp_path: Path) -> None:
    """Whatever a script does, the whole of it ends in time when it is run from Python."""
    with server(lambda _: Reply()) as (url, _):
        made = collection()
        made["item"][0]["event"][0]["script"]["exec"] = ["while (true) {}"]
        (tmp_path / "c.json").write_text(json.dumps(made), encoding="utf-8")
        client = PostmanPowerClient(PostmanConfig(collection_file="c.json"), folder=tmp_path, environ=without_key())
        result = client.run_collection(RunOptions(base_url=url, script_timeout=0, limit=3))

    assert (False, "Newman ended before it was done: killed after 3 s") == (result.passed, result.run_error)


def test_every_option_reaches_newman(tmp_path: Path) -> None:
    """JSON data, environment, globals, variables over both, and a delay between requests."""
    values = {"environment": {"one": "e1", "two": "e2"}, "globals": {"three": "g3", "four": "g4"}}
    for name, pairs in values.items():
        held = {"name": name, "values": [{"key": key, "value": value} for key, value in pairs.items()]}
        (tmp_path / f"{name}.json").write_text(json.dumps(held), encoding="utf-8")
    (tmp_path / "rows.json").write_text('[{"n": 1}, {"n": 2}]', encoding="utf-8")
    asked = item("a", path="/{{n}}/{{one}}/{{two}}/{{three}}/{{four}}")
    (tmp_path / "c.json").write_text(json.dumps({"info": {"name": "c", "schema": SCHEMA}, "item": [asked]}))
    files = {f"{name}_file": f"{name}.json" for name in values}
    (tmp_path / ".postman.json").write_text(json.dumps({"collection_file": "c.json", **files}), encoding="utf-8")
    here, _ = context(env=without_key())
    more: dict[str, Any] = {"variables": {"two": "v2"}, "global_variables": {"four": "v4"}, "delay": 0.3}
    with server(lambda _: Reply()) as (url, calls):
        result = run(config=str(tmp_path / ".postman.json"), base_url=url, data="rows.json", context=here, **more)

    assert ["/1/e1/v2/g3/v4", "/2/e1/v2/g3/v4"] == [call.path for call in calls]
    assert result is not None
    assert result.seconds >= 0.3


def test_what_postman_calls_a_secret_is_told_nowhere(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Not in a check, not in what scripts print, in no spelling; the same of a variable that is none is in each."""
    secret, twin = "S3cr/et+ \"q'&one", "Tw1n/xx+ \"q'&two"
    script = (
        "const both = pm.environment.get('secret') + pm.environment.get('twin') + pm.collectionVariables.get('own');"
        "console.log('console=' + both, {inner: both}); console.log(btoa(pm.environment.get('secret')));"
        "pm.test('name=' + both, () => { throw new Error('thrown=' + both) }); throw new Error('script=' + both)"
    )
    asked = item("Ask", script, path="/?a={{secret}}&b={{twin}}&c={{own}}&d={{given}}")
    own = {"key": "own", "value": "of the collection", "type": "secret"}
    collection = {"info": {"name": "c", "schema": SCHEMA}, "variable": [own], "item": [asked]}
    values = [
        {"key": "secret", "value": secret, "type": "secret"},
        {"key": "twin", "value": twin, "type": "default"},
        {"key": "given", "value": "", "type": "secret"},
    ]
    (tmp_path / "c.json").write_text(json.dumps(collection), encoding="utf-8")
    (tmp_path / "e.json").write_text(json.dumps({"name": "e", "values": values}), encoding="utf-8")
    (tmp_path / ".postman.json").write_text('{"collection_file": "c.json", "environment_file": "e.json"}')
    here, said = context(env=without_key())
    with server(lambda _: Reply(status=500)) as (url, calls):
        given = {"given": "by the graph"}
        result = run(config=str(tmp_path / ".postman.json"), base_url=url, variables=given, context=here)

    sent = parse_qs(urlsplit(calls[0].path).query)["c"] + parse_qs(urlsplit(calls[0].path).query)["d"]
    assert ["of the collection", "by the graph"] == sent
    told = repr(said.notes) + repr(result) + "".join(capfd.readouterr())
    for value in (secret, "of the collection", "by the graph"):
        forms = {value, repr(value)[1:-1], quote(value), quote(value, safe="/+&"), b64encode(value.encode()).decode()}
        assert [] == [form for form in forms if form in told]
    for place in ("console=***", "name=***", "thrown=***", "script=***", "?a=***&b=Tw1n", "c=***&d=***"):
        assert place in told
    assert 4 <= told.count("Tw1n/xx+ ")


def test_requests_that_all_went_elsewhere_are_told(tmp_path: Path) -> None:
    """Whoever names a backend wants that one to be verified; some requests to another are nobody's business."""
    with server(lambda _: Reply()) as (meant, _), server(lambda _: Reply()) as (other, calls):
        fixed = {"name": "b", "request": {"method": "GET", "url": f"{other.replace('//', '//me:p4ssw0rd@')}/x"}}
        _, lost = ran(tmp_path, [fixed], meant)
        _, mixed = ran(tmp_path, [fixed, item("a")], meant)

    assert 2 == len(calls)
    warnings = [(check.verdict, check.observed) for check in lost.checks if check.name == "base_url"]
    assert [("warning", f"all of them went to {other}")] == warnings
    assert [] == [check for check in mixed.checks if check.name == "base_url"]
    assert "p4ssw0rd" not in repr(lost.notes)


@pytest.mark.parametrize("text", ["{", "{}", "[]", "[1]", ""])
def test_data_that_is_no_list_of_rows_is_no_pass(tmp_path: Path, text: str) -> None:
    """Newman itself would take it for a CSV file without rows, run once, and pass."""
    (tmp_path / "rows.json").write_text(text, encoding="utf-8")
    with server(lambda _: Reply()) as (url, calls):
        result, said = ran(tmp_path, [item("a")], url, data="rows.json")

    assert (None, []) == (result, calls)
    assert ["collection"] == [check.name for check in said.failed]
    assert "rows.json" in str(said.failed[0].observed)


def test_the_key_is_kept_from_what_runs_the_collection(tmp_path: Path) -> None:
    """Newman has no use for it, and what a collection requires runs in the same process."""
    package = newman_in(tmp_path / "fake")
    (package / "index.js").write_text("throw new Error(`key ${process.env.POSTMAN_API_KEY} ${process.env.OTHER}`)")
    (tmp_path / "c.json").write_text(json.dumps(collection()), encoding="utf-8")
    client = PostmanPowerClient(
        PostmanConfig(collection_file="c.json"),
        folder=tmp_path,
        environ={**without_key(), "POSTMAN_API_KEY": "PMAK-12345678", "OTHER": "other"},
        newman=str(package),
    )

    assert "Newman could not be run: key undefined other" == client.run_collection().run_error


def test_a_certificate_that_nobody_trusts_is_taken_if_told(tmp_path: Path) -> None:
    """`insecure` is a decision of the graph's author; without it the request has no answer."""
    with server(lambda _: Reply(), tls=untrusted(tmp_path)) as (url, _):
        seen = [ran(tmp_path, [item("a")], url, insecure=insecure)[0] for insecure in (False, True)]

    assert [False, True] == [each is not None and each.passed for each in seen]


def test_folders_that_stand_alone_are_together_what_the_whole_is(tmp_path: Path) -> None:
    """Each part by a Newman of its own, added up, is as many requests and assertions as all in one run."""
    passes = "pm.test('answers', () => pm.response.to.have.status(200))"
    items = [{"name": "F", "item": [item("a", passes), item("b", passes)]}, item("c", passes, passes)]
    with server(lambda _: Reply()) as (url, calls):
        whole, _ = ran(tmp_path, items, url)
        here, said = context(env=without_key())
        found = folders(config=str(tmp_path / ".postman.json"), context=here)
        assert found is not None
        each = [ran(tmp_path, items, url, folders=[name])[0] for name in found.folders]
        total = combine(runs=to_builtins(each), folders=found.folders, context=here)

    assert whole is not None
    assert (["F", "c"], 6) == (found.folders, len(calls))
    assert (True, 2, 3, 4) == (total.passed, total.folders, total.requests, total.assertions)
    assert (whole.requests, whole.assertions) == (total.requests, total.assertions)
    assert [] == said.failed


def test_of_the_sample_collection_one_folder_needs_the_other(backend: str) -> None:
    """It deletes what the first has made, so by itself it fails, and the sum says which."""
    config = str(PHASE / ".postman.json")
    here, said = context(env=without_key(), data_prefix="Task_3_")

    found = folders(config=config, context=here)
    assert found is not None
    runs = [run(config=config, base_url=backend, folders=[name], context=here) for name in found.folders]
    total = combine(runs=to_builtins(runs), folders=found.folders, context=here)

    assert ["Documents", "Clean up"] == found.folders
    assert (False, 2, 7, 15, 1) == (total.passed, total.folders, total.requests, total.assertions, total.failed)
    assert ["Clean up / Delete: answers 204", "Clean up"] == [check.name for check in said.failed]


def test_parts_of_one_name_and_an_empty_collection_are_failed_checks(tmp_path: Path) -> None:
    """Newman takes them by name: of two that share one, one would be run for both."""
    (tmp_path / ".postman.json").write_text('{"collection_file": "c.json"}', encoding="utf-8")
    failed = []
    for items in ([item("a"), item("b"), item("a")], []):
        here, said = context(env=without_key())
        data = {"info": {"name": "c", "schema": SCHEMA}, "item": items}
        (tmp_path / "c.json").write_text(json.dumps(data), encoding="utf-8")
        folders(config=str(tmp_path / ".postman.json"), context=here)
        failed.append([(check.name, check.observed) for check in said.failed])

    assert [[("folders can be told apart", ["a"])], [("there is something to run", False)]] == failed


def test_a_collection_that_is_not_there_has_no_parts(tmp_path: Path) -> None:
    """It says so as `run` does."""
    (tmp_path / ".postman.json").write_text('{"collection_file": "c.json"}', encoding="utf-8")
    here, said = context(env=without_key())

    assert folders(config=str(tmp_path / ".postman.json"), context=here) is None
    assert 1 == len(said.failed)


def test_a_part_that_failed_or_has_no_result_fails_the_whole() -> None:
    """What is there is added up all the same."""
    good = {"passed": True, "summary": "fine", "requests": 2, "assertions": 3, "failed": 0, "skipped": 0}
    bad = {**good, "passed": False, "summary": "not fine", "failed": 1}
    runs = [{**good, "seconds": 1.0, "slowest_ms": 7.0}, {**bad, "seconds": 0.5, "slowest_ms": 9.0}, None]
    here, said = context(env=without_key())

    total = combine(runs=runs, folders=["a", "b", "c"], context=here)

    assert (False, 2, 4, 6, 1) == (total.passed, total.folders, total.requests, total.assertions, total.failed)
    assert (1.5, 9.0) == (total.seconds, total.slowest_ms)
    assert [("b", "not fine"), ("c", "no result")] == [(check.name, check.observed) for check in said.failed]


def test_fewer_results_than_parts_fail() -> None:
    """Nobody can say which is missing; none at all is no pass, either."""
    here, said = context(env=without_key())

    assert combine(runs=[], folders=["a"], context=here).passed is False
    assert combine(runs=[], context=here).passed is False
    assert ["folders that were run"] == [check.name for check in said.failed]
