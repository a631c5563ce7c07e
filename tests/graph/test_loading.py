"""Reading files: YAML and JSON to the same data, and the graph that comes of it."""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.errors import GraphError, Problem, UsageError, render
from runner.graph import yaml_file
from runner.graph.check import Loaded, load
from runner.graph.json_file import read_json
from runner.graph.model import Backoff, ParamSpec, Ready, Retry, Trigger
from runner.graph.source import Source
from runner.graph.values import evaluate, is_true
from runner.graph.yaml_file import read_yaml
from runner.task import Cause

WHOLE = """
version: 1
name: nightly
title: Every night
desc: All of it.
x_common: &common {timeout: 5m, allow_failure: true}
params:
  base_url: {type: url, default: "", desc: The backend.}
  stage: {enum: [dev, test], default: dev}
  count: {type: integer}
env: {LEVEL: debug, VERSION: 1.10, ON: true, URL: "${{ params.base_url }}"}
secrets: [TOKEN]
workdir: backend
defaults: {timeout: 10m, retry: 2, kill_after: 1s, memory: 512MiB, pools: [db], priority: 1, estimate: 1h}
workers: 4
fail_fast: true
deadline: 1h30m
pools: {db: 3, mail: {size: 1}}
services:
  backend:
    desc: The sample.
    run: serve --port ${{ services.backend.port }}
    env: {A: b}
    workdir: server
    if: params.base_url == ''
    port: 0
    ready: {http: /health, timeout: 1m}
    stop_timeout: 2s
  plain: {run: sleep 100, port: 80}
tasks:
  first:
    uses: tasks.config:load
    with: {path: a.json, url: "${{ params.base_url || services.backend.url }}", deep: [{x: "${{ params.count }}"}]}
    needs: backend
    title: First
    desc: The first one.
  second.one:
    <<: *common
    run: echo ${{ needs.first.outputs.x }}
    needs: [first, plain]
    trigger: all_done
    if: ${{ params.stage == 'dev' }}
    retry: {attempts: 3, delay: 2m, backoff: fixed, factor: 3, jitter: none, deadline: 1h, on: [timed_out, crashed]}
    kill_after: 250ms
    priority: -5
    estimate: 90s
    pools: {db: 2, mail: 1}
    data_prefix: Task_2_
    memory: 1GiB
    env: {TOKEN: "${{ secrets.TOKEN }}", OWN: "${{ secrets.MINE }}"}
    secrets: MINE
    workdir: /tmp
    tags: [slow, nightly]
"""


def loaded(folder: Path, text: str, name: str = "graph.yaml") -> Loaded:
    """Load a text as a file."""
    path = folder / name
    path.write_text(text, "utf-8")
    return load(str(path))


BROKEN = Path(__file__).parent / "broken"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text('ab\\"é', max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
)


