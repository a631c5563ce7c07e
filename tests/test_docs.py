"""The READMEs are held to what there is: commands, options, exit codes, and their code runs."""

import argparse
import re
import shlex
from pathlib import Path

import pytest

from runner.cli.main import parser
from runner.cli.words import COMMANDS, with_command
from runner.errors import Exit

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted(path for path in ROOT.glob("*/README.md") if not path.parts[-2].startswith("."))


def options() -> set[str]:
    """Answer every option of every command, the long form where there is one."""
    whole = parser()
    commands = next(action for action in whole._actions if isinstance(action, argparse._SubParsersAction))
    actions = [action for command in commands.choices.values() for action in command._actions]
    return {max(action.option_strings, key=len) for action in actions if action.option_strings}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented(command: str) -> None:
    """Each command stands in the README."""
    assert re.search(rf"`(?:python -m runner )?{command}\b", README)


@pytest.mark.parametrize("option", sorted(options() - {"--help"}))
def test_every_option_is_documented(option: str) -> None:
    """Each option stands in the README."""
    assert f"{option}" in re.findall(r"--[a-z-]+", README)


@pytest.mark.parametrize("code", Exit)
def test_every_exit_code_is_documented(code: Exit) -> None:
    """Each exit code stands in the README's table."""
    table = README[README.index("| exit code |") :]

    assert re.search(rf"^\| [^|]*\b{int(code)}\b[^|]* \|", table, re.MULTILINE)


def test_every_folder_has_its_page() -> None:
    """runner, tasks, graphs and tests each have a README."""
    assert {"runner", "tasks", "graphs", "tests"} <= {page.parent.name for page in PAGES}


def test_links_lead_somewhere() -> None:
    """Every link of a README to a file of ours leads to one."""
    for page in (ROOT / "README.md", *PAGES):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} of {page.parent.name}: {target}"


def blocks(language: str, text: str = README) -> list[str]:
    """Answer the code blocks of a README in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", ["README.md", "graphs/README.md"])
def test_graphs_of_the_readmes_are_valid(page: str, tmp_path: Path) -> None:
    """Each YAML block is a graph that can be run; a comment for an editor stands above any of them."""
    from runner.graph.check import load

    found = blocks("yaml", (ROOT / page).read_text(encoding="utf-8"))
    graphs = [block for block in found if not block.startswith("# yaml-language-server")]
    assert graphs
    for number, block in enumerate(graphs):
        named = re.match(r"# (\w+\.yaml)\n", block)  # so that those behind it can include it
        file = tmp_path / (named[1] if named else f"{number}.yaml")
        file.write_text(block, encoding="utf-8")

        assert load(str(file)).graph.tasks


def test_commands_of_the_readmes_are_understood() -> None:
    """Each command line of ours, in blocks and in tables, is one that the parser takes."""
    texts = [page.read_text(encoding="utf-8") for page in (ROOT / "README.md", *PAGES)]
    lines = [line for text in texts for block in blocks("sh", text) for line in block.splitlines()]
    shown = [line.partition("python -m runner ")[2] for line in lines if "python -m runner " in line]
    examples = [text.partition("python -m runner ")[2].partition(" > ")[0] for text in COMMANDS.values()]

    assert len(shown) >= 3
    for words in (*shown, *examples):
        parser().parse_args(with_command(shlex.split(words, comments=True)))


def test_the_python_of_the_tests_readme_runs() -> None:
    """The way to look at one game again works as it is written there."""
    (block,) = blocks("python", (ROOT / "tests/README.md").read_text(encoding="utf-8"))
    exec(compile(block, "tests/README.md", "exec"), {"SEED": 7})  # its own words


@pytest.mark.real
def test_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python block of the README runs as it stands, with another graph in its place."""
    (tmp_path / "graphs").mkdir()
    graph = "version: 1\nparams:\n  base_url: {type: string}\ntasks:\n  a: {run: 'false'}\n"
    (tmp_path / "graphs/phase2.yaml").write_text(graph, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    said: list[object] = []
    (block,) = blocks("python")
    exec(compile(block, "README.md", "exec"), {"print": lambda *words: said.extend(words)})  # its own words

    assert [1.0, "failed", ["a"]] == said
