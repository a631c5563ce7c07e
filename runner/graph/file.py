"""A graph file to plain data with the places of its parts: YAML, or JSON where its name says so. Knows no graph."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import unicodedata
from functools import cache
from pathlib import Path as FilePath

from runner.errors import GraphError, Place, Problem, UsageError
from runner.graph.source import Document, Source

LARGEST = 16 * 2**20
"""Bytes that a graph file may hold: some hundred thousand tasks."""

_UNREADABLE = cache(
    lambda: re.compile(
        # what YAML calls not printable
        "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
    )
)
_UNREADABLE_ASCII = re.compile("[^\t\n\r\x20-\x7e]")  # the same, for most files; a range of all of Unicode takes 10 ms
_WIDE = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x00\x00\xfe\xff": "UTF-32"}


def read_document(path: str) -> tuple[Document, str]:
    """Read a graph file; answers its data with their places, and the sha256 of its bytes.

    Raises:
        UsageError: there is no such file.
        GraphError: it cannot be read, or not as YAML or JSON.

    """
    content = _bytes(path)
    source = Source(file=path, text=_text(path, content))
    return _read(source), hashlib.sha256(content).hexdigest()


def _read(source: Source) -> Document:
    if source.file.endswith(".json"):
        from runner.graph.json_file import read_json  # noqa: PLC0415  # one of the two is needed

        return read_json(source)
    from runner.graph.yaml_file import read_yaml  # noqa: PLC0415  # the same, and YAML takes longer to load

    return read_yaml(source)


def _bytes(path: str) -> bytes:
    """Read a regular file of a bounded size: a pipe would have us wait for ever, a device would never end."""
    try:
        with open(path, "rb", opener=_without_waiting) as file:  # only `open` takes an opener
            size = _regular(path, os.fstat(file.fileno()))
            if size > LARGEST:
                message = f"{path} holds {size / 2**20:.0f} MiB; a graph file may hold {LARGEST // 2**20} MiB"
                raise GraphError([Problem(code="too-big", message=message, where=Place(file=path))])
            return file.read(LARGEST)
    except FileNotFoundError:
        raise UsageError(f"there is no file {path}{_near(path)}") from None
    except IsADirectoryError:
        hint = _graphs_in(path)
        problem = Problem(code="not-a-file", message=f"{path} is a folder, not a graph file", hint=hint)
        raise GraphError([problem]) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise GraphError([Problem(code="unreadable", message=f"{path} cannot be read: {reason}")]) from None


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _regular(path: str, found: os.stat_result) -> int:
    """Answer the size of a regular file."""
    if not stat.S_ISREG(found.st_mode):
        kind = "a pipe" if stat.S_ISFIFO(found.st_mode) else "a device"
        hint = "write the graph into a file first"
        raise GraphError([Problem(code="not-a-file", message=f"{path} is {kind}, not a graph file", hint=hint)])
    return found.st_size


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
    found = (_UNREADABLE_ASCII if text.isascii() else _UNREADABLE()).search(text)
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
