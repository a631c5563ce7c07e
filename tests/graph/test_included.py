"""Files that include others: what is said where they do not fit, and what comes of those that do.

A fixture is a folder of files, of which `plan.yaml` is loaded; guilty tokens are marked `⟦…⟧` in all of them. What is
said lies in tests/golden/included; `PYTHONPATH=. python tests/graph/test_included.py` writes it anew.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path

import pytest

from runner.errors import GraphError, NothingSelected, Problem, render
from runner.graph.check import Loaded, load
from runner.graph.files import DEEPEST
from runner.graph.model import Rate
from runner.graph.params import params_of, resolve_params
from runner.graph.select import Wish, select

BROKEN = Path(__file__).parent / "included"
GOLDEN = Path(__file__).parent.parent / "golden" / "included"
NAMES = sorted(path.name for path in BROKEN.iterdir())


def unmarked(name: str, folder: Path) -> list[tuple[str, int, int, int]]:
    """Write the files of a fixture without their marks; answers file, line, column and end of each mark."""
    found: list[tuple[str, int, int, int]] = []
    for path in sorted((BROKEN / name).rglob("*.yaml")):
        target = folder / path.relative_to(BROKEN / name)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text("utf-8")
        target.write_text(text.replace("⟦", "").replace("⟧", ""), "utf-8")
        for number, line in enumerate(text.split("\n"), start=1):
            at = 0
            for index, piece in enumerate(line.replace("⟧", "⟦").split("⟦")):
                if index % 2:
                    found.append((str(target.relative_to(folder)), number, at + 1, at + 1 + len(piece)))
                at += len(piece)
    return found


def problems_of(folder: Path) -> tuple[Problem, ...]:
    """Answer what is said about the plan in a folder, loaded from there."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        load("plan.yaml")
    except GraphError as error:
        return error.problems
    finally:
        os.chdir(before)
    return ()


@pytest.mark.parametrize("name", NAMES)
def test_problems_stand_where_the_files_are_marked(name: str, tmp_path: Path) -> None:
    """Every guilty token of every file is named at once, each in its own file, and nothing else."""
    marks = unmarked(name, tmp_path)
    found = problems_of(tmp_path)
    places = [(each.where.file, each.where.line, each.where.column, each.where.end) for each in found if each.where]

    assert len(found) == len(places)
    assert sorted(marks) == sorted(places), render(found)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_said_reads_like_a_colleague(name: str, tmp_path: Path) -> None:
    """The whole text is what a person has read and found good."""
    unmarked(name, tmp_path)

    assert (GOLDEN / f"{name}.txt").read_text("utf-8") == render(problems_of(tmp_path))


def test_there_is_a_fixture_for_each_text() -> None:
    """No golden text is left behind."""
    assert [f"{name}.txt" for name in NAMES] == sorted(path.name for path in GOLDEN.iterdir())


