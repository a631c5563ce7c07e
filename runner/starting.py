"""A phase to start from, as texts of files: a graph, and the little it needs. Pure. Writes nothing and asks nobody."""

from __future__ import annotations

import json
from collections.abc import Mapping

from msgspec import Struct

CONFIG = ".postman.json"
"""What names the collection to run; where there is one already, it is used."""
LOCAL = "http://localhost:8000"
"""Where a backend is thought to be whose address nobody gave."""


class Start(Struct, frozen=True, kw_only=True):
    """What a phase is to begin with: its `name`, the URL of a `backend` to look after ("": none), a Postman collection.

    `configured` says that the collection is named by a configuration that is there already.
    """

    name: str
    backend: str = ""
    postman: bool = False
    configured: bool = False


def files_of(start: Start, graph: str) -> Mapping[str, str]:
    """Answer the files of a phase by their names, its graph first, which is called `graph`."""
    files = {graph: _graph(start, graph)}
    if start.postman and not start.configured:
        collection = f"{start.name}.postman_collection.json"
        said = {"name": start.name, "collection_file": collection, "base_url": start.backend or LOCAL}
        files |= {CONFIG: _written(said), collection: _written(_collection(start.name))}
    return files


# -- the helpers -------------------------------------------------------------------------------------------------------


def _graph(start: Start, graph: str) -> str:
    tasks = [*_of_postman(start), *_of_backend(start)] or [("first", _FIRST), ("second", _SECOND)]
    judged = f"{_JUDGE}    needs: [{', '.join(name for name, _ in tasks)}]\n    trigger: all_done\n    estimate: 1s\n"
    evidence = ["at_least_assertions: 0"] if not start.postman else []  # only a collection has any
    arguments = (["base_url: ${{ params.base_url }}"] if _asks(start) else []) + evidence
    parts = [text for _, text in tasks] + [judged.replace("…", "\n      ".join(arguments))]
    return f"{_head(start, graph)}{_params(start)}\ntasks:\n" + "\n".join(parts)


def _asks(start: Start) -> bool:
    return bool(start.backend) or start.postman


def _head(start: Start, graph: str) -> str:
    what = "A backend is looked after" if _asks(start) else "Two tasks run at the same time"
    return (
        f"# {what}, then a checkpoint judges.\n"
        f"#\n"
        f"#   python -m runner plan {graph}\n"
        f"#   python -m runner {graph}\n"
        f"\n"
        f"version: 1\n"
        f"name: {json.dumps(start.name)}\n"
        f"workers: 3\n"
        f"defaults: {{timeout: 5m}}\n"
    )


def _params(start: Start) -> str:
    if not _asks(start):
        return ""
    text = f"\nparams:\n  base_url:\n    type: url\n    default: {json.dumps(start.backend or LOCAL)}\n"
    text += "    desc: the backend to verify\n"
    if start.postman:
        text += f"  config:\n    type: path\n    default: {CONFIG}\n    desc: names the collection to run\n"
    return text


def _of_backend(start: Start) -> list[tuple[str, str]]:
    return [("health", _HEALTH)] if _asks(start) else []


def _of_postman(start: Start) -> list[tuple[str, str]]:
    return [("config", _CONFIG), ("power", _POWER)] if start.postman else []


def _collection(name: str) -> object:
    test = 'pm.test("answers without an error of its own", () => pm.expect(pm.response.code).to.be.below(500));'
    request = {"method": "GET", "url": {"raw": "{{base_url}}/", "host": ["{{base_url}}"], "path": [""]}}
    event = {"listen": "test", "script": {"type": "text/javascript", "exec": [test]}}
    schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
    return {"info": {"name": name, "schema": schema}, "item": [{"name": "Root", "event": [event], "request": request}]}


def _written(data: object) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


_FIRST = """\
  first:
    desc: put a command of yours here
    run: echo first
    estimate: 1s
"""
_SECOND = """\
  second:
    desc: at the same time as the first one; write `needs` to wait for it
    run: echo second
    estimate: 1s
"""
_CONFIG = """\
  config:
    desc: .postman.json is valid and names something to run
    uses: tasks.config:validate
    with:
      config: ${{ params.config }}
      base_url: ${{ params.base_url }}
    estimate: 200ms
"""
_POWER = """\
  power:
    desc: the Postman collection passes against the backend
    uses: tasks.power:run
    with:
      config: ${{ params.config }}
      base_url: ${{ params.base_url }}
      require_assertions: true
    estimate: 5s
"""
_HEALTH = """\
  health:
    desc: the backend and each of its services are well
    uses: tasks.health:check
    with:
      base_url: ${{ params.base_url }}
    estimate: 1s
"""
_JUDGE = """\
  checkpoint:
    desc: all of it holds
    uses: tasks.checkpoint:judge
    with:
      …
"""
