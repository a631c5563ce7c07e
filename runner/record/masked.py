"""Events without secrets, before they are written anywhere. Knows the fields of events, and no file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from msgspec import Struct
from msgspec.structs import replace

from runner.mask import Masker

T = TypeVar("T")

OURS = frozenset(
    {
        *("at", "asked", "key", "handed", "run", "started", "file", "slots", "workers", "durations"),
        *("fail_fast", "selected", "skipped", "resumes", "doubtful", "planned", "shuffle", "approved", "by"),
        *("task", "service", "attempt", "pid", "worker", "port", "how", "why", "log"),
        *("cause", "exit_code", "verdict", "action", "seconds", "done", "total", "size", "digest"),
    }
)
"""Fields that hold words and figures of ours: they stay as they are, even where a secret is such a word.

Everything else was said by people and programs. A field that is not named here is masked, so that one that is added
some day cannot leak.
"""


def without_secrets(value: T, masker: Masker) -> T:
    """Answer an event, or what is in one, with everything masked that is not ours."""
    return cast("T", _masked(value, masker)) if masker else value


def _masked(value: Any, masker: Masker) -> Any:
    if isinstance(value, Struct):
        said = {name: getattr(value, name) for name in value.__struct_fields__ if name not in OURS}
        return replace(value, **{name: _masked(item, masker) for name, item in said.items()})
    if isinstance(value, tuple):
        return tuple(_masked(item, masker) for item in value)
    if isinstance(value, Mapping) and any(isinstance(item, Struct) for item in value.values()):
        return {task: _masked(item, masker) for task, item in value.items()}
    return masker.plain(dict(value) if isinstance(value, Mapping) else value)
