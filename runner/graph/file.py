"""A file to plain data that remembers the place of every key and value. The only module that knows YAML.

Theory of operation. libyaml's event stream (PyYAML's own where it is missing) is folded into plain dicts and lists, and
beside each container into a dict or list of the places of its items. We build the data ourselves because we want it
differently: keys are texts, written twice is an error, only the numbers and truths of YAML 1.2 are read as such, tags
mean nothing. An alias shares its anchor's container, so ten aliases of ten aliases cost nothing here; but everybody
behind us walks the data, so what an alias would unfold to is counted and bounded, and so is the depth.

A fault that leaves the rest readable becomes a problem and its value null; one that does not ends the reading. Marks
are only ever looked at as offsets: YAML counts other line ends than an editor does.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any

import yaml

from runner.errors import GraphError, Place, Problem, UsageError
from runner.graph.json_file import read_json
from runner.graph.source import Document, Source
from runner.graph.tree import Tree
from runner.graph.yaml_faults import explained

_EVENTS = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_UNREADABLE = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"  # what YAML calls not printable
)
_WIDE = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x00\x00\xfe\xff": "UTF-32"}


def read_document(path: str) -> tuple[Document, str]:
    """Read a graph file; answers its data with their places, and the sha256 of its bytes.

    Raises:
        UsageError: there is no such file.
        GraphError: it cannot be read, or not as YAML or JSON.

    """
    content = _bytes(path)
    source = Source(file=path, text=_text(path, content))
    document = read_json(source) if path.endswith(".json") else read_yaml(source)
    return document, hashlib.sha256(content).hexdigest()


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


def _bytes(path: str) -> bytes:
    try:
        return FilePath(path).read_bytes()
    except FileNotFoundError:
        raise UsageError(f"there is no file {path}{_near(path)}") from None
    except IsADirectoryError:
        hint = _graphs_in(path)
        problem = Problem(code="not-a-file", message=f"{path} is a folder, not a graph file", hint=hint)
        raise GraphError([problem]) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise GraphError([Problem(code="unreadable", message=f"{path} cannot be read: {reason}")]) from None


def _near(path: str) -> str:
    others = sorted(str(each) for each in FilePath(path).parent.glob("*.[yj][as]*") if each.is_file())
    return f"; in its folder there are {', '.join(others[:5])}" if others else ""


def _graphs_in(path: str) -> str:
    inside = sorted(each.name for each in FilePath(path).iterdir() if each.suffix in (".yaml", ".yml", ".json"))
    return f"name one of the files in it: {', '.join(inside[:5])}" if inside else "name a .yaml or .json file"


def _text(path: str, content: bytes) -> str:
    for mark, name in _WIDE.items():
        if content.startswith(mark):
            where = Place(file=path)
            message = f"this file is written in {name}, but graph files are UTF-8"
            raise GraphError([Problem(code="encoding", message=message, where=where, hint="save it as UTF-8")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise GraphError([_not_utf8(path, content, error.start)]) from None
    found = _UNREADABLE.search(text)
    if found:
        raise GraphError([_unreadable(Source(file=path, text=text), found)])
    return text


def _not_utf8(path: str, content: bytes, start: int) -> Problem:
    before = len(content[:start].decode("utf-8-sig"))
    source = Source(file=path, text=content.decode("utf-8-sig", errors="replace"))
    message = f"the byte 0x{content[start]:02x} is not UTF-8"
    return source.problem("encoding", message, (before, before + 1), hint="save the file as UTF-8")


def _unreadable(source: Source, found: re.Match[str]) -> Problem:
    number = ord(found[0])
    name = unicodedata.name(found[0], "a NUL character" if number == 0 else "a control character")
    message = f"{name} (U+{number:04X}) cannot stand in a graph file"
    return source.problem("unreadable-character", message, found.span(), hint="delete it; an editor may not show it")
