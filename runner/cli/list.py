"""`list`: the tasks of a graph, what each is for and what it needs. Starts nothing."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.graph.model import Graph, TaskSpec


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `list`."""
    parser.add_argument("graph", metavar="GRAPH", help="the graph file")
    parser.add_argument("--json", action="store_true", help="print the tasks as JSON")


def main(chosen: argparse.Namespace) -> int:
    """Print the tasks in the order of the file."""
    from runner.graph.check import load

    graph = load(chosen.graph).graph
    if chosen.json:
        rows = [
            {"id": task.id, "desc": task.desc, "needs": list(task.needs), "tags": list(task.tags)}
            for task in graph.tasks.values()
        ]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return 0
    wide = max((len(name) for name in graph.tasks), default=0)
    for task in graph.tasks.values():
        needs = f"(needs {', '.join(_short(task, graph))})" if task.needs else ""
        print(f"{task.id:<{wide}}  {task.desc} {needs}".rstrip())
    return 0


def _short(task: TaskSpec, graph: Graph) -> list[str]:
    """Answer what a task needs, in place of all tasks of a group that it needs the group."""
    inside = {name: group for group in task.groups for name in graph.groups[group].tasks}
    return list(dict.fromkeys(inside.get(need, need) for need in task.needs))
