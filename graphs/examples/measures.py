"""Functions for outputs.yaml: each returns plain data, under names that expressions read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How many words there are, how many different ones, and how often each of them stands."""

    words: int
    different: int
    counts: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word, and how often it stands."""

    word: str
    times: int


def count(*, words: str) -> Counted:
    """Count words."""
    found = Counter(words.split())
    return Counted(words=found.total(), different=len(found), counts=dict(found))


def most_frequent(*, counts: dict[str, int]) -> Word:
    """Answer the word that stands most often."""
    word = max(counts, key=lambda each: counts[each])
    return Word(word=word, times=counts[word])
