"""YAML text to plain data that remembers the place of every key and value. The only module that knows YAML.

Theory of operation. libyaml's event stream (PyYAML's own where it is missing) is folded into plain dicts and lists, and
beside each container into a dict or list of the places of its items. We build the data ourselves because we want it
differently: keys are texts, written twice is an error, only the numbers and truths of YAML 1.2 are read as such, tags
mean nothing. An alias shares its anchor's container, so ten aliases of ten aliases cost nothing here; but everybody
behind us walks the data, so what an alias would unfold to is counted and bounded, and so is the depth.

A fault that leaves the rest readable becomes a problem and its value null; one that does not ends the reading. Marks
are only ever looked at as offsets: YAML counts other line ends than an editor does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from runner.errors import GraphError
from runner.graph.source import Document, Source
from runner.graph.tree import Tree
from runner.graph.yaml_faults import explained

_EVENTS = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def read_yaml(source: Source) -> Document:
    """Read YAML text.

    Raises:
        GraphError: it is not YAML, or nothing but comments.

    """
    tree = Tree(source)
    try:
        for event in _events(source.text):
            _feed(tree, event)
    except yaml.MarkedYAMLError as error:
        fault = explained(source, error.problem or "", _index(error.context_mark), _index(error.problem_mark))
        raise GraphError([*tree.problems, fault]) from None
    return tree.document()


def _events(text: str) -> Iterator[Any]:
    loader = _EVENTS(text)
    try:
        event = loader.get_event()
        while event.__class__ is not yaml.StreamEndEvent:
            yield event
            event = loader.get_event()
    finally:
        loader.dispose()


def _feed(tree: Tree, event: Any) -> None:
    kind = event.__class__
    start, end = event.start_mark.index, event.end_mark.index
    if kind is yaml.ScalarEvent:
        tree.scalar(event.value, start, end, plain=event.implicit[0], anchor=event.anchor, tag=event.tag)
    elif kind is yaml.MappingStartEvent:
        tree.open({}, start, end, anchor=event.anchor, tag=event.tag)
    elif kind is yaml.SequenceStartEvent:
        tree.open([], start, end, anchor=event.anchor, tag=event.tag)
    elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
        tree.close(end)
    elif kind is yaml.AliasEvent:
        tree.alias(event.anchor, start, end)
    elif kind is yaml.DocumentStartEvent:
        tree.begin(start, end)


def _index(mark: yaml.Mark | None) -> int | None:
    return None if mark is None else mark.index