def written(folder: Path, **files: str) -> Loaded:
    """Write files into a folder, `/` in a name as `__`, and load `plan.yaml`."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    return load(str(folder / "plan.yaml"))


INNER = "tasks: {build: {run: make}, test: {run: make test, needs: [build]}, note: {run: date}}"


def test_tasks_of_a_group_stand_under_its_name_and_before_those_of_the_file(tmp_path: Path) -> None:
    """Ids, needs and scopes are those of the group; a group inside a group has both names."""
    loaded = written(
        tmp_path,
        plan="tasks: {end: {run: date, needs: [outer.deep.test]}}\ninclude: {outer: outer.yaml}",
        outer="include: {deep: inner.yaml}\ntasks: {own: {run: date, needs: [deep.build]}}",
        inner=INNER,
    )
    tasks = loaded.graph.tasks

    assert ["outer.deep.build", "outer.deep.test", "outer.deep.note", "outer.own", "end"] == list(tasks)
    assert list(range(5)) == [task.index for task in tasks.values()]
    assert ("outer.deep.build",) == tasks["outer.deep.test"].needs == tasks["outer.own"].needs
    assert ["outer.deep", "outer", ""] == [tasks[name].scope for name in ("outer.deep.note", "outer.own", "end")]
    assert [("outer", ""), ("outer.deep", "outer")] == [(each.id, each.scope) for each in loaded.graph.groups.values()]
    assert tuple(tasks)[:4] == loaded.graph.groups["outer"].tasks


def test_a_group_that_is_needed_stands_for_all_its_tasks(tmp_path: Path) -> None:
    """Whoever needs a group needs each task of it; those with which a group begins need what the group does."""
    loaded = written(
        tmp_path,
        plan="""
            include:
              one: inner.yaml
              two: {file: inner.yaml, needs: [one, first, db]}
            services: {db: {run: serve}}
            tasks: {first: {run: date}, last: {run: date, needs: [two, first]}}
        """,
        inner=INNER,
    )
    tasks, ones = loaded.graph.tasks, ("one.build", "one.test", "one.note")

    assert ("two.build", "two.test", "two.note", "first") == tasks["last"].needs
    assert ("two",) == tasks["last"].groups
    assert (*ones, "first", "db") == tasks["two.build"].needs == tasks["two.note"].needs
    assert (*ones, "first") == tasks["two.build"].outer
    assert ("two.build", "db") == tasks["two.test"].needs
    assert ("db",) == tasks["two.build"].own_needs
    assert (ones, ("one",)) == (loaded.graph.groups["two"].needs[:3], loaded.graph.groups["two"].groups)


def test_parameters_are_handed_over_or_have_their_defaults(tmp_path: Path) -> None:
    """What `with` gives counts, over the parameters of the file it stands in; the command line overrides it."""
    graph = written(
        tmp_path,
        plan="""
            params: {url: {type: url, default: "http://a"}, limit: {type: duration, default: 2m}, none: {default: null}}
            include:
              one: sub/one.yaml
              two:
                file: sub/one.yaml
                with:
                  url: ${{ params.url }}/x
                  limit: ${{ params.limit }}
                  file: here.txt
                  name: ${{ params.none }}
        """,
        sub__one="""
            params:
              url: {type: url, default: "http://b"}
              limit: {type: duration, default: 5s}
              file: {type: path, default: there.txt}
              name: {default: me}
            include: {deep: {file: deep.yaml, with: {what: "${{ params.url }}"}}}
        """,
        sub__deep="params: {what: {}}\ntasks: {a: {run: date}}",
    ).graph
    found = resolve_params(graph, {"url": "http://c", "one.url": "http://d"})

    assert {"url": "http://c", "limit": 120.0, "none": None} == params_of("", found)
    there, here = str(tmp_path / "sub/there.txt"), str(tmp_path / "here.txt")
    assert {"url": "http://d", "limit": 5.0, "file": there, "name": "me"} == params_of("one", found)
    assert {"url": "http://c/x", "limit": 120.0, "file": here, "name": None} == params_of("two", found)
    assert ["http://d", "http://c/x"] == [found["one.deep.what"], found["two.deep.what"]]
    with pytest.raises(GraphError, match=r"the parameter `two\.url` must be a URL"):
        resolve_params(graph, {"url": "", "one.url": "http://d"})


def test_of_a_pool_there_is_one_and_the_outermost_file_sizes_it(tmp_path: Path) -> None:
    """A pool of an included file is one of the run; the including file may make it larger or slower."""
    inner = "pools: {db: {size: 2, rate: 5/m}, disk: {size: 1, rate: 1/s}}\ntasks: {a: {run: date, pools: {db: 2}}}"
    graph = written(tmp_path, plan="pools: {db: 9}\ninclude: {one: one.yaml, two: one.yaml}", one=inner).graph

    assert {"db": 9, "disk": 1} == graph.pools
    assert {"disk": Rate(count=1, seconds=1.0)} == graph.rates


def test_what_belongs_to_a_run_is_said_not_to_count_in_an_included_file(tmp_path: Path) -> None:
    """`fail_fast` and `deadline` draw a warning where they stand; `workers` are those of the file that is run."""
    inner = "workers: 3\nfail_fast: true\ndeadline: 5m\ntasks: {a: {run: date}}"
    loaded = written(tmp_path, plan="workers: 2\ninclude: {one: one.yaml, two: one.yaml}", one=inner)

    assert [("only-alone", 2), ("only-alone", 3)] == [(e.code, e.where and e.where.line) for e in loaded.warnings]
    assert (2, False, None) == (loaded.graph.workers, loaded.graph.fail_fast, loaded.graph.deadline)


def test_the_digest_is_that_of_all_files(tmp_path: Path) -> None:
    """A change of any file is a change of the graph; without included files it is the digest of the one there is."""
    files = {"plan": "include: {one: one.yaml}", "one": "include: {two: two.yaml}", "two": INNER}
    digests = {written(tmp_path, **files).digest}
    for name, text in files.items():
        digests.add(written(tmp_path, **{**files, name: f"{text}\n# later"}).digest)

    assert 4 == len(digests)
    assert written(tmp_path, **files).graph.digest in digests
    assert hashlib.sha256(INNER.encode()).hexdigest() == load(str(tmp_path / "two.yaml")).digest


def test_how_many_files_may_lie_in_each_other_has_an_end(tmp_path: Path) -> None:
    """A chain of twenty is read and a longer one refused, and so is what would come to more than a thousand groups."""
    for number in range(DEEPEST):
        (tmp_path / f"{number}.yaml").write_text(f"include: {{a: {number + 1}.yaml}}", "utf-8")
    (tmp_path / f"{DEEPEST}.yaml").write_text(INNER, "utf-8")
    assert 3 == len(load(str(tmp_path / "0.yaml")).graph.tasks)
    (tmp_path / "plan.yaml").write_text("include: {a: 0.yaml}", "utf-8")
    with pytest.raises(GraphError, match="deeper than 20 files"):
        load(str(tmp_path / "plan.yaml"))
    for number in range(10):
        twice = f"include: {{a: {number + 1}.yaml, b: {number + 1}.yaml}}"
        (tmp_path / f"{number}.yaml").write_text(twice, "utf-8")
    (tmp_path / "10.yaml").write_text(INNER, "utf-8")
    with pytest.raises(GraphError, match="more than 1000 files"):
        load(str(tmp_path / "0.yaml"))


def test_groups_can_be_chosen_by_name(tmp_path: Path) -> None:
    """On the command line a group stands for all its tasks, and what is left of groups goes with what is chosen."""
    plan = "include: {one: inner.yaml, two: {file: inner.yaml, needs: [one]}}\ntasks: {a: {run: date, needs: [two]}}"
    graph = written(tmp_path, plan=plan, inner=INNER).graph
    only, until = select(graph, Wish(only=("one",))), select(graph, Wish(until=("two.build",)))
    without = select(graph, Wish(skip=("two",)))

    assert ["one.build", "one.test", "one.note"] == list(only.graph.tasks)
    assert ["one"] == list(only.graph.groups)
    assert ["one.build", "one.test", "one.note", "two.build"] == list(until.graph.tasks)
    assert ("two.build",) == until.graph.groups["two"].tasks
    assert ("two.build", "two.test", "two.note") == without.skipped
    with pytest.raises(NothingSelected, match="did you mean `two`"):
        select(graph, Wish(only=("tow",)))


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for fixture in NAMES:
        with tempfile.TemporaryDirectory() as place:
            unmarked(fixture, Path(place))
            (GOLDEN / f"{fixture}.txt").write_text(render(problems_of(Path(place))), "utf-8")
    sys.stdout.write(f"{len(NAMES)} texts\n")
