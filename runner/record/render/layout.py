"""Where to draw the tasks of a graph: in columns from left to right, with few crossings. Pure. Knows no picture.

Theory of operation. A node stands in the column behind the last of its needs. An edge that passes over columns gets a
stand-in in each of them, so that it is led around what is there. Rows are ordered by a few sweeps over the columns,
each node to the middle of its neighbours; then the nodes are moved up or down towards those neighbours, as far as their
order allows. Edges that follow from others are left out. A column of a great many nodes becomes several beside each
other: two thousand tasks that need nothing are a block, not a tower.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

Point: TypeAlias = tuple[float, float]
"""A column and a row, both from 0 on."""
Node: TypeAlias = tuple[str, ...]
"""A task's id alone, or the stand-in of an edge: from, to, column."""

SWEEPS = 6
STAND_INS = 600
"""With more of them edges go straight: nobody could follow them anyway."""
TALLEST = 24
"""Rows from which on a column may be folded into several; more where the graph has many nodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where each node is, and the points each edge passes, its two ends included."""

    places: Mapping[str, Point]
    edges: Sequence[tuple[str, str, Sequence[Point]]]


@dataclass(slots=True, kw_only=True)
class _Net:
    columns: list[list[Node]]
    before: dict[Node, list[Node]] = field(default_factory=dict)
    after: dict[Node, list[Node]] = field(default_factory=dict)


def laid_out(needs: Mapping[str, Sequence[str]]) -> Layout:
    """Lay out nodes, given in the order of the file, each with what it needs; needs that are no nodes count not."""
    depths = _depths(needs)
    edges = _needed(needs, depths)
    net = _net(depths, edges)
    for sweep in range(SWEEPS):
        _sort_rows(net, backwards=sweep % 2 == 1)
    net.columns = [part for column in net.columns for part in _folded(column, len(depths))]
    rows = _rows(net)
    places = {node: (float(x), rows[node]) for x, column in enumerate(net.columns) for node in column}
    ends = {node[0]: place for node, place in places.items() if len(node) == 1}
    return Layout(places=ends, edges=[(a, b, _points(a, b, depths, places)) for a, b in edges])


# -- the columns -------------------------------------------------------------------------------------------------------


def _depths(needs: Mapping[str, Sequence[str]]) -> dict[str, int]:
    depths: dict[str, int] = {}
    for first in needs:
        waiting = [first]
        while waiting:  # no recursion: a chain may be thousands long
            node = waiting[-1]
            unknown = [need for need in needs[node] if need in needs and need not in depths]
            if unknown and node not in depths:
                waiting += unknown
                continue
            waiting.pop()
            depths[node] = max((depths[need] + 1 for need in needs[node] if need in depths), default=0)
    return depths


def _needed(needs: Mapping[str, Sequence[str]], depths: Mapping[str, int]) -> list[tuple[str, str]]:
    """Answer the edges that do not follow from others; sets of ancestors are the bits of whole numbers."""
    bit = {node: 1 << number for number, node in enumerate(needs)}
    above: dict[str, int] = {}
    edges = []
    for node in sorted(depths, key=lambda each: depths[each]):
        known = [need for need in dict.fromkeys(needs[node]) if need in depths]
        beyond = 0
        for need in known:
            beyond |= above[need]
        edges += [(need, node) for need in known if not beyond & bit[need]]
        above[node] = beyond | sum(bit[need] for need in known if not beyond & bit[need])
    return edges


def _net(depths: Mapping[str, int], edges: Sequence[tuple[str, str]]) -> _Net:
    net = _Net(columns=[[] for _ in range(max(depths.values(), default=-1) + 1)])
    for node, depth in depths.items():
        net.columns[depth].append((node,))
    straight = sum(depths[b] - depths[a] - 1 for a, b in edges) > STAND_INS
    for a, b in edges:
        between = [] if straight else [(a, b, str(depth)) for depth in range(depths[a] + 1, depths[b])]
        for depth, stand_in in enumerate(between, depths[a] + 1):
            net.columns[depth].append(stand_in)
        for left, right in pairwise([(a,), *between, (b,)]):
            net.after.setdefault(left, []).append(right)
            net.before.setdefault(right, []).append(left)
    return net


# -- the rows ----------------------------------------------------------------------------------------------------------


def _sort_rows(net: _Net, *, backwards: bool) -> None:
    columns, neighbours = (net.columns[::-1], net.after) if backwards else (net.columns, net.before)
    rows = {node: float(number) for column in columns for number, node in enumerate(column)}
    for column in columns:
        wishes = {node: _middle([rows[each] for each in neighbours.get(node, ())], rows[node]) for node in column}
        column.sort(key=lambda node: wishes[node])
        rows.update((node, float(number)) for number, node in enumerate(column))


def _folded(column: list[Node], nodes: int) -> list[list[Node]]:
    most = max(TALLEST, round((nodes * 2) ** 0.5))
    return [column[first : first + most] for first in range(0, len(column), most)]


def _rows(net: _Net) -> dict[Node, float]:
    tallest = max((len(column) for column in net.columns), default=0)
    rows = {node: number + (tallest - len(column)) / 2 for column in net.columns for number, node in enumerate(column)}
    for sweep in range(SWEEPS):
        neighbours = net.before if sweep % 2 == 0 else net.after
        for column in net.columns if sweep % 2 == 0 else reversed(net.columns):
            wishes = [_middle([rows[each] for each in neighbours.get(node, ())], rows[node]) for node in column]
            rows.update(zip(column, _apart(wishes), strict=True))
    top = min(rows.values(), default=0.0)
    return {node: row - top for node, row in rows.items()}


def _middle(rows: Sequence[float], otherwise: float) -> float:
    return sum(rows) / len(rows) if rows else otherwise


def _apart(wishes: Sequence[float]) -> list[float]:
    """Answer rows at least 1 apart and as near to the wishes as may be: blocks that touch move together."""
    blocks: list[list[float]] = []  # the sum of what its members wish as its first row, how many they are
    for wish in wishes:
        blocks.append([wish, 1])
        while len(blocks) > 1 and _first(blocks[-2]) + blocks[-2][1] > _first(blocks[-1]):
            total, size = blocks.pop()
            blocks[-1][0] += total - size * blocks[-1][1]
            blocks[-1][1] += size
    return [_first(block) + number for block in blocks for number in range(int(block[1]))]


def _first(block: Sequence[float]) -> float:
    return block[0] / block[1]


# -- the points --------------------------------------------------------------------------------------------------------


def _points(a: str, b: str, depths: Mapping[str, int], places: Mapping[Node, Point]) -> list[Point]:
    between: list[Node] = [(a, b, str(depth)) for depth in range(depths[a] + 1, depths[b])]
    return [places[node] for node in ((a,), *between, (b,)) if node in places]
