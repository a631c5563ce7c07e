"""Pictures of a graph: every node and edge is in each of them, and names stay text."""

import json
import re
from xml.etree import ElementTree as ET

import pytest

from runner.graph.picture import FORMATS, net_of, reduced
from tests.kit import graph_of, grouped_of

GRAPH = graph_of("a; b: a db; c: a b; d: c b", services={"db": {}})
EDGES = {("a", "b"), ("db", "b"), ("a", "c"), ("b", "c"), ("c", "d"), ("b", "d")}
LESS = {("a", "b"), ("db", "b"), ("b", "c"), ("c", "d")}


def edges_of(kind: str, text: str) -> set[tuple[str, str]]:
    """Read the edges back out of a picture."""
    if kind == "json":
        return {(edge["from"], edge["to"]) for edge in json.loads(text)["edges"]}
    if kind == "dot":
        return set(re.findall(r'^ +"(.*)" -> "(.*)"$', text, re.MULTILINE))
    names = dict(re.findall(r'^ +(n\d+)\(?\["([^"]*)"', text, re.MULTILINE))
    return {(names[a], names[b]) for a, b in re.findall(r"^ +(n\d+) --> (n\d+)$", text, re.MULTILINE)}


@pytest.mark.parametrize("kind", ["json", "dot", "mermaid"])
def test_every_edge_is_there(kind: str) -> None:
    """Read back, a picture has the edges of the graph; reduced, only those that follow from no others."""
    assert EDGES == edges_of(kind, FORMATS[kind](net_of(GRAPH)))
    assert LESS == edges_of(kind, FORMATS[kind](reduced(net_of(GRAPH))))


def test_lines_go_from_needs_to_dependents() -> None:
    """The lines hold each node once, no node above what it needs, services in brackets."""
    lines = [line.strip() for line in FORMATS["ascii"](net_of(GRAPH)).splitlines()]

    assert ["1  (db)  a", "2  b", "3  c", "4  d"] == lines


def test_an_svg_has_a_box_for_each_node_and_a_line_for_each_edge() -> None:
    """The SVG is well formed and complete, and no box lies over another."""
    root = ET.fromstring(FORMATS["svg"](net_of(GRAPH)))
    space = "{http://www.w3.org/2000/svg}"
    boxes = {(box.get("x"), box.get("y")) for box in root.iter(f"{space}rect")}

    assert len(net_of(GRAPH)) == len(boxes)
    assert len(EDGES) == len(list(root.iter(f"{space}path")))


def test_hostile_names_stay_text() -> None:
    """A name with markup in it is escaped wherever it stands."""
    hostile = '<script>"x"</script>'
    net = net_of(GRAPH)
    net.add_node(hostile, kind="task", desc="</svg>", scope="")

    ET.fromstring(FORMATS["svg"](net))
    assert "<script>" not in FORMATS["mermaid"](net)
    assert f'    "{hostile.replace(chr(34), chr(92) + chr(34))}"' in FORMATS["dot"](net).splitlines()


def test_included_graphs_are_drawn_around_their_tasks() -> None:
    """In mermaid and DOT each is a frame with its name; the edges stay where they are, reduced or not."""
    graph = grouped_of("a; b: a db", "z: g; y", settings={"services": {"db": {}}})
    mermaid = """
flowchart LR
    subgraph g0["g"]
        n0(["g.db"])
        n1["g.a"]
        n2["g.b"]
    end
    n3["z"]
    n4["y"]
    n0 --> n2
    n1 --> n2
    n2 --> n3
"""
    dot = """
digraph {
    rankdir=LR
    node [shape=box, fontname="sans-serif"]
    subgraph "cluster g" { label="g"
        "g.db" [shape=ellipse]
        "g.a"
        "g.b"
    }
    "z"
    "y"
    "g.db" -> "g.b"
    "g.a" -> "g.b"
    "g.a" -> "z"
    "g.b" -> "z"
}
"""

    assert mermaid.strip() == FORMATS["mermaid"](reduced(net_of(graph)))
    assert dot.strip() == FORMATS["dot"](net_of(graph))
