"""The journal: what is read is a prefix of what was written, whatever happens to the file."""

import random
import resource
import subprocess
import sys
from pathlib import Path
from zlib import crc32

import pytest

from runner.errors import DamagedJournal, RunnerFault
from runner.mask import Masker
from runner.plain import encode
from runner.record.journal import GROUPED, Journal, read
from runner.schedule.messages import (
    AttemptEnded,
    AttemptReturned,
    AttemptStarted,
    CancelAsked,
    ClockTicked,
    Event,
    Noted,
    Planned,
    RunOpened,
    ServiceEnded,
    ServiceReady,
    SlotsChanged,
)
from runner.task import Artifact, Cause, Check, Failed, LedgerRow, Progress, Succeeded

AT = "2026-01-01T00:00:00.000Z"
EVENTS: tuple[Event, ...] = (
    RunOpened(
        at=0.1,
        run="r",
        started=AT,
        slots=3,
        file="g.yaml",
        params={"x": [1, None, "ü"]},
        durations={"a": 1.5},
        planned={"a": Planned(started=0.1, seconds=1.5)},
    ),
    ServiceReady(at=0.2, service="s", attempt=1, asked=0.1, url="http://127.0.0.1:1", port=1, pid=7),
    AttemptStarted(at=0.3, task="a", attempt=1, pid=8),
    Noted(at=0.4, task="a", attempt=1, note=Check(name="c", verdict="failed", expected=1, observed={"is": "Check"})),
    Noted(at=0.4, task="a", attempt=1, note=LedgerRow(action="created", kind="doc", id="1", at=AT)),
    Noted(at=0.4, task="a", attempt=1, note=Artifact(path="x.txt")),
    Noted(at=0.4, task="a", attempt=1, note=Progress(message="half", done=1, total=2)),
    AttemptReturned(at=0.5, task="b", attempt=1),
    AttemptEnded(at=0.6, task="a", attempt=1, outcome=Failed(cause=Cause.CRASHED, message="a\nb"), log="logs/a.1.log"),
    AttemptEnded(at=0.7, task="a", attempt=2, outcome=Succeeded(outputs={"is": "Failed"}), left=("sleep",)),
    SlotsChanged(at=0.8, slots=2),
    ClockTicked(at=0.9),
    CancelAsked(at=1.0, why="hung_up"),
    ServiceEnded(at=1.1, service="s", attempt=1, how="died", message="gone", lines=("last words",)),
)


class Stopwatch:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time


def written(path: Path, events: tuple[Event, ...] = EVENTS, secrets: dict[str, str] | None = None) -> bytes:
    """Write events into a journal and answer its bytes."""
    journal = Journal(path, Stopwatch(), Masker(secrets or {}))
    for event in events:
        journal.record([event])
    journal.sync()
    journal.close()
    return path.read_bytes()


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """Every kind of event comes back as it was."""
    written(tmp_path / "j")

    assert EVENTS == read(tmp_path / "j").events
    assert not read(tmp_path / "j").torn


def test_journals_of_the_earlier_format_are_read(tmp_path: Path) -> None:
    """Each line was summed up by itself then; damage is found and named all the same."""
    texts = [b'{"journal":1}', *(encode(event) for event in EVENTS)]
    lines = [b"%08x %b\n" % (crc32(text), text) for text in texts]
    (tmp_path / "j").write_bytes(b"".join(lines))
    (tmp_path / "k").write_bytes(b"".join([*lines[:3], lines[3].replace(b"at", b"aT"), *lines[4:]]))

    assert EVENTS == read(tmp_path / "j").events
    with pytest.raises(DamagedJournal, match="checksum") as damaged:
        read(tmp_path / "k")
    assert 4 == damaged.value.line


def test_a_journal_cut_at_any_byte_is_a_prefix(tmp_path: Path) -> None:
    """Cut anywhere, what is read is a prefix of what was written, and no whole line is lost."""
    data = written(tmp_path / "whole")
    cut = tmp_path / "cut"
    for length in range(len(data) + 1):
        cut.write_bytes(data[:length])
        whole_lines = max(0, data[:length].count(b"\n") - 1)  # the first one names the format

        found = read(cut)

        assert EVENTS[:whole_lines] == found.events, f"cut after {length} bytes"
        assert (length > 0 and data[length - 1 : length] != b"\n") == found.torn, f"cut after {length} bytes"


