"""Where a graph is drawn: behind what it needs, apart from each other, with few crossings, however large it is."""

from __future__ import annotations

from itertools import combinations, pairwise
from random import Random

import networkx as nx
import pytest

from runner.record.render.layout import Layout, laid_out

Needs = dict[str, list[str]]


def some_graph(seed: int) -> Needs:
    """Answer a graph of up to 60 nodes, each with up to 4 needs among those before it."""
    chance = Random(seed)
    count = chance.randint(1, 60)
    return {
        f"n{at}": [f"n{chance.randrange(at)}" for _ in range(chance.randint(0, 4) if at else 0)] for at in range(count)
    }


def crossings(layout: Layout) -> int:
    """Count the pairs of straight pieces between two columns that cross."""
    pieces = [(start, end) for _, _, points in layout.edges for start, end in pairwise(points)]
    return sum(
        first[0][0] == second[0][0] and (first[0][1] - second[0][1]) * (first[1][1] - second[1][1]) < 0
        for first, second in combinations(pieces, 2)
    )


@pytest.mark.parametrize("seeds", [range(first, first + 50) for first in range(0, 200, 50)])
def test_nodes_stand_behind_what_they_need(seeds: range) -> None:
    """In 200 random graphs each node is in a later column than its needs, and no two overlap."""
    for seed in seeds:
        needs = some_graph(seed)
        places = laid_out(needs).places

        assert set(needs) == set(places), seed
        assert all(places[need][0] < places[node][0] for node in needs for need in needs[node]), seed
        for (x, y), (other_x, other_y) in combinations(places.values(), 2):
            assert x != other_x or abs(y - other_y) > 0.999, seed


@pytest.mark.parametrize("seed", range(40))
def test_edges_that_follow_from_others_are_left_out(seed: int) -> None:
    """What is drawn is the transitive reduction, as networkx works it out."""
    needs = some_graph(seed)
    net: nx.DiGraph[str] = nx.DiGraph()
    net.add_nodes_from(needs)
    net.add_edges_from((need, node) for node in needs for need in needs[node])

    assert set(nx.transitive_reduction(net).edges) == {(a, b) for a, b, _ in laid_out(needs).edges}


def test_an_edge_leads_from_end_to_end() -> None:
    """An edge over two columns passes a point in the one between, where nothing stands."""
    layout = laid_out({"a": [], "b": ["a"], "c": ["b"], "x": [], "d": ["c", "x"]})
    points = next(points for a, b, points in layout.edges if (a, b) == ("x", "d"))

    assert [0.0, 1.0, 2.0, 3.0] == [x for x, _ in points]
    assert (points[0], points[-1]) == (layout.places["x"], layout.places["d"])
    assert not {*points[1:-1]} & {*layout.places.values()}


def test_what_can_be_drawn_without_crossings_is() -> None:
    """Crossed pairs in the file are untangled; a phase is a fan that comes together again."""
    crossed = laid_out({"a": [], "b": [], "c": [], "x": ["c"], "y": ["b"], "z": ["a"]})
    phase = laid_out({"s": [], "one": ["s"], "two": ["s"], "three": ["s"], "gate": ["one", "two", "three"]})

    assert 0 == crossings(crossed)
    assert 0 == crossings(phase)
    assert {"s": (0, 1), "one": (1, 0), "two": (1, 1), "three": (1, 2), "gate": (2, 1)} == phase.places


def test_thousands_are_a_block() -> None:
    """Two thousand tasks without needs, and one that needs them all, fit into a picture about as wide as high."""
    layout = laid_out({**{f"n{at}": [] for at in range(2000)}, "end": [f"n{at}" for at in range(2000)]})
    columns, rows = (max(place[axis] for place in layout.places.values()) + 1 for axis in (0, 1))

    assert (33, 63) == (columns, rows)
    assert 32 == layout.places["end"][0]
    assert 2001 == len(set(layout.places.values()))


def test_a_long_chain_is_a_line() -> None:
    """Five thousand tasks one after another need no recursion, and stand on one row."""
    layout = laid_out({f"n{at}": [f"n{at - 1}"] * (at > 0) for at in range(5000)})

    assert {0.0} == {y for _, y in layout.places.values()}


def test_nothing_is_nothing() -> None:
    """No nodes give no places; needs that are no nodes count not."""
    assert ({}, []) == (laid_out({}).places, list(laid_out({}).edges))
    assert {"a": (0.0, 0.0)} == laid_out({"a": ["elsewhere"]}).places
