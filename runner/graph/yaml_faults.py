"""What a YAML parser complains about, said so that it can be mended. Knows no YAML library, only what its words mean.

A parser notices a fault where it can go on no longer, which is often not where the fault is: a quote left open is
noticed at the end of the file. The words are those of libyaml 0.2 and PyYAML 6, which differ a little.
"""

from __future__ import annotations

import re

from runner.errors import Problem
from runner.graph.source import Source, Span

_QUOTE_IT = "put the text in quotes"


def explained(source: Source, words: str, context: int | None, at: int | None) -> Problem:
    """Turn a parser's words into a problem; the offsets are what it was reading (`context`) and where it stopped."""
    at = len(source.text) if at is None else at
    context = at if context is None else context
    message, span, hint = _explained(source, words, context, at)
    return source.problem("yaml-syntax", message, span, hint=hint)


def _explained(source: Source, words: str, context: int, at: int) -> tuple[str, Span, str]:
    text = source.text
    if "\t" in text[at : at + 1] and ("token" in words or "tab" in words):
        return "a tab stands here, but YAML is indented with spaces", (at, at + 1), "replace it with spaces"
    if "start any token" in words:
        return f"a text cannot begin with `{text[at]}`", (at, at + 1), _QUOTE_IT
    if "unexpected end of stream" in words or "unexpected document indicator" in words:
        return f"this {text[context]} is never closed", (context, context + 1), "close it on the same line"
    if "alphabetic or numeric" in words:
        return f"a text cannot begin with `{text[context]}`", (context, context + 1), _QUOTE_IT
    if "escape" in words:
        return _escape(text, at)
    if "tag" in words:
        return _tag(text, at)
    if "mapping values are not allowed" in words:
        return _second_colon(source, at)
    if "could not find expected ':'" in words:
        return "a `:` is missing after this", (context, _end_of_line(text, context)), "a key is followed by `: `"
    if "expected key" in words or "block end" in words or "'-' indicator" in words:
        return _out_of_line(source, words, context, at)
    return _others(source, words, context, at)


def _others(source: Source, words: str, context: int, at: int) -> tuple[str, Span, str]:
    text = source.text
    if "',' or" in words:
        return _not_closed(source, context, at)
    if "node content" in words:
        found = text[at : at + 1].strip()
        return f"a value is missing before `{found}`" if found else "a value is missing here", (at, at + 1), ""
    if "sequence entries are not allowed" in words:
        return "a list cannot begin here", (at, at + 1), "put the `-` on a line of its own, below the key"
    if "comment or line break" in words or "indentation indicators" in words:
        return (
            f"nothing may stand after `{text[context]}`",
            (at, _end_of_line(text, at)),
            "begin the text on a new line",
        )
    return f"this is not YAML: {words}", (at, at + 1), ""


def _escape(text: str, at: int) -> tuple[str, Span, str]:
    start = text.rfind("\\", 0, at + 1)
    hint = "in single quotes a backslash is only a backslash"
    return f"`{text[start : start + 2]}` means nothing in double quotes", (start, start + 2), hint


def _tag(text: str, at: int) -> tuple[str, Span, str]:
    written = re.compile(r"\S*").match(text, at)
    end = written.end() if written else at + 1
    return f"`{text[at:end]}` is a YAML tag, and a graph file knows none", (at, end), _QUOTE_IT


def _second_colon(source: Source, at: int) -> tuple[str, Span, str]:
    text = source.text
    begin = max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1
    before = text[begin:at]
    if re.search(r":\s", before):
        return "a second `: ` stands in this line", (at, at + 1), _QUOTE_IT
    start = begin + len(before) - len(before.lstrip())
    above = _line_above(text, begin)
    if (
        above is not None
        and before[: start - begin] == text[above[0] - (start - begin) : above[0]]
        and ":" not in text[slice(*above)]
    ):
        return "a `:` is missing after this", above, "a key is followed by `: `"
    hint = "indent it like the line above, or give the key above no value of its own"
    return f"`{text[start:at]}` is indented too deep to be a key here", (start, at), hint


def _line_above(text: str, begin: int) -> Span | None:
    """Answer what stands in the last line before `begin` that holds anything."""
    found = re.compile(r"(\S[^\r\n]*)\s*\Z").search(text, max(0, begin - 400), begin)
    return None if found is None else (found.start(1), found.start(1) + len(found[1].rstrip()))


def _out_of_line(source: Source, words: str, context: int, at: int) -> tuple[str, Span, str]:
    text = source.text
    before = text[:at].rstrip(" ")
    if before.endswith(("'", '"')):
        return _behind_quote(source, before, at)
    end = _end_of_line(text, at)
    if before and before[-1] not in "\r\n":
        return "this is not expected here", (at, end), "put the whole text in quotes"
    line = source.place((context, context)).line
    if "'-' indicator" in words or text[context : context + 2] == "- ":
        return (
            f"this line is not an item of the list that begins in line {line}",
            (at, end),
            "begin it with `- `, or indent it less",
        )
    hint = f"the keys around it begin in column {source.place((context, context)).column} (line {line})"
    return "the indentation of this line fits no line above", (at, end), hint


def _behind_quote(source: Source, before: str, at: int) -> tuple[str, Span, str]:
    """Text goes on behind a closing quote: either it was meant to, or the quote was left open some lines above."""
    quote = before[-1]
    opening = before.rfind(quote, 0, len(before) - 1)
    if "\n" in before[opening:]:
        line = source.place((len(before), len(before))).line
        return f"this {quote} is closed only in line {line}", (opening, opening + 1), "close it on the same line"
    other = "double" if quote == "'" else "single"
    hint = f"put the whole text in {other} quotes"
    return "there is text after the closing quote", (at, _end_of_line(source.text, at)), hint


def _not_closed(source: Source, context: int, at: int) -> tuple[str, Span, str]:
    text = source.text
    start = text.rfind("$", context, at + 1)
    if text.startswith("${", start) and at - start <= 2:
        hint = "inside [ ] and { } write it in quotes: '${{ … }}'"
        return "an expression without quotes cannot stand in brackets", (start, _end_of_line(text, start)), hint
    closing = "]" if text[context] == "[" else "}"
    if source.place((context, context)).line != source.place((at, at)).line or at >= len(text):
        return f"this `{text[context]}` is never closed by `{closing}`", (context, context + 1), ""
    return f"a `,` or the closing `{closing}` is missing here", (at, at + 1), ""


def _end_of_line(text: str, start: int) -> int:
    found = re.compile(r"[^\r\n]*").match(text, start)
    return max(start + 1, start + len(found[0].rstrip()) if found else start)
