"""Parameters of a run: read by their types, checked against their lists, their faults said all at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.errors import GraphError
from runner.graph.check import load, resolve_params
from runner.graph.model import Graph


def graph_with(folder: Path, params: str) -> Graph:
    """Load a graph with these parameters."""
    path = folder / "graph.yaml"
    path.write_text(f"params: {params}\ntasks: {{a: {{run: make}}}}\n", "utf-8")
    return load(str(path)).graph


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("string", "a b", "a b"),
        ("string", "", ""),
        ("integer", "-12", -12),
        ("integer", 7, 7),
        ("number", "1e3", 1000.0),
        ("number", "5", 5),
        ("number", 2.5, 2.5),
        ("boolean", "true", True),
        ("boolean", "False", False),
        ("boolean", False, False),
        ("url", "https://a.b/c?d=e", "https://a.b/c?d=e"),
        ("url", "", ""),
        ("duration", "1h30m", 5400.0),
        ("duration", "250ms", 0.25),
        ("size", "1GiB", 2**30),
        ("size", "1.5kB", 1500),
        ("list", "a, b,c", ["a", "b", "c"]),
        ("list", "", []),
        ("list", '["a", 1]', ["a", 1]),
        ("list", [1, None], [1, None]),
        ("map", '{"a": [1]}', {"a": [1]}),
        ("map", {"a": 1}, {"a": 1}),
    ],
)
def test_a_given_value_is_read_by_its_type(tmp_path: Path, kind: str, given: Any, expected: Any) -> None:
    """A text from the command line is read as the parameter's type says; plain data must be of it."""
    values = resolve_params(graph_with(tmp_path, f"{{x: {{type: {kind}}}}}"), {"x": given})

    assert {"x": expected} == values
    assert type(expected) is type(values["x"])


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        ("string", 5, "must be a text, not `5`"),
        ("string", None, "must be a text, not nothing"),
        ("integer", "1.5", "must be a whole number, not `1.5`"),
        ("integer", "1_000", "must be a whole number"),
        ("integer", True, "must be a whole number, not `true`"),
        ("integer", 1.0, "must be a whole number"),
        ("number", "much", "must be a number, not `much`"),
        ("number", "nan", "must be a number"),
        ("number", "1e999", "must be a number"),
        ("boolean", "yes", "must be `true` or `false`, not `yes`"),
        ("boolean", 1, "must be `true` or `false`"),
        ("url", "localhost:8000", "must be a URL, not `localhost:8000`"),
        ("duration", "30", "must be a duration such as `30s`, not `30`"),
        ("duration", 30, "must be a duration"),
        ("size", "512", "must be a size such as `512MiB`"),
        ("list", "[1", "must be a list"),
        ("list", {}, "must be a list, not a mapping"),
        ("map", "a=b", "must be a mapping, not `a=b`"),
        ("map", '{"a": NaN}', "must be a mapping"),
        ("map", "[" * 100_000, "must be a mapping"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(tmp_path: Path, kind: str, given: Any, words: str) -> None:
    """A value of a wrong type is a problem that names the parameter and what it takes."""
    graph = graph_with(tmp_path, f"{{x: {{type: {kind}}}}}")

    with pytest.raises(GraphError) as caught:
        resolve_params(graph, {"x": given})

    assert ["bad-param"] == [problem.code for problem in caught.value.problems]
    assert f"the parameter `x` {words}" in caught.value.problems[0].message


def test_defaults_stand_where_nothing_is_given(tmp_path: Path) -> None:
    """A default is what it would be if it were given; a default of null is null."""
    text = "{a: {default: x}, b: {type: duration, default: 5m}, c: {type: integer, default: null}}"

    assert {"a": "x", "b": 300.0, "c": None} == resolve_params(graph_with(tmp_path, text), {})


def test_a_path_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A default lies beside the graph file, a given path where the command was started, `~` at home."""
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.chdir(other)
    monkeypatch.setenv("HOME", "/home/ada")
    graph = graph_with(tmp_path, "{x: {type: path, default: data/a.json}}")

    assert {"x": f"{tmp_path}/data/a.json"} == resolve_params(graph, {})
    assert {"x": f"{other}/b.json"} == resolve_params(graph, {"x": "b.json"})
    assert {"x": "/etc/c"} == resolve_params(graph, {"x": "/etc/c"})
    assert {"x": "/home/ada/d"} == resolve_params(graph, {"x": "~/d"})
    assert {"x": ""} == resolve_params(graph, {"x": ""})


def test_all_faults_are_said_at_once(tmp_path: Path) -> None:
    """An unknown name, a missing value and a misfit are three problems of one error, each with help."""
    graph = graph_with(tmp_path, "{base_url: {type: url}, stage: {enum: [dev, test], default: dev}}")

    with pytest.raises(GraphError) as caught:
        resolve_params(graph, {"baseurl": "x", "stage": "prod", "zzz": "1"})

    assert [
        ("unknown-param", "there is no parameter `baseurl`", "did you mean `base_url`?"),
        ("unknown-param", "there is no parameter `zzz`", "the parameters are base_url, stage"),
        ("missing-param", "the parameter `base_url` needs a value", "give it with `-p base_url=…`"),
        ("bad-param", "the parameter `stage` must be one of `dev`, `test`, not `prod`", ""),
    ] == [(each.code, each.message, each.hint) for each in caught.value.problems]


def test_a_password_in_a_url_is_not_repeated(tmp_path: Path) -> None:
    """A value that is quoted loses the credentials it holds."""
    graph = graph_with(tmp_path, "{db: {type: integer}}")

    with pytest.raises(GraphError) as caught:
        resolve_params(graph, {"db": "postgres://ada:lovelace@host/db"})

    assert "postgres://***@host/db" in caught.value.problems[0].message
    assert "lovelace" not in str(caught.value)
