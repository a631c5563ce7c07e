"""The key of a result: what changes it, and what does not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from runner.graph.check import load
from runner.graph.env_files import read_env_files
from runner.keeping import Keys
from runner.kept import Past
from runner.schedule.messages import Kept
from runner.task import Artifact, Succeeded

GRAPH = """
version: 1
secrets: [TOKEN]
params: {who: {type: string, default: me}}
env: {COLOUR: "${{ env.SHELL_COLOUR }}"}
services:
  web: {run: "serve ${{ services.web.port }}", port: 0}
tasks:
  one:
    uses: work:do
    with:
      who: ${{ params.who }}
      url: ${{ services.web.url }}/x
      at: ${{ run.started }}
      key: ${{ secrets.TOKEN }}
    needs: [web]
  two:
    run: "echo ${{ needs.one.outputs.count }}"
    needs: [one]
  three:
    run: "echo three"
    needs: [two]
"""
CODE = "def do(*, who: str, url: str, at: str, key: str) -> dict[str, int]: return {}\n"
ENVIRONMENT = {"SHELL_COLOUR": "red", "TOKEN": "s3cr3t-1", "OTHER": "x"}


def keys_of(
    folder: Path, text: str = GRAPH, code: str = CODE, count: int = 3, env: dict[str, str] = ENVIRONMENT, **params: str
) -> tuple[str, str, str]:
    """Answer the keys of the three tasks, the first of which returned a count."""
    (folder / "g.yaml").write_text(text, encoding="utf-8")
    (folder / "work.py").write_text(code, encoding="utf-8")
    keys = Keys(load(str(folder / "g.yaml")).graph, env, str(folder), {"who": "me", **params})
    one = Kept(outcome=Succeeded(outputs={"count": count}), key=keys.of("one", {}))
    two = Kept(outcome=Succeeded(), key=keys.of("two", {"one": one}))
    return one.key, two.key, keys.of("three", {"two": two})


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, 3),
        ({"text": "# a comment\n" + GRAPH}, 3),
        ({"text": GRAPH.replace("tasks:", "title: other\ntasks:")}, 3),
        ({"env": {**ENVIRONMENT, "OTHER": "y"}}, 3),
        ({"env": {**ENVIRONMENT, "TOKEN": "s3cr3t-2"}}, 3),
        ({"who": "you"}, 0),
        ({"code": CODE + "# more\n"}, 0),
        ({"text": GRAPH.replace("/x", "/y")}, 0),
        ({"text": GRAPH.replace("serve ", "serve -v ")}, 0),
        ({"env": {**ENVIRONMENT, "SHELL_COLOUR": "blue"}}, 0),
        ({"count": 4}, 1),
        ({"text": GRAPH.replace('"echo ${{ needs', '"echo -n ${{ needs')}, 1),
        ({"text": GRAPH.replace("echo three", "echo 3")}, 2),
    ],
)
def test_a_key_changes_with_what_was_asked(tmp_path: Path, change: dict[str, object], same: int) -> None:
    """A change reaches the task and all that rests upon it; other text, ports, times and secrets change nothing."""
    before, after = keys_of(tmp_path), keys_of(tmp_path, **change)  # type: ignore[arg-type]  # one of its keywords

    assert [True] * same + [False] * (3 - same) == [old == new for old, new in zip(before, after, strict=True)]
    assert all(before)


PROMISING = """
secrets: [TOKEN]
env_file: one.env
tasks:
  one: {run: make, outputs: {n: integer}, artifacts: [a.xml, "*.png"], junit: j.xml, shell: bash -eu}
  two: {run: "cat ${{ needs.one.artifacts['a.xml'] }}", needs: [one]}
  three: {run: "ls ${{ needs.one.artifacts['*.png'] }}", needs: [one], env_file: own.env}
  four: {run: x, secrets: [PIN]}
