"""Files that tasks promise: which promise is a glob, and which files were kept for which. Reads none."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from runner.task import Artifact, Json


def is_glob(promise: str) -> bool:
    """Say whether an item of `artifacts` stands for any number of files."""
    return any(each in promise for each in "*?[")


def by_promise(
    promises: Sequence[str], artifacts: Sequence[Artifact], told: Callable[[Artifact], str]
) -> dict[str, Json]:
    """Answer what was kept for each promise: of a glob a list, else one, None if it was not kept."""
    found: dict[str, list[Json]] = {promise: [] for promise in promises}
    for each in artifacts:
        if each.promise in found:
            found[each.promise].append(told(each))
    return {promise: kept if is_glob(promise) else kept[-1] if kept else None for promise, kept in found.items()}
