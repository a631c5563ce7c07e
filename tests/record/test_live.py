"""The live view: what it shows of a run at every size, and that a real terminal shows just that."""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from runner.record.live import LiveView, Region
from runner.record.screen import bar, screen
from tests.record.scenes import ROWS, SCENES, WIDTHS

GOLDEN = Path("tests/golden/record/live")
PICTURE = Path("runner/live.svg")
FROM_AFAR = re.compile(r"@font-face \{.*?\}\s*|<!--.*?-->\s*", re.DOTALL)
"""What rich puts into a picture that would be fetched from the network."""
LOOKS = [(name, moment, width) for name, (_, moments) in SCENES.items() for moment in moments for width in WIDTHS]


def shown(name: str, moment: float, width: int, rows: int = ROWS) -> list[str]:
    """Answer the lines of a scene."""
    return [line.plain.rstrip() for line in screen(SCENES[name][0]().sight(moment), width, rows)]


def golden(name: str, moment: float, width: int) -> Path:
    """Answer where the expected screen is kept."""
    return GOLDEN / f"{name}-{moment:g}s-{width}.txt"


@pytest.mark.parametrize(("name", "moment", "width"), LOOKS)
def test_screens(name: str, moment: float, width: int) -> None:
    """Each moment of each scene equals its golden screen (TASKGRAPH_GOLDEN=1 writes them anew, to be read)."""
    text = "\n".join(shown(name, moment, width)) + "\n"
    path = golden(name, moment, width)
    if os.environ.get("TASKGRAPH_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("name", SCENES)
def test_nothing_ever_leaves_the_terminal(name: str) -> None:
    """At every size no line is as wide as the terminal, and there are never more lines than rows."""
    make, moments = SCENES[name]
    for moment in moments:
        sight = make().sight(moment)
        for width in (*range(21, 130, 4), 200):
            for rows in (1, 2, 3, 4, 8, 23, 60):
                lines = screen(sight, width, rows)
                assert len(lines) <= rows, (width, rows)
                assert max(cell_len(line.plain) for line in lines) < width, (width, rows)


def test_the_picture_in_the_readme_is_what_is_shown() -> None:
    """It is drawn from a scene (TASKGRAPH_GOLDEN=1 draws it anew)."""
    console = Console(record=True, width=100, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for line in screen(SCENES["nightly"][0]().sight(4.5), 100, ROWS):
        console.print(line)
    svg = FROM_AFAR.sub("", console.export_svg(title="python -m runner nightly.yaml", unique_id="live"))
    if os.environ.get("TASKGRAPH_GOLDEN"):
        PICTURE.write_text(svg, encoding="utf-8")

    assert PICTURE.read_text(encoding="utf-8") == svg
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "").replace("http://127.0.0.1", "")


def test_with_many_tasks_what_matters_is_shown() -> None:
    """Of 2,000 tasks all failures come first, then all that run, and the rest is counted."""
    sight = SCENES["many"][0]().sight(30.0)
    lines = [line.plain for line in screen(sight, 100, 60)]
    failures = [row.id for row in sight.rows if row.state == "failed"]
    running = [row.id for row in sight.rows if row.state == "running"]

    assert 8 == len(running)
    assert [*failures, *running] == [line.split()[1] for line in lines[2 : 2 + len(failures) + 8]]
    assert 60 == len(lines)
    total = sum(int(part.split()[0]) for part in lines[-1].partition("… and ")[2].split(", "))
    assert 2000 == total + 60 - 3


@pytest.mark.parametrize(
    ("fraction", "drawn"),
    [(0.0, "──────────"), (0.09, "──────────"), (0.55, "━━━━━─────"), (1.0, "━━━━━━━━━━"), (7, "━" * 10)],
)
def test_bars(fraction: float, drawn: str) -> None:
    """A bar is full only when all is done."""
    assert drawn == "".join(bar(fraction, 10))


def test_frames_are_not_drawn_more_often_than_they_can_be_read() -> None:
    """Ten thousand events within a second are at most ten frames."""
    frames: list[object] = []
    scene, stream = SCENES["many"][0](), io.StringIO()

    class Counted(Region):
        def draw(self, lines: object) -> None:
            """Count a frame."""
            frames.append(lines)

    region = Counted(stream, lambda: (100, 24), None)
    scene.play(10.0, lambda clock: LiveView(scene.graph, region, clock.now, scene.last_line))

    assert 90 <= len(frames) <= 101


def test_a_region_is_the_other_screen() -> None:
    """The first frame opens it, each fills all its rows, whatever was in them, and in the end the first one is back."""
    stream = io.StringIO()
    region = Region(stream, lambda: (20, 3), None)
    region.clear()
    region.draw([Text("one", end=""), Text("two", end="")])
    region.draw([Text("2", end="")])
    region.clear()
    region.clear()

    opening, closing = "\x1b[?1049h\x1b[H\x1b[?25l", "\x1b[?1049l\x1b[?25h"
    first = "\x1b[Hone\x1b[0K\ntwo\x1b[0K\n\x1b[0K"
    assert f"{opening}{first}\x1b[H2\x1b[0K\n\x1b[0K\n\x1b[0K{closing}" == stream.getvalue()


class Closed(io.StringIO):
    """A terminal that was closed."""

    def write(self, _text: str) -> int:
        raise OSError(5, "Input/output error")


def test_a_terminal_that_is_closed_stops_nothing() -> None:
    """Frames that nobody can see are dropped."""
    region = Region(Closed(), lambda: (80, 24), None)
    region.draw([Text("x")])
    region.clear()

    assert (80, 24) == region.size


# -- a real terminal ---------------------------------------------------------------------------------------------------


class Terminal:
    """A tmux server of its own with one window."""

    def __init__(self, socket: Path, width: int, command: str) -> None:
        self._socket = socket
        env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm-256color", "HOME": str(socket.parent)}
        words = ["-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(ROWS), command]
        self._tmux(*words, env=env)

    def keys(self, *keys: str) -> None:
        """Press keys."""
        self._tmux("send-keys", *keys)

    def resize(self, width: int, rows: int) -> None:
        """Give the window another size."""
        self._tmux("resize-window", "-x", str(width), "-y", str(rows))

    def screen(self, *options: str) -> list[str]:
        """Answer what is on the screen, without empty lines at its end."""
        return self._tmux("capture-pane", "-p", *options).rstrip("\n").split("\n")

    def until(self, seen: Callable[[list[str]], bool], *options: str) -> list[str]:
        """Answer the screen as soon as it is as expected, or after 20 s as it is."""
        until = time.monotonic() + 20
        while not seen(lines := self.screen(*options)) and time.monotonic() < until:
            time.sleep(0.05)
        return lines

    def close(self) -> None:
        """End it with all that runs in it."""
        self._tmux("kill-server")

    def _tmux(self, *words: str, env: dict[str, str] | None = None) -> str:
        command = ["tmux", "-u", "-S", str(self._socket), *words]
        return subprocess.run(command, env=env, check=True, capture_output=True, text=True, timeout=20).stdout


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[[int, str], Terminal]]:
    """Make terminals, and end them."""
    if shutil.which("tmux") is None:
        pytest.skip("there is no tmux on this machine")
    opened: list[Terminal] = []

    def make(width: int, command: str) -> Terminal:
        opened.append(Terminal(tmp_path / f"tmux{len(opened)}", width, command))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


@pytest.mark.real
@pytest.mark.parametrize("width", WIDTHS)
def test_a_terminal_shows_the_golden_screens(terminal: Callable[[int, str], Terminal], width: int) -> None:
    """Driven in tmux, each scene looks as it should, and is gone without a trace afterwards."""
    for name, (_, moments) in SCENES.items():
        moment = moments[-1]
        command = f"{sys.executable} -m tests.record.scenes {name} {moment}; echo over; sleep 60"
        window = terminal(width, f"cd {shlex.quote(str(Path.cwd()))}; {command}")
        expected = golden(name, moment, width).read_text(encoding="utf-8").splitlines()

        assert expected == window.until(lambda lines, expected=expected: lines == expected)
        window.keys("Enter")
        assert ["over"] == [line for line in window.until(lambda lines: "over" in lines) if line.strip()]


SLOW = """
version: 1
name: slow
tasks:
  long: {run: "echo a line that is printed and long enough to be wrapped when the window gets narrow; sleep 60"}
  other: {run: "sleep 60"}
  after: {run: "true", needs: [long, other]}
"""


@pytest.mark.real
def test_a_run_survives_resizing_and_leaves_a_clean_screen(
    terminal: Callable[[int, str], Terminal], tmp_path: Path
) -> None:
    """Made narrow, low and wide again while it runs, then interrupted: only the summary is on the screen."""
    (tmp_path / "slow.yaml").write_text(SLOW, encoding="utf-8")
    path = shlex.quote(str(Path.cwd()))
    command = f"cd {tmp_path}; PYTHONPATH={path} {sys.executable} -m runner slow.yaml -j 2; echo code $?; sleep 60"
    window = terminal(100, command)
    window.until(lambda lines: any("a line that is printed" in line for line in lines))
    for width, rows, wide in ((60, 24, 6), (200, 24, 24), (30, 8, 6), (100, 24, 12)):
        window.resize(width, rows)
        bars = f"{'─' * wide}  workers 2/2"
        lines = window.until(lambda lines, bars=bars: [bars] == [line for line in lines if "workers" in line])
        assert [bars] == [line for line in lines if "workers" in line], (width, rows, lines)
    window.keys("C-c")
    lines = window.until(lambda lines: "code 130" in lines)

    assert "code 130" in lines
    said = [line for line in lines if line]
    assert "INTERRUPTED (by Ctrl-C) slow: 3 cancelled" == said[0]
    assert not [line for line in lines if "workers" in line and "/" in line.split("workers")[1]]
