"""How a stream is written to: coloured or not, and how wide, by what a person and the surroundings say."""

from __future__ import annotations

import io
import os
import pty
from collections.abc import Iterator
from typing import TextIO

import pytest

from runner.cli.style import ELSEWHERE, NARROWEST, WIDEST, colour_system, coloured, size_of, width_of
from runner.cli.view import mode_of

ASKED = ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TERM", "COLUMNS", "LINES", "CI")


@pytest.fixture(autouse=True)
def _nothing_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ASKED:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def terminal() -> Iterator[TextIO]:
    """Answer a stream that leads to a terminal, 132 columns wide and 50 rows high."""
    import fcntl
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 132, 0, 0))
    with os.fdopen(theirs, "w", encoding="utf-8") as stream:
        yield stream
    os.close(ours)


@pytest.mark.parametrize(
    ("wish", "said", "systems"),
    [
        ("auto", {"TERM": "xterm"}, ("standard", None)),
        ("auto", {"TERM": "dumb"}, (None, None)),
        ("auto", {"TERM": "xterm-256color"}, ("256", None)),
        ("auto", {"TERM": "xterm", "COLORTERM": "truecolor"}, ("truecolor", None)),
        ("auto", {"TERM": "xterm", "NO_COLOR": "1"}, (None, None)),
        ("auto", {"TERM": "xterm", "NO_COLOR": ""}, ("standard", None)),
        ("auto", {"TERM": "xterm", "FORCE_COLOR": "1"}, ("standard", "standard")),
        ("auto", {"TERM": "xterm", "FORCE_COLOR": "1", "NO_COLOR": "1"}, (None, None)),
        ("always", {"NO_COLOR": "1", "COLORTERM": "24bit"}, ("truecolor", "truecolor")),
        ("never", {"FORCE_COLOR": "1", "TERM": "xterm"}, (None, None)),
    ],
)
def test_colours(
    wish: str,
    said: dict[str, str],
    systems: tuple[str | None, str | None],
    terminal: TextIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What `--color` says counts most, then NO_COLOR, then FORCE_COLOR, then whether it is a terminal that can."""
    for name, value in said.items():
        monkeypatch.setenv(name, value)

    assert systems == (colour_system(terminal, wish), colour_system(io.StringIO(), wish))
    assert (systems[0] is not None) == coloured(terminal, wish)


@pytest.mark.parametrize(
    ("columns", "on_terminal", "elsewhere"),
    [("", 132, ELSEWHERE), ("77", 77, 77), ("5", NARROWEST, NARROWEST), ("500", 500, 500), ("wide", 132, ELSEWHERE)],
)
def test_how_wide_text_is(
    columns: str, on_terminal: int, elsewhere: int, terminal: TextIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`COLUMNS` counts; else as wide as the terminal, within what can be read; a pipe gets a hundred."""
    monkeypatch.setenv("COLUMNS", columns)

    assert elsewhere == width_of(io.StringIO())
    assert on_terminal == width_of(terminal)
    assert NARROWEST <= width_of(terminal)
    assert on_terminal <= WIDEST or columns == "500"


def test_how_large_a_terminal_is(terminal: TextIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is now; where there is none 80 by 24; variables win, if they are numbers."""
    assert ((132, 50), (80, 24)) == (size_of(terminal), size_of(io.StringIO()))

    monkeypatch.setenv("COLUMNS", "99")
    monkeypatch.setenv("LINES", "many")

    assert ((99, 50), (99, 24)) == (size_of(terminal), size_of(io.StringIO()))


def test_a_run_is_shown_live_where_somebody_looks(terminal: TextIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal that can, outside of CI or by wish; any other wish is followed everywhere."""
    monkeypatch.setenv("TERM", "xterm")
    pipe = io.StringIO()

    assert ("live", "plain") == (mode_of(terminal, None), mode_of(pipe, None))
    assert ("live", "plain") == (mode_of(terminal, "live"), mode_of(pipe, "live"))
    assert ("quiet", "group") == (mode_of(terminal, "quiet"), mode_of(pipe, "group"))

    monkeypatch.setenv("CI", "1")

    assert ("plain", "live") == (mode_of(terminal, None), mode_of(terminal, "live"))
