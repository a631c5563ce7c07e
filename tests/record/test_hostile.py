"""What programs say stays text, in every rendering: no control of the terminal, no markup, no lines of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from runner.record.folding import fold
from runner.record.render.full import render_full
from runner.record.render.json import render_json
from runner.record.render.legible import last_lines, legible, shortened
from runner.record.render.markdown import render_markdown
from runner.record.render.text import PLAIN, render_text
from runner.record.report import Report
from runner.schedule.messages import AttemptEnded, AttemptStarted, Event, Noted
from runner.task import Cause, Check, Failed, LedgerRow
from tests.kit import graph_of, opened

AT = "2026-01-01T00:00:00.000Z"
SPECIAL = "`*_[]()|~#$!<>&@\\\"'\n\r\t\x1b\x07\x00\u202e\ud800-+=:/ {}ab1"
HOSTILE = st.text(st.sampled_from(SPECIAL), max_size=25)
OURS = {"details", "/details", "summary", "/summary", "code", "/code", "details open"}


def report_of(said: str) -> Report:
    """Fold a run in which a task says this wherever it can."""
    notes = (
        Check(name=said, verdict="failed", expected=said, observed={said: [said]}, message=said),
        Check(name=said, verdict="warning", message=said),
        LedgerRow(action="created", kind=said, id=said, name=said, at=AT),
    )
    outcome = Failed(cause=Cause.EXCEPTION, message=said, traceback=f"Traceback:\n{said}", outputs={said: said})
    events: list[Event] = [
        opened(params={"p": said}),
        AttemptStarted(at=0.0, task="a", attempt=1, pid=1),
        *(Noted(at=0.5, task="a", attempt=1, note=note) for note in notes),
        AttemptEnded(at=1.0, task="a", attempt=1, outcome=outcome, left=(said,)),
    ]
    return fold(graph_of("a; b: a"), events)


def tokens(markdown: str) -> Iterator[Token]:
    """Read Markdown as a renderer does, tables and raw HTML included."""
    for token in MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(markdown):
        yield token
        yield from token.children or ()


def cells(markdown: str) -> list[list[str]]:
    """Answer the rows of all tables as one sees them."""
    rows: list[list[str]] = []
    parsed = MarkdownIt("commonmark", {"html": True}).enable("table").parse(markdown)
    for before, token in pairwise(parsed):
        if token.type == "tr_open":
            rows.append([])
        if before.type in {"td_open", "th_open"}:
            seen = (child.content for child in token.children or () if child.type != "html_inline")
            rows[-1].append("".join(seen))
    return rows


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(said=HOSTILE)
@example(said="</details><script>alert(1)</script>")
@example(said="![x](http://evil/x.png) [y](javascript:alert(1)) <http://evil>")
@example(said="```\n# Heading\n\n| a | b |\n|---|---|\n")
@example(said="a | `b | c` \\| d \\")
def test_markdown_holds_no_markup_but_ours(said: str) -> None:
    """Nothing that is said becomes a tag, a link, a picture, a heading, or a cell of a table."""
    markdown = render_markdown(report_of(said), Path("nowhere"))
    harmless = render_markdown(report_of("word"), Path("nowhere"))
    found, expected = list(tokens(markdown)), list(tokens(harmless))
    tags = [tag for token in found if "html" in token.type for tag in re.findall(r"<([^>]*)>", token.content)]

    assert set(tags) <= OURS, tags
    assert [] == [token for token in found if token.type in {"link_open", "image", "em_open", "strong_open", "s_open"}]
    for kind in ("heading_open", "tr_open", "td_open", "fence"):
        counts = [sum(token.type == kind for token in each) for each in (expected, found)]
        assert counts[0] == counts[1], (kind, markdown)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(said=HOSTILE)
@example(said="a | `b | c` \\| d \\")
@example(said="\\| | \\\\|")
def test_a_cell_shows_what_was_said(said: str) -> None:
    """In the cells of the tables one reads what was said, and the cells beside it are where they belong."""
    markdown, seen = render_markdown(report_of(said), Path("nowhere")), " ".join(legible(said).split())
    rows = cells(markdown)

    assert ["✗", seen] in [row[:2] for row in rows]
    assert ["!", seen, seen] in rows
    assert ["a", seen, seen, ""] in rows


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(said=HOSTILE)
@example(said="\x1b]0;title\x07\x1b[2J\x1b[31mred")
def test_a_terminal_is_not_controlled(said: str) -> None:
    """Nothing that is said reaches a terminal but as characters one can see; all of it can be encoded."""
    report = report_of(said)
    for text in (render_text(report, Path("nowhere"), PLAIN, 80), render_full(report, 80)):
        assert [] == re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", text)
        assert text.encode()


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(said=HOSTILE)
def test_json_says_exactly_what_was_said(said: str) -> None:
    """Programs get every character, and a file that is valid UTF-8."""
    whole = json.loads(render_json(report_of(said)).encode())

    assert said == whole["tasks"][0]["checks"][0]["name"]
    assert {said: said} == whole["tasks"][0]["outputs"]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain", "plain"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;title\x07after", "after"),
        ("a\tb", "a       b"),
        ("one\ntwo\r\nthree", "one two three"),
        ("bell\x07 null\x00 \x9b31m", "bell null 31m"),
        ("\u202eevil", "evil"),
        ("half \ud83d", "half \ufffd"),
    ],
)
def test_legible_text_is_one_line_to_be_seen(text: str, seen: str) -> None:
    """Escape sequences and controls are left out, ends of lines become spaces, broken characters a sign."""
    assert seen == legible(text)


def test_last_lines_are_those_of_the_end(tmp_path: Path) -> None:
    """Of a large log the last lines that are not blank are read, each as one would see it."""
    log = tmp_path / "a.log"
    log.write_bytes(b"x" * 100_000 + b"\n10%\r20%\r100%\n\n\x1b[32mdone\xff\x1b[0m\n   \n")

    assert ["20%", "100%", "done\ufffd"] == list(last_lines(log, 3))
    assert [] == list(last_lines(tmp_path / "gone.log", 3))


def test_what_is_cut_says_so() -> None:
    """A text that is too long ends with the sign of cutting, and is as long as was asked for."""
    assert "abcdef" == shortened("abcdef", 6)
    assert "abcd…" == shortened("abcdef", 5)
