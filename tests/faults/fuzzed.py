"""What the runner reads, fuzzed: for each kind of file how it is changed, who reads it, and how that may end.

In this process a file is read by the command line itself, without a new process, so that a hundred thousand take
minutes; `words` is what reads the same file in a process of its own.
"""

from __future__ import annotations

import contextlib
import io
import json
import traceback
from pathlib import Path
from typing import Any, Protocol
from zlib import crc32

from runner.cli.main import main as command
from runner.errors import UsageError
from runner.opening import Options
from runner.planning.approval import approved, read_approval
from tests.faults.changes import Chance, meant, stored, typed, written

ROOT = Path(__file__).resolve().parents[2]
BAD_DISK = 0.05
"""The share of texts that a bad disk has changed, too."""
MEANT = 0.8
"""The share of plans that are JSON still, and say something else."""
NOT_YAML = (
    "yaml-syntax", "unreadable-character", "empty-file", "unknown-anchor", "anchor-loop", "too-deep", "too-big",
    "encoding",
)  # fmt: skip
"""Codes of what cannot even be read."""


class Subject(Protocol):
    """One kind of file."""

    folder: Path
    allowed: frozenset[int]
    same_in_a_process: bool

    def change(self, chance: Chance) -> bytes: ...
    def read(self, content: bytes) -> tuple[int | str, str]: ...
    def end(self, code: int | str, said: str) -> str: ...
    def words(self) -> list[str]: ...


def by_command(words: list[str]) -> tuple[int | str, str]:
    """Run a command line in this process; answers its exit code, or the traceback of what it should not have raised."""
    said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code: int | str = int(command(words))
        except BaseException:  # noqa: BLE001  # whatever comes out of it is what we are looking for
            code = traceback.format_exc()
    return code, said.buffer.getvalue().decode("utf-8", "replace")  # type: ignore[attr-defined]  # the one above


class Graphs:
    """Graph files: `validate --static` exits 0 or 3."""

    allowed, same_in_a_process = frozenset({0, 3}), True

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / "g.yaml"
        self._files = [_texts("graphs", "tests/cli/graphs"), _texts("tests/graph/broken")]

    def change(self, chance: Chance) -> bytes:
        """Answer a file after one to six steps of somebody who types."""
        content = typed(chance.choice(chance.choice(self._files)), chance)
        return stored(content, chance) if chance.random() < BAD_DISK else content

    def read(self, content: bytes) -> tuple[int | str, str]:
        """Check it."""
        self._path.write_bytes(content)
        return by_command(["validate", "--static", str(self._path)])

    def end(self, code: int | str, said: str) -> str:
        """Say how far it came."""
        if code == 0:
            return "valid"
        return "not even YAML" if any(f"[{each}]" in said for each in NOT_YAML) else "wrong"

    def words(self) -> list[str]:
        """Answer the same as a command."""
        return ["validate", "--static", str(self._path)]


EVERY_TYPE = """\
params:
  string: {type: string, default: a}
  integer: {type: integer, default: 1}
  number: {type: number, default: 1.5}
  boolean: {type: boolean, default: true}
  path: {type: path, default: p}
  url: {type: url, default: "http://x.test"}
  duration: {type: duration, default: 5m}
  size: {type: size, default: 1GiB}
  list: {type: list, default: [1]}
  map: {type: map, default: {a: 1}}
  one: {type: string, default: a, enum: [a, b]}
tasks:
  all: {run: "echo ${{ params.string }} ${{ params.integer }} ${{ params.size }} ${{ params.url }} ${{ params.list }}"}
"""
GIVEN: dict[str, Any] = {
    "string": "a b", "integer": 3, "number": 2.5, "boolean": False, "path": "x/y", "url": "https://y.test/a",
    "duration": "1h30m", "size": "512MiB", "list": [1, {"a": None}], "map": {"a": [True]}, "one": "b",
}  # fmt: skip


class Parameters:
    """Parameters, half of them in a file: a dry run exits 0, 2 (not readable) or 3 (does not fit)."""

    allowed, same_in_a_process = frozenset({0, 2, 3}), True

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._graph, self._file = folder / "g.yaml", folder / "params.json"
        self._graph.write_text(EVERY_TYPE)
        self._given: list[str] = []

    def change(self, chance: Chance) -> bytes:
        """Answer a parameters file, and keep what to give beside it on the command line."""
        self._given = []
        for name in chance.sample(sorted(GIVEN), chance.choice([0, 1, 2])):
            text = GIVEN[name] if isinstance(GIVEN[name], str) else json.dumps(GIVEN[name])
            word = typed(f"{name}={text}", chance).replace(b"\0", b"").decode("utf-8", "surrogateescape")
            self._given += ["-p", word]
        content = written(meant(GIVEN, chance), chance)
        if chance.random() < 0.2:
            return stored(content, chance)
        return typed(content.decode("utf-8", "replace"), chance) if chance.random() < 0.3 else content

    def read(self, content: bytes) -> tuple[int | str, str]:
        """Begin a run as far as parameters matter."""
        self._file.write_bytes(content)
        return by_command(self.words())

    def end(self, code: int | str, said: str) -> str:  # noqa: ARG002  # the protocol's
        """Say how far it came."""
        return {0: "valid", 2: "not readable"}.get(code if isinstance(code, int) else -1, "wrong")

    def words(self) -> list[str]:
        """Answer the same as a command."""
        return ["run", str(self._graph), "-n", "--params-file", str(self._file), *self._given]


