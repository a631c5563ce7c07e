"""What attempts print, with real workers: whose it is and what is kept."""

from __future__ import annotations

import re
import time
from collections import Counter

import pytest

from tests.execute.pools import ENV, Bench

pytestmark = pytest.mark.real


def test_output_belongs_to_its_attempt(bench: Bench) -> None:
    """Whatever door it comes through, each byte is in the log of the attempt that printed it."""
    pids = [bench.outputs(f"t{n}", "prints", arguments={"text": f"n{n}", "times": 2000})["value"] for n in range(6)]

    assert 1 == len(set(pids))
    for n in range(6):
        words = Counter(re.findall(r"(print|write|child|unflushed|no newline) (n\d)", bench.log(f"t{n}")))
        once = {(door, f"n{n}"): 1 for door in ("write", "child", "unflushed", "no newline")}
        assert {("print", f"n{n}"): 2000, **once} == words


def test_what_prints_nothing_has_no_log(bench: Bench) -> None:
    """No file is made for silence."""
    assert "" == bench.run("quiet", "pid").log
    assert not (bench.folder / "logs").exists()


def test_output_need_not_be_text(bench: Bench) -> None:
    """Any byte is kept as it is, the first of a boundary mark included."""
    every = bytes(range(256)) + b"\0" * 40
    end = bench.run("bytes", "prints_bytes", arguments={"hexadecimal": every.hex()})

    assert every == (bench.folder / end.log).read_bytes()


def test_a_long_output_keeps_its_head_and_tail(bench: Bench) -> None:
    """Over the limit the middle is cut, marked with its size, and the file stays near the limit."""
    size, limit = 20_000_000, 100_000
    end = bench.run("flood", "floods", arguments={"size": size}, log_limit=limit)
    text = (bench.folder / end.log).read_text()
    head, cut, tail = text.partition(f"\n[... {size // 64 * 64 - limit} bytes were cut here: the log is limited ...]\n")

    assert cut
    assert (limit // 2, limit // 2) == (len(head), len(tail))
    assert head.startswith(f"{0:063d}\n")
    assert tail.endswith(f"{size // 64 - 1:063d}\n")
    assert ["flood.1.log"] == [each.name for each in (bench.folder / "logs").iterdir()]


def test_the_last_line_can_be_seen_while_it_runs(bench: Bench) -> None:
    """A running task's newest line is at hand, and gone when it is over."""
    bench.start("talk", command="echo one; echo two; sleep 60")
    until = time.monotonic() + 10
    while bench.pool.last_line("talk") != "two" and time.monotonic() < until:
        bench.pool.wait(0.05)

    assert "two" == bench.pool.last_line("talk")
    bench.stop("talk")
    bench.end_of("talk")
    assert "" == bench.pool.last_line("talk")


def test_whoever_listens_hears_it_all_and_no_secret(bench: Bench) -> None:
    """The pieces a listener is handed are the log, cut anywhere, under the id of who printed; a wait ends for them."""
    heard: dict[str, bytes] = {}
    bench.pool.listen(lambda name, piece: heard.update({name: heard.get(name, b"") + piece}))
    bench.start("loud", command="echo $TOKEN; sleep 60", env={**ENV, "TOKEN": "hunter22"}, secrets=("TOKEN",))
    until = time.monotonic() + 10
    while "loud" not in heard and time.monotonic() < until:
        bench.events += bench.pool.wait(60)

    assert {"loud": b"***\n"} == heard
    bench.stop("loud")
    bench.end_of("loud")
    bench.run("t", "prints", arguments={"text": "n", "times": 500})
    assert bench.log("t").encode() == heard["t"]


def test_log_names_are_safe(bench: Bench) -> None:
    """An id becomes a file name that is no path, and long ids stay apart."""
    strange, long = "../a b/ü", "x" * 300
    logs = [bench.run(task, command="echo hi").log for task in (strange, f"{long}1", f"{long}2")]

    assert "logs/..%2Fa%20b%2F%C3%BC.1.log" == logs[0]
    assert 3 == len(set(logs))
    assert all((bench.folder / log).is_file() for log in logs)
