"""Which files an attempt has made, with their digests: looked at when it has succeeded. Knows no pipe."""

from __future__ import annotations

import os

from msgspec.structs import replace

from runner.files import digest_of, met
from runner.task import MadeFile, Outcome, Request, Succeeded


def with_made(outcome: Outcome, request: Request) -> Outcome:
    """Answer a success with the files that its patterns name now."""
    if not request.generates or not isinstance(outcome, Succeeded):
        return outcome
    found: dict[str, MadeFile] = {}
    for pattern in request.generates:
        names = met(request.workdir, [pattern])
        for name in names or [pattern]:
            found[name] = MadeFile(path=name, digest=_digest(os.path.join(request.workdir, name)) if names else "")  # noqa: PTH118  # thousands of them
    return replace(outcome, made=tuple(found.values()))


def _digest(path: str) -> str:
    try:
        return digest_of(path)
    except OSError:  # a border: it is gone again, or nobody may read it
        return ""
