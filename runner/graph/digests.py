"""The files that patterns meet, and one digest over their content, as `hashFiles` answers. Knows no expression."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from runner.files import digest_of
from runner.graph.loose import EvaluationError


def digest_of_files(folder: str, patterns: Sequence[str]) -> str:
    """Answer sha256 over the sha256 of each file that a pattern meets, sorted by name; "" where none is met.

    Patterns are relative to `folder`; `**` crosses folders, a pattern that begins with `!` takes files out again.
    The rule is that of GitHub's `hashFiles`.

    Raises:
        EvaluationError: a file cannot be read.

    """
    files = files_met(folder, patterns)
    whole = hashlib.sha256()
    for name in files:
        whole.update(bytes.fromhex(_digest(Path(folder, name))))
    return whole.hexdigest() if files else ""


def files_met(folder: str, patterns: Sequence[str]) -> list[str]:
    """Answer the files that patterns meet, by their names from `folder`, sorted; `!` takes files out again."""
    from glob import glob  # noqa: PLC0415  # few graphs ask for it

    chosen: dict[str, None] = {}
    for pattern in patterns:
        # Path.glob refuses an absolute pattern.
        found = glob(pattern.removeprefix("!"), root_dir=folder, recursive=True, include_hidden=True)  # noqa: PTH207
        if pattern.startswith("!"):
            chosen = {name: None for name in chosen if name not in set(found)}
        else:
            chosen.update(dict.fromkeys(found))
    return [name for name in sorted(chosen) if Path(folder, name).is_file()]


def _digest(path: Path) -> str:
    try:
        return digest_of(str(path))
    except OSError as error:
        raise EvaluationError(f"hashFiles: {path} cannot be read ({error.strerror})") from error
