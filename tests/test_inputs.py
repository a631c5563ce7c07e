"""What a run rests upon: which files, where their changes can be seen, and what counts as one."""

from __future__ import annotations

import os
from pathlib import Path

from runner.graph.check import load
from runner.graph.params import resolve_params
from runner.inputs import Inputs, changes, folders_of, inputs_of, looks_of
from runner.keeping import Keys

GRAPH = """
env_file: .env
include: {part: {file: part/part.yaml, with: {found: given.txt}}}
params:
  config: {type: path, default: settings.json}
  empty: {type: path, default: ""}
tasks:
  build:
    run: make
    env_file: [own.env]
    sources: [src, "lib/**/*.c", "!src/tmp.c", Makefile]
    generates: [src/out.o]
    workdir: .
  each: {run: "cat ${{ item }}", foreach: {files: ["texts/*.txt"]}}
  look: {uses: "looking:at", with: {digest: "${{ hashFiles('data/*.csv') }}"}}
"""
PART = """
env_file: .env
params: {found: {type: path, default: ""}}
tasks: {near: {uses: "near:at", with: {digest: "${{ hashFiles('near.*') }}"}}}
"""


def inputs(folder: Path) -> Inputs:
    """Answer what a run of the graph in this folder rests upon; it is started there."""
    (folder / "g.yaml").write_text(GRAPH, encoding="utf-8")
    (folder / "part").mkdir(exist_ok=True)
    (folder / "part/part.yaml").write_text(PART, encoding="utf-8")
    (folder / "looking.py").write_text("def at(digest: str) -> None: ...\n", encoding="utf-8")
    for name in (
        "src/a.c",
        "src/tmp.c",
        "src/out.o",
        "lib/deep/er/b.c",
        "lib/b.txt",
        "Makefile",
        "data/x.csv",
        "texts/one.txt",
        ".env",
        "own.env",
        "part/.env",
        "part/near.py",
        "given.txt",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name, encoding="utf-8")
    graph = load(str(folder / "g.yaml")).graph
    params = resolve_params(graph, {})
    return inputs_of(graph, Keys(graph, {}, str(folder), params), params, str(folder))


def named(folder: Path, names: object) -> set[str]:
    """Answer names as they are from this folder."""
    return {os.path.relpath(name, folder) for name in names}  # type: ignore[attr-defined]  # any collection of texts


def test_what_counts_in_a_key_is_looked_at(tmp_path: Path) -> None:
    """Graph, module, sources and hashed files are there; what is taken out, made, missing or empty is not."""
    looked_at = named(tmp_path, looks_of(inputs(tmp_path)))

    assert {
        "g.yaml",
        ".env",
        "own.env",
        "looking.py",
        "src/a.c",
        "lib/deep/er/b.c",
        "Makefile",
        "data/x.csv",
        "texts/one.txt",
        "part/part.yaml",
        "part/.env",
        "part/near.py",
        "given.txt",
    } == looked_at
    (tmp_path / "settings.json").write_text("{}", encoding="utf-8")
    assert looked_at | {"settings.json"} == named(tmp_path, looks_of(inputs(tmp_path)))


def test_changes_are_seen_where_files_lie(tmp_path: Path) -> None:
    """A folder is listened to with all below it only where a pattern goes below; one that is not there, not at all."""
    flat, deep = folders_of(inputs(tmp_path))
    gone = Inputs(files=frozenset({"/nowhere/a"}), patterns=frozenset({("/nowhere", ("**/*.c",))}))

    assert ({".", "data", "texts", "part"}, {"src", "lib"}) == (named(tmp_path, flat), named(tmp_path, deep))
    assert (frozenset(), frozenset()) == folders_of(gone)


def test_each_kind_of_change_is_told_apart(tmp_path: Path) -> None:
    """Written anew, put in the place of another, added and taken away; a file of another folder is no change."""
    asked = inputs(tmp_path)
    before = looks_of(asked)
    (tmp_path / "src/a.c").write_text("longer than before", encoding="utf-8")
    (tmp_path / "fresh").write_text("Makefile", encoding="utf-8")
    os.utime(tmp_path / "fresh", ns=(0, (tmp_path / "Makefile").stat().st_mtime_ns))
    (tmp_path / "fresh").rename(tmp_path / "Makefile")
    (tmp_path / "src/new.c").write_text("", encoding="utf-8")
    (tmp_path / "data/x.csv").unlink()
    (tmp_path / "src/out.o").write_text("made once more", encoding="utf-8")
    found = changes(before, looks_of(asked))

    assert {"src/a.c", "Makefile"} == named(tmp_path, found.changed)
    assert ({"src/new.c"}, {"data/x.csv"}) == (named(tmp_path, found.new), named(tmp_path, found.gone))
    assert {"src/a.c", "Makefile", "src/new.c", "data/x.csv"} == named(tmp_path, found.all)
    assert not changes(before, before)