"""


def promised(folder: Path, text: str = PROMISING, run: str = "r1", digest: str = "d", **files: str) -> tuple[str, ...]:
    """Answer the keys of three tasks, of which the first has kept files in a run."""
    contents = {"one": "COLOUR=red\nTOKEN=hunter22\nSHELL=file\nPIN=1111\n", "own": "SIZE=1\n", **files}
    for name, content in contents.items():
        (folder / f"{name}.env").write_text(content, encoding="utf-8")
    (folder / "g.yaml").write_text(text, encoding="utf-8")
    loaded = load(str(folder / "g.yaml"))
    shell = {"SHELL": "shell"}
    read = read_env_files(loaded, shell)
    keys = Keys(loaded.graph, {**read.root, **shell}, str(folder), {}, files=read)
    kept = [
        Artifact(path=f"artifacts/{run}/{name}", title=name, size=1, digest=digest, promise=promise)
        for name, promise in (("a.xml", "a.xml"), ("b.png", "*.png"))
    ]
    one = Kept(outcome=Succeeded(), artifacts=tuple(kept), key=keys.of("one", {}))
    return one.key, keys.of("two", {"one": one}), keys.of("three", {"one": one})


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, "one two three"),
        ({"run": "r2"}, "one two three"),
        ({"one": "COLOUR=red\nTOKEN=hunter33\nSHELL=file\nPIN=2222\n"}, "one two three"),
        ({"one": "COLOUR=red\nTOKEN=hunter22\nSHELL=other\nPIN=1111\n"}, "one two three"),
        ({"one": "COLOUR=blue\nTOKEN=hunter22\nSHELL=file\nPIN=2222\n"}, ""),
        ({"own": "SIZE=2\n"}, "one two"),
        ({"digest": "e"}, "one"),
        ({"text": PROMISING.replace("bash -eu", "bash")}, ""),
        ({"text": PROMISING.replace("integer", "number")}, ""),
        ({"text": PROMISING.replace("j.xml", "k.xml")}, ""),
        ({"text": PROMISING.replace('"*.png"]', '"*.png", c.xml]')}, ""),
    ],
)
def test_promises_and_variables_are_part_of_what_is_asked(tmp_path: Path, change: dict[str, str], same: str) -> None:
    """Where files are kept and what is secret are not; what the shell gives in a file's place is not either."""
    before, after = promised(tmp_path), promised(tmp_path, **change)
    names = ("one", "two", "three")

    assert same.split() == [name for name, old, new in zip(names, before, after, strict=True) if old == new]
    assert all(before)


def test_what_rests_upon_nothing_known_has_no_key(tmp_path: Path) -> None:
    """A task whose need failed, was skipped or has no key itself is never kept."""
    keys_of(tmp_path)
    keys = Keys(load(str(tmp_path / "g.yaml")).graph, ENVIRONMENT, str(tmp_path), {"who": "me"})
    unknown = Kept(outcome=Succeeded(outputs={"count": 3}))

    assert "" == keys.of("two", {})
    assert "" == keys.of("two", {"one": unknown})
    assert keys.of("two", {"one": replace(unknown, key="k")})


def test_results_are_kept_from_the_top_as_far_as_they_hold(tmp_path: Path) -> None:
    """One that does not hold takes all below it along, whatever their own keys say."""
    one, two, three = keys_of(tmp_path)
    graph = load(str(tmp_path / "g.yaml")).graph
    keys = Keys(graph, ENVIRONMENT, str(tmp_path), {"who": "me"})
    outputs = Succeeded(outputs={"count": 3})
    past = {
        "one": Kept(outcome=outputs, key=one),
        "two": Kept(outcome=Succeeded(), key=two),
        "three": Kept(outcome=Succeeded(), key=three),
    }

    def kept(left: Mapping[str, Kept], **begun: float) -> dict[str, Kept]:
        return Past(successes=left, keys=keys, params={"who": "me"}, begun=begun).kept(graph)

    assert past == kept(past)
    assert {"one": past["one"]} == kept({**past, "two": replace(past["two"], key="other")})
    assert {} == kept({name: each for name, each in past.items() if name != "one"})
    assert past == kept(past, one=1.0, two=2.0, three=3.0)
    assert {"one": past["one"]} == kept(past, one=9.0, two=2.0, three=3.0)  # that of a round before


@pytest.mark.parametrize("module", ["work", "package.work", "folder.work", "folder.inner.work", "folder.package.work"])
def test_a_module_is_found_in_packages_and_in_mere_folders(tmp_path: Path, module: str) -> None:
    """Folders without `__init__.py` are packages, too, and none of them is imported here."""
    (tmp_path / "g.yaml").write_text("tasks: {a: {run: 'true'}}\n", encoding="utf-8")
    file = tmp_path.joinpath(*module.split(".")).with_suffix(".py")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(CODE, encoding="utf-8")
    if file.parent.name == "package":
        (file.parent / "__init__.py").touch()
    keys = Keys(load(str(tmp_path / "g.yaml")).graph, {}, str(tmp_path), {})

    assert file == keys.file_of(module)
    assert keys.file_of(f"{module}.deeper") is None
