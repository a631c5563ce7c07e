"""The live view: draws what is to be seen of a run into a few lines at the bottom of a terminal. Decides nothing.

Theory of operation. A frame is drawn over the frame before: up as many rows as that one takes, then each row erased,
then the new one. A terminal that became narrower has wrapped the old lines, so their rows are counted anew in the width
it has now. There is no thread: the loop of the run asks when the next frame is due and hands over the events, and a
frame that took long to draw puts off the next one, so drawing never takes more than a small part of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TextIO

from rich.cells import cell_len
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


class Region:
    """The lines at the bottom of a terminal that are drawn over and over, and gone at the end."""

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
        self._drawn: Sequence[Text] = ()
        self._gone = False

    def draw(self, lines: Sequence[Text]) -> None:
        """Show these lines in place of the former ones, in one write."""
        if self._gone:
            return
        try:
            with self._console:
                self._console.control(self._over())
                self._console.print(Text("\n").join(lines), end="")
            self._drawn = lines
        except OSError:  # a border: the terminal was closed; a run is worth more than the sight of it
            self._gone = True

    def clear(self) -> None:
        """Leave nothing of it, the cursor where it was before the first frame."""
        self.draw(())

    @property
    def size(self) -> tuple[int, int]:
        """The columns and rows of the terminal."""
        return self._size()

    def _over(self) -> Control:
        width = max(1, self._size()[0])
        rows = sum(max(1, -(-cell_len(line.plain) // width)) for line in self._drawn)
        up = [(ControlType.CURSOR_UP, 1), (ControlType.ERASE_IN_LINE, 2)] * max(0, rows - 1)
        return Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2), *up)


class LiveView:
    """An observer that draws."""

    def __init__(self, graph: Graph, region: Region, now: Now, last_line: LastLine) -> None:
        self._watched = Watched(graph, last_line)
        self._region = region
        self._now = now
        self._next = 0.0

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
        self._region.draw(screen(self._watched.sight(now, schedule), width, height - 1))