def pairs_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key that comes twice."""
    if len(dict(pairs)) != len(pairs):
        raise ValueError
    return dict(pairs)


def refused(name: str) -> Any:
    """Refuse what is no JSON, such as NaN."""
    raise ValueError(name)


def problems_of(folder: Path, text: str, name: str = "graph.yaml") -> tuple[Problem, ...] | None:
    """Answer what is wrong with a text, None if nothing is."""
    try:
        loaded(folder, text, name)
    except GraphError as error:
        return error.problems
    return None


def data_of(text: str) -> Any:
    """Answer what YAML text means."""
    return read_yaml(Source(file="x.yaml", text=text)).data


def test_every_key_arrives_in_the_model(tmp_path: Path) -> None:
    """What is written for a key is what the graph says, with times in seconds and sizes in bytes."""
    graph = loaded(tmp_path, WHOLE).graph

    assert ("nightly", "Every night", "All of it.") == (graph.name, graph.title, graph.desc)
    assert str(tmp_path) == graph.folder
    assert (4, True, 5400.0, "backend") == (graph.workers, graph.fail_fast, graph.deadline, graph.workdir)
    assert {"db": 3, "mail": 1} == graph.pools
    assert ("TOKEN",) == graph.secrets
    filled = evaluate(dict(graph.env), {"params": {"base_url": "u"}})
    assert {"LEVEL": "debug", "VERSION": "1.10", "ON": "true", "URL": "u"} == filled
    where = graph.params["count"].where
    assert ParamSpec(name="count", type="integer", required=True, where=where) == graph.params["count"]
    assert ("string", "dev", ("dev", "test"), False) == (
        graph.params["stage"].type,
        graph.params["stage"].default,
        graph.params["stage"].enum,
        graph.params["stage"].required,
    )


def test_a_task_has_its_own_values_and_else_the_defaults(tmp_path: Path) -> None:
    """A task's own value replaces the default's, also one it merged; nothing is mixed."""
    tasks = loaded(tmp_path, WHOLE).graph.tasks
    first, second = tasks["first"], tasks["second.one"]

    assert ["first", "second.one"] == list(tasks)
    lines = [WHOLE.split("\n").index(f"  {task}:") + 1 for task in tasks]
    assert [(0, lines[0]), (1, lines[1])] == [(task.index, task.where.line) for task in (first, second)]
    assert ("tasks.config:load", None, ("backend",), "First") == (first.uses, first.run, first.needs, first.title)
    assert (600.0, Retry(attempts=2), 1.0, 512 * 2**20) == (first.timeout, first.retry, first.kill_after, first.memory)
    assert ({"db": 1}, 1, 3600.0) == (first.claims, first.priority, first.estimate)
    scope: Any = {"params": {"base_url": "", "count": 7}, "services": {"backend": {"url": "http://b"}}}
    assert {"path": "a.json", "url": "http://b", "deep": [{"x": 7}]} == evaluate(dict(first.arguments), scope)

    assert (300.0, True, 0.25, 2**30) == (second.timeout, second.allow_failure, second.kill_after, second.memory)
    assert (("first", "plain"), Trigger.ALL_DONE, -5, 90.0) == (
        second.needs,
        second.trigger,
        second.priority,
        second.estimate,
    )
    assert (("slow", "nightly"), {"db": 2, "mail": 1}, "Task_2_", ("MINE",), "/tmp") == (
        second.tags,
        second.claims,
        second.data_prefix,
        second.secrets,
        second.workdir,
    )
    assert second.condition is not None
    assert "params.stage == 'dev'" == second.condition.source
    assert (
        Retry(
            attempts=3,
            delay=120.0,
            backoff=Backoff.FIXED,
            factor=3.0,
            max_delay=120.0,
            jitter="none",
            deadline=3600.0,
            on=frozenset({Cause.TIMED_OUT, Cause.CRASHED}),
        )
        == second.retry
    )


def test_services_are_ready_by_their_port_unless_they_say_otherwise(tmp_path: Path) -> None:
    """A service with a port and no word about readiness is ready when the port takes connections."""
    services = loaded(tmp_path, WHOLE).graph.services

    assert Ready(http="/health", timeout=60.0) == services["backend"].ready
    assert (0, 2.0, "server") == (
        services["backend"].port,
        services["backend"].stop_timeout,
        services["backend"].workdir,
    )
    assert Ready(tcp=True) == services["plain"].ready
    assert {"backend": ("first",), "plain": ("second.one",), "first": ("second.one",), "second.one": ()} == (
        loaded(tmp_path, WHOLE).graph.dependents
    )


def test_json_means_the_same_as_yaml(tmp_path: Path) -> None:
    """The same data as JSON gives the same graph but for its places, also where the file is read as YAML."""
    data = data_of(WHOLE)
    text = json.dumps(data, indent=1)

    first = loaded(tmp_path, WHOLE).graph
    for name in ("graph.json", "other.yaml"):
        second = loaded(tmp_path, text, name).graph
        for task in first.tasks:
            for each in first.tasks[task].__slots__:
                if each != "where" and task != "second.one":
                    assert getattr(first.tasks[task], each) == getattr(second.tasks[task], each)
        assert first.pools == second.pools
        lines = text.split("\n")
        for task_spec in second.tasks.values():
            where = task_spec.where
            assert f'"{task_spec.id}"' == lines[where.line - 1][where.column - 1 : where.end - 1]


def test_yaml_knows_the_numbers_and_truths_of_1_2_only() -> None:
    """`yes`, dates, `012` and `1:30` are texts; numbers are those of the core schema."""
    texts = ["yes", "no", "on", "off", "y", "012", "0777", "1:30", "2026-11-23", "1_000", "1e", "+", ".", "0b1"]
    values = ["1", "-17", "+3", "0", "0x1F", "0o17", "1.5", ".5", "2.", "1e3", "-1.5E-2", "true", "FALSE", "~", "null"]

    assert texts == data_of("\n".join(f"- {text}" for text in texts))
    read = data_of("\n".join(f"- {value}" for value in values))
    assert [1, -17, 3, 0, 31, 15, 1.5, 0.5, 2.0, 1000.0, -0.015, True, False, None, None] == read
    assert ["int"] * 6 + ["float"] * 5 + ["bool"] * 2 + ["NoneType"] * 2 == [type(each).__name__ for each in read]
    assert ["12", "true", "~", None, ""] == data_of("['12', \"true\", !!str ~, , '']".replace(" ,", " null,"))


def test_keys_are_texts() -> None:
    """A key is its text, whatever it looks like."""
    assert {"1": "a", "true": "b", "null": "c", "on": "d", "2026-01-01": "e"} == data_of(
        "1: a\ntrue: b\nnull: c\non: d\n2026-01-01: e"
    )


def test_anchors_merge_and_own_keys_win() -> None:
    """`<<` lays a mapping under the own keys, a list of mappings with the first on top; a quoted `<<` is a key."""
    text = """
