"""Graph files changed by chance, each checked by `validate --static`: exit 0 or 3, never anything else.

`python tests/faults/fuzz.py COUNT SEED` prints one line of JSON: how many files were valid, how many at least YAML, the
slowest in seconds, the peak of memory in MiB, and every file that broke something. Files begin as those of the project,
valid and broken ones, and are changed by one to six steps that people and editors take.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import resource
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from runner.cli.main import main as command
from runner.graph.keys import ROOT as ROOT_KEYS
from runner.graph.task_keys import TASK

ROOT = Path(__file__).resolve().parents[2]
TYPED = r"""true no null ~ 1 -1 1e999 0x1F 012 1:30
2026-11-24 5m 1GiB [] {} &x *x !!python/object:os.system ${{ }} ' " | >
? # always() depends_on a.b .. /"""
WORDS = [
    *TASK.keys,
    *ROOT_KEYS.keys,
    *TYPED.split(),
    *("[a, b]", "<<: *x", "${{ params.x }}", "${{ needs.a.outputs.b }}", "${{ 1 && '' || x }}", ": ", "- "),
    *("\t", "\x00", "\ufeff", "\u2028", "\ud7ff", "é", "𝄞", "a" * 300),
    *("[" * 120, "{a: " * 120, "${{ " + "(" * 200),
]

NOT_YAML = (
    "yaml-syntax", "unreadable-character", "empty-file", "unknown-anchor", "anchor-loop", "too-deep", "too-big",
)  # fmt: skip
"""Codes of what cannot even be read."""


def seeds(*folders: str) -> list[str]:
    """Read every graph file in these folders of the project, without the marks of the guilty tokens."""
    files = sorted(file for folder in folders for file in (ROOT / folder).rglob("*.yaml"))
    return [file.read_text("utf-8").replace("⟦", "").replace("⟧", "") for file in files]


def drop_line(text: str, chance: random.Random) -> str:
    """Lose a line."""
    lines = text.splitlines(keepends=True)
    lost = chance.randrange(len(lines) or 1)
    return "".join(line for number, line in enumerate(lines) if number != lost)


def move_line(text: str, chance: random.Random) -> str:
    """Move a line elsewhere, as it is or twice."""
    lines = text.splitlines(keepends=True) or [""]
    line = lines[chance.randrange(len(lines))]
    if chance.random() < 0.5:
        lines.remove(line)
    lines.insert(chance.randrange(len(lines) + 1), line)
    return "".join(lines)


def indent(text: str, chance: random.Random) -> str:
    """Shift a line."""
    lines = text.splitlines(keepends=True) or [""]
    number = chance.randrange(len(lines))
    lines[number] = (
        chance.choice([" ", "  ", "\t"]) + lines[number] if chance.random() < 0.5 else lines[number].lstrip()
    )
    return "".join(lines)


def change_word(text: str, chance: random.Random) -> str:
    """Put a word in place of another."""
    words = text.split(" ")
    words[chance.randrange(len(words))] = chance.choice(WORDS)
    return " ".join(words)


def insert(text: str, chance: random.Random) -> str:
    """Type something somewhere."""
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice(WORDS) + text[at:]


def delete(text: str, chance: random.Random) -> str:
    """Lose some characters."""
    at = chance.randrange(len(text) + 1)
    return text[:at] + text[at + chance.randint(1, 8) :]


def mistype(text: str, chance: random.Random) -> str:
    """Change one letter inside a word: most names still parse."""
    letters = [number for number, letter in enumerate(text) if letter.isalpha()]
    if not letters:
        return text
    at = chance.choice(letters)
    return text[:at] + chance.choice("abcdefghij_") + text[at + 1 :]


def comment(text: str, chance: random.Random) -> str:
    """Add a comment or an empty line, which changes nothing."""
    lines = text.splitlines(keepends=True)
    lines.insert(chance.randrange(len(lines) + 1), chance.choice(["# note\n", "\n"]))
    return "".join(lines)


STEPS: list[Callable[[str, random.Random], str]] = [
    drop_line, move_line, indent, change_word, insert, delete, mistype, mistype, comment, comment,
]  # fmt: skip


def checked(path: Path) -> tuple[int | str, str]:
    """Check a file by the command; answers its exit code, or the traceback of what it should not have raised."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code: int | str = int(command(["validate", "--static", str(path)]))
        except BaseException:  # noqa: BLE001  # whatever comes out of it is what we are looking for
            code = traceback.format_exc()
    return code, said.getvalue()


def main(count: int, seed: int) -> None:
    """Check as many files as were asked for."""
    chance, broken = random.Random(seed), []
    files = [seeds("graphs", "tests/cli/graphs"), seeds("tests/graph/broken")]
    valid = past_yaml = 0
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "g.yaml")
        for number in range(count):
            text = chance.choice(chance.choice(files))
            for _ in range(chance.choice([1, 1, 1, 2, 3, 6])):
                text = chance.choice(STEPS)(text, chance)
            path.write_bytes(text.encode("utf-8", "surrogatepass"))
            began = time.perf_counter()
            code, said = checked(path)
            seconds = time.perf_counter() - began
            slowest = max(slowest, seconds)
            valid += code == 0
            past_yaml += code in {0, 3} and not any(f"[{each}]" in said for each in NOT_YAML)
            if code not in {0, 3} or "Traceback" in said or seconds > 2:
                broken.append({"number": number, "code": code, "seconds": seconds, "text": text[:2000]})
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {"count": count, "valid": valid, "past_yaml": past_yaml, "slowest": slowest, "memory": memory}
    print(json.dumps({**found, "broken": broken[:20]}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
