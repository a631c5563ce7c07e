"""What `hashFiles` answers: one digest over the content of files. Knows no expression."""

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
    from glob import glob  # noqa: PLC0415  # few graphs ask for it

    chosen: dict[str, None] = {}
    for pattern in patterns:
        # Path.glob refuses an absolute pattern.
        found = glob(pattern.removeprefix("!"), root_dir=folder, recursive=True, include_hidden=True)  # noqa: PTH207
        if pattern.startswith("!"):
            chosen = {name: None for name in chosen if name not in set(found)}
        else:
            chosen.update(dict.fromkeys(found))
    files = [path for name in sorted(chosen) if (path := Path(folder, name)).is_file()]
    whole = hashlib.sha256()
    for path in files:
        whole.update(bytes.fromhex(_digest(path)))
    return whole.hexdigest() if files else ""


def _digest(path: Path) -> str:
    try:
        return digest_of(str(path))
    except OSError as error:
        raise EvaluationError(f"hashFiles: {path} cannot be read ({error.strerror})") from error
