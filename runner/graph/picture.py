"""Pictures of a graph as text: mermaid, DOT, SVG, lines and JSON. networkx does the graph work. Knows no run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import TypeAlias

import networkx as nx

from runner.graph.model import Graph

BOX_WIDTH, BOX_HEIGHT, COLUMN, ROW, EDGE = 180, 36, 260, 60, 20
"""Pixels of an SVG: a box, and from one column or row to the next."""
SWEEPS = 4
"""Barycentre sweeps that untangle the rows of an SVG; more change nothing that an eye could see."""

Net: TypeAlias = "nx.DiGraph[str]"


def net_of(graph: Graph) -> Net:
    """Answer tasks and services as a directed graph, from what is needed to what needs it."""
    net: Net = nx.DiGraph(groups={group.id: group.scope for group in graph.groups.values()})
    for service in graph.services.values():
        net.add_node(service.id, kind="service", desc="", scope=service.scope)
    for task in graph.tasks.values():
        net.add_node(task.id, kind="task", desc=task.desc, scope=task.scope)
    net.add_edges_from((need, task.id) for task in graph.tasks.values() for need in task.needs)
    return net


def reduced(net: Net) -> Net:
    """Answer the graph without the edges that follow from others."""
    less = nx.transitive_reduction(net)
    less.add_nodes_from(net.nodes(data=True))
    less.graph |= net.graph
    return less


def mermaid(net: Net) -> str:
    """Write a flowchart for Markdown; services are rounded, included graphs are subgraphs."""
    names = {node: f"n{number}" for number, node in enumerate(net)}
    groups = {group: f"g{number}" for number, group in enumerate(_groups(net))}

    def box(node: str, kind: str) -> str:
        return f"{names[node]}([{_label(node)}])" if kind == "service" else f"{names[node]}[{_label(node)}]"

    lines = _nested(net, box, lambda group: f"subgraph {groups[group]}[{_label(group)}]", "end")
    return "\n".join(["flowchart LR", *lines, *(f"    {names[a]} --> {names[b]}" for a, b in net.edges)])


def dot(net: Net) -> str:
    """Write a digraph for Graphviz; services are ellipses, included graphs are clusters."""

    def box(node: str, kind: str) -> str:
        return f"{_quoted(node)} [shape=ellipse]" if kind == "service" else _quoted(node)

    head = ["digraph {", "    rankdir=LR", '    node [shape=box, fontname="sans-serif"]']
    lines = _nested(net, box, lambda group: f"subgraph {_quoted(f'cluster {group}')} {{ label={_quoted(group)}", "}")
    return "\n".join([*head, *lines, *(f"    {_quoted(a)} -> {_quoted(b)}" for a, b in net.edges), "}"])


def ascii_lines(net: Net) -> str:
    """Write one line a layer: what stands in a line needs only what stands above it."""
    signs = {node: f"({node})" if kind == "service" else node for node, kind in _kinds(net)}
    layers = enumerate(nx.topological_generations(net), start=1)
    return "\n".join(f"{number:>3}  {'  '.join(signs[node] for node in layer)}" for number, layer in layers)


def as_json(net: Net) -> str:
    """Write nodes and edges for programs."""
    nodes = [{"id": node, "kind": data["kind"], "desc": data["desc"]} for node, data in net.nodes(data=True)]
    return json.dumps({"nodes": nodes, "edges": [{"from": a, "to": b} for a, b in net.edges]}, indent=2)


def svg(net: Net) -> str:
    """Draw the layers as columns, with the rows untangled by a few barycentre sweeps."""
    columns = _untangled(net, [list(layer) for layer in nx.topological_generations(net)])
    place = {node: (x, y) for x, column in enumerate(columns) for y, node in enumerate(column)}
    width = EDGE * 2 + COLUMN * (len(columns) - 1) + BOX_WIDTH if columns else EDGE * 2
    height = EDGE * 2 + ROW * max((len(column) for column in columns), default=0)
    shapes = [_edge(place[a], place[b]) for a, b in net.edges]
    shapes += [_box(node, place[node], net.nodes[node]) for node in net]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return "\n".join([f'{head} font-family="sans-serif" font-size="13">', *shapes, "</svg>"])


FORMATS: Mapping[str, Callable[[Net], str]] = {
    "mermaid": mermaid,
    "dot": dot,
    "svg": svg,
    "ascii": ascii_lines,
    "json": as_json,
}


# -- the helpers -------------------------------------------------------------------------------------------------------


def _kinds(net: Net) -> list[tuple[str, str]]:
    return [(node, data["kind"]) for node, data in net.nodes(data=True)]


def _groups(net: Net) -> Mapping[str, str]:
    """Answer the included graphs, each with the one around it."""
    groups: Mapping[str, str] = net.graph["groups"]
    return groups


def _nested(
    net: Net, box: Callable[[str, str], str], begin: Callable[[str], str], end: str, within: str = ""
) -> list[str]:
    """Write each node in a line, those of an included graph between two lines of its own."""
    lines: list[str] = []
    for group in (group for group, around in _groups(net).items() if around == within):
        inner = _nested(net, box, begin, end, group)
        lines += (begin(group), *inner, end) if inner else ()
    lines += [box(node, data["kind"]) for node, data in net.nodes(data=True) if data["scope"] == within]
    return [f"    {line}" for line in lines]


def _label(name: str) -> str:
    return '"' + escape(name).replace("`", "&#96;") + '"'


def _quoted(node: str) -> str:
    return '"' + node.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _untangled(net: Net, columns: list[list[str]]) -> Sequence[Sequence[str]]:
    for _ in range(SWEEPS):
        for before, column in pairwise(columns):
            row = {node: number for number, node in enumerate(before)}
            column.sort(key=lambda node: _middle([row[need] for need in net.predecessors(node) if need in row]))
    return columns


def _middle(rows: Sequence[int]) -> float:
    return sum(rows) / len(rows) if rows else 0.0


def _corner(place: tuple[int, int]) -> tuple[int, int]:
    return EDGE + COLUMN * place[0], EDGE + ROW * place[1]


def _edge(start: tuple[int, int], end: tuple[int, int]) -> str:
    (x1, y1), (x2, y2) = _corner(start), _corner(end)
    x1, y1, y2, bend = x1 + BOX_WIDTH, y1 + BOX_HEIGHT // 2, y2 + BOX_HEIGHT // 2, (COLUMN - BOX_WIDTH) // 2
    return f'<path d="M{x1} {y1} C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}" fill="none" stroke="#888"/>'


def _box(node: str, place: tuple[int, int], data: Mapping[str, str]) -> str:
    x, y = _corner(place)
    rounded = BOX_HEIGHT // 2 if data["kind"] == "service" else 4
    text = node if len(node) <= 24 else node[:23] + "…"
    rect = f'<rect x="{x}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="{rounded}" fill="#eef" stroke="#557"/>'
    middle = f'x="{x + BOX_WIDTH // 2}" y="{y + BOX_HEIGHT // 2 + 5}" text-anchor="middle"'
    title = escape(f"{node}: {data['desc']}" if data["desc"] else node)
    return f"<g><title>{title}</title>{rect}<text {middle}>{escape(text)}</text></g>"
