"""One run with everything a run can have: a success, a flaky, a failure, a time-out, a crash, a skip, a blocked."""

from __future__ import annotations

from collections.abc import Sequence

from runner.execute.simulate import Simulation, Step
from runner.graph.model import Graph, Retry, Trigger
from runner.graph.values import parse_bare
from runner.record.folding import fold
from runner.record.report import Report
from runner.schedule.messages import AttemptEnded, AttemptStarted, Event, Noted
from runner.task import Cause, Check, Failed, LedgerRow, Note, Succeeded
from tests.kit import graph_of, opened, play, scripted

GRAPH: Graph = graph_of(
    "fine; flaky: fine; wrong: backend; slow; dies; never: fine; stuck: wrong; excused;"
    "gate: fine flaky wrong slow dies",
    services={"backend": {}},
    flaky={"retry": Retry(attempts=3, delay=1.0, jitter="none")},
    slow={"timeout": 2.0},
    never={"condition": parse_bare("params.deep")},
    excused={"allow_failure": True},
    wrong={"data_prefix": "Task_9_"},
    gate={"trigger": Trigger.ALL_DONE},
)

CRASH = Failed(cause=Cause.CRASHED, message="killed by SIGSEGV")
CHECKED = Failed(cause=Cause.FAILED_CHECK, message="1 of 2 checks failed: `status is <200>`", outputs={"items": 3})
RAISED = Failed(
    cause=Cause.EXCEPTION,
    message="ValueError: no | pipe",
    traceback='Traceback (most recent call last):\n  File "work.py", line 3, in excused\nValueError: no | pipe',
)
STEPS = {
    "fine": Step(seconds=1.0, outcome=Succeeded(outputs={"value": "</script><b>"})),
    "flaky": [Step(seconds=0.5, outcome=CRASH), Step(seconds=0.5)],
    "wrong": Step(seconds=1.5, outcome=CHECKED),
    "slow": Step(seconds=9.0),
    "dies": Step(seconds=0.25, outcome=CRASH),
    "excused": Step(seconds=0.75, outcome=RAISED),
    "gate": Step(seconds=0.5),
}
NOTES: dict[tuple[str, int], tuple[Note, ...]] = {
    ("flaky", 1): (Check(name="answers", verdict="failed", expected="yes", observed=None),),
    ("flaky", 2): (Check(name="answers", verdict="passed", expected="yes", observed="yes"),),
    ("wrong", 1): (
        Check(name="collection has items", verdict="passed", expected=3, observed=3),
        Check(name="status is <200>", verdict="failed", expected=200, observed=500, message="see `log`"),
        LedgerRow(action="created", kind="document", id="41", name="Task_9_a", at="2026-01-01T00:00:00.500Z"),
        LedgerRow(action="created", kind="document", id="42", name="Task_9_b", at="2026-01-01T00:00:00.500Z"),
        LedgerRow(action="deleted", kind="document", id="41", at="2026-01-01T00:00:01.000Z"),
    ),
    ("gate", 1): (Check(name="all passed", verdict="warning", message="not today"),),
}


def sample_events() -> Sequence[Event]:
    """Answer the events of the run."""
    simulation = Simulation(*scripted(STEPS), slots=3)
    first = opened(3, run="20260101-000000-test-0000", params={"deep": False}, file="graphs/test.yaml")
    told: list[Event] = []
    for turn in play(GRAPH, simulation, first).turns:
        event = turn.event
        if isinstance(event, AttemptEnded):
            notes = NOTES.get((event.task, event.attempt), ())
            told += [Noted(at=event.at, task=event.task, attempt=event.attempt, note=note) for note in notes]
        told.append(event)
        if isinstance(event, AttemptStarted):
            told[-1] = AttemptStarted(at=event.at, task=event.task, attempt=event.attempt, pid=4000 + len(told))
    return told


def sample_report() -> Report:
    """Answer the report of the run."""
    return fold(GRAPH, sample_events())
