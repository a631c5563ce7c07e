"""What may happen to a file: steps that people and editors take with texts, disks with bytes, programs with JSON.

Each step takes what was and a source of chance, and answers what is. Knows no file and no command.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Sequence
from typing import Any

from runner.graph.keys import ROOT as ROOT_KEYS
from runner.graph.task_keys import TASK

Chance = random.Random

TYPED = r"""true no null ~ 1 -1 1e999 0x1F 012 1:30
2026-11-24 5m 1GiB [] {} &x *x !!python/object:os.system ${{ }} ' " | >
? # always() depends_on a.b .. /"""
WORDS = [
    *TASK.keys,
    *ROOT_KEYS.keys,
    *TYPED.split(),
    *("[a, b]", "<<: *x", "${{ params.x }}", "${{ needs.a.outputs.b }}", "${{ 1 && '' || x }}", ": ", "- "),
    *(
        "!!python/object/apply:os.system ['true']",
        "&l [*l]",
        "&l {<<: *l}",
        "!!binary aGk=",
        "--- ",
        "%YAML 9.9\n---\n",
    ),
    *("\t", "\x00", "\ufeff", "\u2028", "\ud7ff", "é", "𝄞", "a" * 300),
    *("[" * 120, "{a: " * 120, "${{ " + "(" * 200, "- " * 120),
]
ODD: list[Any] = [
    None, True, False, 0, -1, 2**63, 10**400, 1.5, 1e308, "", "x", "\x00", "\ud800", "é" * 50, "a" * 5000, [], {}, [[]],
    {"": {}}, [None] * 50, {"a": 1, "A": 2}, "../../etc/passwd", "${{ params.x }}", "2026-01-01T00:00:00.000Z",
]  # fmt: skip
"""Values that stand where another was meant."""


# -- texts -------------------------------------------------------------------------------------------------------------


def drop_line(text: str, chance: Chance) -> str:
    """Lose a line."""
    lines = text.splitlines(keepends=True)
    lost = chance.randrange(len(lines) or 1)
    return "".join(line for number, line in enumerate(lines) if number != lost)


def move_line(text: str, chance: Chance) -> str:
    """Move a line elsewhere, as it is or twice."""
    lines = text.splitlines(keepends=True) or [""]
    line = lines[chance.randrange(len(lines))]
    if chance.random() < 0.5:
        lines.remove(line)
    lines.insert(chance.randrange(len(lines) + 1), line)
    return "".join(lines)


def indent(text: str, chance: Chance) -> str:
    """Shift a line."""
    lines = text.splitlines(keepends=True) or [""]
    number = chance.randrange(len(lines))
    lines[number] = (
        chance.choice([" ", "  ", "\t"]) + lines[number] if chance.random() < 0.5 else lines[number].lstrip()
    )
    return "".join(lines)


def change_word(text: str, chance: Chance) -> str:
    """Put a word in place of another."""
    words = text.split(" ")
    words[chance.randrange(len(words))] = chance.choice(WORDS)
    return " ".join(words)


def insert(text: str, chance: Chance) -> str:
    """Type something somewhere."""
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice(WORDS) + text[at:]


def delete(text: str, chance: Chance) -> str:
    """Lose some characters."""
    at = chance.randrange(len(text) + 1)
    return text[:at] + text[at + chance.randint(1, 8) :]


def mistype(text: str, chance: Chance) -> str:
    """Change one letter inside a word: most names still parse."""
    letters = [number for number, letter in enumerate(text) if letter.isalpha()]
    if not letters:
        return text
    at = chance.choice(letters)
    return text[:at] + chance.choice("abcdefghij_") + text[at + 1 :]


def comment(text: str, chance: Chance) -> str:
    """Add a comment or an empty line, which changes nothing."""
    lines = text.splitlines(keepends=True)
    lines.insert(chance.randrange(len(lines) + 1), chance.choice(["# note\n", "\n"]))
    return "".join(lines)


TEXT: Sequence[Callable[[str, Chance], str]] = (
    drop_line, move_line, indent, change_word, insert, delete, mistype, mistype, comment, comment,
)  # fmt: skip


def typed(text: str, chance: Chance) -> bytes:
    """Answer a text after one to six steps of somebody who types."""
    for _ in range(chance.choice([1, 1, 1, 2, 3, 6])):
        text = chance.choice(TEXT)(text, chance)
    return text.encode("utf-8", "surrogatepass")


# -- bytes -------------------------------------------------------------------------------------------------------------


def flip(data: bytes, chance: Chance) -> bytes:
    """Turn one bit over."""
    if not data:
        return data
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def cut(data: bytes, chance: Chance) -> bytes:
    """Lose everything behind some byte."""
    return data[: chance.randrange(len(data) + 1)]


def hole(data: bytes, chance: Chance) -> bytes:
    """Have zeros, or bytes of anything, where a part was."""
    at, length = chance.randrange(len(data) + 1), chance.choice([1, 2, 16, 512])
    filled = bytes(length) if chance.random() < 0.5 else chance.randbytes(length)
    return data[:at] + filled + data[at + length :]


def splice(data: bytes, chance: Chance) -> bytes:
    """Have a part twice, or in another place."""
    a, b = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    at = chance.randrange(len(data) + 1)
    return data[:at] + data[a:b] + data[at:]


BYTES: Sequence[Callable[[bytes, Chance], bytes]] = (flip, flip, cut, hole, splice)


def stored(data: bytes, chance: Chance) -> bytes:
    """Answer bytes after what a bad disk does with them."""
    for _ in range(chance.choice([1, 1, 2, 4])):
        data = chance.choice(BYTES)(data, chance)
    return data


# -- JSON --------------------------------------------------------------------------------------------------------------


def meant(data: Any, chance: Chance) -> Any:
    """Answer plain data in which one to four things are not what was meant."""
    data = copy.deepcopy(data)
    for _ in range(chance.choice([1, 1, 2, 4])):
        spots = list(_spots(data))
        if not spots:
            return chance.choice(ODD)
        inside, key = chance.choice(spots)
        match chance.randrange(5):
            case 0 | 1:
                inside[key] = copy.deepcopy(chance.choice(ODD))
            case 2:
                del inside[key]
            case 3:
                other, elsewhere = chance.choice(spots)
                if elsewhere in other if isinstance(other, dict) else elsewhere < len(other):
                    inside[key] = copy.deepcopy(other[elsewhere])
            case 4:
                inside[key] = [inside[key]] if chance.random() < 0.5 else {str(key): inside[key]}
    return data


def written(data: Any, chance: Chance) -> bytes:
    """Write data as JSON, as programs and people do."""
    return json.dumps(data, indent=chance.choice([None, 2]), ensure_ascii=chance.random() < 0.5).encode(
        "utf-8", "surrogatepass"
    )


def _spots(data: Any) -> list[tuple[Any, Any]]:
    """Answer every place in plain data that holds a value."""
    found: list[tuple[Any, Any]] = []
    todo = [data]
    while todo:
        inside = todo.pop()
        keys = list(inside) if isinstance(inside, dict) else range(len(inside)) if isinstance(inside, list) else ()
        found += [(inside, key) for key in keys]
        todo += [inside[key] for key in keys]
    return found
