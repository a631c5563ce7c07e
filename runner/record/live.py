"""The live view: draws what is to be seen of a run on a terminal, over and over. Decides nothing.

Theory of operation. A frame is drawn on the terminal's other screen, from its corner, over the frame before; in the end
the terminal switches back, and all that was there is there again. So nothing has to be known of how a terminal wraps
and joins its lines when it is resized: the next frame has the size it has then. There is no thread: the loop of the run
asks when the next frame is due and hands over the events, and a frame that took long to draw puts off the next one, so
drawing never takes more than a small part of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TextIO

from rich.console import Console
from rich.control import Control
from rich.segment import ControlType
from rich.text import Text

from runner.graph.model import Graph
from runner.record.screen import screen
from runner.record.watched import LastLine, Watched
from runner.schedule.machine import Schedule
from runner.schedule.messages import Event

FRAME = 0.1
"""Seconds between two frames at least: what moves faster cannot be read."""
SHARE = 20
"""A frame is followed by this many times the seconds it took to draw."""

Now = Callable[[], float]
"""Answers the seconds since the command started."""
Size = Callable[[], tuple[int, int]]
"""Answers the columns and rows the terminal has now."""

_OTHER_SCREEN, _FIRST_SCREEN = Control.alt_screen(enable=True), Control.alt_screen(enable=False)
_CURSOR, _NO_CURSOR = Control.show_cursor(show=True), Control.show_cursor(show=False)


class Region:
    """The other screen of a terminal, while a run is watched; what was on the first one is back afterwards."""

    def __init__(self, stream: TextIO, size: Size, colours: str | None) -> None:
        """`colours` is one of rich's colour systems, None for none."""
        self._size = size
        self._console = Console(
            file=stream,
            force_terminal=True,
            color_system=colours,  # type: ignore[arg-type]  # a word of rich's own list
            legacy_windows=False,
            highlight=False,
            markup=False,
            soft_wrap=True,
            no_color=colours is None,
        )
        self._open = False
        self._gone = False

    @property
    def size(self) -> tuple[int, int]:
        """The columns and rows of the terminal."""
        return self._size()

    def draw(self, lines: Sequence[Text]) -> None:
        """Show these lines in place of the former ones, in one write."""
        opening = () if self._open else (_OTHER_SCREEN, _NO_CURSOR)
        self._open = True
        blank = [Text(end="")] * (self.size[1] - len(lines))
        self._write(*opening, Control.home(), *_erasing([*lines, *blank]))

    def clear(self) -> None:
        """Leave nothing of it."""
        if self._open:
            self._open = False
            self._write(_FIRST_SCREEN, _CURSOR)

    def _write(self, *parts: Control | Text) -> None:
        if self._gone:
            return
        try:
            with self._console:
                for part in parts:
                    self._console.print(part, end="")
        except OSError:  # a border: the terminal was closed; a run is worth more than the sight of it
            self._gone = True


def _erasing(lines: Sequence[Text]) -> Iterator[Control | Text]:
    """Answer the lines, each with what clears the rest of its row."""
    for number, line in enumerate(lines):
        if number:
            yield Text("\n", end="")
        yield line
        yield Control((ControlType.ERASE_IN_LINE, 0))


class LiveView:
    """An observer that draws."""

    def __init__(self, graph: Graph, region: Region, now: Now, last_line: LastLine) -> None:
        self._watched = Watched(graph, last_line)
        self._region = region
        self._now = now
        self._next = now() + FRAME  # what is over by then is not worth a screen

    def observe(self, events: Sequence[Event], schedule: Schedule) -> None:
        """Take in what happened; draw if it is time."""
        for event in events:
            self._watched.add(event, schedule)
        began = self._now()
        if began >= self._next:
            self.draw(began, schedule)
            ended = self._now()
            self._next = ended + max(FRAME, SHARE * (ended - began))

    def due(self) -> float | None:
        """Answer when the next frame is wanted."""
        return self._next

    def draw(self, now: float, schedule: Schedule) -> None:
        """Draw one frame."""
        width, height = self._region.size
        self._region.draw(screen(self._watched.sight(now, schedule), width, height))
