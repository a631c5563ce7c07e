"""Secrets: in no spelling in any file or on the screen, also where the mistake is ours to tell; and the control."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from tests.cli.command import environment, report_in, run, task_in
from tests.faults.programs import laboratory, planted_copy

pytestmark = pytest.mark.real

VALUE = 'hunter2/"ü+ =secret~value'
MASK_OFF = (("mask.py", "for form in _spellings(value)}", "for form in ()}"),)
SPELLED = (
    VALUE.encode(),
    *(json.dumps(VALUE, ensure_ascii=each)[1:-1].encode() for each in (True, False)),
    *(quote(VALUE, safe=safe).encode() for safe in ("", "/")),
    quote_plus(VALUE).encode(),
    *(encode(f"{before}{VALUE}{after}".encode())[4:-4] for encode in (b64encode, urlsafe_b64encode)
      for before, after in (("a", "z"), ("ab", "yz"), ("abc", "xyz"))),
)  # fmt: skip
"""How the value is looked for afterwards; made by other means than the mask's own."""
MODULE = """
import json, os, sys, time
from base64 import b64encode, urlsafe_b64encode
from typing import Literal
from urllib.parse import quote, quote_plus

def _spelled():
    value = os.environ["KEY"]
    yield value
    yield from (json.dumps(value, ensure_ascii=each) for each in (True, False))
    yield from (quote(value, safe=""), quote(value), quote_plus(value))
    for before in ("", "a", "ab", "abc"):
        for encode in (b64encode, urlsafe_b64encode):
            yield encode(f"{before}{value}{before[::-1]}".encode()).decode()

def prints():
    for text in _spelled():
        data = f"<{text}>\\n".encode()
        for size in (1, 7, len(data)):  # byte by byte, in pieces, and whole
            for at in range(0, len(data), size):
                os.write(1, data[at:at + size])
                if size == 7:
                    time.sleep(0.001)

def says(context):
    for number, text in enumerate(_spelled()):
        context.check(f"{number} {text}", expected=[text], observed={text: text}, message=text)
        context.progress(text)

def raises():
    raise RuntimeError(" ".join(_spelled()))

def returns(which: int):
    return {"small": list(_spelled())[which]}

def returns_much():
    return {"large": ["x" * 1000] * 3000 + list(_spelled())}

def creates(context):
    context.created("document", "1", url=f"https://host/?key={quote(os.environ['KEY'])}")

def wants(number: Literal["a"]):
    return number
"""
GRAPH = """
version: 1
secrets: [KEY]
tasks:
  prints: {uses: "leaks:prints"}
  says: {uses: "leaks:says"}
  raises: {uses: "leaks:raises"}
  plain: {uses: "leaks:returns", with: {which: 0}}
  escaped: {uses: "leaks:returns", with: {which: 1}}
  quoted: {uses: "leaks:returns", with: {which: 3}}
  encoded: {uses: "leaks:returns", with: {which: 9}}
  much: {uses: "leaks:returns_much"}
  creates: {uses: "leaks:creates"}
  wants: {uses: "leaks:wants", with: {number: "${{ secrets.KEY }}"}}
  shell: {run: 'echo "$KEY"; echo "$KEY" >&2; printf %s "$KEY" | base64; exec "$KEY"'}
"""
HELD = ("plain", "escaped", "quoted", "encoded", "much", "creates")
"""Tasks whose outputs or ledger rows hold the value."""


def leaks(folder: Path, seen: dict[str, str]) -> set[str]:
    """Answer where the value is, in whatever spelling: names of files, and of streams of the command."""
    places = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    places = {name: data for name, data in places.items() if name.startswith((".runner", "events"))}
    places |= {name: seen[name].encode() for name in ("out", "err")}
    return {name.rpartition("/")[2] for name, data in places.items() if any(each in data for each in SPELLED)}


def prepared(folder: Path) -> Path:
    """Write module and graph."""
    (folder / "leaks.py").write_text(MODULE, encoding="utf-8")
    (folder / "g.yaml").write_text(GRAPH, encoding="utf-8")
    return folder


