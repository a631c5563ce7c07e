"""The name somebody probably meant. Knows only names."""

from __future__ import annotations

from collections.abc import Iterable

_NEAR_ENOUGH = 0.66


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Answer the name most like the given one, case and hyphens aside; of equally near ones the first."""
    from difflib import SequenceMatcher  # noqa: PLC0415  # only who errs pays

    matcher = SequenceMatcher(b=_plain(name), autojunk=False)
    best, found = _NEAR_ENOUGH, None
    for each in names:
        matcher.set_seq1(_plain(each))
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best and (ratio := matcher.ratio()) > best:
            best, found = ratio, each
    return found


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")
