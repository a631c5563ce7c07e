"""What runner and hosts say: each message one line, read as it was written, whatever stands in it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import Problem
from runner.execute import errands
from runner.execute.errands import (
    Describing,
    Descriptions,
    Enlisted,
    Errand,
    FromHost,
    Opening,
    Over,
    Printed,
    Recall,
    Sent,
    Settled,
    Settlement,
    StopErrand,
    ToHost,
    Told,
    Undescribed,
    decode,
    encode,
    lines_of,
    messages_in,
    problem_of,
    undescribed,
)
from runner.plain import NotThisShape
from runner.schedule.messages import AttemptEnded, AttemptReturned, AttemptStarted, Noted, StopAttempt
from runner.task import (
    Artifact,
    Cause,
    Check,
    Data,
    Failed,
    LedgerRow,
    OutputFile,
    Parameter,
    Progress,
    Request,
    Signature,
    Succeeded,
)

ODD = ("\n", "\r\n", "\x00", "\u2028", "\x85", "}\n{", '"', "\\", "\udc80", "\udcff")
"""Line ends of all kinds, what JSON escapes, and the halves of pairs that Python makes of bytes which are no UTF-8."""
TEXT = st.lists(st.text(max_size=5) | st.sampled_from(ODD), max_size=3).map("".join)
NUMBER = st.integers(0, 2**53)
SECONDS = st.floats(0, 1e9, allow_nan=False)
PLAIN = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63), st.floats(-1e300, 1e300), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=6,
)
OUTPUTS = st.dictionaries(TEXT, st.one_of(TEXT, NUMBER, st.lists(TEXT, max_size=2)), max_size=3)
BYTES = st.binary(max_size=300)
TEXTS = st.dictionaries(TEXT, TEXT, max_size=3)

REQUESTS = st.builds(
    Request,
    run=TEXT,
    task=TEXT,
    attempt=NUMBER,
    uses=st.none() | TEXT,
    arguments=OUTPUTS,
    command=st.none() | TEXT,
    env=TEXTS,
    own_env=TEXTS,
    workdir=TEXT,
    path=st.lists(TEXT, max_size=2).map(tuple),
    requires=st.dictionaries(TEXT, SECONDS, max_size=2),
    isolation=st.sampled_from(["process", "worker"]),
)
FILES = st.dictionaries(TEXT, st.builds(OutputFile, file=TEXT, size=NUMBER, digest=TEXT), max_size=2)
OUTCOMES = st.one_of(
    st.builds(Succeeded, outputs=OUTPUTS, files=FILES),
    st.builds(Failed, cause=st.sampled_from(Cause), message=TEXT, traceback=st.none() | TEXT),
)
NOTES = st.one_of(
    st.builds(Check, name=TEXT, verdict=st.just("failed"), expected=OUTPUTS, observed=TEXT),
    st.builds(LedgerRow, action=st.just("created"), kind=TEXT, id=TEXT, at=TEXT),
    st.builds(Artifact, path=TEXT, title=TEXT, size=NUMBER, digest=TEXT),
    st.builds(Progress, message=TEXT, done=st.none() | SECONDS),
)
ABOUT = {"at": SECONDS, "task": TEXT, "attempt": NUMBER}
SAID = st.one_of(
    st.builds(AttemptStarted, **ABOUT, pid=NUMBER, key=TEXT),
    st.builds(Noted, **ABOUT, note=NOTES),
    st.builds(AttemptReturned, **ABOUT),
)
STOPS = st.builds(
    StopAttempt, task=TEXT, attempt=NUMBER, cause=st.sampled_from(Cause), kill_after=SECONDS, message=TEXT
)
ENDS = st.builds(AttemptEnded, **ABOUT, outcome=OUTCOMES, left=st.lists(TEXT, max_size=2).map(tuple))
SENT = st.builds(Sent, path=TEXT, size=NUMBER, digest=TEXT)
SIGNATURES = st.builds(
    Signature,
    uses=TEXT,
    parameters=st.lists(
        st.builds(Parameter, name=TEXT, type=TEXT, required=st.booleans(), default=TEXT), max_size=2
    ).map(tuple),
)

FROM_HOST = st.one_of(
    st.builds(Told, key=TEXT, event=SAID),
    st.builds(Printed, key=TEXT, piece=BYTES),
    st.builds(Over, key=TEXT, end=ENDS, seconds=SECONDS, files=st.lists(SENT, max_size=2).map(tuple)),
)
KINDS: dict[type[Data], tuple[Any, st.SearchStrategy[Any]]] = {
    Opening: (Opening, st.builds(Opening, crew=TEXT, topic=TEXT, version=TEXT, python=TEXT, started_in=TEXT)),
    Enlisted: (
        Enlisted,
        st.builds(Enlisted, threads=NUMBER, resources=st.dictionaries(TEXT, SECONDS, max_size=2)),
    ),
    Settlement: (Settlement, st.builds(Settlement, folder=TEXT, token=TEXT, secrets=TEXTS, archive=BYTES, store=TEXT)),
    Settled: (Settled, st.builds(Settled, carried=st.booleans())),
    Errand: (Errand, st.builds(Errand, key=TEXT, request=REQUESTS, files=st.lists(TEXT, max_size=2).map(tuple))),
    StopErrand: (ToHost, st.builds(StopErrand, key=TEXT, stop=STOPS)),
    Recall: (ToHost, st.builds(Recall, key=TEXT, task=TEXT, attempt=NUMBER)),
    Describing: (
        Describing,
        st.builds(Describing, wanted=st.dictionaries(TEXT, REQUESTS, max_size=2), archive=BYTES),
    ),
    Undescribed: (Undescribed, st.builds(Undescribed, code=TEXT, message=TEXT, hint=TEXT)),
    Descriptions: (
        Descriptions,
        st.builds(
            Descriptions,
            told=st.dictionaries(
                TEXT, SIGNATURES | st.builds(Undescribed, code=TEXT, message=TEXT, hint=TEXT), max_size=2
            ),
        ),
    ),
    Sent: (Sent, SENT),
    Told: (FromHost, FROM_HOST),
    Printed: (FromHost, FROM_HOST),
    Over: (FromHost, FROM_HOST),
}


def test_every_message_has_its_turn() -> None:
    """The list above is the list of what can be said."""
    defined = {
        each for each in vars(errands).values() if isinstance(each, type) and each.__module__ == errands.__name__
    }

    assert defined == KINDS.keys()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_every_message_is_read_as_it_was_written(kind: type[Data], data: st.DataObject) -> None:
    """One line, and the same again, with newlines, nothing at all and halves of pairs in every text."""
    union, messages = KINDS[kind]
    message = data.draw(messages)
    line = encode(message)

    assert b"\n" not in line
    assert message == decode(union, line)


@given(st.lists(FROM_HOST, max_size=6))
def test_several_messages_are_read_as_they_were_written(messages: list[FromHost]) -> None:
    """In their order, as many as there were, none included."""
    lines = lines_of(messages)

    assert max(0, len(messages) - 1) == lines.count(b"\n")
    assert messages == messages_in(lines)


@given(st.integers(0, 255), BYTES)
def test_what_is_printed_crosses_byte_for_byte(first: int, rest: bytes) -> None:
    """Bytes are spelled in base64, also beside a text that takes the slow way."""
    piece = bytes([first]) + rest
    for key in ("key", "half \udc80"):
        line = encode(Printed(key=key, piece=piece))

        assert base64.b64encode(piece).decode() == json.loads(line)["piece"]
        assert [Printed(key=key, piece=piece)] == messages_in(line)


@given(PLAIN)
def test_an_output_that_looks_like_a_message_stays_an_output(value: Any) -> None:
    """Reading follows the types, never the data."""
    outputs = {"is": "Over", "key": "k", "value": value}
    end = AttemptEnded(at=0.0, task="t", attempt=1, outcome=Succeeded(outputs=outputs))
    (read,) = messages_in(lines_of([Over(key="k", end=end)]))

    assert isinstance(read, Over)
    assert outputs == read.end.outcome.outputs


@pytest.mark.parametrize(
    "line", [b"{}", b"null", b'{"is":"Opening"}', b'{"is":"Printed","key":"k","piece":"%"}', b"\xff"]
)
def test_what_no_host_says_is_refused(line: bytes) -> None:
    """Whatever it is, and in no other way; beside a message that is right, too."""
    for lines in (line, line + b"\n" + encode(Printed(key="k", piece=b""))):
        with pytest.raises(NotThisShape):
            messages_in(lines)


@given(TEXT | st.just("cannot-import"), TEXT, TEXT, TEXT)
def test_a_problem_comes_back_as_one_that_names_its_worker(code: str, message: str, hint: str, worker: str) -> None:
    """The message says where it was met; what cannot be imported there has a hint. A signature is left alone."""
    told = problem_of(undescribed(Problem(code=code, message=message, hint=hint), worker))
    advice = hint or ("install it there, or bring it along with `--ship`" if code == "cannot-import" else "")
    signature = Signature(uses="m:f", parameters=())

    assert Problem(code=code, message=f"{message} (on the worker {worker})", hint=advice) == told
    assert signature is problem_of(signature)
