"""What tasks print among the lines of progress: whose it is, in which order, and nothing lost."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from runner.graph.model import Graph
from runner.record.outlet import Outlet
from runner.record.printed import LONGEST_LINE, Grouped, Printed, Streamed
from runner.record.progress import PlainProgress, width_of_ids
from runner.schedule.machine import Schedule
from runner.schedule.messages import AttemptEnded, AttemptStarted, Event, ServiceEnded, ServiceReady
from runner.task import Cause, Failed, Succeeded
from tests.kit import graph_of, opened

GRAPH = graph_of("a: db; longer", services={"db": {}})


class Seen:
    """A run that is watched: events go in, new lines come out."""

    def __init__(self, printed: Printed, graph: Graph = GRAPH) -> None:
        self.stream, self.schedule = io.StringIO(), Schedule(graph)
        self.watch = PlainProgress(self.stream, graph, printed)
        self.see(opened())

    def see(self, *events: Event) -> list[str]:
        """Show events; answers the lines that were written for them, times cut off."""
        for event in events:
            self.schedule.handle(event)
        before = len(self.stream.getvalue())
        self.watch.observe(events, self.schedule)
        return [line.partition("] ")[2] or line for line in self.stream.getvalue()[before:].splitlines()]


def started(task: str, attempt: int = 1) -> Event:
    """Begin a task."""
    return AttemptStarted(at=1.0, task=task, attempt=attempt)


def ended(task: str, log: str = "") -> Event:
    """End a task well."""
    return AttemptEnded(at=2.0, task=task, attempt=1, outcome=Succeeded(), log=log)


def test_each_line_stands_behind_its_id() -> None:
    """Whole lines are shown in the order they were printed; what has not ended waits, but not beyond the end."""
    streamed = Streamed(GRAPH, width_of_ids(GRAPH))
    seen = Seen(streamed)
    seen.see(started("longer"), ServiceReady(at=1.0, service="db", attempt=1))
    assert seen.watch.due() is None
    streamed.hear("longer", b"one\ntw")
    streamed.hear("db", b"listening\n")
    streamed.hear("longer", b"o\nthr")

    assert 0.0 == seen.watch.due()
    assert ["longer │ one", "db     │ listening", "longer │ two"] == seen.see()
    assert seen.watch.due() is None
    assert ["longer │ thr", "✓ longer  succeeded in 1.00 s"] == seen.see(ended("longer"))


def test_what_comes_before_the_beginning_waits_for_it() -> None:
    """A line that arrives before the event that its task has begun is shown behind that, and nobody is woken for it."""
    streamed = Streamed(GRAPH, width_of_ids(GRAPH))
    seen = Seen(streamed)
    streamed.hear("longer", b"early\n")

    assert [] == seen.see()
    assert seen.watch.due() is None
    assert ["▶ longer  started", "longer │ early"] == seen.see(started("longer"))


def test_all_in_one_turn_is_in_order() -> None:
    """Start, lines and end that arrive at once are shown as they happened; the end of a service as well."""
    streamed = Streamed(GRAPH, width_of_ids(GRAPH))
    seen = Seen(streamed)
    streamed.hear("longer", b"all\nof it")
    streamed.hear("db", b"bye")
    died = ServiceEnded(at=2.0, service="db", attempt=1, how="died", message="exit code 3")
    lines = seen.see(started("longer"), ended("longer"), died)

    assert [
        "▶ longer  started",
        "longer │ all",
        "longer │ of it",
        "✓ longer  succeeded in 1.00 s",
        "db     │ bye",
        "◇ db      died: exit code 3",
    ] == lines[:6]


def test_lines_do_nothing_to_a_terminal() -> None:
    """A bar that was drawn over itself is its last state, escapes are gone, broken text is shown as broken."""
    streamed = Streamed(GRAPH, width_of_ids(GRAPH))
    seen = Seen(streamed)
    streamed.hear("db", b"10%\r20%\r\n\x1b[2J\x1b[31mred\x1b[0m\n\xff\n")

    assert ["db     │ 20%", "db     │ red", "db     │ \ufffd"] == seen.see()


def test_a_line_without_end_is_cut() -> None:
    """Memory stays bounded, and no byte is lost."""
    streamed = Streamed(GRAPH, width_of_ids(GRAPH))
    for _ in range(1000):
        streamed.hear("db", b"x" * 1000)
    lines = list(streamed.meanwhile())
    lines += streamed.around(ServiceEnded(at=1.0, service="db", attempt=1, how="stopped"), ())

    assert 1_000_000 == sum(line.count("x") for line in lines)
    assert max(map(len, lines)) <= LONGEST_LINE + 1000 + 20


def test_a_group_is_the_whole_log(tmp_path: Path) -> None:
    """At the end of an attempt its log follows; one that printed nothing has none, and one that is gone says so."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/a.1.log").write_bytes(b"one\r\n\n\x1b[1mtwo\x1b[0m")
    failed = Failed(cause=Cause.EXIT_CODE, message="exit code 1")
    end = AttemptEnded(at=2.0, task="a", attempt=1, outcome=failed, log="logs/a.1.log")
    plain = Seen(Grouped(tmp_path, github=False))
    plain.see(ServiceReady(at=0.0, service="db", attempt=1), started("a"), started("longer"))

    assert ["✗ a       failed: exit code 1", "  │ one", "  │ ", "  │ two"] == plain.see(end)
    assert ["✓ longer  succeeded in 1.00 s"] == plain.see(ended("longer"))

    github = Seen(Grouped(tmp_path, github=True))
    github.see(ServiceReady(at=0.0, service="db", attempt=1), started("a"), started("longer"))

    assert ["✗ a       failed: exit code 1", "one", "", "\x1b[1mtwo\x1b[0m", "::endgroup::"] == github.see(end)
    assert "\n::group::[" in github.stream.getvalue()
    gone = github.see(ended("longer", "logs/longer.1.log"))
    assert ["✓ longer  succeeded in 1.00 s", "::endgroup::"] == [gone[0], gone[2]]
    assert gone[1].endswith("logs/longer.1.log cannot be read: No such file or directory")


class Gone(io.StringIO):
    """A stream whose reader has gone."""

    def write(self, _text: str) -> int:
        raise BrokenPipeError


def test_a_reader_that_goes_stops_nothing() -> None:
    """What cannot be written any more is dropped, and progress goes on taking in what is printed."""
    streamed = Streamed(GRAPH, width_of_ids(GRAPH))
    watch, schedule = PlainProgress(Gone(), GRAPH, streamed), Schedule(GRAPH)
    for event in (opened(), started("longer"), ended("longer")):
        schedule.handle(event)
        streamed.hear("longer", b"line\n")
        watch.observe([event], schedule)

    assert watch.due() is None


def test_an_outlet_writes_and_flushes(capsys: pytest.CaptureFixture[str]) -> None:
    """While somebody reads, everything arrives."""
    import sys

    outlet = Outlet(sys.stdout)
    outlet.write("seen")
    outlet.flush()

    assert "seen" == capsys.readouterr().out
