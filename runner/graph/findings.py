"""What was found wrong with one document, collected until all of it has been looked at. Knows no rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from runner.errors import Place, Problem, Related
from runner.graph.near import nearest
from runner.graph.source import Document, Path, Span

_MOST_COMPARISONS = 50_000
"""Looking for a near name compares with all names; beyond so many comparisons hints are not worth the wait."""


class Findings:
    """Collects problems, each with its place."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.spoilt: set[Path] = set()
        self._problems = list(document.problems)
        self._spoilt_places = {_start(problem.where) for problem in document.problems}
        self._secrets: set[str] = set()
        self._comparisons = 0

    @property
    def any(self) -> bool:
        """Whether something is wrong."""
        return bool(self._problems)

    def sorted(self) -> tuple[Problem, ...]:
        """Answer all problems in the order of the file, with no secret's value in them."""
        ordered = sorted(self._problems, key=lambda each: (each.where or Place(file=""), each.code, each.message))
        return tuple(self._masked(problem) for problem in ordered)

    def at_key(self, path: Path, code: str, message: str, *, hint: str = "") -> None:
        """Report what is wrong with a key, or with an item of a list."""
        self.at(self.document.key(path), code, message, hint=hint)

    def at_value(self, path: Path, code: str, message: str, *, hint: str = "") -> None:
        """Report what is wrong with a value."""
        self.at(self.document.value(path), code, message, hint=hint)

    def inside(self, path: Path, span: Span, code: str, message: str, *, hint: str = "") -> None:
        """Report what is wrong with some characters of a text; `span` is offset and length in it."""
        self.at(self.document.inside(path, *span), code, message, hint=hint)

    def at(
        self, span: Span, code: str, message: str, *, hint: str = "", note: str = "", related: Sequence[Related] = ()
    ) -> None:
        """Report a problem, unless reading the file found one at the same place already."""
        problem = self.document.source.problem(code, message, span, hint=hint, note=note, related=related)
        if _start(problem.where) not in self._spoilt_places:
            self._problems.append(problem)

    def keep_out(self, secret: str) -> None:
        """Keep a text out of every problem: it is the value of a secret that stands in the file."""
        if secret:
            self._secrets.add(secret)

    def near(self, name: str, names: Iterable[str]) -> str:
        """Answer a hint if one of the names may be what was meant, else ""."""
        known = list(names)
        self._comparisons += len(known)
        if self._comparisons > _MOST_COMPARISONS:
            return ""
        found = nearest(name, known)
        return "" if found is None else f"did you mean `{found}`?"

    def _masked(self, problem: Problem) -> Problem:
        if not self._secrets:
            return problem
        return replace(
            problem,
            message=self._mask(problem.message),
            excerpt=self._mask(problem.excerpt),
            hint=self._mask(problem.hint),
            related=tuple(replace(each, excerpt=self._mask(each.excerpt)) for each in problem.related),
        )

    def _mask(self, text: str) -> str:
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "*" * len(secret))
        return text


def _start(where: Place | None) -> tuple[int, int] | None:
    return None if where is None else (where.line, where.column)
