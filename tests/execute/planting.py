"""A module of ours with a bug put into its text, to see whether a test would notice. Touches no file and no import."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType


class Bug:
    """What is replaced (`old` stands there exactly once) and by what; `sentence` says what goes wrong then."""

    def __init__(self, sentence: str, old: str, new: str) -> None:
        self.sentence = sentence
        self.old = old
        self.new = new

    def __repr__(self) -> str:
        return self.sentence.replace(" ", "-")


UNTOUCHED = Bug("nothing is wrong", "", "")
"""A copy falls for its bug only if one without a bug stands."""


def planted(module: ModuleType, bug: Bug) -> ModuleType:
    """Answer a copy of a module with a bug in it; all that it imports is the original's."""
    assert module.__file__ is not None, "it is a file of ours"
    text = Path(module.__file__).read_text(encoding="utf-8")
    if bug.old:
        assert 1 == text.count(bug.old), f"{module.__name__} no longer has the text to be replaced: {bug.old!r}"
        text = text.replace(bug.old, bug.new)
    copy = ModuleType(module.__name__)
    copy.__file__ = module.__file__
    exec(compile(text, module.__file__, "exec", dont_inherit=True), copy.__dict__)
    return copy
