"""Files of variables: what a line means, which value counts, and where what is wrong stands, without showing it.

As with broken graph files, fixtures mark each guilty token `⟦…⟧`, and what is said lies in tests/golden/env_files
(`PYTHONPATH=. python tests/graph/test_env_files.py` writes it anew).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner.errors import GraphError, render
from runner.graph.check import load
from runner.graph.env_files import LARGEST, read_env_files, variables_in

BROKEN = Path(__file__).parent / "env_files"
GOLDEN = Path(__file__).parent.parent / "golden" / "env_files"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("A=1", "1"),
        ("A=", ""),
        ("A = two words ", "two words"),
        ("export A=1", "1"),
        ("  export\tA=1\r\n", "1"),
        ("A=1 # not this", "1"),
        ("A=#nor this", ""),
        ("A=but#this", "but#this"),
        ("A=x=y=", "x=y="),
        ("A=$HOME ${B} `c`", "$HOME ${B} `c`"),
        ("A=C:\\new", "C:\\new"),
        ("A='as it \\n is $x \"'  # comment", 'as it \\n is $x "'),
        ("A='two\nlines'", "two\nlines"),
        ("A=''", ""),
        ('A="two\nlines"', "two\nlines"),
        ('A="a\\nb\\tc\\\\ \\" \\$x \\q"', 'a\nb\tc\\ " $x \\q'),
        ('A="joined \\\nlines"', "joined lines"),
        ("A=it's", "it's"),
        ("A=ü\N{PILE OF POO}", "ü\N{PILE OF POO}"),
        ("\ufeffA=1", "1"),
        ("\n\n# A=0\n\t\nA=1\n", "1"),
    ],
)
def test_a_line_is_a_name_and_a_value(line: str, expected: str) -> None:
    """Quotes and comments as in a shell; nothing is filled in."""
    assert ({"A": expected}, []) == variables_in("x.env", line.encode())


def test_several_lines_are_several_variables() -> None:
    """Each goes on where the one before ends, also after a text over several lines."""
    text = "A='1\n2'\nB=\"3\n4\" # x\n# C=5\nD=6"

    assert ({"A": "1\n2", "B": "3\n4", "D": "6"}, []) == variables_in("x.env", text.encode())


@pytest.mark.parametrize("name", sorted(path.name for path in BROKEN.iterdir()))
def test_what_is_wrong_is_said_with_its_place_and_without_a_value(name: str) -> None:
    """File, line and column, and a hint; nothing of a line is shown, for it may be a secret."""
    marked = (BROKEN / name).read_text("utf-8")
    values, problems = variables_in(name, marked.replace("⟦", "").replace("⟧", "").encode())
    expected = [
        (number, line.replace("⟧", "").index("⟦") + 1)
        for number, line in enumerate(marked.splitlines(), start=1)
        if "⟦" in line
    ]
    said = render(problems)

    assert expected == [(each.where.line, each.where.column) for each in problems if each.where]
    assert (GOLDEN / f"{name}.txt").read_text("utf-8") == said
    assert "hunter" not in said
    assert "MII" not in said
    assert values or name in ("bad-names.env", "behind-a-quote.env")


def test_bytes_that_are_no_text_are_said() -> None:
    """What is not UTF-8, and a NUL, which no environment can hold; in quotes, too."""
    for content, code, place in (
        (b"A=1\nB=\xff\n", "encoding", (2, 3)),
        (b"A=1\0\n", "unreadable-character", (1, 4)),
        (b"A=1\nB='\0'\n", "unreadable-character", (2, 4)),
    ):
        _, problems = variables_in("x.env", content)
        (only,) = problems

        assert only.where is not None
        assert (code, place, "") == (only.code, (only.where.line, only.where.column), only.excerpt)


def graph(folder: Path, text: str, **files: str) -> Path:
    """Write a graph and the files it names."""
    for name, content in files.items():
        (folder / f"{name}.env").write_text(content, encoding="utf-8")
    (folder / "g.yaml").write_text(text, encoding="utf-8")
    return folder / "g.yaml"


def test_what_is_nearer_counts(tmp_path: Path) -> None:
    """The shell before all files, `env` of the root before a task's file, that before the root's, later ones first."""
    text = """
env_file: [one.env, two.env]
env: {ROOT: given}
tasks:
  a: {run: x, env_file: own.env}
  b: {run: x}
"""
    file = graph(tmp_path, text, one="A=1\nB=1\nS=1\n", two="B=2\nROOT=2\n", own="A=own\nROOT=own\nS=own\nNEW=own\n")
    found = read_env_files(load(str(file)), {"S": "shell"})

    assert {"A": "1", "B": "2", "ROOT": "2"} == found.root
    assert {"a": {"A": "own", "NEW": "own"}} == found.tasks


def test_what_cannot_be_read_is_said_where_it_is_named(tmp_path: Path) -> None:
    """A file that is not there, a folder, a pipe that is not waited for, one that is too large; each once."""
    text = "env_file: nowhere.env\ntasks:\n  a: {run: x, env_file: [folder, nowhere.env]}\n"
    text += "  b: {run: x, env_file: pipe}\n  c:\n    run: x\n    env_file:\n      - large.env\n"
    file = graph(tmp_path, text, large="#" * (LARGEST + 1))
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(GraphError) as caught:
        read_env_files(load(str(file)), {})

    assert [
        (1, 11, "there is no file"),
        (3, 26, "Is a directory"),
        (4, 25, "no plain file"),
        (8, 9, "more than 1"),
    ] == [
        (each.where.line, each.where.column, next(word for word in WORDS if word in each.message))
        for each in caught.value.problems
        if each.where
    ]
    assert {"no-env-file"} == {each.code for each in caught.value.problems}


WORDS = ("there is no file", "Is a directory", "no plain file", "more than 1")


def test_all_problems_of_all_files_are_said_at_once(tmp_path: Path) -> None:
    """With the name of the file as the graph's folder has it, each file once however often it is named."""
    text = "env_file: one.env\ntasks:\n  a: {run: x, env_file: [one.env, two.env]}\n"
    file = graph(tmp_path, text, one="wrong\n", two="A=1\nA=2\n")
    with pytest.raises(GraphError) as caught:
        read_env_files(load(str(file)), {})

    assert [("env-syntax", "one.env", 1), ("duplicate-key", "two.env", 2)] == [
        (each.code, Path(each.where.file).name, each.where.line) for each in caught.value.problems if each.where
    ]


if __name__ == "__main__":
    for path in BROKEN.iterdir():
        bare = path.read_text("utf-8").replace("⟦", "").replace("⟧", "")
        (GOLDEN / f"{path.name}.txt").write_text(render(variables_in(path.name, bare.encode())[1]), "utf-8")