def test_no_flipped_bit_is_read_as_something_else(tmp_path: Path) -> None:
    """Damage before the last line is refused with its line; damage in the last line reads as a torn end."""
    data = written(tmp_path / "whole")
    chance, broken = random.Random(5), tmp_path / "broken"
    refused = 0
    for _ in range(500):
        position = chance.randrange(len(data))
        flipped = bytearray(data)
        flipped[position] ^= 1 << chance.randrange(8)
        broken.write_bytes(flipped)
        line = data[:position].count(b"\n") + 1
        try:
            found = read(broken)
        except DamagedJournal as error:
            refused += 1
            named = error.line
        else:
            named = None

        if named is None:
            assert EVENTS[: len(found.events)] == found.events
            assert len(found.events) >= len(EVENTS) - 2
            assert found.torn
        else:
            assert named in ({line, line + 1} if flipped[position] == 10 or data[position] == 10 else {line})

    assert refused > 300


def test_a_line_that_is_lost_doubled_or_moved_is_damage(tmp_path: Path) -> None:
    """A disk that loses whole lines, or has them twice, is found out at the first line that does not follow."""
    lines = written(tmp_path / "whole").splitlines(keepends=True)
    broken = tmp_path / "broken"
    for number in range(1, len(lines) - 2):
        for changed in (
            [*lines[:number], *lines[number + 1 :]],
            [*lines[:number], lines[number - 1], *lines[number:]],
            [*lines[:number], lines[number + 1], lines[number], *lines[number + 2 :]],
        ):
            broken.write_bytes(b"".join(changed))

            with pytest.raises(DamagedJournal) as told:
                read(broken)
            assert number + 1 == told.value.line


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    """Any other file is not mistaken for a journal."""
    (tmp_path / "j").write_text("hello\nworld\nagain\n", encoding="utf-8")

    with pytest.raises(DamagedJournal, match=":1:"):
        read(tmp_path / "j")


def test_the_disk_is_told_in_groups(tmp_path: Path) -> None:
    """The first event after a sync sets the moment of the next, which later events do not put off."""
    clock = Stopwatch()
    journal = Journal(tmp_path / "j", clock, Masker({}))
    assert journal.due() is None
    clock.time = 10.0
    journal.record([ClockTicked(at=10.0)])
    clock.time = 10.04
    journal.record([ClockTicked(at=10.04)])

    assert 10.0 + GROUPED == journal.due()
    journal.sync()
    assert journal.due() is None
    journal.close()


def test_secrets_do_not_reach_the_disk(tmp_path: Path) -> None:
    """A secret in anything said is masked; a secret that is one of our own words breaks nothing."""
    said = AttemptEnded(
        at=1.0, task="a", attempt=1, outcome=Failed(cause=Cause.CRASHED, message="the key hunter22 is bad")
    )
    data = written(tmp_path / "j", (EVENTS[0], said), {"KEY": "hunter22", "WORD": "Failed", "CAUSE": "crashed"})

    assert b"hunter22" not in data
    assert 2 == len(read(tmp_path / "j").events)


def test_an_event_is_small(tmp_path: Path) -> None:
    """Start and end of an attempt take less than 300 bytes each."""
    start = AttemptStarted(at=12345.678901, task="a-task-with-a-long-name", attempt=2, pid=1234567)
    end = AttemptEnded(
        at=12345.678901, task=start.task, attempt=2, outcome=Succeeded(outputs={"value": 1}), log="logs/a.log"
    )
    lines = written(tmp_path / "j", (start, end)).splitlines()

    assert all(len(line) < 300 for line in lines)


FULL = """
import resource, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from runner.errors import RunnerFault
from runner.mask import Masker
from runner.record.journal import Journal
from runner.schedule.messages import ClockTicked
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
class Clock:
    def now(self): return 0.0
journal = Journal(Path({path!r}), Clock(), Masker({{}}))
resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))
try:
    while True:
        journal.record([ClockTicked(at=1.0)])
except RunnerFault as error:
    print(error)
"""


@pytest.mark.real
def test_a_full_disk_is_the_runners_fault(tmp_path: Path) -> None:
    """A disk that takes no more ends the run with a plain message, and what was written stays readable."""
    assert resource.RLIM_INFINITY == resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    program = FULL.format(root=str(Path.cwd()), path=str(tmp_path / "j"))
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert "cannot be written: File too large" in said
    assert all(ClockTicked(at=1.0) == event for event in read(tmp_path / "j").events)


def test_a_journal_is_never_written_over(tmp_path: Path) -> None:
    """A second journal of the same name is refused."""
    written(tmp_path / "j")

    with pytest.raises(RunnerFault, match="cannot be made"):
        Journal(tmp_path / "j", Stopwatch(), Masker({}))
