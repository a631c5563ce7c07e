"""Files of environment variables: `NAME=value` lines to a mapping, or every problem they have. Knows no shell.

A line of such a file may hold a secret, and where one is broken nobody knows which part of it is. So problems say the
line and the column, and never show what stands there.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from runner.errors import GraphError, Problem
from runner.graph import source
from runner.graph.check import Loaded
from runner.graph.model import variables_around
from runner.graph.source import Source, Span

LARGEST = 2**20
"""Bytes of such a file: an environment takes hardly more."""
_ENTRY = cache(lambda: re.compile(r"[ \t]*(?:export[ \t]+)?(?P<name>[^=\n]*?)[ \t]*(?P<sign>=)[ \t]*"))
_NAME = cache(lambda: re.compile(r"[A-Za-z_][A-Za-z0-9_]*"))
_QUOTED = {
    "'": cache(lambda: re.compile("'([^']*)'")),
    '"': cache(lambda: re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)),
}
_BEHIND = cache(lambda: re.compile(r"[ \t]*(?:#.*)?"))
_ESCAPE = cache(lambda: re.compile(r"\\(.)", re.DOTALL))
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "$": "$", "`": "`", "\n": ""}


class EnvFiles(Struct, frozen=True, kw_only=True):
    """The variables that files give, but for those that come before them: the root's, and of each task its own.

    The shell comes before all of them, and `env` at the root before those of a task. Those of the roots of `included`
    graphs are there by group; what files around them give comes before them.
    """

    root: Mapping[str, str] = field(default_factory=dict)
    tasks: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    included: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def read_env_files(loaded: Loaded, shell: Mapping[str, str]) -> EnvFiles:
    """Read every file that a graph names; `shell` is what comes before them.

    Raises:
        GraphError: a file cannot be read, or has lines that are none; holds everything that is wrong.

    """
    roots: dict[str, Mapping[str, str]] = {}
    tasks: dict[str, Mapping[str, str]] = {}
    problems: dict[Problem, None] = {}
    for scope, file in {"": loaded, **loaded.included}.items():
        reading, begin = _Reading(file), f"{scope}." if scope else ""
        roots[scope] = _without(reading.all(("env_file",), file.graph.env_file), shell)
        before = (shell, *variables_around(loaded.graph, scope))
        for spec in file.graph.tasks.values():
            if spec.env_file and not spec.scope:
                own = reading.all(("tasks", spec.id, "env_file"), spec.env_file)
                tasks[f"{begin}{spec.id}"] = _without(own, *before)
        problems |= dict.fromkeys(reading.problems)
    if problems:
        raise GraphError(tuple(problems))
    root = roots.pop("")
    return EnvFiles(root=root, tasks=tasks, included={scope: given for scope, given in roots.items() if given})


class _Reading:
    """Reads files, each of them once."""

    def __init__(self, loaded: Loaded) -> None:
        self.problems: list[Problem] = []
        self._loaded = loaded
        self._known: dict[str, Mapping[str, str]] = {}

    def all(self, path: source.Path, names: Sequence[str]) -> dict[str, str]:
        """Answer the variables of some files; the later file counts."""
        found: dict[str, str] = {}
        for index, name in enumerate(names):
            if name not in self._known:
                self._known[name] = self._file(name, self._place(path, index))
            found |= self._known[name]
        return found

    def _place(self, path: source.Path, index: int) -> Span:
        written: Any = self._loaded.document.data
        for step in path:
            written = written[step]
        return self._loaded.document.value((*path, index) if isinstance(written, list) else path)

    def _file(self, name: str, where: Span) -> Mapping[str, str]:
        file = str(Path(self._loaded.graph.file).parent / name)
        try:
            content = _content(file)
        except FileNotFoundError:
            self._say(
                "no-env-file", f"there is no file `{file}`", where, "it is looked for from the graph file's folder"
            )
            return {}
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            self._say("no-env-file", f"`{file}` cannot be read: {why}", where)
            return {}
        values, problems = variables_in(file, content)
        self.problems += problems
        return values

    def _say(self, code: str, message: str, where: Span, hint: str = "") -> None:
        self.problems.append(self._loaded.document.source.problem(code, message, where, hint=hint))


def digest_without(file: Path, secrets: Collection[str]) -> str:
    """Answer a digest of what a file says, of secrets only that they are there; "" if it cannot be read."""
    try:
        values, _ = variables_in(str(file), _content(str(file)))
    except (OSError, ValueError):  # a border: whoever runs it is told
        return ""
    shown = sorted((name, "" if name in secrets else value) for name, value in values.items())
    return sha256(repr(shown).encode(errors="surrogatepass")).hexdigest()


def variables_in(file: str, content: bytes) -> tuple[dict[str, str], list[Problem]]:
    """Answer the variables of a file, and what is wrong with it."""
    try:
        text = Source(file=file, text=content.decode("utf-8-sig").replace("\r\n", "\n"))
    except UnicodeDecodeError as error:
        text = Source(file=file, text=content[: error.start].decode("utf-8-sig"))
        end = len(text.text)
        return {}, [_problem(text, "encoding", "this is not UTF-8", (end, end), "save the file as UTF-8")]
    values: dict[str, str] = {}
    places: dict[str, Span] = {}
    problems: list[Problem] = []
    for found in _entries(text):
        if isinstance(found, Problem):
            problems.append(found)
            continue
        name, value, where = found
        if name in values:
            problem = _problem(text, "duplicate-key", f"`{name}` stands twice", where, "remove one of the two")
            first = replace(text.related("the first", places[name]), excerpt="")
            problems.append(replace(problem, related=(first,)))
        values[name], places[name] = value, places.get(name, where)
    return values, problems


def _entries(text: Source) -> Iterator[tuple[str, str, Span] | Problem]:
    """Yield each variable with its value and the place of its name, or what is wrong."""
    whole, at = text.text, 0
    while at < len(whole):
        end = _end_of_line(whole, at)
        line = whole[at:end].strip(" \t")
        if line and not line.startswith("#"):
            found, end = _entry(text, at, end)
            yield found
        at = end + 1


def _entry(text: Source, at: int, end: int) -> tuple[tuple[str, str, Span] | Problem, int]:
    """Read the entry that begins in a line; answers where its last line ends."""
    whole = text.text
    start = at + len(whole[at:end]) - len(whole[at:end].lstrip(" \t"))
    entry = _ENTRY().match(whole, at, end)
    if entry is None:
        hint = "write `NAME=value`; a comment begins with `#`, a text over several lines stands in quotes"
        return _problem(text, "env-syntax", "this line has no `=`", (start, end), hint), end
    name, where = entry["name"], entry.span("name")
    if not _NAME().fullmatch(name):
        hint = "use letters, digits and `_`, and begin with no digit; a text over several lines stands in quotes"
        where = where if name else entry.span("sign")
        return _problem(text, "bad-name", "what stands before this `=` is no name of a variable", where, hint), end
    quote = whole[entry.end() : entry.end() + 1] if entry.end() < end else ""
    if quote not in _QUOTED:
        value, begin = whole[entry.end() : end], entry.end()
        comment = re.search(r"(?:^|[ \t])#", value)
        value = (value[: comment.start()] if comment else value).rstrip(" \t")
        nul = value.find("\0")
        return (name, value, where) if nul < 0 else _nul(text, begin + nul), end
    return _quoted(text, (name, where), entry.end(), quote)


def _quoted(text: Source, named: tuple[str, Span], at: int, quote: str) -> tuple[tuple[str, str, Span] | Problem, int]:
    whole, (name, where) = text.text, named
    found = _QUOTED[quote]().match(whole, at)
    if found is None:
        return _problem(text, "env-syntax", "this quote is never closed", (at, at + 1)), len(whole)
    end = _end_of_line(whole, found.end())
    if not _BEHIND().fullmatch(whole, found.end(), end):
        hint = 'a quote inside of quotes is written `\\"`' if quote == '"' else "a text with `'` in it stands in `\"`"
        behind = whole[found.end() : end]
        place = (end - len(behind.lstrip(" \t")), end)
        return _problem(text, "env-syntax", "something stands behind the closing quote", place, hint), end
    value = found[1] if quote == "'" else _ESCAPE().sub(lambda each: _ESCAPED.get(each[1], each[0]), found[1])
    nul = whole.find("\0", at, found.end())
    return (name, value, where) if nul < 0 else _nul(text, nul), end


def _content(file: str) -> bytes:
    """Read a file of a bounded size.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no plain file, or too large.

    """
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe is not waited for
    with open(descriptor, "rb") as reading:  # noqa: PTH123  # a descriptor
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is no plain file")
        content = reading.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ValueError(f"it has more than {LARGEST // 2**20} MiB")
    return content


def _problem(text: Source, code: str, message: str, where: Span, hint: str = "") -> Problem:
    return replace(text.problem(code, message, where, hint=hint), excerpt="")


def _nul(text: Source, at: int) -> Problem:
    return _problem(
        text, "unreadable-character", "a NUL character cannot stand in a variable", (at, at + 1), "delete it"
    )


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _without(values: Mapping[str, str], *before: Mapping[str, object]) -> dict[str, str]:
    return {name: value for name, value in values.items() if not any(name in each for each in before)}
