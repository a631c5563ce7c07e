"""Commands that talk, in real processes: what they hand on, what they promise, and what survives their death."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from runner.schedule.messages import Noted
from runner.task import Artifact, Cause, Check, Failed, LedgerRow, Note, Succeeded
from tests.execute.pools import ENV, Bench

pytestmark = pytest.mark.real

SECRET = "s3cr3t-t0ken"
SECRETIVE: dict[str, Any] = {"env": {**ENV, "SECRET_TOKEN": SECRET}, "secrets": ("SECRET_TOKEN",)}
ROW = '{"action": "created", "kind": "user", "id": "7"}'


def places(bench: Bench) -> dict[str, str]:
    """Answer the folders of a run that an attempt is told of, made as a run makes them."""
    (bench.folder / "receipts").mkdir(exist_ok=True)
    return {"receipts": str(bench.folder / "receipts"), "outputs": str(bench.folder / "outputs")}


def left(bench: Bench) -> list[str]:
    """Answer what lies beside the receipts."""
    return [path.name for path in (bench.folder / "receipts").iterdir() if path.suffix != ".jsonl"]


def test_a_command_hands_on_what_it_writes(bench: Bench) -> None:
    """Outputs as declared, checks and rows as they were written, files as promised; and nothing is left beside."""
    command = f"""
        echo count=3 >> $TASKGRAPH_OUTPUT
        echo '{{"name": "fast", "expected": 1, "observed": 1}}' >> "$TASKGRAPH_CHECKS"
        echo '{ROW}' >> "$TASKGRAPH_LEDGER"
        echo '<s><testcase name="t"/></s>' > junit.xml
    """
    given = {"declared": {"count": "integer"}, "promises": ("junit.xml",), "junit": ("*.xml",)}
    outputs = bench.outputs("talks", command=command, **given, **places(bench))
    check, row, case, file = bench.notes("talks")

    assert {"count": 3} == outputs
    assert Check(name="fast", verdict="passed", expected=1, observed=1) == check
    assert isinstance(row, LedgerRow)
    assert ("created", "user", "7") == (row.action, row.kind, row.id)
    assert isinstance(case, Check)
    assert ("t", "passed") == (case.name, case.verdict)
    assert isinstance(file, Artifact)
    assert ("artifacts/talks.1/junit.xml", "junit.xml") == (file.path, file.promise)
    assert [] == left(bench)


def test_a_function_promises_files_too(bench: Bench) -> None:
    """It fails if it does not write them, with what it returned."""
    failed = bench.failure("f", "pid", promises=("a.xml",), **places(bench))

    assert (Cause.BAD_OUTPUT, "`a.xml`, which it promised, is not there") == (failed.cause, failed.message)
    assert failed.outputs


@pytest.mark.parametrize(
    ("command", "cause", "message"),
    [
        ("echo hello >> $TASKGRAPH_OUTPUT", Cause.BAD_OUTPUT, "TASKGRAPH_OUTPUT:1: `hello` is no output; write"),
        ("echo oops >> $TASKGRAPH_CHECKS", Cause.BAD_OUTPUT, "TASKGRAPH_CHECKS:1: this is no JSON"),
        ("echo {} >> $TASKGRAPH_LEDGER", Cause.BAD_OUTPUT, "TASKGRAPH_LEDGER:1: `action` must be"),
        ("echo oops >> $TASKGRAPH_CHECKS; exit 3", Cause.EXIT_CODE, "exit code 3; TASKGRAPH_CHECKS:1: this is no"),
        ("echo oops >> $TASKGRAPH_OUTPUT; exit 3", Cause.EXIT_CODE, "exit code 3"),
        (
            """echo '{"name": "c", "verdict": "failed"}' >> $TASKGRAPH_CHECKS; echo oops >> $TASKGRAPH_LEDGER""",
            Cause.FAILED_CHECK,
            "1 of 1 checks failed: `c`; TASKGRAPH_LEDGER:1: this is no JSON",
        ),
        (
            "for each in 1 2 3 4 5; do echo oops$each >> $TASKGRAPH_CHECKS; done",
            Cause.BAD_OUTPUT,
            "TASKGRAPH_CHECKS:1: this",
        ),
    ],
)
def test_what_cannot_be_understood_fails_the_attempt(bench: Bench, command: str, cause: Cause, message: str) -> None:
    """The message has place and reason; a command that failed by itself failed for that first."""
    failed = bench.failure("sh", command=command, **places(bench))

    assert cause is failed.cause
    assert failed.message.startswith(message)
    assert ("and 2 more" in failed.message) == ("for each" in command)
    assert [] == left(bench)


def test_outputs_of_a_command_that_failed_do_not_count(bench: Bench) -> None:
    """It did not return; of one that a check has failed they do."""
    failed = bench.failure("failed", command="echo a=1 >> $TASKGRAPH_OUTPUT; exit 1", **places(bench))
    check = """echo '{"name": "c", "verdict": "failed"}' >> $TASKGRAPH_CHECKS"""
    judged = bench.failure("judged", command=f"echo a=1 >> $TASKGRAPH_OUTPUT; {check}", **places(bench))

    assert failed.outputs is None
    assert {"a": "1"} == judged.outputs


@pytest.mark.parametrize("how", ["stop", "kill", "time"])
def test_a_row_outlives_its_command(bench: Bench, how: str) -> None:
    """It is heard while the command runs: whatever ends it then, the record is known to be there."""
    dies = "sleep 0.6; kill -9 $PPID; " if how == "kill" else ""
    bench.start("a", command=f"echo '{ROW}' >> $TASKGRAPH_LEDGER; {dies}sleep 60", **places(bench))
    noted = bench.until(Noted, "a")
    if how != "kill":
        bench.stop("a", kill_after=0.0 if how == "time" else 5.0)
    end = bench.end_of("a")

    assert isinstance(noted, Noted)
    assert isinstance(noted.note, LedgerRow)
    assert ("created", "user", "7") == (noted.note.action, noted.note.kind, noted.note.id)
    assert isinstance(end.outcome, Failed)
    assert (Cause.CRASHED if how == "kill" else Cause.TIMED_OUT) is end.outcome.cause
    assert [] == left(bench), "whoever was killed, its files are gone"


def test_a_short_command_is_not_waited_for(bench: Bench) -> None:
    """Its end is noticed at once, not at the next look."""
    given = places(bench)
    bench.run("first", command="true", **given)
    began = time.monotonic()
    for number in range(10):
        bench.run(f"n{number}", command="true", **given)

    assert 1.5 > time.monotonic() - began, "with a look every 200 ms it would take 2 s"


def test_a_large_output_is_a_file(bench: Bench) -> None:
    """As one that a function returns; and one that is too large to be read is refused."""
    command = "printf 'big<<END\\n%s\\nEND\\n' \"$(head -c 2000000 /dev/zero | tr '\\0' x)\" >> $TASKGRAPH_OUTPUT"
    end = bench.run("large", command=command, **places(bench)).outcome
    huge = bench.failure("huge", command="head -c 70000000 /dev/zero >> $TASKGRAPH_OUTPUT", **places(bench))

    assert isinstance(end, Succeeded)
    assert ({}, {"big": 2_000_002}) == (dict(end.outputs), {name: file.size for name, file in end.files.items()})
    assert huge.message.startswith("TASKGRAPH_OUTPUT: more than 64 MiB cannot be handed on; promise a file")


def test_ten_thousand_checks_arrive(bench: Bench) -> None:
    """In order, each once, however they fall into the looks."""
    line = '{"name": "%d", "verdict": "passed"}'
    command = f"i=0; while [ $i -lt 10000 ]; do printf '{line}\\n' $i; i=$((i+1)); done >> $TASKGRAPH_CHECKS"
    bench.outputs("many", command=command, **places(bench))

    assert [str(number) for number in range(10_000)] == [
        note.name for note in bench.notes("many") if isinstance(note, Check)
    ]


@pytest.mark.parametrize(
    ("command", "cause", "seen"),
    [
        ("echo token=$SECRET_TOKEN >> $TASKGRAPH_OUTPUT", Cause.SECRET_IN_OUTPUT, []),
        ("echo $SECRET_TOKEN >> $TASKGRAPH_OUTPUT", Cause.BAD_OUTPUT, []),
        ("echo $SECRET_TOKEN >> $TASKGRAPH_CHECKS", Cause.BAD_OUTPUT, []),
        (
            """echo '{"name": "'$SECRET_TOKEN'", "verdict": "passed"}' >> $TASKGRAPH_CHECKS""",
            None,
            [Check(name="***", verdict="passed")],
        ),
        (
            """echo '<s><testcase name="'$SECRET_TOKEN'"/></s>' > a.xml""",
            None,
            [Check(name="***", verdict="passed", expected="passes", observed="passed", seconds=0.0)],
        ),
        (
            """echo '{"action": "created", "kind": "k", "at": "t", "id": "'$SECRET_TOKEN'"}' >> $TASKGRAPH_LEDGER""",
            Cause.SECRET_IN_OUTPUT,
            [LedgerRow(action="created", kind="k", id="***", at="t")],
        ),
        ("touch $SECRET_TOKEN.txt", Cause.SECRET_IN_OUTPUT, []),
    ],
)
def test_no_secret_gets_out_by_a_file(bench: Bench, command: str, cause: Cause | None, seen: list[Note]) -> None:
    """Whatever is said is masked, and what would be handed on fails; none is left where we keep anything."""
    given: dict[str, Any] = {**SECRETIVE, **places(bench), "promises": ("*.txt",) if "txt" in command else ()}
    given |= {"junit": ("a.xml",)} if "a.xml" in command else {}
    work = bench.folder.with_name(f"{bench.folder.name}-work")
    work.mkdir()
    end = bench.run("leaks", command=command, **{**given, "workdir": str(work)})

    assert seen == bench.notes("leaks")
    assert cause is (end.outcome.cause if isinstance(end.outcome, Failed) else None)
    assert SECRET not in repr(bench.events)
    assert not any(SECRET in str(path) for path in bench.folder.rglob("*"))
    assert not any(SECRET in path.read_text() for path in bench.folder.rglob("*") if path.is_file())


def test_a_run_without_a_folder_has_no_files(bench: Bench) -> None:
    """There is nowhere to write to, and the variables say so."""
    bench.outputs("sh", command='test -z "${TASKGRAPH_OUTPUT+x}${TASKGRAPH_CHECKS+x}${TASKGRAPH_LEDGER+x}"')

    assert not Path(bench.folder, "receipts").exists()
