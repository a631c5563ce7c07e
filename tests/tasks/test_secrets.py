"""A secret in every place it can get into, and a twin that is no secret in the same places."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

from tests.cli.command import environment, report_in, run, task_in
from tests.tasks.kit import Call, Reply, server
from tests.tasks.postman.stand_in import SCHEMA

pytestmark = pytest.mark.real

SECRET, TWIN = 'S3cr3t+"q/€-one', 'Tw1nnn+"q/€-two'

MODULE = """
import base64, os, subprocess, sys, urllib.parse

from runner.task import Check, Context

def _pair(context):
    return {"secret": context.env["THE_SECRET"], "twin": context.env["THE_TWIN"]}

def said(*, context: Context):
    for value in _pair(context).values():
        print(f"stdout={value}")
        print(f"stderr={value}", file=sys.stderr)
        os.write(1, f"halves={value[:5]}".encode()); os.write(1, f"{value[5:]}\\n".encode())
        print("base64=" + base64.b64encode(f"x{value}y".encode()).decode())
        print("quoted=" + urllib.parse.quote(value))
        subprocess.run([sys.executable, "-c", "import sys; print('child=' + sys.argv[1])", value])
        context.progress(f"progress={value}")
        seen = {f"key={value}": [f"nested={value}"]}
        context.check(f"name={value}", expected=f"expected={value}", observed=seen, message=f"message={value}")
        context.add(Check(name="judged", verdict="warning", observed=f"observed={value}"))

def raises(*, which: str, context: Context):
    value = _pair(context)[which]
    raise ValueError(f"exception={value}")

def returns(*, which: str, context: Context):
    return {"inner": [f"output={_pair(context)[which]}"]}

def creates(*, which: str, context: Context):
    context.created("document", "1", name=f"ledger={_pair(context)[which]}")
"""

GRAPH = """
version: 1
secrets: [THE_SECRET]
params: {{backend: {{type: string}}}}
services:
  talker:
    run: 'echo "service=$THE_SECRET"; echo "service=$THE_TWIN"; exec sleep 60'
    ready: {{timeout: 20s}}
tasks:
  said: {{uses: "leaky:said", needs: [talker]}}
  shell: {{run: 'echo "shell=$THE_SECRET shell=$THE_TWIN"; echo "fails=$THE_SECRET fails=$THE_TWIN" >&2; exit 3'}}
  raises_secret: {{uses: "leaky:raises", with: {{which: secret}}}}
  raises_twin: {{uses: "leaky:raises", with: {{which: twin}}}}
  returns_secret: {{uses: "leaky:returns", with: {{which: secret}}}}
  returns_twin: {{uses: "leaky:returns", with: {{which: twin}}}}
  creates_secret: {{uses: "leaky:creates", with: {{which: secret}}}}
  creates_twin: {{uses: "leaky:creates", with: {{which: twin}}}}
  health:
    uses: tasks.health:check
    with: {{base_url: "${{{{ params.backend }}}}", path: /health, attempts: 1}}
  power:
    uses: tasks.power:run
    with:
      config: {config}
      base_url: "${{{{ params.backend }}}}"
      variables: {{secret: "${{{{ secrets.THE_SECRET }}}}", twin: "${{{{ env.THE_TWIN }}}}"}}
