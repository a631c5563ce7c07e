"""What the commands that read say of little: no run, one run, a service, half an id. By the real command line."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from tests.cli.command import environment, run

pytestmark = pytest.mark.real

GRAPH = """
version: 1
name: served
services:
  log: {run: "echo up; sleep 60", ready: {log: up}}
tasks:
  a: {run: "true", needs: [log]}
  b: {run: "true", needs: [a]}
  c: {run: "true", needs: [a, b]}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Answer a folder in which a graph was run once."""
    made = tmp_path_factory.mktemp("reading")
    (made / "g.yaml").write_text(GRAPH, encoding="utf-8")
    assert 0 == run("g.yaml", cwd=made).code
    return made


def test_without_a_run_there_is_nothing_to_tell(tmp_path: Path) -> None:
    """History is empty and says so; whatever needs a run names the command that makes one."""
    for words, said in (((), "no run is kept in .runner\n"), (("g.yaml",), "no run of g.yaml is kept in .runner\n")):
        history = run("history", *words, cwd=tmp_path)
        assert (0, said) == (history.code, history.out)
    for words in (("report",), ("show", "latest"), ("logs", "latest", "a"), ("explain", "latest", "a"), ("diff",)):
        said = run(*words, cwd=tmp_path)
        assert (2, "error: no run is kept in .runner; `python -m runner GRAPH` makes one\n") == (said.code, said.err)


def test_one_run_has_nothing_before_it(folder: Path) -> None:
    """Diff says so, and names the graph."""
    said = run("diff", cwd=folder)

    assert 2 == said.code
    assert said.err.startswith("error: there is no run of g.yaml before `")


def test_a_service_is_explained(folder: Path) -> None:
    """Asked for by its name, as a task is; as JSON, too."""
    said = run("explain", "latest", "log", cwd=folder)
    told = json.loads(run("explain", "latest", "log", "--json", cwd=folder).out)

    assert said.out.startswith("service log stopped\n\n  answered from 20")
    assert ("log", "stopped") == (told["id"], told["state"])


def test_show_has_json(folder: Path) -> None:
    """The same that `report --json` prints."""
    assert run("report", "--json", cwd=folder).out == run("show", "latest", "--json", cwd=folder).out


@pytest.mark.parametrize("form", ["mermaid", "dot", "svg", "ascii", "json"])
def test_a_graph_is_drawn_in_every_form(folder: Path, form: str) -> None:
    """Every task stands in it; reduced, it has an edge less, which all but the one without edges show."""
    whole = run("graph", "g.yaml", "--format", form, cwd=folder)
    reduced = run("graph", "g.yaml", "--format", form, "--reduced", cwd=folder)

    assert (0, 0) == (whole.code, reduced.code)
    assert all(name in whole.out for name in ("log", "a", "b", "c"))
    assert (form == "ascii") == (whole.out == reduced.out)


def test_half_an_id_is_enough_unless_two_begin_so(folder: Path) -> None:
    """A run is named by the beginning of its id; where several fit, or none, that is said."""
    run("g.yaml", cwd=folder)
    first, second = sorted(each.name for each in (folder / ".runner/runs").iterdir())
    common = next(first[:end] for end in range(len(first), 0, -1) if second.startswith(first[:end]))

    assert second in run("show", second[: len(common) + 1], cwd=folder).out
    several, none = run("show", common, cwd=folder), run("show", "1999", cwd=folder)
    assert (2, f"error: `{common}` is the beginning of 2 runs, from `{first}` on\n") == (several.code, several.err)
    assert (2, f"error: there is no run `1999` in .runner; the latest is `{second}`\n") == (none.code, none.err)


def test_where_there_is_no_browser_the_page_is_named(folder: Path) -> None:
    """`report --open` prints where the page is, and says that nobody can show it here."""
    nothing = folder / "empty"
    nothing.mkdir()
    (nothing / "none").write_text("#!/bin/false\n", encoding="utf-8")
    (nothing / "none").chmod(0o755)
    said = run("report", "--open", cwd=folder, env=environment(BROWSER=str(nothing / "none"), PATH=str(nothing)))

    assert (0, "no browser could be opened here\n") == (said.code, said.err)
    assert said.out.strip().endswith("report.html")


def test_the_doctor_looks_at_ports_and_at_a_folder_of_tasks(tmp_path: Path) -> None:
    """A free port is good news, one that is chosen later is none; a folder `tasks` of one's own is told of."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    more = f"services:\n  web: {{run: x, port: {port}}}\n  any: {{run: x, port: 0}}\n"
    (tmp_path / "g.yaml").write_text(GRAPH.replace("services:\n", more), encoding="utf-8")
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks/__init__.py").touch()
    said = run("doctor", "g.yaml", cwd=tmp_path)

    assert 1 == said.code
    assert f"ok       port {port} of service web: free" in said.out.splitlines()
    assert "of service any" not in said.out
    assert "failure  tasks: ModuleNotFoundError: No module named 'tasks.doctor'" in said.out.splitlines()
