"""A phase to start from: what is written validates, plans and runs, and nothing that is there is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.errors import GraphError
from runner.graph.check import load
from runner.starting import Start, files_of
from tests.cli.command import ROOT, report_in, run
from tests.cli.terminal import OnTerminal
from tests.cli.test_phase2 import backend

KINDS = {
    "plain": [],
    "backend": ["--backend", "http://localhost:8123"],
    "postman": ["--postman"],
    "both": ["--postman", "--backend", "https://example.com:8443/api"],
}
TASKS = {
    "plain": ["first", "second", "checkpoint"],
    "backend": ["health", "checkpoint"],
    "postman": ["config", "power", "health", "checkpoint"],
    "both": ["config", "power", "health", "checkpoint"],
}


@pytest.mark.parametrize("name", ["phase", "7", "true", "null", "1e3", "a.b-c_d", "-x"])
@pytest.mark.parametrize("url", ["", "http://localhost:8000", "http://h/?a={b}&c='d'#e"])
def test_whatever_is_asked_for_is_a_valid_graph(tmp_path: Path, name: str, url: str) -> None:
    """Names and URLs that YAML would read as something else are texts in what is written."""
    for postman in (False, True):
        files = files_of(Start(name=name, backend=url, postman=postman), "g.yaml")
        for file, text in files.items():
            (tmp_path / file).write_text(text, encoding="utf-8")
        try:
            graph = load(str(tmp_path / "g.yaml")).graph
        except GraphError as error:
            raise AssertionError(error.problems) from error

        assert name == graph.name
        assert all(task.estimate for task in graph.tasks.values())
        if url:
            assert url == graph.params["base_url"].default
        assert all(json.loads(text) for file, text in files.items() if file.endswith(".json"))


@pytest.mark.real
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_validates_and_plans(tmp_path: Path, kind: str) -> None:
    """Each kind by its flags: the functions take what they are given, and the plan knows all times."""
    said = run("init", *KINDS[kind], cwd=tmp_path)
    planned = json.loads(run("plan", "phase.yaml", "--json", cwd=tmp_path).out)

    assert 0 == said.code, said.err
    assert "python -m runner phase.yaml" in said.out
    assert 0 == run("validate", "phase.yaml", cwd=tmp_path).code
    assert TASKS[kind] == [task["id"] for task in planned["tasks"]]
    assert {"estimate"} == {task["source"] for task in planned["tasks"]}
    assert ("passed", 0) == (planned["verdict"], planned["exit_code"])


@pytest.mark.real
def test_a_plain_phase_runs(tmp_path: Path) -> None:
    """Without anything the first command after `init` passes."""
    run("init", cwd=tmp_path)

    assert 0 == run("phase.yaml", cwd=tmp_path).code


@pytest.mark.real
@pytest.mark.timeout(300)
@pytest.mark.xdist_group("newman")
def test_a_phase_with_a_backend_and_a_collection_runs(tmp_path: Path) -> None:
    """Against a backend that is there both kinds pass; against none the run fails by its tasks and not by its file."""
    (tmp_path / "graphs").symlink_to(ROOT / "graphs")
    with backend(tmp_path) as url:
        run("init", "--name", "look", "--backend", url, cwd=tmp_path)
        run("init", "--name", "all", "--backend", url, "--postman", cwd=tmp_path)
        look, all_of_it = run("look.yaml", cwd=tmp_path), run("all.yaml", cwd=tmp_path, timeout=240)
        report = report_in(tmp_path)

    assert 0 == look.code, look.out
    assert 0 == all_of_it.code, all_of_it.out
    assert 1 == next(task["outputs"]["assertions"] for task in report["tasks"] if task["id"] == "power")


@pytest.mark.real
def test_nothing_is_written_over_unless_told(tmp_path: Path) -> None:
    """A file that is there is refused before anything is written, and is written anew with `--force`."""
    (tmp_path / "phase.postman_collection.json").write_text("mine", encoding="utf-8")
    refused = run("init", "--postman", cwd=tmp_path)

    assert 2 == refused.code
    assert "phase.postman_collection.json: there already; --force writes over it" in refused.err
    assert ["phase.postman_collection.json"] == [path.name for path in tmp_path.iterdir()]
    assert 0 == run("init", "--postman", "--force", cwd=tmp_path).code
    assert "mine" != (tmp_path / "phase.postman_collection.json").read_text(encoding="utf-8")


@pytest.mark.real
def test_a_configuration_that_is_there_is_used(tmp_path: Path) -> None:
    """Somebody's own .postman.json names what is run; it stays as it is, and no collection is made up."""
    own = '{"collection_id": "6c2f2d0e-5d1b-4a57-9f5c-1f6c7f0b9a42"}'
    (tmp_path / ".postman.json").write_text(own, encoding="utf-8")
    said = run("init", "tests.yaml", "--postman", cwd=tmp_path)

    assert "uses  .postman.json, which was there" in said.out
    assert own == (tmp_path / ".postman.json").read_text(encoding="utf-8")
    assert not list(tmp_path.glob("*.postman_collection.json"))


@pytest.mark.real
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--name", "a b"], "`a b` cannot be the name of a phase"),
        (["--name", "../x"], "`../x` cannot be the name of a phase"),
        (["--backend", "localhost"], "--backend localhost: must be a URL"),
        (["g.json"], "let its name end in .yaml"),
        (["/proc/none/g.yaml"], "/proc/none: "),
    ],
)
def test_what_cannot_be_written_is_told(tmp_path: Path, words: list[str], said: str) -> None:
    """A name or a URL that is none, a file that is none: exit 2, one line, nothing written."""
    result = run("init", *words, cwd=tmp_path)

    assert 2 == result.code
    assert said in result.err
    assert 1 == len(result.err.splitlines())
    assert [] == list(tmp_path.iterdir())


@pytest.mark.real
def test_on_a_terminal_it_asks(tmp_path: Path, on_terminal: OnTerminal) -> None:
    """Three questions, whose answers are what the flags would say; empty ones are the defaults."""
    terminal = on_terminal(tmp_path, "init")
    terminal.wait_for("What is the phase called? [phase] ")
    terminal.press("shop\r")
    terminal.wait_for("Its URL, or nothing: ")
    terminal.press("http://localhost:8000\r")
    terminal.wait_for("y or n [n] ")
    terminal.press("\r")

    assert 0 == terminal.end()
    assert ["health", "checkpoint"] == [*load(str(tmp_path / "shop.yaml")).graph.tasks]


@pytest.mark.real
@pytest.mark.parametrize(("key", "code"), [("\x03", 130), ("\x04", 2)])
def test_going_away_from_a_question_writes_nothing(
    tmp_path: Path, key: str, code: int, on_terminal: OnTerminal
) -> None:
    """Ctrl-C and Ctrl-D end it with a line and no traceback."""
    terminal = on_terminal(tmp_path, "init")
    terminal.wait_for("What is the phase called? [phase] ")
    terminal.wait_for_its_ear()
    terminal.press(key)

    assert code == terminal.end()
    assert "nothing was written" in terminal.screen
    assert "Traceback" not in terminal.screen
    assert [] == list(tmp_path.iterdir())
