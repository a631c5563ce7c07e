"""What a person is told when Postman, the collection or the backend fails, whole: golden texts, to be read as such."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.task import Check
from tasks.config import validate
from tasks.health import check
from tasks.power import run
from tests.tasks.kit import Call, Reply, Said, context, server, without_key
from tests.tasks.postman.stand_in import COLLECTION, KEY, MISSING, Answer, collection, postman, said

GOLDEN = Path(__file__).parents[1] / "golden" / "tasks"
pytestmark = pytest.mark.real

CUT = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"
PAGE = Reply(body="<!doctype html><title>Sign in</title>", headers={"content-type": "text/html"})


def power(
    folder: Path,
    answer: Answer = lambda _: None,
    *,
    found: dict[str, Any] | None = None,
    config: dict[str, Any] | None = None,
    key: str = KEY,
    backend: Callable[[Call], Reply] = lambda _: Reply(body="{}"),
    **more: Any,
) -> Said:
    """Run the task against the stand-in of Postman and of a backend."""
    (folder / ".postman.json").write_text(json.dumps(config or {"collection_id": COLLECTION}), encoding="utf-8")
    with postman(answer, found) as (url, _), server(backend) as (base_url, _):
        here, told = context(env={**without_key(), "POSTMAN_API_KEY": key, "POSTMAN_API_BASE_URL": url})
        run(config=str(folder / ".postman.json"), base_url=base_url, context=here, **more)
    return told


def scripted(*lines: str) -> dict[str, Any]:
    """Make a collection with another test script."""
    made = collection()
    made["item"][0]["event"][0]["script"]["exec"] = list(lines)
    return made


def twice_bad() -> Answer:
    """Make an answer that fails twice, and then has nothing to say."""
    bad = [Reply(status=500), Reply(status=502)]
    return lambda _: bad.pop() if bad else None


def large() -> dict[str, Any]:
    """Make a collection of ten megabytes."""
    return {**collection(), "variable": [{"key": "ballast", "value": "x" * 10_000_000}]}


def health(_: Path, answer: Callable[[Call], Reply], **more: Any) -> Said:
    """Check a stand-in of a backend."""
    here, told = context()
    with server(answer) as (url, _calls):
        check(base_url=url, context=here, attempts=1, timeout=0.5, **more)
    return told


def configured(folder: Path, text: str) -> Said:
    """Validate a configuration."""
    (folder / ".postman.json").write_text(text, encoding="utf-8")
    here, told = context(env=without_key())
    validate(config=str(folder / ".postman.json"), context=here)
    return told


SCENES: dict[str, Callable[[Path], Said]] = {
    "a wrong key": lambda at: power(at, key="PMAK-wrong-but-well-formed"),
    "the month's quota": lambda at: power(at, lambda _: Reply(status=429, body='{"error": "serviceLimitExhausted"}')),
    "a collection that is not there": lambda at: power(at, config={"collection_id": MISSING}),
    "500s, then success": lambda at: power(at, twice_bad()),
    "500s without end": lambda at: power(at, lambda _: said(500, "serverError", "Something went wrong")),
    "malformed JSON from Postman": lambda at: power(
        at, lambda call: Reply(body='{"user": {') if call.path == "/me" else None
    ),
    "HTML from Postman": lambda at: power(at, lambda _: PAGE),
    "a collection of 10 MB": lambda at: power(at, found=large()),
    "a script that loops for ever": lambda at: power(at, found=scripted("while (true) {}"), script_timeout=0.5),
    "a script that throws": lambda at: power(at, found=scripted("pm.response.json().a.b")),
    "a backend that hangs": lambda at: power(at, backend=lambda _: Reply(hang=20), request_timeout=0.5),
    "a backend that answers HTML": lambda at: power(at, found=scripted("pm.response.json()"), backend=lambda _: PAGE),
    "a backend that drops the connection": lambda at: power(at, backend=lambda _: Reply(raw=CUT)),
    "a backend that answers 500": lambda at: power(at, backend=lambda _: Reply(status=500)),
    "no key and no file": lambda at: power(at, key="", config={"base_url": "http://x.test"}),
    "an empty collection": lambda at: power(at, found={**collection(), "item": []}),
    "no Newman and none to be installed": lambda at: power(at, newman="/nonexistent", install=False),
    "health: hangs": lambda at: health(at, lambda _: Reply(hang=20)),
    "health: HTML": lambda at: health(at, lambda _: PAGE),
    "health: drops the connection": lambda at: health(at, lambda _: Reply(raw=CUT)),
    "health: wants credentials": lambda at: health(at, lambda _: Reply(status=401), path="/health"),
    "health: a service is down": lambda at: health(
        at, lambda _: Reply(status=503, body='{"status": "DOWN", "components": {"db": {"status": "DOWN"}}}')
    ),
    "configuration: malformed JSON": lambda at: configured(
        at, '{\n  "base_url": "http://x.test"\n  "collection_id": null\n}'
    ),
    "configuration: a misspelt key": lambda at: configured(at, '{"colection_file": "c.json"}'),
    "configuration: nothing to run": lambda at: configured(at, "{}"),
}


def written(told: Said, folder: Path) -> str:
    """Write what is told for people, without what differs from one run to the next."""
    lines = [_line(check_) for check_ in told.checks if check_.verdict != "passed" or check_.name == "collection run"]
    text = "\n".join(lines) + "\n"
    text = text.replace(str(folder), "FOLDER").replace(str(folder.resolve()), "FOLDER")
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text)
    return re.sub(r"on Node [\d.]+", "on Node N", re.sub(r"in \d+ ms", "in N ms", text))


def _line(told: Check) -> str:
    expected = "" if told.expected is None else f"\n  expected: {told.expected}"
    return f"{told.verdict}: {told.name}{expected}\n  observed: {told.observed}" + (
        f"\n  {told.message}" if told.message else ""
    )


@pytest.mark.parametrize("name", SCENES)
def test_the_message_is_what_a_person_has_read(name: str, tmp_path: Path) -> None:
    """Each scene says what happened and what to do (TASKGRAPH_GOLDEN=1 writes the texts anew, to be read)."""
    file = GOLDEN / f"{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')}.txt"
    told = SCENES[name](tmp_path)
    text = written(told, tmp_path)
    if os.environ.get("TASKGRAPH_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")

    assert KEY not in json.dumps([str(note) for note in told.notes])
    assert file.read_text(encoding="utf-8") == text