WORDS = ("g.yaml", "-k", "-o", "plain", "--report", "all", "--events", "events.jsonl", "--log-level", "DEBUG")
PLACES = {"report.json", "report.md", "report.html", "junit.xml", "journal.jsonl", "events.jsonl", "out"}


def test_no_spelling_of_a_secret_is_written_down(tmp_path: Path) -> None:
    """Logs, journal, receipts, reports of every format, events, the runner's log, the screen and its errors."""
    seen = laboratory(prepared(tmp_path), *WORDS, env=environment(KEY=VALUE, PYTHONIOENCODING="utf-8"))
    report = report_in(tmp_path)
    causes = {task["id"]: task["attempts"][-1]["cause"] for task in report["tasks"]}

    assert (1, []) == (seen["code"], seen["left"]), seen["err"]
    assert set() == leaks(tmp_path, seen)
    assert set() == PLACES - {path.name for path in tmp_path.rglob("*")} - {"out"}
    assert dict.fromkeys(HELD, "secret_in_output") == {name: causes[name] for name in HELD}
    for name in HELD:
        assert "held the value of the secret `KEY`" in task_in(report, name)["attempts"][-1]["message"]
    assert "bad_parameters" == causes["wants"]
    assert not (tmp_path / ".runner/latest/outputs").exists()


def test_the_judge_of_secrets_sees_them(tmp_path: Path) -> None:
    """The control: with the mask off they are in each of these places."""
    planted = planted_copy(tmp_path / "planted", MASK_OFF)
    folder = tmp_path / "work"
    folder.mkdir()
    seen = laboratory(prepared(folder), *WORDS, env=environment(KEY=VALUE, PYTHONIOENCODING="utf-8"), root=planted)

    assert set() == PLACES - leaks(folder, seen)
    assert {"prints.1.log", "shell.1.log", "much.1.0.json"} <= leaks(folder, seen)


@pytest.mark.parametrize("locale", [{}, {"LC_ALL": "C"}, {"LC_CTYPE": "C.UTF-8"}, {"LANG": "C"}])
def test_a_child_has_what_graph_and_shell_give(tmp_path: Path, locale: dict[str, str]) -> None:
    """Nothing is added but our own variables, whatever Python adds to itself where the locale is C."""
    module = "import os\n\ndef seen():\n    return {'env': dict(os.environ)}\n"
    graph = """
version: 1
env: {OWN: root}
tasks:
  function: {uses: "envy:seen", env: {MINE: "2"}}
  command: {run: "env -0 > command.env", env: {OWN: task}}
services:
  server: {run: "env -0 > server.env; echo up; sleep 60", ready: {log: up}}
"""
    (tmp_path / "envy.py").write_text(module, encoding="utf-8")
    (tmp_path / "g.yaml").write_text(graph.replace("env: {OWN: task}", "needs: [server], env: {OWN: task}"))
    shell = {"PATH": "/usr/bin:/bin", "GIVEN": "x", "PYTHONPATH": str(Path.cwd()), **locale}
    said = run("g.yaml", cwd=tmp_path, env=shell)
    assert 0 == said.code, said.err

    def own(found: dict[str, str]) -> dict[str, str]:
        return {name: value for name, value in found.items() if not name.startswith("TASKGRAPH_")}

    def written(name: str) -> dict[str, str]:
        pairs = (tmp_path / f"{name}.env").read_bytes().decode().rstrip("\0").split("\0")
        found = dict(pair.split("=", 1) for pair in pairs)
        return {
            name: value for name, value in found.items() if name not in {"PWD", "SHLVL", "_", "OLDPWD"}
        }  # the shell's

    assert {**shell, "OWN": "root", "MINE": "2"} == own(task_in(report_in(tmp_path), "function")["outputs"]["env"])
    assert {**shell, "OWN": "task"} == own(written("command"))
    assert {**shell, "OWN": "root"} == own(written("server"))
