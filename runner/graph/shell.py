"""Where in a shell command an expression may stand: wherever quoting its value keeps it one word. Knows no expression.

Theory of operation. The runner quotes each value for the shell (`'like this'`), which protects it anywhere a word may
stand. Inside quotes of the command's own, in a comment or in a here-document those quotes are ordinary characters, and
a value such as `$(rm -rf .)` would be run, or end the comment. So such a place is an error of the graph file, found
before anything runs. The command is walked once, character by character, with a stack of what is open; where the shell
and this walk could disagree, the walk says "not here".
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_HERE_DOCUMENT = re.compile(r"<<(?P<tabs>-?)[ \t]*(?P<quote>['\"\\]?)(?P<word>[^\s'\"\\;&|<>()]+)(?P=quote)?")
_SUBSTITUTION = re.compile(r"\$\(\(|\$\(|\$\{|`")
_OPENING = re.compile(r"\$\(\(|\(\(|\$\(|\(|\$\{|\$'|['\"`]")
_BEFORE_A_WORD = frozenset(" \t\n;&|()`")

PLACES = {
    "'": "inside single quotes",
    '"': "inside double quotes",
    "$'": "inside `$'…'`",
    "#": "in a comment",
    "<<": "in a here-document",
    "((": "in arithmetic",
    "${": "inside `${…}`",
    "`": "inside backticks",
    "case": "behind `case` in `$(…)`",
    "\\": "behind a backslash",
    "$": "behind a `$`",
}


class Walk:
    """What is open at some point of a command."""

    def __init__(self) -> None:
        self._open: list[str] = []
        self._before = "\n"
        self._documents: list[tuple[str, bool]] = []

    def trouble(self) -> str:
        """Say what a value standing here would be in, "" where it is safe."""
        inner = self._open[-1] if self._open else ""
        for sign in ("case", "`"):
            if sign in self._open:
                return PLACES[sign]
        if inner in PLACES:
            return PLACES[inner]
        return PLACES.get(self._before, "") if self._before in ("\\", "$") else ""

    def value(self) -> None:
        """Pass over a value."""
        self._before = "x"

    def text(self, text: str) -> None:
        """Pass over a piece of the command as it is written."""
        at = 0
        while at < len(text):
            at = self._step(text, at)

    def _step(self, text: str, at: int) -> int:
        inner = self._open[-1] if self._open else ""
        if inner == "<<":
            return self._in_here_document(text, at)
        if inner in ("'", "$'", '"', "#"):
            return self._in_quotes(inner, text, at)
        return self._in_words(inner, text, at)

    def _in_quotes(self, inner: str, text: str, at: int) -> int:
        char = text[at]
        self._before = char
        if inner not in {"'", "#"} and char == "\\" and at + 1 < len(text):
            return at + 2
        if char == ("\n" if inner == "#" else inner[-1]):
            self._open.pop()
            return at if inner == "#" else at + 1
        if inner == '"' and (opened := _SUBSTITUTION.match(text, at)):
            self._enter(opened[0].replace("$(", "("))
            return opened.end()
        return at + 1

    def _in_words(self, inner: str, text: str, at: int) -> int:
        char, before = text[at], self._before
        self._before = char
        if char == "\\":
            if at + 1 == len(text):
                return at + 1
            self._before = "x"
            return at + 2
        if opened := _OPENING.match(text, at):
            return self._opened(inner, opened)
        if char == "#" and before in _BEFORE_A_WORD:
            self._enter(char)
        elif char == ")":
            return at + self._closed_parenthesis(inner, text, at)
        elif char == "}" and inner == "${":
            self._open.pop()
        elif char == "\n" and self._documents:
            self._open.append("<<")
        elif inner == "(" and before in _BEFORE_A_WORD and text.startswith("case", at):
            self._open.append("case")  # its `)` cannot be told from the one that closes
        elif inner != "((" and text.startswith("<<", at):
            return self._here_document(text, at)
        return at + 1

    def _opened(self, inner: str, opened: re.Match[str]) -> int:
        sign = opened[0].replace("$(", "(")
        if sign == "`" and inner == "`":
            self._open.pop()
        else:
            self._enter(sign)
        return opened.end()

    def _enter(self, sign: str) -> None:
        self._open.append(sign)
        self._before = sign[-1]

    def _closed_parenthesis(self, inner: str, text: str, at: int) -> int:
        if inner == "((" and text.startswith("))", at):
            self._open.pop()
            return 2
        if inner == "(":
            self._open.pop()
        return 1

    def _here_document(self, text: str, at: int) -> int:
        found = _HERE_DOCUMENT.match(text, at)
        if text.startswith("<<<", at) or not found:
            return at + 3
        self._documents.append((found["word"], bool(found["tabs"])))
        return found.end()

    def _in_here_document(self, text: str, at: int) -> int:
        end = text.find("\n", at)
        line = text[at:] if end < 0 else text[at:end]
        word, tabs = self._documents[0]
        if (line.lstrip("\t") if tabs else line) == word:
            self._documents.pop(0)
            if not self._documents:
                self._open.pop()
                self._before = "\n"
        return len(text) if end < 0 else end + 1


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
