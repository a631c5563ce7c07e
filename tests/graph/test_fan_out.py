"""A graph grown by its fan-outs: what becomes of the template, what each instance is, and who needs whom."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from runner.errors import GraphError, NothingSelected
from runner.graph.check import fanned_out_for, load
from runner.graph.fan_out import fanned_out, in_order, opened
from runner.graph.model import Foreach, Graph
from runner.graph.select import Wish, select
from runner.graph.values import parse
from tests.kit import graph_of

GRAPH = """
version: 1
params: {folders: {type: list, default: [a, b]}}
tasks:
  before: {run: x}
  power:
    run: x ${{ item }}
    foreach: ${{ params.folders }}
    needs: [before]
    max_parallel: 2
    data_prefix: Task_
    timeout: 5m
    tags: [slow]
  after: {run: x, needs: [power]}
"""


def grown(folder: Path, text: str = GRAPH, **params: object) -> Graph:
    """Load a graph and answer it as it is when a run is opened."""
    (folder / "g.yaml").write_text(text, encoding="utf-8")
    loaded = load(str(folder / "g.yaml"))
    values = {spec.name: spec.default for spec in loaded.graph.params.values()}
    return fanned_out_for(loaded, {**values, **params})[0]  # type: ignore[dict-item]


def test_a_template_is_the_group_of_its_instances(tmp_path: Path) -> None:
    """Instances do what it would; the group only waits for them, and whoever needs the one waits for all."""
    graph = grown(tmp_path)
    group, one = graph.tasks["power"], graph.tasks["power[a]"]

    assert ["before", "power", "power[a]", "power[b]", "after"] == list(graph.tasks)
    assert ("power[a]", "power[b]") == group.instances == group.needs
    assert ({}, None, None, 0.0) == (dict(group.claims), group.data_prefix, group.timeout, group.estimate)
    assert one.part is not None
    assert ("power", "item", "a") == (one.part.of, one.part.root, one.part.value)
    assert (("before",), 300.0) == (one.needs, one.timeout)
    assert {"max_parallel of power": 1} == dict(one.claims)
    assert 2 == graph.pools["max_parallel of power"]
    assert ("power",) == graph.tasks["after"].needs


def test_each_instance_has_a_prefix_of_its_own(tmp_path: Path) -> None:
    """None begins another, whatever the items are called: what one creates, no other deletes."""
    graph = grown(tmp_path, folders=["a", "a_", "b", "ab", "A", "ä", "a" * 200])
    prefixes = [task.data_prefix or "" for task in graph.tasks.values() if task.part is not None]

    assert 7 == len(set(prefixes))
    assert all(prefix.startswith("Task_") and prefix.isascii() for prefix in prefixes)
    assert not [1 for one in prefixes for other in prefixes if one is not other and other.startswith(one)]


def test_an_instance_is_the_same_whatever_stands_beside_it(tmp_path: Path) -> None:
    """That is why a run that goes on keeps it when others were added."""
    one, other = grown(tmp_path).tasks["power[b]"], grown(tmp_path, folders=["new", "b", "c"]).tasks["power[b]"]

    assert one == replace(other, index=one.index)


def test_no_items_are_an_empty_group(tmp_path: Path) -> None:
    """It is there, and needs nothing more."""
    graph = grown(tmp_path, folders=[])

    assert () == graph.tasks["power"].instances == graph.tasks["power"].needs


def test_who_needs_whom_is_changed_where_it_changes() -> None:
    """A graph that grows while it runs knows the same as one that is looked through anew, in whatever order it grew."""
    items = parse("${{ needs.a.outputs.x }}")
    graph = graph_of(
        "a; b; c: a b; d: a c; e: d c; f: e d a",
        **{name: {"fan": Foreach(items=items)} for name in ("c", "d", "f")},
    )
    for seed in range(20):
        chance, known = Random(seed), graph
        assert known.dependents
        for name in chance.sample(("c", "d", "f"), 3):
            known = fanned_out(known, name, [*range(chance.randint(0, 4))])
        anew = replace(known)

        assert {need: set(names) for need, names in anew.dependents.items()} == {
            need: set(names) for need, names in known.dependents.items()
        }
        assert [task.id for task in in_order(known).tasks.values()] == sorted(
            known.tasks, key=lambda name: (name[0], "[" in name, name)
        )


def test_all_that_is_known_is_taken_in_at_once() -> None:
    """The graph of a run is in the order of the file, each group before its instances."""
    graph = graph_of("a; b", a={"fan": Foreach(items=["x"])}, b={"fan": Foreach(items=["y"])})

    assert ["a", "a[x]", "b", "b[y]"] == list(opened(graph, {"b": ["y"], "a": ["x"]}).tasks)


def test_instances_are_selected_one_by_one_or_together(tmp_path: Path) -> None:
    """The template's id means all of them, an instance's only that one; then the group has no more than that."""
    graph = grown(tmp_path)
    every = select(graph, Wish(only=("power",))).graph
    one = select(graph, Wish(only=("power[b]",))).graph
    tagged = select(graph, Wish(tag=("slow",))).graph
    skipped = select(graph, Wish(skip=("power[a]",)))

    assert ["power", "power[a]", "power[b]"] == list(every.tasks) == list(tagged.tasks)
    assert "power[a]" not in one.tasks
    assert "power[b]" in one.tasks
    assert ("power[a]",) == skipped.skipped
    assert ["power[b]"] == [name for name in select(graph, Wish(until=("power[b]",))).graph.tasks if "[" in name]


def test_an_instance_that_is_not_there_is_answered_with_the_nearest(tmp_path: Path) -> None:
    """As a task that is not there."""
    with pytest.raises(NothingSelected, match=r"power\[a\]"):
        select(grown(tmp_path), Wish(only=("power[A]",)))


@pytest.mark.parametrize(
    ("text", "params", "words"),
    [
        (GRAPH, {"folders": ["a", "a"]}, "items 1 and 2 are both called `a`"),
        (GRAPH.replace("${{ params.folders }}", "${{ params.folders[0] }}"), {}, "`foreach` must be a list"),
        (
            GRAPH.replace("foreach: ${{ params.folders }}", "matrix: {x: '${{ params.folders[0] }}'}").replace(
                "item", "matrix.x"
            ),
            {},
            "`matrix.x` must be a list: `params.folders[0]` is a text",
        ),
    ],
)
def test_items_of_parameters_are_judged_where_they_are_written(
    tmp_path: Path, text: str, params: dict[str, object], words: str
) -> None:
    """A parameter may be wrong for a fan-out; the place in the file is shown, and nothing runs."""
    with pytest.raises(GraphError) as error:
        grown(tmp_path, text, **params)
    (problem,) = error.value.problems

    assert words in problem.message
    assert "bad-items" == problem.code
    assert problem.where is not None
    assert 8 == problem.where.line