"""

COLLECTION = {
    "info": {"name": "c", "schema": SCHEMA},
    "item": [
        {
            "name": f"Ask for {which}",
            "request": {
                "method": "GET",
                "url": f"{{{{base_url}}}}/ask?url={{{{{which}}}}}",
            },
            "event": [
                {
                    "listen": "test",
                    "script": {
                        "exec": [
                            f"const value = pm.environment.get('{which}');",
                            "console.log('console=' + value);",
                            "pm.test('test=' + value, () => { throw new Error('thrown=' + value) });",
                            "throw new Error('script=' + value);",
                        ]
                    },
                }
            ],
        }
        for which in ("secret", "twin")
    ],
}

PLACES = {
    *("stdout", "stderr", "halves", "child", "name", "expected", "key", "nested", "message", "observed"),
    *("service", "shell", "fails", "exception", "output", "ledger"),
    *("console", "test", "thrown", "script", "answer", "url"),
}


READERS = (
    ("report",),
    ("report", "--json"),
    ("history",),
    ("explain", "latest", "raises_secret"),
    ("explain", "latest", "raises_twin"),
    ("show", "latest"),
    ("logs", "latest", "shell"),
    ("logs", "latest", "power"),
)
"""What people read a run with afterwards."""

FULL = {
    *("report.json", "report.md", "report.html", "junit.xml", "journal.jsonl", "events.jsonl"),
    *(
        f"what {' '.join(words)} printed"
        for words in (("run",), *READERS)
        if words not in {("history",), ("explain", "latest", "raises_secret")}
    ),
}
"""Where the twin must be found, which shows that it is a place where a secret could be."""


def answer(call: Call) -> Reply:
    """Answer health with a service whose message holds both."""
    services = {name: {"status": "down", "message": f"answer={value}"} for name, value in (("a", SECRET), ("b", TWIN))}
    return Reply(
        status=500 if call.path == "/health" else 200, body=json.dumps({"status": "down", "services": services})
    )


def spellings(value: str) -> set[bytes]:
    """Answer the ways a value may be written down."""
    plain = {value, *(json.dumps(value, ensure_ascii=each)[1:-1] for each in (True, False))}
    plain |= {quote(value, safe=safe) for safe in ("", "/", "+/")}
    inside = base64.b64encode(f"x{value}y".encode()).decode()[4:-4]
    return {each.encode() for each in (*plain, inside)}


def test_a_secret_is_nowhere_and_its_twin_is_everywhere(tmp_path: Path) -> None:
    """In no file of the run and in no output; the twin shows that each of these places is really written down."""
    (tmp_path / "leaky.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "c.json").write_text(json.dumps(COLLECTION), encoding="utf-8")
    (tmp_path / ".postman.json").write_text('{"collection_file": "c.json"}', encoding="utf-8")
    (tmp_path / "leak.yaml").write_text(GRAPH.format(config=tmp_path / ".postman.json"), encoding="utf-8")
    with server(answer) as (url, calls):
        env = environment(THE_SECRET=SECRET, THE_TWIN=TWIN, PYTHONIOENCODING="utf-8")
        given = ("-p", f"backend={url}", "--events", "events.jsonl", "--log-level", "DEBUG", "--report", "all")
        said = run("leak.yaml", *given, cwd=tmp_path, env=env)
        later = [run(*words, cwd=tmp_path, env=env) for words in READERS]
    report = report_in(tmp_path)
    files = {path: path.read_bytes() for path in (tmp_path / ".runner").rglob("*") if path.is_file()}
    files[tmp_path / "events.jsonl"] = (tmp_path / "events.jsonl").read_bytes()
    printed = {" ".join(words): each for words, each in zip(READERS, later, strict=True)} | {"run": said}
    texts = {str(path.relative_to(tmp_path)): text for path, text in files.items()}
    texts |= {f"what {name} printed": f"{each.out}{each.err}".encode() for name, each in printed.items()}

    assert [1, *[0] * len(READERS)] == [said.code, *(each.code for each in later)]
    written = {"report.json", "report.md", "report.html", "junit.xml", "trace.json"}
    written |= {"journal.jsonl", "events.jsonl", "runner.log"}
    assert set() == written - {path.name for path in files}
    seen = {name for name, text in texts.items() if any(form in text for form in spellings(TWIN))}
    assert set() == FULL - {name.rpartition("/")[2] for name in seen}
    assert SECRET in {unquote(call.path).removeprefix("/ask?url=") for call in calls}
    leaks = [(name, each) for name, text in texts.items() for each in spellings(SECRET) if each in text]
    assert [] == leaks
    whole = b"\n".join(texts.values())
    missing = {place for place in PLACES if not any(place.encode() + b"=" + each in whole for each in spellings(TWIN))}
    assert set() == missing
    states = {name: task_in(report, name)["attempts"][-1]["cause"] for name in ("returns_secret", "creates_secret")}
    assert {"returns_secret": "secret_in_output", "creates_secret": "secret_in_output"} == states
    assert ["succeeded"] * 2 == [task_in(report, name)["state"] for name in ("returns_twin", "creates_twin")]