base: &base {a: 1, b: 1, c: 1}
more: &more {b: 2, d: 2}
one: {<<: *base, c: 3}
two: {c: 3, <<: [*more, *base]}
three: {"<<": 4}
four: *base
"""

    data = data_of(text)

    assert {"a": 1, "b": 1, "c": 3} == data["one"]
    assert {"a": 1, "b": 2, "c": 3, "d": 2} == data["two"]
    assert {"<<": 4} == data["three"]
    assert {"a": 1, "b": 1, "c": 1} == data["four"] == data["base"]


def test_both_parsers_of_yaml_say_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where libyaml is missing, Python's own parser reads the same graph and finds the same problems."""
    texts = {path.name: path.read_text("utf-8").replace("⟦", "").replace("⟧", "") for path in BROKEN.glob("*.yaml")}
    differing = {"tab-before-a-value.yaml"}  # there, each notices the tab at a place of its own

    def said(text: str) -> Any:
        try:
            return loaded(tmp_path, text).graph.tasks
        except GraphError as error:
            return error.problems

    fast = {name: said(text) for name, text in (texts | {"whole": WHOLE}).items()}
    monkeypatch.setattr(yaml_file, "_EVENTS", yaml.BaseLoader)
    slow = {name: said(text) for name, text in (texts | {"whole": WHOLE}).items()}

    assert yaml.__with_libyaml__, "else there is nothing to compare"
    assert [] == [name for name in fast if fast[name] != slow[name] and name not in differing]


def test_a_missing_file_is_the_command_lines_fault(tmp_path: Path) -> None:
    """A file that is not there is a wrong command line, and its neighbours are named."""
    (tmp_path / "phase2.yaml").write_text("tasks: {a: {run: make}}")

    with pytest.raises(UsageError, match=r"there is no file .*phase1\.yaml.*phase2\.yaml"):
        load(str(tmp_path / "phase1.yaml"))
    with pytest.raises(UsageError, match="there is no file"):
        load(str(tmp_path / "nowhere" / "at" / "all.yaml"))


def test_a_folder_or_a_file_of_others_is_the_graphs_fault(tmp_path: Path) -> None:
    """A folder in a file's place is a problem that names the files in it; so is a name no file can have."""
    (tmp_path / "phase2.yaml").write_text("tasks: {a: {run: make}}")

    with pytest.raises(GraphError) as caught:
        load(str(tmp_path))

    assert "not-a-file" == caught.value.problems[0].code
    assert "phase2.yaml" in caught.value.problems[0].hint
    with pytest.raises(GraphError, match="cannot be read"):
        load(str(tmp_path / "phase2.yaml" / "x"))
    with pytest.raises(GraphError, match="cannot be read"):
        load("a\0b.yaml")


def test_a_mark_at_the_beginning_and_line_ends_of_windows_change_nothing(tmp_path: Path) -> None:
    """A UTF-8 mark at the beginning is passed over, and lines may end as Windows ends them."""
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbf" + WHOLE.replace("\n", "\r\n").encode())

    graph = load(str(tmp_path / "a.yaml")).graph

    expected = loaded(tmp_path, WHOLE).graph
    assert [task.where.line for task in expected.tasks.values()] == [task.where.line for task in graph.tasks.values()]
    assert [task.where.column for task in graph.tasks.values()] == [3, 3]


def test_lines_are_those_of_an_editor(tmp_path: Path) -> None:
    """Characters that only YAML takes for line ends do not shift what is said about the lines behind them."""
    text = 'tasks:\n  a:\n    desc: "one\u2028two\u0085three"\n    run: make\n    tiemout: 5m\n'

    with pytest.raises(GraphError) as caught:
        loaded(tmp_path, text)

    where = caught.value.problems[0].where
    assert where is not None
    assert (5, 5, 12) == (where.line, where.column, where.end)


def test_warnings_name_what_is_odd_but_right(tmp_path: Path) -> None:
    """A service that no task needs is a warning, not an error."""
    text = "services: {idle: {run: sleep 9}}\ntasks: {a: {run: make}, b: {run: make}}\n"

    warnings = loaded(tmp_path, text).warnings

    assert [("unused-service", 1, 12)] == [
        (each.code, each.where.line, each.where.column) for each in warnings if each.where
    ]
    assert {"warning"} == {each.severity for each in warnings}


