"""Plain progress: one line for each thing a person wants to know, and no flood."""

from __future__ import annotations

import io
from collections.abc import Sequence

from runner.graph.model import Graph, Trigger
from runner.record.progress import PlainProgress
from runner.schedule.machine import Schedule
from runner.schedule.messages import (
    AttemptEnded,
    AttemptStarted,
    CancelAsked,
    ClockTicked,
    Event,
    Kept,
    Noted,
    ServiceEnded,
    ServiceReady,
)
from runner.task import Cause, Failed, Progress, Succeeded
from tests.kit import graph_of, opened


def shown(graph: Graph, *turns: Sequence[Event]) -> list[str]:
    """Answer the lines that these turns of a run show."""
    stream, schedule = io.StringIO(), Schedule(graph)
    watch = PlainProgress(stream, graph)
    for events in turns:
        for event in events:
            schedule.handle(event)
        watch.observe(events, schedule)
    return stream.getvalue().splitlines()


def test_a_thousand_blocked_tasks_take_twenty_lines() -> None:
    """What settles at once without an attempt is named up to twenty, then counted, and told only once."""
    graph = graph_of("a; " + "; ".join(f"b{number}: a" for number in range(1000)))
    end = AttemptEnded(at=1.0, task="a", attempt=1, outcome=Failed(cause=Cause.CRASHED, message="no"))
    lines = shown(graph, [opened()], [AttemptStarted(at=0.0, task="a", attempt=1)], [end], [ClockTicked(at=2.0)])

    assert 24 == len(lines)
    assert "[   1.00 s] ✗ a     crashed: no" == lines[2]
    assert "[   1.00 s] ⊘ b0    blocked: `a` crashed" in lines
    assert "[   1.00 s] … and 980 more in the same way" == lines[-1]


def test_progress_and_ticks_are_silent() -> None:
    """A task that reports progress a thousand times, and alarms, make no line."""
    note = Noted(at=0.5, task="a", attempt=1, note=Progress(message="on"))

    assert 1 == len(shown(graph_of("a"), [opened()], [note] * 1000, [ClockTicked(at=1.0)]))


def test_what_is_said_stays_on_its_line() -> None:
    """A message with line ends and escapes is one line; a long one is cut."""
    message = "first\nsecond \x1b[2J" + "x" * 1000
    end = AttemptEnded(at=1.0, task="a", attempt=1, outcome=Failed(cause=Cause.EXCEPTION, message=message))
    lines = shown(graph_of("a"), [opened()], [AttemptStarted(at=0.0, task="a", attempt=1)], [end])

    assert 3 == len(lines)
    assert lines[2].startswith("[   1.00 s] ✗ a  failed: first second xxx")
    assert len(lines[2]) < 280


def test_what_was_kept_and_stopped_is_told() -> None:
    """Kept results, services that broke and cancels have their lines."""
    graph = graph_of("old; a: old db; last: a", services={"db": {}}, last={"trigger": Trigger.ALWAYS})
    lines = shown(
        graph,
        [opened(kept={"old": Kept(outcome=Succeeded(), run="r0")})],
        [ServiceReady(at=0.1, service="db", attempt=1, url="http://127.0.0.1:1", port=1)],
        [AttemptStarted(at=0.2, task="a", attempt=1)],
        [ServiceEnded(at=0.5, service="db", attempt=1, how="died", message="exit code 3")],
        [CancelAsked(at=1.0, why="interrupted")],
        [AttemptEnded(at=1.5, task="a", attempt=1, outcome=Failed(cause=Cause.CANCELLED, message="stopped"))],
    )

    assert [
        "[   0.00 s] run r1: 3 tasks, 4 at once",
        "[   0.00 s] ✓ old   kept",
        "[   0.10 s] ◆ db    ready http://127.0.0.1:1",
        "[   0.20 s] ▶ a     started",
        "[   0.50 s] ◇ db    died: exit code 3",
        "[   1.00 s] interrupted: stopping; once more kills",
        "[   1.50 s] ✗ a     cancelled: stopped",
    ] == lines