class Journals:
    """Journals: `report` exits 0 (a prefix), 2 (nothing in it) or 5 (damaged, with its line).

    Some keep a right checksum around what was never written: then it must not end in a traceback either.
    """

    allowed, same_in_a_process = frozenset({0, 2, 3, 5}), True

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "g.yaml").write_text(JOURNALED)
        with contextlib.chdir(folder):
            code, said = by_command(["run", "g.yaml", "-o", "quiet", "--state-dir", "s"])
        assert code == 1, said
        (run,) = (folder / "s/runs").iterdir()
        self._path, self._content = run / "journal.jsonl", (run / "journal.jsonl").read_bytes()
        self._words = ["report"]

    def change(self, chance: Chance) -> bytes:
        """Answer a journal as a bad disk gives it, or one that says odd things with the right checksum."""
        self._words = chance.choice([["report"], ["report", "--json"], ["show", "latest"], ["history"]])
        if chance.random() < 0.5:
            return stored(self._content, chance)
        lines = [line[9:] for line in self._content.splitlines()]
        for _ in range(chance.choice([1, 1, 3])):
            number = chance.randrange(len(lines))
            match chance.randrange(3):
                case 0:
                    lines[number] = written(meant(json.loads(lines[number]), chance), chance).replace(b"\n", b"")
                case 1:
                    del lines[number]
                case 2:
                    lines.insert(chance.randrange(len(lines) + 1), lines[number])
            lines = lines or [b""]
        return _summed(lines)

    def read(self, content: bytes) -> tuple[int | str, str]:
        """Report on it."""
        self._path.write_bytes(content)
        return by_command(self.words())

    def end(self, code: int | str, said: str) -> str:
        """Say how far it came."""
        if code == 5 or "damaged" in said:
            return "damaged"
        return "a report" if code == 0 else "nothing in it"

    def words(self) -> list[str]:
        """Answer the same as a command."""
        return [*self._words, "--state-dir", str(self.folder / "s")]


class Plans:
    """Plans that were written down: `run --plan` refuses what is none (2), or what no longer fits (3, 7).

    In this process a plan is only read; the real command runs one that still fits.
    """

    allowed, same_in_a_process = frozenset({0, 2, 3, 4, 7}), False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / "plan.json"
        (folder / "g.yaml").write_text(PLANNED)
        with contextlib.chdir(folder):
            code, said = by_command(["plan", "g.yaml", "-p", "n=2", "--only", "a", "--only", "b", "--out", "plan.json"])
        assert code == 0, said
        self._content = json.loads(self._path.read_bytes())

    def change(self, chance: Chance) -> bytes:
        """Answer a plan that says other things, that was typed over, or comes from a bad disk."""
        content = written(meant(self._content, chance), chance)
        way = chance.random()
        if way < MEANT:
            return content
        whole = written(self._content, chance)
        return typed(whole.decode(), chance) if way < MEANT + BAD_DISK else stored(whole, chance)

    def read(self, content: bytes) -> tuple[int | str, str]:
        """Read it as `run --plan` does."""
        self._path.write_bytes(content)
        try:
            approved(Options(graph=""), read_approval(str(self._path)))
        except UsageError as error:
            return 2, str(error)
        except BaseException:  # noqa: BLE001  # whatever comes out of it is what we are looking for
            return traceback.format_exc(), ""
        return 0, ""

    def end(self, code: int | str, said: str) -> str:  # noqa: ARG002  # the protocol's
        """Say how far it came."""
        return "valid" if code == 0 else "no plan"

    def words(self) -> list[str]:
        """Run it."""
        return ["run", "--plan", "plan.json", "-o", "quiet"]


PLANNED = """\
params: {n: {type: integer, default: 1}}
tasks:
  a: {run: "true"}
  b: {run: "echo ${{ params.n }}", needs: [a]}
  c: {run: "true", needs: [b]}
"""
JOURNALED = """\
tasks:
  a: {run: "echo a", estimate: 1s}
  b: {run: "false", needs: [a], retry: {attempts: 2, delay: 10ms}}
  c: {run: "true", needs: [b], trigger: all_done}
  d: {run: "true", needs: [b]}
services:
  s: {run: "sleep 60", ready: {log: never, timeout: 50ms}}
"""


# -- the helpers -------------------------------------------------------------------------------------------------------


def _texts(*folders: str) -> list[str]:
    """Read every graph file in these folders of the project, without the marks of the guilty tokens."""
    files = sorted(file for folder in folders for file in (ROOT / folder).rglob("*.yaml"))
    return [file.read_text("utf-8").replace("⟦", "").replace("⟧", "") for file in files]


def _summed(lines: list[bytes]) -> bytes:
    """Write the lines of a journal with their checksums."""
    last, whole = 0, b""
    for line in lines:
        last = crc32(line, last)
        whole += b"%08x %b\n" % (last, line)
    return whole