def test_chains_and_wide_graphs_are_checked_without_recursion(tmp_path: Path) -> None:
    """Ten thousand tasks in a row, in a ring, or below one another's needs are checked in a moment."""
    count = 10_000
    chain = {f"t{n}": {"run": "make", "needs": [f"t{n - 1}"] if n else []} for n in range(count)}
    ring = {f"t{n}": {"run": "make", "needs": [f"t{(n - 1) % count}"]} for n in range(count)}
    wide = {
        **{f"t{n}": {"run": "make"} for n in range(count)},
        "end": {"run": "x", "needs": [f"t{n}" for n in range(count)]},
    }
    lost = {f"t{n}": {"run": "make", "needs": [f"s{n}"]} for n in range(count)}

    started = time.process_time()
    assert count == len(loaded(tmp_path, json.dumps({"tasks": chain}), "a.json").graph.tasks)
    assert count == len(loaded(tmp_path, json.dumps({"tasks": wide}), "b.json").graph.tasks["end"].needs)
    with pytest.raises(GraphError) as caught:
        loaded(tmp_path, json.dumps({"tasks": ring}), "c.json")
    assert ["cycle"] == [each.code for each in caught.value.problems]
    with pytest.raises(GraphError) as caught:
        loaded(tmp_path, json.dumps({"tasks": lost}), "d.json")
    assert count == len(caught.value.problems)

    assert time.process_time() - started < 10
    assert sys.getrecursionlimit() <= 3000


def test_loading_does_not_import_networkx() -> None:
    """The way to the first task is short: no graph library, no HTTP client, no terminal library on it."""
    import subprocess

    code = (
        "import sys, runner.graph.check; print([n for n in sys.modules if n in {'networkx','pydantic','httpx','rich'}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.strip()


@settings(max_examples=400, deadline=None)
@given(
    st.text(alphabet='{}[]",: 1ae\\\n-', max_size=12) | st.builds(json.dumps, JSON),
    st.integers(0, 40),
    st.text('{}[]",: 1N', max_size=2),
)
def test_json_is_what_python_takes_for_json(text: str, at: int, more: str) -> None:
    """Our reading of JSON accepts just what the standard library does, and means the same, places or no places."""
    text = '{"tasks":' + text[:at] + more + text[at:] + "}"
    try:
        expected = json.loads(text, object_pairs_hook=pairs_once, parse_constant=refused)
    except ValueError:
        expected = None

    try:
        document = read_json(Source(file="x.json", text=text))
        read = None if document.problems else document.data
    except GraphError:
        read = None

    assert expected == read


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_in_a_file_is_answered_with_problems(seed: int, tmp_path: Path) -> None:
    """A file with any damage is loaded or refused with located problems; nothing else is ever raised."""
    chance = random.Random(seed)
    texts = [path.read_text("utf-8").replace("⟦", "").replace("⟧", "") for path in sorted(BROKEN.iterdir())]
    texts += [WHOLE, json.dumps(data_of(WHOLE), indent=1)] * 20
    tokens = [
        "${{ ",
        " }}",
        *"[]{}:-'\"?%#\t~,",
        "\n",
        "\n  ",
        "*a",
        "&a ",
        "<<: ",
        "null",
        "1e5",
        ".inf",
        "!x ",
        "|\n",
    ]
    for _ in range(120):
        text = chance.choice(texts)
        for _ in range(chance.randint(1, 5)):
            at = chance.randrange(len(text) + 1)
            text = text[:at] + chance.choice(["", *tokens]) + text[at + chance.choice((0, 0, 1, 7)) :]
        found = problems_of(tmp_path, text, chance.choice(("a.yaml", "a.json")))
        assert found != ()
        assert all(problem.where for problem in found or ())
        assert found is None or render(found)


def test_a_condition_may_be_no_more_than_a_truth(tmp_path: Path) -> None:
    """`if: false` rules a task out until somebody writes `true`, in both kinds of file."""
    (tmp_path / "g.yaml").write_text("tasks: {a: {run: x, if: false}, b: {run: x, if: true}}", encoding="utf-8")
    data = {"tasks": {"a": {"run": "x", "if": False}, "b": {"run": "x", "if": True}}}
    (tmp_path / "g.json").write_text(json.dumps(data), encoding="utf-8")
    for name in ("g.yaml", "g.json"):
        conditions = [task.condition for task in load(str(tmp_path / name)).graph.tasks.values()]

        assert [False, True] == [is_true(each, {}) for each in conditions if each is not None]
