"""What crosses between the processes: every message both written and read, however the bytes are cut."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runner.execute.wire import (
    Begun,
    Describe,
    Described,
    Ended,
    Exited,
    Fork,
    Forked,
    FromWarden,
    FromWorker,
    Hold,
    Lines,
    Said,
    Setting,
    Spawned,
    Stop,
    ToWarden,
    ToWorker,
    decode,
    encode,
    mark,
    with_setting,
    without_setting,
)
from runner.plain import NotThisShape
from runner.task import (
    Artifact,
    Cause,
    Check,
    Failed,
    LedgerRow,
    NeedResult,
    Parameter,
    Progress,
    Request,
    Signature,
    Succeeded,
)

REQUEST = Request(
    run="r",
    task="a/ü\n",
    attempt=2,
    uses="m:f",
    arguments={"x": [1, 2.5, None, {"is": "Failed"}], "text": "line\nline\u2028"},
    env={"A": "1"},
    own_env={"TASKGRAPH_TASK": "a"},
    secrets=("A",),
    workdir="/w",
    path=("/p",),
    needs={"n": NeedResult(id="n", state="succeeded", checks=(Check(name="c", verdict="warning"),))},
    deadline=1.5,
)

MESSAGES: list[tuple[Any, Any]] = [
    (ToWorker, Setting(env={"A": "1", "EMPTY": ""}, workdir="/w", secrets=("A",), path=("/p", "/q"))),
    (ToWorker, REQUEST),
    (ToWorker, Describe(uses="m:f")),
    (FromWorker, Begun(pid=7)),
    (FromWorker, Spawned(pid=8)),
    (FromWorker, Said(note=Check(name="c", verdict="failed", expected=[1], observed={"is": "Check"}))),
    (FromWorker, Said(note=LedgerRow(action="created", kind="k", id="1", at="2026-01-01T00:00:00.000Z", url="u"))),
    (FromWorker, Said(note=Artifact(path="p", title="t"))),
    (FromWorker, Said(note=Progress(message="m", done=1, total=2.5))),
    (FromWorker, Ended(outcome=Succeeded(outputs={"is": "Succeeded", "n": 0}))),
    (
        FromWorker,
        Ended(
            outcome=Failed(cause=Cause.TIMED_OUT, message="m", traceback="t", exit_code=1), stopped=True, left=("x",)
        ),
    ),
    (
        FromWorker,
        Described(signature=Signature(uses="m:f", parameters=(Parameter(name="p", type="", required=False),))),
    ),
    (FromWorker, Described(code="cannot-import", message="m", hint="h")),
    (ToWarden, Fork(child=1, token="t")),
    (ToWarden, Stop(child=1, kill_after=0.0)),
    (ToWarden, Hold()),
    (FromWarden, Forked(child=1, pid=2)),
    (FromWarden, Exited(child=1, status=-9, stopped=True, killed=True, survivors=("x (pid 3)",), error="e")),
]


@pytest.mark.parametrize(("kind", "message"), MESSAGES)
def test_every_message_is_read_as_it_was_written(kind: Any, message: Any) -> None:
    """What is written on one side is the same on the other, and is one line."""
    line = encode(message)

    assert 1 == line.count(b"\n")
    assert message == decode(kind, line)


def test_a_request_travels_without_its_setting() -> None:
    """What a worker knows already is left out and put back."""
    setting = Setting(env=REQUEST.env, workdir=REQUEST.workdir, secrets=REQUEST.secrets, path=REQUEST.path)
    line = encode(without_setting(REQUEST))

    assert not {"env", "workdir", "secrets", "path"} & json.loads(line).keys()
    assert REQUEST == with_setting(decode(ToWorker, line), setting)


GARBAGE = [
    b"",
    b"}{",
    b"null",
    b"[]",
    b'"Ended"',
    b"{}",
    b'{"is":"Begun"}',
    b'{"is":"Begun","pid":"7"}',
    b'{"is":"Begun","pid":7,"more":1}',
    b'{"is":"Exit"}',
    b'{"is":"Fork","child":1,"token":"t"}',
    b"\xff\xfe",
    b"[" * 100_000,
]


@pytest.mark.parametrize("line", GARBAGE, ids=range(len(GARBAGE)))
def test_anything_else_is_garbage(line: bytes) -> None:
    """A line that is no message of its direction is refused, whatever it is, and in no other way."""
    with pytest.raises(NotThisShape):
        decode(FromWorker, line)


def test_lines_come_whole_however_they_are_cut() -> None:
    """Every cut of a stream into two, and its bytes one by one, give the same lines."""
    stream = b"one\n\ntwo and more\nthree"
    whole = [b"one", b"", b"two and more"]

    for cut in range(len(stream) + 1):
        lines = Lines()
        assert whole == [*lines.feed(stream[:cut]), *lines.feed(stream[cut:])]
        assert [b"three!"] == lines.feed(b"!\n")
    lines = Lines()
    assert whole == [line for at in range(len(stream)) for line in lines.feed(stream[at : at + 1])]


def test_a_line_that_does_not_end_is_refused() -> None:
    """However it is cut, no more of it is kept than a message may have; whoever is trusted may say more."""
    with pytest.raises(NotThisShape, match="a line without an end"):
        Lines(longest=10).feed(b"12345678901")
    lines, trusted = Lines(longest=10), Lines(longest=None)

    assert [] == lines.feed(b"1234567890")
    with pytest.raises(NotThisShape, match="a line without an end"):
        lines.feed(b"1")
    assert [b"1" * 100] == [*trusted.feed(b"1" * 100), *trusted.feed(b"\n")]


def test_marks_differ_by_worker_and_attempt() -> None:
    """No mark is the beginning of another."""
    marks = [mark(token, attempt) for token in ("ab", "abc") for attempt in (1, 10, 11)]

    assert not [(one, two) for one in marks for two in marks if one is not two and two.startswith(one)]
