"""Where in a shell command an expression may stand: wherever quoting its value keeps it one word. Knows no expression.

Theory of operation. The runner quotes each value for the shell (`'like this'`), which protects it anywhere a word may
stand. Inside quotes of the command's own, in a comment or in a here-document those quotes are ordinary characters, and
a value such as `$(rm -rf .)` would be run, or end the comment. So such a place is an error of the graph file, found
before anything runs. The command is walked once, character by character, with a stack of what is open. This is not a
shell: where following one would take more (`case` inside `$( )`, quotes inside `${ }`), the walk gives up, and from
there on no place is good. It was held against sh and bash with commands made at random.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

_LOST = "?"
PLACES = {
    "'": "inside single quotes",
    '"': "inside double quotes",
    "$'": "inside `$'…'`",
    "#": "in a comment",
    "<<": "in a here-document",
    "${": "inside `${…}`",
    "((": "in arithmetic",
    "`": "inside backticks",
    "\\": "behind a backslash",
    "$": "behind a `$`",
    _LOST: "behind something too hard to follow",
}
_ANYWHERE = ("((", "`", _LOST)
"""What makes all places inside of it bad, however deep."""

_SUBSTITUTION = cache(lambda: re.compile(r"\$\(\(|\$\(|\$\{|`"))
_OPENING = cache(lambda: re.compile(r"\$\(\(|\(\(|\$\(|\(|\$\{|\$'|['\"`]"))
_HERE_DOCUMENT = cache(
    lambda: re.compile(
        r"<<(?P<tabs>-?)[ \t]*(?:(?P<plain>[\w.-]+)|\\(?P<escaped>[\w.-]+)|(?P<quote>['\"])"
        r"(?P<quoted>[\w. -]+)(?P=quote))"
        r"(?=[\s;&|<>()])"
    )
)
_BEFORE_A_WORD = frozenset(" \t\n;&|<>()`")


class Walk:
    """What is open at some point of a command."""

    def __init__(self) -> None:
        self._open: list[str] = []
        self._before = "\n"
        self._documents: list[tuple[str, bool, bool]] = []
        self._continued = False

    def trouble(self) -> str:
        """Say what a value standing here would be in, "" where it is safe."""
        for sign in _ANYWHERE:
            if sign in self._open:
                return PLACES[sign]
        inner = self._open[-1] if self._open else ""
        if inner in PLACES:
            return PLACES[inner]
        return PLACES[self._before] if self._before in ("\\", "$") else ""

    def value(self) -> None:
        """Pass over a value."""
        self._before = "x"

    def text(self, text: str) -> None:
        """Pass over a piece of the command as it is written."""
        at = 0
        while at < len(text):
            inner = self._open[-1] if self._open else ""
            if inner == "<<":
                at = self._in_here_document(text, at)
            elif inner in ("'", "$'", '"', "#"):
                at = self._in_quotes(inner, text, at)
            else:
                at = self._in_words(inner, text, at)

    def _in_quotes(self, inner: str, text: str, at: int) -> int:
        char = text[at]
        self._before = char
        if inner not in {"'", "#"} and char == "\\":
            return at + 2
        if char == ("\n" if inner == "#" else inner[-1]):
            self._open.pop()
            return at if inner == "#" else at + 1
        if inner == '"' and (opened := _SUBSTITUTION().match(text, at)):
            self._enter(opened[0].replace("$((", "(("))
            return opened.end()
        return at + 1

    def _in_words(self, inner: str, text: str, at: int) -> int:
        char, before = text[at], self._before
        if char == "\\":
            # A line goes on behind a backslash as if nothing were there; any other character loses its meaning.
            self._before = "\\" if at + 1 == len(text) else before if text[at + 1] == "\n" else "x"
            return at + 2
        self._before = char
        if opened := _OPENING().match(text, at):
            return self._opened(inner, opened)
        if char == "#" and before in _BEFORE_A_WORD:
            self._enter(char)
        elif char == ")":
            return at + self._closed_parenthesis(inner, text, at)
        elif char == "}" and inner == "${":
            self._open.pop()
        elif char == "\n" and self._documents:
            self._open.append("<<")
        elif inner in ("(", "$(") and before in _BEFORE_A_WORD and text.startswith("case", at):
            self._open.append(_LOST)  # its `)` cannot be told from the one that closes
        elif inner != "((" and text.startswith("<<", at):
            return self._here_document(text, at)
        return at + 1

    def _opened(self, inner: str, opened: re.Match[str]) -> int:
        sign = opened[0].replace("$((", "((")
        if sign == "`" and "`" in self._open:
            self._leave() if inner == "`" else self._open.append(_LOST)
        elif inner == "${" and sign in ("'", '"', "$'"):
            self._open.append(_LOST)  # shells differ in what a quote means here
        else:
            self._enter(sign)
        return opened.end()

    def _enter(self, sign: str) -> None:
        self._open.append(sign)
        self._before = sign[-1]

    def _leave(self) -> None:
        """Leave a substitution; the word it stands in goes on, unless a here-document was left behind."""
        self._open.pop()
        self._before = "x"
        if self._documents:
            self._open.append(_LOST)

    def _closed_parenthesis(self, inner: str, text: str, at: int) -> int:
        if inner == "((" and text.startswith("))", at):
            self._leave()
            return 2
        if inner == "$(":
            self._leave()
        elif inner == "(":
            self._open.pop()
        return 1

    def _here_document(self, text: str, at: int) -> int:
        if text.startswith("<<<", at):
            return at + 3
        found = _HERE_DOCUMENT().match(text, at)
        if not found:
            self._open.append(_LOST)
            return at + 2
        word = found["plain"] or found["escaped"] or found["quoted"]
        self._documents.append((word, bool(found["tabs"]), found["plain"] is not None))
        self._before = "x"
        return found.end()

    def _in_here_document(self, text: str, at: int) -> int:
        end = text.find("\n", at)
        if end < 0:
            return len(text)
        word, tabs, expands = self._documents[0]
        line = text[at:end].lstrip("\t") if tabs else text[at:end]
        if line == word and not self._continued:
            self._documents.pop(0)
            if not self._documents:
                self._open.pop()
                self._before = "\n"
        elif expands and _goes_on(line):
            self._open.append(_LOST)  # shells differ in where such a document ends
        self._continued = expands and (len(line) - len(line.rstrip("\\"))) % 2 == 1
        return end + 1


def _goes_on(line: str) -> bool:
    """Answer whether a substitution may begin in this line of a here-document and end in another."""
    pairs = (("(", ")"), ("{", "}"))
    return line.count("`") % 2 == 1 or ("$" in line and any(line.count(a) != line.count(b) for a, b in pairs))


def troubles(pieces: Iterable[str | None]) -> list[str]:
    """Walk over a command, in which None stands for a value; answers for each value what it would be in, "" if safe."""
    walk = Walk()
    found: list[str] = []
    for piece in pieces:
        if piece is None:
            found.append(walk.trouble())
            walk.value()
        else:
            walk.text(piece)
    return found
