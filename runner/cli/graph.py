"""`graph`: a picture of a graph. Starts nothing; networkx is imported here and nowhere on the way to a run."""

from __future__ import annotations

import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `graph`."""
    parser.add_argument("graph", metavar="GRAPH", help="the graph file")
    formats = ("mermaid", "dot", "svg", "ascii", "json")
    parser.add_argument("--format", choices=formats, default="ascii", help="the form of the picture (default: ascii)")
    parser.add_argument("--reduced", action="store_true", help="leave out the edges that follow from others")


def main(chosen: argparse.Namespace) -> int:
    """Print the picture."""
    from runner.graph.check import load
    from runner.graph.picture import FORMATS, net_of, reduced

    net = net_of(load(chosen.graph).graph)
    print(FORMATS[chosen.format](reduced(net) if chosen.reduced else net))
    return 0
